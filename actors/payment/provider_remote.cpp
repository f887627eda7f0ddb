#include "actors/payment/provider.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include <charconv>
#include <deque>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace souk::payment {

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace {

using asio::ip::tcp;
using boost::system::error_code;

/// How often deadlines are looked at.
constexpr std::chrono::milliseconds sweep_interval{50};

struct authority {
  std::string host;
  std::uint16_t port = 80;
};

authority parse_url(const std::string& url) {
  constexpr std::string_view scheme = "http://";
  const auto fail = [&] {
    throw std::invalid_argument("the provider's URL must look like http://127.0.0.1:9090, not " + url);
  };
  if (!url.starts_with(scheme)) fail();
  std::string_view rest = std::string_view{url}.substr(scheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  authority parsed;
  const auto colon = rest.find(':');
  parsed.host = rest.substr(0, colon);
  if (parsed.host.empty() || rest.find_first_of("/?#@[]") != std::string_view::npos) fail();
  if (colon != std::string_view::npos) {
    const auto digits = rest.substr(colon + 1);
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), parsed.port);
    if (ec != std::errc{} || end != digits.data() + digits.size() || parsed.port == 0) fail();
  }
  return parsed;
}

/// One request and what to do with its answer. Status 0: none came.
struct job {
  std::string request;
  std::function<void(unsigned status, std::string body)> then;
  std::chrono::nanoseconds deadline{0};
};

class remote_provider;

/// One connection: free, or busy with one job.
class lane : public std::enable_shared_from_this<lane> {
 public:
  explicit lane(remote_provider& owner);

  void start(job next);
  bool is_late(std::chrono::nanoseconds now) const { return job_ && job_->deadline <= now; }
  /// Ends the job without an answer.
  void abandon();
  void close();

 private:
  void connect();
  void write();
  void read();
  void failed();
  void finish(unsigned status, std::string body);

  remote_provider& owner_;
  tcp::socket socket_;
  boost::beast::flat_buffer buffer_;
  std::optional<http::response_parser<http::string_body>> parser_;
  std::optional<job> job_;
  /// Counts the jobs: what is still under way of an earlier one finds that it is over.
  std::uint64_t turn_ = 0;
  bool used_ = false;  ///< An answer came over it: the other side may have closed it meanwhile.
};

class remote_provider final : public provider_link {
 public:
  remote_provider(const remote_provider_options& options, std::shared_ptr<runtime::clock> clock)
      : options_(options), clock_(std::move(clock)), timer_(io_) {
    const auto where = parse_url(options.url);
    host_ = where.host + ":" + std::to_string(where.port);
    error_code ec;
    for (const auto& found : tcp::resolver{io_}.resolve(where.host, std::to_string(where.port), ec))
      endpoints_.push_back(found.endpoint());
    if (ec) throw std::system_error(std::error_code(ec), "cannot resolve " + host_);
    sweep();
    thread_ = std::thread([this] { io_.run(); });
  }
  remote_provider(const remote_provider&) = delete;
  remote_provider& operator=(const remote_provider&) = delete;
  ~remote_provider() override {
    asio::post(io_, [this] {
      stopping_ = true;
      timer_.cancel();
      waiting_.clear();
      for (const auto& lane : lanes_)
        lane->close();
    });
    thread_.join();
  }

  void call(const pb::ProviderCall& call, std::string_view traceparent, result_handler then) override {
    const auto body = call.SerializeAsString();
    job made;
    made.request =
        "POST /calls HTTP/1.1\r\nHost: " + host_ +
        "\r\nContent-Type: application/x-protobuf\r\nContent-Length: " + std::to_string(body.size()) +
        (traceparent.empty() ? "" : "\r\ntraceparent: ") + std::string{traceparent} + "\r\n\r\n" + body;
    made.deadline = clock_->steady() + options_.timeout;
    made.then = [operation = call.operation(), then = std::move(then)](unsigned status,
                                                                       const std::string& answer) {
      pb::ProviderResult result;
      if (status != 200 || !result.ParseFromString(answer)) {
        result.Clear();
        result.set_operation(operation);
        // An error of the provider's is an answer; what it said is not.
        result.set_status(status >= 400 ? "error" : "no_answer");
      }
      then(std::move(result));
    };
    asio::post(io_, [this, made = std::move(made)]() mutable { accept(std::move(made)); });
  }

  void list(list_handler then) override {
    job made;
    made.request = "GET /payments HTTP/1.1\r\nHost: " + host_ + "\r\n\r\n";
    made.deadline = clock_->steady() + options_.list_timeout;
    made.then = [then = std::move(then)](unsigned status, std::string body) {
      then(status == 200 ? std::move(body) : std::string{});
    };
    asio::post(io_, [this, made = std::move(made)]() mutable { accept(std::move(made)); });
  }

 private:
  friend class lane;

  void accept(job next) {
    if (stopping_ || refused_late(next)) return;
    if (!free_.empty()) {
      const auto lane = std::move(free_.back());
      free_.pop_back();
      lane->start(std::move(next));
    } else if (lanes_.size() < options_.connections_max) {
      lanes_.push_back(std::make_shared<payment::lane>(*this));
      lanes_.back()->start(std::move(next));
    } else if (waiting_.size() < options_.waiting_max) {
      waiting_.push_back(std::move(next));
    } else {
      next.then(0, {});
    }
  }

  void release(std::shared_ptr<lane> lane) {
    if (stopping_) return;
    while (!waiting_.empty()) {
      auto next = std::move(waiting_.front());
      waiting_.pop_front();
      if (!refused_late(next)) return lane->start(std::move(next));
    }
    free_.push_back(std::move(lane));
  }

  /// Nobody waits for a call whose time is over: it is answered, not sent.
  bool refused_late(const job& one) const {
    if (one.deadline > clock_->steady()) return false;
    one.then(0, {});
    return true;
  }

  void sweep() {
    timer_.expires_after(sweep_interval);
    timer_.async_wait([this](const error_code& ec) {
      if (ec || stopping_) return;
      const auto now = clock_->steady();
      std::erase_if(waiting_, [this](const job& one) { return refused_late(one); });
      const auto lanes = lanes_;
      for (const auto& lane : lanes)
        if (lane->is_late(now)) lane->abandon();
      sweep();
    });
  }

  const remote_provider_options options_;
  std::shared_ptr<runtime::clock> clock_;
  std::string host_;
  std::vector<tcp::endpoint> endpoints_;
  bool stopping_ = false;
  asio::io_context io_{1};
  asio::steady_timer timer_;
  std::vector<std::shared_ptr<lane>> lanes_;
  std::vector<std::shared_ptr<lane>> free_;
  std::deque<job> waiting_;
  std::thread thread_;
};

lane::lane(remote_provider& owner) : owner_(owner), socket_(owner.io_) {}

void lane::start(job next) {
  job_ = std::move(next);
  socket_.is_open() ? write() : connect();
}

void lane::connect() {
  used_ = false;
  buffer_.clear();
  asio::async_connect(socket_, owner_.endpoints_,
                      [self = shared_from_this(), turn = turn_](const error_code& ec, const tcp::endpoint&) {
                        if (turn != self->turn_) return;
                        if (ec) return self->failed();
                        error_code ignored;
                        self->socket_.set_option(tcp::no_delay{true}, ignored);
                        self->write();
                      });
}

void lane::write() {
  asio::async_write(socket_, asio::buffer(job_->request),
                    [self = shared_from_this(), turn = turn_](const error_code& ec, std::size_t) {
                      if (turn != self->turn_) return;
                      ec ? self->failed() : self->read();
                    });
}

void lane::read() {
  parser_.emplace();
  parser_->body_limit(boost::none);
  http::async_read(socket_, buffer_, *parser_,
                   [self = shared_from_this(), turn = turn_](const error_code& ec, std::size_t) {
                     if (turn != self->turn_) return;
                     if (ec) return self->failed();
                     auto answer = self->parser_->release();
                     if (!answer.keep_alive()) self->close();
                     self->used_ = true;
                     self->finish(answer.result_int(), std::move(answer.body()));
                   });
}

void lane::failed() {
  close();
  // Closed while it was free: the call may not have arrived, and is safe to repeat, for it has a key.
  if (std::exchange(used_, false) && !owner_.stopping_) return connect();
  finish(0, {});
}

void lane::abandon() {
  close();
  finish(0, {});
}

void lane::close() {
  error_code ignored;
  socket_.close(ignored);
}

void lane::finish(unsigned status, std::string body) {
  const auto done = std::move(*job_);
  job_.reset();
  ++turn_;
  done.then(status, std::move(body));
  owner_.release(shared_from_this());
}

}  // namespace

std::unique_ptr<provider_link> make_remote_provider(const remote_provider_options& options,
                                                    std::shared_ptr<runtime::clock> clock) {
  return std::make_unique<remote_provider>(options, std::move(clock));
}

}  // namespace souk::payment
