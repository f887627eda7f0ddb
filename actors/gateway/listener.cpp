#include "actors/gateway/certificate_watch.hpp"
#include "actors/gateway/http.hpp"
#include "actors/gateway/listener_connection.hpp"
#include "actors/gateway/tls.hpp"
#include "actors/values/http_date.hpp"
#include "runtime/seams/seams.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace souk::gateway {

namespace asio = boost::asio;

namespace {

using error_code = boost::system::error_code;

/// A browser is to take an answer for what it says that it is, to show it in nobody else's page, and to tell
/// nobody whose links it follows from here that it was here: paths hold ids that open a cart or an order.
constexpr std::string_view for_browsers =
    "X-Content-Type-Options: nosniff\r\nX-Frame-Options: DENY\r\nReferrer-Policy: no-referrer\r\n";
/// One read takes at most this much.
constexpr std::size_t scratch_bytes = 64 * 1024;
/// Timeouts are looked at this often: a quarter of the shortest one, within these bounds.
constexpr std::chrono::milliseconds tick_min{10};
constexpr std::chrono::milliseconds tick_max{250};
/// Where requests are refused there are too many: those of so long are then taken up together. Woken up for
/// each one, this thread would take a tenth of a core from the actors, who need it. Who is refused hears it
/// in 10 ms.
constexpr std::chrono::milliseconds gathering{2};
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

std::chrono::milliseconds tick_of(const listener_options& options, const std::optional<tls_options>& tls) {
  auto shortest = std::min(
      {options.head_timeout_ms, options.body_timeout_ms, options.idle_timeout_ms, options.write_timeout_ms});
  if (tls) shortest = std::min({shortest, tls->handshake_timeout_ms, tls->reload_interval_ms});
  return std::clamp(std::chrono::milliseconds{shortest / 4}, tick_min, tick_max);
}

class socket_listener final : public tls_listener {
 public:
  socket_listener(const listener_options& options, const std::optional<tls_options>& tls,
                  request_handler handler)
      : core_(std::make_shared<listener_core>(options, tls, std::move(handler))),
        tick_(tick_of(options, tls)),
        plain_(core_->io),
        proxied_(core_->io),
        tls_(core_->io),
        timer_(core_->io) {
    const auto& own = core_->options;
    plain_.port = open(plain_.acceptor, own.address, own.port);
    core_->read_clock();
    if (tls) {
      tls_.port = open(tls_.acceptor, tls->address, tls->port);
      certificates_.emplace(core_);
      tls_.accepts_tls = true;
      accept(tls_);
    }
    if (own.proxied) {
      proxied_.port = open(proxied_.acceptor, own.proxied->address, own.proxied->port);
      proxied_.proxied = true;
      accept(proxied_);
    }
    accept(plain_);
    wait_for_tick();
    thread_ = std::thread([this] { serve(); });
  }
  socket_listener(const socket_listener&) = delete;
  socket_listener& operator=(const socket_listener&) = delete;

  ~socket_listener() override {
    asio::post(core_->io, [this] { stop(); });
    thread_.join();
    if (core_->spooler) core_->spooler->join();
    if (core_->handshaker) core_->handshaker->join();
    core_->stop_completions();
    // What was still under way holds its connection, and so all of this: let it end.
    core_->io.restart();
    core_->io.poll();
    core_->handler = nullptr;
  }

  std::uint16_t port() const override { return plain_.port; }
  std::uint16_t proxied_port() const override { return proxied_.port; }
  std::uint16_t tls_port() const override { return tls_.port; }
  const tls_figures& tls() const override { return core_->tls; }
  std::size_t connections() const override { return core_->connection_count; }

  void drain(unsigned timeout_ms) override {
    std::promise<void> drained;
    auto done = drained.get_future();
    asio::post(core_->io,
               [this, drained = std::move(drained)]() mutable { begin_drain(std::move(drained)); });
    done.wait_for(std::chrono::milliseconds{timeout_ms});
  }

 private:
  /// One address where connections come in.
  struct entrance {
    explicit entrance(asio::io_context& io) : acceptor(io) {}

    asio::ip::tcp::acceptor acceptor;
    std::uint16_t port = 0;
    bool accepts_tls = false;
    bool proxied = false;  ///< Connections begin with the header of a proxy.
    bool waits = false;    ///< For the next tick, to accept again.
  };

  static std::uint16_t open(asio::ip::tcp::acceptor& acceptor, const std::string& at, std::uint16_t port) {
    error_code ec;
    const auto address = asio::ip::make_address(at, ec);
    const asio::ip::tcp::endpoint endpoint{address, port};
    if (!ec) acceptor.open(endpoint.protocol(), ec);
    if (!ec) acceptor.set_option(asio::socket_base::reuse_address{true}, ec);
    if (!ec) acceptor.bind(endpoint, ec);
    if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
    if (ec)
      throw std::system_error(std::error_code(ec), "cannot listen on " + at + ":" + std::to_string(port));
    return acceptor.local_endpoint().port();
  }

  void serve() {
    while (core_->io.run_one() > 0) {
      core_->io.poll();
      if (std::exchange(core_->refuses, false)) std::this_thread::sleep_for(gathering);
    }
  }

  void accept(entrance& at) {
    at.acceptor.async_accept([this, &at](const error_code& ec, asio::ip::tcp::socket socket) {
      if (!at.acceptor.is_open()) return;
      if (ec) {
        // Out of descriptors, or the client is gone already. The former would come back at once: wait a tick.
        at.waits = ec != asio::error::connection_aborted;
        if (at.waits) close_oldest_idle();
      } else {
        admit(std::move(socket), at);
      }
      if (!at.waits) accept(at);
    });
  }

  void admit(asio::ip::tcp::socket socket, const entrance& at) {
    const bool tls = at.accepts_tls;
    auto& all = core_->connections;
    const auto most = core_->options.connections_max;
    auto added =
        std::make_shared<connection>(core_, std::move(socket), tls ? core_->identity : nullptr, at.proxied);
    if (at.proxied && !added->from_trusted()) return;
    // Whose a proxy's connections are is not known yet.
    const auto beyond = at.proxied ? 0 : core_->beyond_its_own(added->client());
    // Who has too many displaces nobody else's.
    const bool full = beyond == 0 && all.size() >= most && !close_oldest_idle();
    if (all.size() >= most + turned_away_max || beyond > turned_away_of_address_max) return;
    // To tell it by TLS would cost a handshake.
    if (tls && (full || beyond > 0)) return;
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
      for (auto* one : {&plain_, &proxied_, &tls_})
        if (std::exchange(one->waits, false)) accept(*one);
      if (certificates_) certificates_->look();
      wait_for_tick();
    });
  }

  void begin_drain(std::promise<void> drained) {
    error_code ignored;
    for (auto* one : {&plain_, &proxied_, &tls_})
      one->acceptor.close(ignored);
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
    for (auto* one : {&plain_, &proxied_, &tls_}) {
      one->acceptor.close(ignored);
      one->waits = false;
    }
    timer_.cancel();
    const auto all = core_->connections;
    for (const auto& one : all)
      one->close();
  }

  std::shared_ptr<listener_core> core_;
  std::chrono::milliseconds tick_;
  entrance plain_;
  entrance proxied_;
  entrance tls_;
  std::optional<certificate_watch> certificates_;
  asio::steady_timer timer_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace

listener_core::listener_core(listener_options listening, std::optional<tls_options> serving_tls,
                             request_handler handling)
    : options(with_clock(std::move(listening))),
      tls_settings(std::move(serving_tls)),
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
  for (auto& one : arrived) {
    if (one.piece)
      one.to->add(*std::move(one.piece));
    else
      one.to->answer(one.sequence, std::move(one.response));
  }
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

std::size_t listener_core::beyond_its_own(const std::string& client) const {
  const auto most = options.connections_per_address_max;
  const auto found = connections_of.find(client);
  if (most >= options.connections_max || found == connections_of.end()) return 0;
  return found->second < most ? 0 : found->second - most + 1;
}

std::string listener_core::make_request_id() { return request_id_prefix_ + std::to_string(++request_ids_); }

void listener_core::read_clock() {
  now = std::chrono::duration_cast<std::chrono::milliseconds>(options.clock->steady());
  const auto wall = options.clock->now();
  const auto seconds = runtime::to_ms(wall) / 1000;
  if (std::exchange(date_seconds_, seconds) == seconds) return;
  common_fields = "Server: souk\r\nDate: " + values::format_http_date(wall) + "\r\n";
  common_fields += for_browsers;
  tls_common_fields = common_fields;
  if (tls_settings && tls_settings->hsts.count() > 0)
    tls_common_fields +=
        "Strict-Transport-Security: max-age=" + std::to_string(tls_settings->hsts.count()) + "\r\n";
}

std::unique_ptr<listener> make_listener(const listener_options& options, request_handler handler) {
  return std::make_unique<socket_listener>(options, std::nullopt, std::move(handler));
}

std::unique_ptr<tls_listener> make_listener(const listener_options& options, const tls_options& tls,
                                            request_handler handler) {
  return std::make_unique<socket_listener>(options, tls, std::move(handler));
}

}  // namespace souk::gateway
