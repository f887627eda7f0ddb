#include "actors/webhook/courier.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <stdexcept>
#include <thread>

namespace souk::webhook {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;

namespace {

/// How often deadlines are looked at.
constexpr std::chrono::milliseconds sweep_interval{100};
/// Threads that ask for names, each for one at a time and no two for the same: a name whose servers are slow
/// keeps one of them, and the others' names are found meanwhile.
constexpr std::size_t resolving_threads = 4;

values::ip_address address_of(const asio::ip::address& address) {
  return address.is_v6() ? values::ip_address{address.to_v6().to_bytes()}
                         : values::ipv4_address(address.to_v4().to_bytes());
}

std::string request_text(const target& to, const posting& posting) {
  std::string text = "POST " + to.path + " HTTP/1.1\r\nHost: " + to.authority() +
                     "\r\nUser-Agent: souk-webhooks\r\nContent-Type: application/cloudevents+json\r\n"
                     "Connection: close\r\nContent-Length: " +
                     std::to_string(posting.body.size()) + "\r\n";
  for (const auto& [name, value] : posting.fields)
    text.append(name).append(": ").append(value).append("\r\n");
  return text.append("\r\n").append(posting.body);
}

class http_courier;

/// One request on its way. Lives while something of it is under way.
class delivery : public std::enable_shared_from_this<delivery> {
 public:
  delivery(http_courier& owner, posting posting, courier::result_handler then,
           std::chrono::nanoseconds deadline);

  void start();
  /// Goes on with the addresses of its host; none: it has none.
  void resolved(const std::vector<asio::ip::address>& found);
  bool is_late(std::chrono::nanoseconds now) const { return deadline_ <= now; }
  /// Ends it; the first end counts.
  void finish(post_result result);
  void fail(std::string why) { finish({.status = 0, .failure = std::move(why), .retry_after = {}}); }

 private:
  void connect(std::vector<tcp::endpoint> endpoints);
  void connected();
  template <class Stream>
  void write(Stream& stream);
  template <class Stream>
  void read(Stream& stream);

  http_courier& owner_;
  posting posting_;
  courier::result_handler then_;  // empty: it is over
  std::chrono::nanoseconds deadline_;
  target to_;
  std::string text_;
  asio::ssl::stream<tcp::socket> stream_;
  boost::beast::flat_buffer buffer_;
  std::optional<http::response_parser<http::buffer_body>> parser_;
};

class http_courier final : public courier {
 public:
  http_courier(const http_courier_options& options, std::shared_ptr<runtime::clock> clock)
      : options_(options), clock_(std::move(clock)), timer_(io_) {
    tls_.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                     asio::ssl::context::no_tlsv1_1);
    tls_.set_verify_mode(asio::ssl::verify_peer);
    error_code ec;
    if (options_.ca.empty())
      tls_.set_default_verify_paths(ec);
    else
      tls_.load_verify_file(options_.ca.string(), ec);
    if (ec) throw std::runtime_error("certificates that are trusted cannot be read: " + options_.ca.string());
    sweep();
    thread_ = std::thread([this] { io_.run(); });
  }
  http_courier(const http_courier&) = delete;
  http_courier& operator=(const http_courier&) = delete;
  ~http_courier() override {
    io_.stop();
    thread_.join();
    resolvers_.stop();
    resolvers_.join();
  }

  void post(posting posting, result_handler then) override {
    auto made = std::make_shared<delivery>(*this, std::move(posting), std::move(then),
                                           clock_->steady() + options_.timeout);
    asio::post(io_, [this, made = std::move(made)] {
      waiting_.push_back(made);
      start_some();
    });
  }

 private:
  friend class delivery;

  void start_some() {
    while (!waiting_.empty() && under_way_.size() < options_.connections_max) {
      auto next = std::move(waiting_.front());
      waiting_.pop_front();
      under_way_.push_back(next);
      next->start();
    }
  }

  /// Asks for a name's addresses, unless somebody does already.
  void resolve(const std::string& host, std::shared_ptr<delivery> one) {
    auto& asking = asking_[host];
    asking.push_back(std::move(one));
    if (asking.size() > 1) return;
    asio::post(resolvers_, [this, host] {
      std::vector<asio::ip::address> addresses;
      try {
        asio::io_context here;
        error_code ec;
        for (const auto& each : tcp::resolver{here}.resolve(host, "", ec))
          addresses.push_back(each.endpoint().address());
      } catch (const std::exception&) {
        addresses.clear();  // as if it had none
      }
      asio::post(io_, [this, host, addresses = std::move(addresses)] {
        for (const auto& each : std::exchange(asking_[host], {}))
          each->resolved(addresses);
        if (asking_[host].empty()) asking_.erase(host);
      });
    });
  }

  void ended(const std::shared_ptr<delivery>& one) {
    std::erase(under_way_, one);
    std::erase(waiting_, one);
    asio::post(io_, [this] { start_some(); });
  }

  void sweep() {
    timer_.expires_after(sweep_interval);
    timer_.async_wait([this](const error_code& ec) {
      if (ec) return;
      const auto now = clock_->steady();
      auto late = under_way_;
      late.insert(late.end(), waiting_.begin(), waiting_.end());
      for (const auto& one : late)
        if (one->is_late(now)) one->fail("it did not answer in time");
      sweep();
    });
  }

  const http_courier_options options_;
  std::shared_ptr<runtime::clock> clock_;
  asio::io_context io_{1};
  asio::ssl::context tls_{asio::ssl::context::tls_client};
  asio::steady_timer timer_;
  std::deque<std::shared_ptr<delivery>> waiting_;
  std::vector<std::shared_ptr<delivery>> under_way_;
  std::map<std::string, std::vector<std::shared_ptr<delivery>>> asking_;  // by host
  asio::thread_pool resolvers_{resolving_threads};
  std::thread thread_;
};

delivery::delivery(http_courier& owner, posting posting, courier::result_handler then,
                   std::chrono::nanoseconds deadline)
    : owner_(owner),
      posting_(std::move(posting)),
      then_(std::move(then)),
      deadline_(deadline),
      stream_(owner.io_, owner.tls_) {}

void delivery::start() {
  auto to = parse_target(posting_.url);
  if (!to) return fail("its URL cannot be understood");
  to_ = *std::move(to);
  text_ = request_text(to_, posting_);
  error_code no_literal;
  const auto literal = asio::ip::make_address(to_.host, no_literal);
  if (!no_literal) return resolved({literal});
  owner_.resolve(to_.host, shared_from_this());
}

// What is connected to is what was looked at: a name that changes meanwhile leads nowhere else.
void delivery::resolved(const std::vector<asio::ip::address>& found) {
  if (!then_) return;
  if (found.empty()) return fail("its name cannot be resolved");
  std::vector<tcp::endpoint> endpoints;
  for (const auto& address : found)
    if (owner_.options_.rules.may_reach(address_of(address), to_.secure))
      endpoints.emplace_back(address, to_.port);
  if (endpoints.empty()) return fail("its address is not allowed");
  connect(std::move(endpoints));
}

void delivery::connect(std::vector<tcp::endpoint> endpoints) {
  auto kept = std::make_shared<std::vector<tcp::endpoint>>(std::move(endpoints));
  asio::async_connect(stream_.next_layer(), *kept,
                      [self = shared_from_this(), kept](const error_code& ec, const tcp::endpoint&) {
                        if (!self->then_) return;
                        ec ? self->fail("it cannot be connected to") : self->connected();
                      });
}

void delivery::connected() {
  error_code ignored;
  stream_.next_layer().set_option(tcp::no_delay{true}, ignored);
  if (!to_.secure) return write(stream_.next_layer());
  stream_.set_verify_callback(asio::ssl::host_name_verification(to_.host), ignored);
  if (!values::parse_address(to_.host)) SSL_set_tlsext_host_name(stream_.native_handle(), to_.host.c_str());
  stream_.async_handshake(asio::ssl::stream_base::client, [self = shared_from_this()](const error_code& ec) {
    if (!self->then_) return;
    ec ? self->fail("its certificate is not trusted, or it speaks no TLS") : self->write(self->stream_);
  });
}

template <class Stream>
void delivery::write(Stream& stream) {
  asio::async_write(stream, asio::buffer(text_),
                    [self = shared_from_this(), &stream](const error_code& ec, std::size_t) {
                      if (!self->then_) return;
                      ec ? self->fail("it closed the connection") : self->read(stream);
                    });
}

template <class Stream>
void delivery::read(Stream& stream) {
  parser_.emplace();
  parser_->header_limit(owner_.options_.head_bytes_max);
  parser_->body_limit(boost::none);
  http::async_read_header(stream, buffer_, *parser_,
                          [self = shared_from_this(), &stream](const error_code& ec, std::size_t) {
                            if (!self->then_) return;
                            if (ec) return self->fail("it gave no answer of HTTP");
                            const auto& answer = self->parser_->get();
                            const auto status = answer.result_int();
                            if (status < 200)
                              return self->read(stream);  // 100 and its like: the answer comes behind
                            self->finish({.status = static_cast<int>(status),
                                          .failure = {},
                                          .retry_after = std::string{answer[http::field::retry_after]}});
                          });
}

void delivery::finish(post_result result) {
  auto then = std::exchange(then_, nullptr);
  if (!then) return;
  const auto self = shared_from_this();
  error_code ignored;
  stream_.next_layer().close(ignored);
  owner_.ended(self);
  then(std::move(result));
}

}  // namespace

std::unique_ptr<courier> make_http_courier(const http_courier_options& options,
                                           std::shared_ptr<runtime::clock> clock) {
  return std::make_unique<http_courier>(options, std::move(clock));
}

}  // namespace souk::webhook
