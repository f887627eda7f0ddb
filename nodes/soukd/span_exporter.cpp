#include "nodes/soukd/span_exporter.hpp"

#include "runtime/telemetry/log.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <exception>
#include <iterator>
#include <string_view>
#include <utility>

namespace souk::nodes {

namespace {

/// The two clocks are read one after the other, and one counts milliseconds: less than this is no news.
constexpr std::chrono::milliseconds clock_step{5};

/// A connection to one of a host's addresses that gives up after a while; -1 if there is none.
class connection {
 public:
  connection(const config::http_url& to, std::chrono::milliseconds timeout) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(to.host.c_str(), std::to_string(to.port).c_str(), &hints, &found) != 0) return;
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all{found, ::freeaddrinfo};
    const timeval bound{.tv_sec = timeout.count() / 1'000, .tv_usec = timeout.count() % 1'000 * 1'000};
    for (const auto* each = found; each != nullptr; each = each->ai_next) {
      socket_ = ::socket(each->ai_family, each->ai_socktype | SOCK_CLOEXEC, each->ai_protocol);
      if (socket_ < 0) continue;
      ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &bound, sizeof bound);  // for connect, too
      ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound);
      if (::connect(socket_, each->ai_addr, each->ai_addrlen) == 0) return;
      ::close(socket_);
      socket_ = -1;
    }
  }
  ~connection() {
    if (socket_ >= 0) ::close(socket_);
  }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// The first bytes of the answer, as many as a status line needs.
  std::string receive(std::size_t wanted) const {
    std::string got(wanted, '\0');
    std::size_t size = 0;
    while (size < wanted) {
      const auto came = ::recv(socket_, got.data() + size, wanted - size, 0);
      if (came <= 0) break;
      size += static_cast<std::size_t>(came);
    }
    got.resize(size);
    return got;
  }

 private:
  int socket_ = -1;
};

}  // namespace

span_exporter::span_exporter(span_exporter_options options, std::shared_ptr<runtime::clock> clock)
    : options_(std::move(options)),
      clock_(std::move(clock)),
      thread_([this](const std::stop_token& ending) { work(ending); }) {}

span_exporter::~span_exporter() = default;

void span_exporter::record(telemetry::span ended) noexcept {
  try {
    const std::lock_guard lock{mutex_};
    if (waiting_.size() >= options_.waiting_max) {
      ++displaced_;
      return;
    }
    waiting_.push_back(std::move(ended));
    if (waiting_.size() == options_.batch_max) filled_.notify_one();
  } catch (const std::exception&) {
    ++displaced_;  // without memory for a span there is none
  }
}

void span_exporter::work(const std::stop_token& ending) {
  for (bool last = false; !last;) {
    std::vector<telemetry::span> spans;
    {
      std::unique_lock lock{mutex_};
      filled_.wait_for(lock, ending, options_.interval,
                       [this] { return waiting_.size() >= options_.batch_max; });
      last = ending.stop_requested();  // perhaps before this thread had begun
      spans.swap(waiting_);
    }
    for (std::size_t at = 0; at < spans.size(); at += options_.batch_max) {
      const auto end = std::min(at + options_.batch_max, spans.size());
      const auto from = std::make_move_iterator(spans.begin());
      post({from + static_cast<std::ptrdiff_t>(at), from + static_cast<std::ptrdiff_t>(end)});
    }
  }
}

void span_exporter::post(const std::vector<telemetry::span>& batch) {
  std::string body;
  telemetry::append_otlp(body, options_.source, batch, offset());
  if (exchange(body)) {
    exported_ += batch.size();
    if (std::exchange(failing_, false)) log::info("the collector takes spans again");
  } else {
    refused_ += batch.size();
    if (!std::exchange(failing_, true))
      log::warn("the collector does not take spans; they are lost",
                {{"host", options_.to.host}, {"port", options_.to.port}});
  }
}

// A connection for each batch: there is one a second or so.
bool span_exporter::exchange(const std::string& body) const {
  const connection to{options_.to, options_.timeout};
  constexpr std::string_view good = "HTTP/1.1 2";
  const bool sent = to.send("POST " + options_.to.path + " HTTP/1.1\r\nHost: " + options_.to.host + ":" +
                            std::to_string(options_.to.port) +
                            "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " +
                            std::to_string(body.size()) + "\r\n\r\n" + body);
  if (!sent) return false;
  const auto answer = to.receive(good.size());
  return answer == good || answer == "HTTP/1.0 2";
}

std::chrono::nanoseconds span_exporter::offset() {
  const auto now = std::chrono::nanoseconds{clock_->now().time_since_epoch()} - clock_->steady();
  if (now - offset_ > clock_step || offset_ - now > clock_step) offset_ = now;
  return offset_;
}

void span_exporter::add_metrics(telemetry::registry& registry) const {
  using type = telemetry::registry::type;
  registry.add_reading(type::counter, "souk_spans_exported_total", "Spans that the collector took.",
                       [this] { return static_cast<double>(exported()); });
  registry.add_readings(type::counter, "souk_spans_lost_total", "Spans that were lost.", [this] {
    return std::vector<telemetry::registry::labelled_value>{
        {{{"why", "too_many"}}, static_cast<double>(displaced())},
        {{{"why", "collector"}}, static_cast<double>(refused())}};
  });
}

}  // namespace souk::nodes
