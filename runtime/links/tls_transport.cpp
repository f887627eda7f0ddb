#include "runtime/links/tls_transport.hpp"

#include "runtime/links/certificates.hpp"
#include "runtime/telemetry/log.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

namespace souk::links {

namespace {

namespace asio = boost::asio;
namespace ssl = asio::ssl;
using asio::ip::tcp;
using error_code = boost::system::error_code;

/// Before an envelope: its length.
constexpr std::size_t length_bytes = 4;
/// One read takes at most this much: what one TLS record holds.
constexpr std::size_t scratch_bytes = 16u << 10;
/// A long envelope on its way is reported this often, as a sign of life.
constexpr std::size_t progress_bytes = 128u << 10;
/// A buffer that a rush made larger than this is given back.
constexpr std::size_t buffer_kept_bytes = 1u << 20;
/// Connections accepted of which nobody knows yet whose they are; more are closed at once.
constexpr int strangers_max = 64;
/// The last words have so long to get through.
constexpr std::chrono::seconds finish_timeout{1};
/// Then accepting is tried again when it failed: the process has too many files open.
constexpr std::chrono::milliseconds accept_pause{100};

std::pair<std::string, std::string> host_and_port(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return {address, ""};
  auto host = address.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return {host, address.substr(colon + 1)};
}

std::shared_ptr<ssl::context> new_context() {
  auto context = std::make_shared<ssl::context>(ssl::context::tls);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_3_VERSION);
  SSL_CTX_set_session_cache_mode(context->native_handle(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context->native_handle(), 0);
  context->set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  return context;
}

/// A certificate that nobody vouches for, and belief in everybody's.
std::shared_ptr<ssl::context> make_trusting_context(const std::string& node) {
  const auto papers = issue(make_authority("nobody"), {.common_name = node});
  auto context = new_context();
  context->set_verify_callback([](bool, const ssl::verify_context&) { return true; });
  context->use_certificate(asio::buffer(papers.certificate), ssl::context::pem);
  context->use_private_key(asio::buffer(papers.key), ssl::context::pem);
  return context;
}

std::shared_ptr<ssl::context> load(const tls_files& files) {
  auto context = new_context();
  context->load_verify_file(files.ca);
  context->use_certificate_chain_file(files.certificate);
  context->use_private_key_file(files.key, ssl::context::pem);
  return context;
}

/// When the files were changed.
using write_times = std::array<std::filesystem::file_time_type, 3>;
write_times last_written(const tls_files& files) {
  std::error_code ignored;
  return {std::filesystem::last_write_time(files.certificate, ignored),
          std::filesystem::last_write_time(files.key, ignored),
          std::filesystem::last_write_time(files.ca, ignored)};
}

class tls_connection;

/// What all connections of a transport share. Touched on its thread, but for `io`.
struct shared_core {
  explicit shared_core(tls_transport_options given) : options(std::move(given)) {}

  tls_transport_options options;
  asio::io_context io{1};
  accept_sink accepted;
  std::unordered_map<tls_connection*, std::weak_ptr<tls_connection>> connections;
  int strangers = 0;

  std::atomic<bool> stopped = false;  ///< Nothing runs any more; any thread.

  /// The certificates as they are now; the last good ones if those on disk are not.
  const std::shared_ptr<ssl::context>& context() {
    if (options.insecure) {
      if (!context_) context_ = make_trusting_context(options.node);
      return context_;
    }
    const auto written = last_written(options.files);
    if (context_ && written == written_) return context_;
    written_ = written;
    try {
      check(options.files, options.node);
      context_ = load(options.files);
    } catch (const std::exception& error) {
      if (!context_) throw;
      log::error("certificates cannot be read; the earlier ones stay in use", {{"why", error.what()}});
    }
    return context_;
  }

 private:
  std::shared_ptr<ssl::context> context_;
  write_times written_;
};

class tls_connection final : public connection, public std::enable_shared_from_this<tls_connection> {
 public:
  explicit tls_connection(std::shared_ptr<shared_core> core) : core_(std::move(core)), timer_(core_->io) {}

  // -- any thread

  void send(std::string_view stamp, std::string_view content) override {
    const auto size = stamp.size() + content.size();
    bool wake = false;
    {
      std::lock_guard lock{mutex_};
      if (sealed_) return;
      queued_ += size + length_bytes;
      for (int shift = 24; shift >= 0; shift -= 8)
        outbox_.push_back(static_cast<char>(size >> shift));
      outbox_.append(stamp).append(content);
      wake = !std::exchange(woken_, true);
    }
    if (wake) post([](tls_connection& self) { self.write(); });
  }

  std::size_t queued_bytes() const override { return queued_; }

  void consumed(std::size_t bytes) override {
    unconsumed_ -= bytes;
    if (paused_) post([](tls_connection& self) { self.resume(); });
  }

  void adopt(connection_sink sink) override {
    if (core_->stopped) return;
    asio::post(core_->io, [self = shared_from_this(), sink = std::move(sink)]() mutable {
      self->take_up(std::move(sink));
    });
  }

  void close() override {
    seal();
    post([](tls_connection& self) { self.end(); });
  }

  void finish() override {
    seal();
    post([](tls_connection& self) { self.last_words(); });
  }

  // -- the transport's thread

  void dial(const std::string& address, connection_sink sink) {
    sink_ = std::move(sink);
    begin(tcp::socket{core_->io});
    auto [host, port] = host_and_port(address);
    resolver_.emplace(core_->io);
    resolver_->async_resolve(
        host, port,
        [self = shared_from_this()](const error_code& error, const tcp::resolver::results_type& found) {
          if (self->failed(error, "its address is not known")) return;
          asio::async_connect(self->stream_->next_layer(), found,
                              [self](const error_code& error, const tcp::endpoint&) {
                                if (!self->failed(error, "it cannot be reached"))
                                  self->shake_hands(ssl::stream_base::client);
                              });
        });
  }

  void welcome(tcp::socket socket) {
    ++core_->strangers;
    stranger_ = true;
    sink_ = [core = core_, weak = weak_from_this()](connection_event event) {
      if (auto self = weak.lock(); self && core->accepted) core->accepted(self, std::move(event));
    };
    begin(std::move(socket));
    shake_hands(ssl::stream_base::server);
  }

  void end() {
    if (std::exchange(ended_, true)) return;
    seal();
    sink_ = nullptr;
    if (std::exchange(stranger_, false)) --core_->strangers;
    core_->connections.erase(this);
    timer_.cancel();
    if (resolver_) resolver_->cancel();
    error_code ignored;
    if (stream_) stream_->next_layer().close(ignored);
  }

 private:
  template <class Work>
  void post(Work work) {
    if (!core_->stopped) asio::post(core_->io, [self = shared_from_this(), work] { work(*self); });
  }

  void seal() {
    std::lock_guard lock{mutex_};
    sealed_ = true;
  }

  void begin(tcp::socket socket) {
    context_ = core_->context();
    stream_.emplace(std::move(socket), *context_);
    core_->connections.emplace(this, weak_from_this());
    end_after(core_->options.limits.handshake_timeout, "no handshake in time");
  }

  void end_after(std::chrono::milliseconds time, const char* why) {
    timer_.expires_after(time);
    timer_.async_wait([self = shared_from_this(), why](const error_code& error) {
      if (!error) self->fail(why);
    });
  }

  void fail(std::string why) {
    if (ended_) return;
    auto sink = std::move(sink_);
    auto self = shared_from_this();
    if (sink && !finishing_)
      sink({.what = connection_event::type::closed, .name = {}, .envelopes = {}, .reason = std::move(why)});
    end();
  }

  bool failed(const error_code& error, const char* what) {
    if (ended_) return true;
    if (!error) return false;
    fail(std::string{what} + ": " + error.message());
    return true;
  }

  void shake_hands(ssl::stream_base::handshake_type side) {
    error_code ignored;
    stream_->next_layer().set_option(tcp::no_delay{true}, ignored);
    stream_->async_handshake(side, [self = shared_from_this()](const error_code& error) {
      if (!self->failed(error, "no agreement on TLS")) self->opened();
    });
  }

  void opened() {
    auto* certificate = SSL_get1_peer_certificate(stream_->native_handle());
    connection_event event{.what = connection_event::type::opened, .name = common_name(certificate)};
    X509_free(certificate);
    open_ = true;
    sink_(std::move(event));
    read();
    write();
  }

  // -- reading

  void read() {
    if (ended_) return;
    stream_->async_read_some(asio::buffer(scratch_),
                             [self = shared_from_this()](const error_code& error, std::size_t count) {
                               if (!self->failed(error, "it was closed"))
                                 self->take_in({self->scratch_.data(), count});
                             });
  }

  void take_in(std::string_view bytes) {
    if (finishing_) return read();
    connection_event event{.what = connection_event::type::received};
    while (!bytes.empty()) {
      if (const char* wrong = take_part(bytes, event)) return fail(wrong);
    }
    if (!event.envelopes.empty() || unreported_ >= progress_bytes) {
      unreported_ = 0;
      unconsumed_ += event.bytes;
      sink_(std::move(event));
    }
    if (stranger_ && envelopes_ > 0) return;  // until it is adopted
    if (ended_) return;
    if (unconsumed_ > core_->options.limits.receive_window_bytes) {
      paused_ = true;
      resume();  // it may have been consumed just now
      return;
    }
    read();
  }

  /// Takes the next piece of a length or an envelope. Answers what is wrong with it.
  const char* take_part(std::string_view& bytes, connection_event& event) {
    if (stranger_ && envelopes_ > 0) return "it spoke before it was answered";
    if (length_taken_ < length_bytes) {
      length_ = length_ << 8 | static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
      if (++length_taken_ < length_bytes) return nullptr;
      if (length_ > (envelopes_ == 0 ? first_envelope_bytes_max : envelope_bytes_max))
        return "it sends too long an envelope";
    } else {
      const auto part = bytes.substr(0, length_ - envelope_.size());
      envelope_.append(part);
      unreported_ += part.size();
      bytes.remove_prefix(part.size());
    }
    if (envelope_.size() < length_) return nullptr;
    if (envelopes_++ == 0) timer_.cancel();
    event.bytes += envelope_.size();
    event.envelopes.push_back(std::move(envelope_));
    envelope_.clear();
    length_ = 0;
    length_taken_ = 0;
    return nullptr;
  }

  void resume() {
    if (!paused_ || unconsumed_ > core_->options.limits.receive_window_bytes / 2) return;
    paused_ = false;
    read();
  }

  void take_up(connection_sink sink) {
    if (!stranger_) return;
    if (ended_) {
      sink({.what = connection_event::type::closed, .name = {}, .envelopes = {}, .reason = "it was closed"});
      return;
    }
    stranger_ = false;
    --core_->strangers;
    sink_ = std::move(sink);
    if (envelopes_ > 0) read();
  }

  // -- writing

  void write() {
    if (!open_ || ended_ || writing_) return;
    if (written_ == out_.size()) {
      if (out_.capacity() > buffer_kept_bytes) out_ = {};
      out_.clear();
      written_ = 0;
      std::lock_guard lock{mutex_};
      out_.swap(outbox_);
      woken_ = !out_.empty();
    }
    if (out_.empty()) {
      if (finishing_) say_no_more();
      return;
    }
    writing_ = true;
    stream_->async_write_some(asio::buffer(out_.data() + written_, out_.size() - written_),
                              [self = shared_from_this()](const error_code& error, std::size_t count) {
                                self->writing_ = false;
                                if (self->failed(error, "it cannot be written to")) return;
                                self->written_ += count;
                                self->queued_ -= count;
                                self->write();
                              });
  }

  void last_words() {
    if (ended_ || std::exchange(finishing_, true)) return;
    end_after(finish_timeout, "");
    if (stranger_ && envelopes_ > 0) read();  // to hear it end
    write();
  }

  /// The other side reads to the end only if what it sent is read too.
  void say_no_more() {
    error_code ignored;
    stream_->next_layer().shutdown(tcp::socket::shutdown_send, ignored);
  }

  std::shared_ptr<shared_core> core_;
  std::shared_ptr<ssl::context> context_;
  std::optional<ssl::stream<tcp::socket>> stream_;
  std::optional<tcp::resolver> resolver_;
  asio::steady_timer timer_;
  connection_sink sink_;
  bool open_ = false;
  bool ended_ = false;
  bool finishing_ = false;
  bool stranger_ = false;  // accepted and not yet adopted

  std::array<char, scratch_bytes> scratch_;
  std::size_t length_ = 0;
  std::size_t length_taken_ = 0;
  std::string envelope_;
  std::uint64_t envelopes_ = 0;
  std::size_t unreported_ = 0;
  std::atomic<std::size_t> unconsumed_ = 0;
  std::atomic<bool> paused_ = false;

  std::string out_;
  std::size_t written_ = 0;
  bool writing_ = false;
  std::atomic<std::size_t> queued_ = 0;

  std::mutex mutex_;
  std::string outbox_;
  bool woken_ = false;   // somebody looks after the outbox
  bool sealed_ = false;  // nothing more is taken
};

class asio_transport final : public tls_transport {
 public:
  explicit asio_transport(tls_transport_options options)
      : core_(std::make_shared<shared_core>(std::move(options))),
        acceptor_(core_->io),
        pause_(core_->io),
        work_(asio::make_work_guard(core_->io)) {
    if (!core_->options.insecure) check(core_->options.files, core_->options.node);
    core_->context();
    listen();
    thread_ = std::thread([this] { core_->io.run(); });
  }
  asio_transport(const asio_transport&) = delete;
  asio_transport& operator=(const asio_transport&) = delete;

  ~asio_transport() override { stop(); }

  void stop() override {
    if (!thread_.joinable()) return;
    asio::post(core_->io, [this] { end_all(); });
    thread_.join();
    // What was cut off half way holds its connection, and so all of this: let it end.
    core_->io.restart();
    core_->io.poll();
    core_->accepted = nullptr;
  }

  std::uint16_t port() const override { return port_; }

  void accept(accept_sink sink) override {
    if (core_->stopped) return;
    asio::post(core_->io, [this, sink = std::move(sink)]() mutable {
      core_->accepted = std::move(sink);
      if (!std::exchange(accepting_, true)) accept_next();
    });
  }

  connection_ptr dial(const std::string& address, connection_sink sink) override {
    auto connection = std::make_shared<tls_connection>(core_);
    if (core_->stopped) return connection;
    asio::post(core_->io, [this, connection, address, sink = std::move(sink)]() mutable {
      if (!stopped_) connection->dial(address, std::move(sink));
    });
    return connection;
  }

 private:
  void listen() {
    const auto [host, port] = host_and_port(core_->options.listen);
    const auto endpoint = tcp::resolver{core_->io}.resolve(host, port, tcp::resolver::passive)->endpoint();
    acceptor_.open(endpoint.protocol());
    acceptor_.set_option(tcp::acceptor::reuse_address{true});
    acceptor_.bind(endpoint);
    acceptor_.listen();
    port_ = acceptor_.local_endpoint().port();
  }

  void accept_next() {
    if (stopped_) return;
    acceptor_.async_accept([this](const error_code& error, tcp::socket socket) {
      if (stopped_) return;
      if (error) {
        pause_.expires_after(accept_pause);
        pause_.async_wait([this](const error_code&) { accept_next(); });
        return;
      }
      if (core_->accepted && core_->strangers < strangers_max)
        std::make_shared<tls_connection>(core_)->welcome(std::move(socket));
      accept_next();
    });
  }

  void end_all() {
    stopped_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
    auto connections = core_->connections;
    for (const auto& [_, weak] : connections)
      if (auto connection = weak.lock()) connection->end();
    core_->stopped = true;
    core_->io.stop();
  }

  std::shared_ptr<shared_core> core_;
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::uint16_t port_ = 0;
  bool accepting_ = false;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<tls_transport> make_tls_transport(tls_transport_options options) {
  return std::make_unique<asio_transport>(std::move(options));
}

}  // namespace souk::links
