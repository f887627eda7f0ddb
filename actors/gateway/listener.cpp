#include "actors/gateway/http.hpp"
#include "actors/gateway/listener_connection.hpp"
#include "runtime/seams/seams.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <system_error>
#include <thread>
#include <utility>

namespace souk::gateway {

namespace asio = boost::asio;

namespace {

using error_code = boost::system::error_code;

/// One read takes at most this much.
constexpr std::size_t scratch_bytes = 64 * 1024;
/// Timeouts are looked at this often: a quarter of the shortest one, within these bounds.
constexpr std::chrono::milliseconds tick_min{10};
constexpr std::chrono::milliseconds tick_max{250};
/// Connections beyond the limit that are told so; the rest is closed without a word.
constexpr std::size_t turned_away_max = 100;
/// As well of one address that has too many.
constexpr std::size_t turned_away_of_address_max = 10;

gate_limits limits_of(const listener_options& options) {
  gate_limits limits;
  limits.head_bytes_max = options.head_bytes_max;
  limits.head_fields_max = options.head_fields_max;
  limits.body_bytes_max = options.body_bytes_max;
  limits.spool_limit = options.spool_limit;
  return limits;
}

listener_options with_clock(listener_options options) {
  if (!options.clock) options.clock = runtime::make_system_clock();
  return options;
}

std::chrono::milliseconds tick_of(const listener_options& options) {
  const auto shortest = std::min(
      {options.head_timeout_ms, options.body_timeout_ms, options.idle_timeout_ms, options.write_timeout_ms});
  return std::clamp(std::chrono::milliseconds{shortest / 4}, tick_min, tick_max);
}

class socket_listener final : public listener {
 public:
  socket_listener(const listener_options& options, request_handler handler)
      : core_(std::make_shared<listener_core>(options, std::move(handler))),
        tick_(tick_of(options)),
        acceptor_(core_->io),
        timer_(core_->io) {
    open();
    core_->read_clock();
    accept();
    wait_for_tick();
    thread_ = std::thread([this] { core_->io.run(); });
  }
  socket_listener(const socket_listener&) = delete;
  socket_listener& operator=(const socket_listener&) = delete;

  ~socket_listener() override {
    asio::post(core_->io, [this] { stop(); });
    thread_.join();
    if (core_->spooler) core_->spooler->join();
    core_->stop_completions();
    // What was still under way holds its connection, and so all of this: let it end.
    core_->io.restart();
    core_->io.poll();
    core_->handler = nullptr;
  }

  std::uint16_t port() const override { return port_; }
  std::size_t connections() const override { return core_->connection_count; }

  void drain(unsigned timeout_ms) override {
    std::promise<void> drained;
    auto done = drained.get_future();
    asio::post(core_->io,
               [this, drained = std::move(drained)]() mutable { begin_drain(std::move(drained)); });
    done.wait_for(std::chrono::milliseconds{timeout_ms});
  }

 private:
  void open() {
    const auto& options = core_->options;
    error_code ec;
    const auto address = asio::ip::make_address(options.address, ec);
    const asio::ip::tcp::endpoint endpoint{address, options.port};
    if (!ec) acceptor_.open(endpoint.protocol(), ec);
    if (!ec) acceptor_.set_option(asio::socket_base::reuse_address{true}, ec);
    if (!ec) acceptor_.bind(endpoint, ec);
    if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
    if (ec)
      throw std::system_error(std::error_code(ec),
                              "cannot listen on " + options.address + ":" + std::to_string(options.port));
    port_ = acceptor_.local_endpoint().port();
  }

  void accept() {
    acceptor_.async_accept([this](const error_code& ec, asio::ip::tcp::socket socket) {
      if (!acceptor_.is_open()) return;
      if (ec) {
        // Out of descriptors, or the client is gone already. The former would come back at once: wait a tick.
        accept_waits_ = ec != asio::error::connection_aborted;
        if (accept_waits_) close_oldest_idle();
      } else {
        admit(std::move(socket));
      }
      if (!accept_waits_) accept();
    });
  }

  void admit(asio::ip::tcp::socket socket) {
    auto& all = core_->connections;
    const auto most = core_->options.connections_max;
    auto added = std::make_shared<connection>(core_, std::move(socket));
    const auto beyond = beyond_its_own(added->client());
    // Who has too many displaces nobody else's.
    const bool full = beyond == 0 && all.size() >= most && !close_oldest_idle();
    if (all.size() >= most + turned_away_max || beyond > turned_away_of_address_max) return;
    added->position = all.size();
    all.push_back(added);
    core_->connection_count = all.size();
    ++core_->serving;
    ++core_->connections_of[added->client()];
    if (beyond > 0)
      added->turn_away("There are too many connections from this address.");
    else if (full)
      added->turn_away("There are too many connections.");
    else
      added->start();
  }

  /// How many too many a client has with one more.
  std::size_t beyond_its_own(const std::string& client) const {
    const auto most = core_->options.connections_per_address_max;
    const auto found = core_->connections_of.find(client);
    if (most >= core_->options.connections_max || found == core_->connections_of.end()) return 0;
    return found->second < most ? 0 : found->second - most + 1;
  }

  bool close_oldest_idle() {
    std::shared_ptr<connection> oldest;
    for (const auto& one : core_->connections) {
      const auto since = one->idle_since();
      if (since && (!oldest || *since < *oldest->idle_since())) oldest = one;
    }
    if (oldest) oldest->close();
    return oldest != nullptr;
  }

  void wait_for_tick() {
    // A tick that was due when the listener was stopped comes all the same.
    if (stopped_) return;
    timer_.expires_after(tick_);
    timer_.async_wait([this](const error_code& ec) {
      if (ec) return;
      core_->read_clock();
      // Backwards: a connection that closes is replaced by the last one, which was looked at already.
      auto& all = core_->connections;
      for (auto i = all.size(); i-- > 0;) {
        const auto held = all[i];
        held->tick();
      }
      if (std::exchange(accept_waits_, false)) accept();
      wait_for_tick();
    });
  }

  void begin_drain(std::promise<void> drained) {
    error_code ignored;
    acceptor_.close(ignored);
    core_->draining = true;
    core_->drained = std::move(drained);
    const auto all = core_->connections;
    for (const auto& one : all)
      one->drain();
    core_->end_drain();
  }

  void stop() {
    error_code ignored;
    stopped_ = true;
    acceptor_.close(ignored);
    timer_.cancel();
    accept_waits_ = false;
    const auto all = core_->connections;
    for (const auto& one : all)
      one->close();
  }

  std::shared_ptr<listener_core> core_;
  std::chrono::milliseconds tick_;
  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer timer_;
  std::uint16_t port_ = 0;
  bool accept_waits_ = false;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace

listener_core::listener_core(listener_options listening, request_handler handling)
    : options(with_clock(std::move(listening))),
      limits(limits_of(options)),
      handler(std::move(handling)),
      scratch(scratch_bytes),
      request_id_prefix_("req-" + std::to_string(runtime::to_ms(options.clock->now())) + "-") {
  if (options.spool_limit) spooler.emplace(1);
}

void listener_core::complete(completion done) {
  const std::lock_guard lock{inbox_mutex_};
  if (inbox_closed_) return;
  inbox_.push_back(std::move(done));
  if (inbox_.size() == 1) asio::post(io, [this] { deliver(); });
}

void listener_core::stop_completions() {
  std::vector<completion> dropped;
  const std::lock_guard lock{inbox_mutex_};
  inbox_closed_ = true;
  dropped.swap(inbox_);
}

void listener_core::deliver() {
  std::vector<completion> arrived;
  {
    const std::lock_guard lock{inbox_mutex_};
    arrived.swap(inbox_);
  }
  for (auto& one : arrived)
    one.to->answer(one.sequence, std::move(one.response));
  // The answers of one connection that came together leave together.
  for (auto& one : arrived)
    one.to->pump();
}

void listener_core::connection_ended() {
  --serving;
  end_drain();
}

void listener_core::end_drain() {
  if (serving > 0 || !drained) return;
  drained->set_value();
  drained.reset();
}

std::string listener_core::make_request_id() { return request_id_prefix_ + std::to_string(++request_ids_); }

void listener_core::read_clock() {
  now = std::chrono::duration_cast<std::chrono::milliseconds>(options.clock->steady());
  const auto wall = options.clock->now();
  const auto seconds = runtime::to_ms(wall) / 1000;
  if (std::exchange(date_seconds_, seconds) != seconds)
    common_fields = "Server: souk\r\nDate: " + format_date(wall) + "\r\n";
}

std::unique_ptr<listener> make_listener(const listener_options& options, request_handler handler) {
  return std::make_unique<socket_listener>(options, std::move(handler));
}

}  // namespace souk::gateway
