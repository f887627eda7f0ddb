#include "bench/http_client.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/field.hpp>

#include <charconv>
#include <optional>
#include <stdexcept>
#include <vector>

namespace souk::bench {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using steady_clock = std::chrono::steady_clock;
using tcp = asio::ip::tcp;

constexpr std::chrono::milliseconds deadline_sweep{250};
constexpr std::size_t read_bytes = 64 * 1024;
// A list page of a hundred large orders stays well below it.
constexpr std::uint64_t body_bytes_max = 512ULL << 20;
constexpr std::uint32_t head_bytes_max = 64 * 1024;

// Keeps of an answer only what a caller looks at; no table of fields is built.
class answer_parser final : public http::basic_parser<false> {
 public:
  explicit answer_parser(http_answer& out) : out_(out) {
    eager(true);
    body_limit(body_bytes_max);
    header_limit(head_bytes_max);
  }

 private:
  void on_request_impl(http::verb /*method*/, boost::beast::string_view /*name*/,
                       boost::beast::string_view /*target*/, int /*version*/, error_code& error) override {
    error = http::error::bad_version;
  }
  void on_response_impl(int code, boost::beast::string_view /*reason*/, int /*version*/,
                        error_code& /*error*/) override {
    out_.status = code;
  }
  void on_field_impl(http::field field, boost::beast::string_view name, boost::beast::string_view value,
                     error_code& /*error*/) override {
    if (field == http::field::etag) {
      out_.etag.assign(value.data(), value.size());
    } else if (field == http::field::retry_after) {
      std::from_chars(value.data(), value.data() + value.size(), out_.retry_after_s);
    } else if (field == http::field::unknown && boost::beast::iequals(name, "idempotent-replayed")) {
      out_.replayed = boost::beast::iequals(value, "true");
    }
  }
  void on_header_impl(error_code& /*error*/) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code& /*error*/) override {
    if (length) out_.body.reserve(static_cast<std::size_t>(*length));
  }
  std::size_t on_body_impl(boost::beast::string_view body, error_code& /*error*/) override {
    out_.body.append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t /*size*/, boost::beast::string_view /*extensions*/,
                            error_code& /*error*/) override {}
  std::size_t on_chunk_body_impl(std::uint64_t /*remain*/, boost::beast::string_view body,
                                 error_code& /*error*/) override {
    out_.body.append(body.data(), body.size());
    return body.size();
  }
  void on_finish_impl(error_code& /*error*/) override {}

  http_answer& out_;
};

void clear(http_answer& answer) {
  answer.status = 0;
  answer.body.clear();
  answer.etag.clear();
  answer.replayed = false;
  answer.retry_after_s = 0;
  answer.failure.clear();
  answer.sendings = 0;
  answer.elapsed_ns = 0;
}

}  // namespace

std::string endpoint::authority() const {
  const bool literal_v6 = host.find(':') != std::string::npos;
  return (literal_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

endpoint parse_url(std::string_view url) {
  const std::string shown(url);
  constexpr std::string_view scheme = "http://";
  if (!url.starts_with(scheme)) throw std::invalid_argument("'" + shown + "' does not begin with http://");
  std::string_view rest = url.substr(scheme.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#@ ") != std::string_view::npos) {
    throw std::invalid_argument("'" + shown + "': only http://host:port is understood");
  }
  std::string_view host = rest;
  std::optional<std::string_view> port;
  const std::size_t colon = rest.rfind(':');
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos) throw std::invalid_argument("'" + shown + "': '[' without ']'");
    host = rest.substr(1, end - 1);
    if (end + 1 < rest.size()) {
      if (rest[end + 1] != ':')
        throw std::invalid_argument("'" + shown + "': after ']' a port or nothing is expected");
      port = rest.substr(end + 2);
    }
  } else if (colon != std::string_view::npos) {
    host = rest.substr(0, colon);
    port = rest.substr(colon + 1);
  }
  endpoint server{std::string(host), 80};
  if (host.empty()) throw std::invalid_argument("'" + shown + "' names no host");
  if (port) {
    const auto [end, error] = std::from_chars(port->data(), port->data() + port->size(), server.port);
    if (error != std::errc{} || end != port->data() + port->size() || server.port == 0) {
      throw std::invalid_argument("'" + shown + "': the port is not a number from 1 to 65535");
    }
  }
  return server;
}

class event_loop::state {
 public:
  asio::io_context io{1};
  std::vector<connection::state*> links;
  asio::steady_timer sweep{io};

  void keep_deadlines();
};

class connection::state {
 public:
  state(event_loop::state& loop, const endpoint& server, std::chrono::milliseconds patience)
      : loop_(loop), server_(server), patience_(patience), socket_(loop.io) {
    loop_.links.push_back(this);
  }
  state(const state&) = delete;
  state& operator=(const state&) = delete;
  ~state() { std::erase(loop_.links, this); }

  http_answer answer;

  void start(std::string_view request, std::coroutine_handle<> waiting) {
    clear(answer);
    request_ = request;
    waiting_ = waiting;
    started_ = steady_clock::now();
    timed_out_ = false;
    reused_ = socket_.is_open();
    reused_ ? send() : open();
  }

  // Ends a request that has waited too long: its operation then fails.
  void check_deadline(steady_clock::time_point now) {
    if (!waiting_ || now - started_ < patience_) return;
    timed_out_ = true;
    close();
  }

 private:
  void open() {
    if (addresses_.empty()) {
      error_code error;
      tcp::resolver resolver(loop_.io);
      addresses_ = resolver.resolve(server_.host, std::to_string(server_.port), error);
      if (error) {
        asio::post(loop_.io, [this, error] { fail("no address for " + server_.host, error); });
        return;
      }
    }
    asio::async_connect(socket_, addresses_, [this](error_code error, const tcp::endpoint&) {
      if (error) return fail("no connection to " + server_.authority(), error);
      socket_.set_option(tcp::no_delay(true), error);
      send();
    });
  }

  void send() {
    ++answer.sendings;
    input_.clear();
    parser_.emplace(answer);
    asio::async_write(socket_, asio::buffer(request_.data(), request_.size()),
                      [this](error_code error, std::size_t) {
                        if (error) return interrupted(error);
                        receive();
                      });
  }

  void receive() {
    socket_.async_read_some(input_.prepare(read_bytes), [this](error_code error, std::size_t size) {
      if (error == asio::error::eof && parser_->got_some()) {
        parser_->put_eof(error);
        if (!error && parser_->is_done()) return finish(false);
        error = asio::error::eof;
      }
      if (error) return interrupted(error);
      input_.commit(size);
      const std::size_t used = parser_->put(input_.data(), error);
      input_.consume(used);
      if (error == http::error::need_more) error = {};
      if (error) return fail("an answer that is not HTTP", error);
      if (!parser_->is_done()) return receive();
      finish(parser_->keep_alive());
    });
  }

  // The connection broke. One that had been idle may have been closed meanwhile: then once more on a new one.
  void interrupted(error_code error) {
    if (reused_ && !timed_out_ && !parser_->got_some()) {
      close();
      reused_ = false;
      return open();
    }
    fail("the connection to " + server_.authority() + " broke", error);
  }

  void fail(const std::string& what, error_code error) {
    const std::string why = timed_out_ ? "no answer within " + std::to_string(patience_.count()) + " ms"
                                       : what + ": " + error.message();
    const int sendings = answer.sendings;
    clear(answer);
    answer.sendings = sendings;
    answer.failure = why;
    finish(false);
  }

  void finish(bool keep) {
    if (!keep) close();
    answer.elapsed_ns =
        static_cast<std::uint64_t>((steady_clock::now() - started_) / std::chrono::nanoseconds{1});
    std::exchange(waiting_, nullptr).resume();
  }

  void close() {
    error_code ignored;
    socket_.close(ignored);
  }

  event_loop::state& loop_;
  endpoint server_;
  std::chrono::milliseconds patience_;
  tcp::socket socket_;
  tcp::resolver::results_type addresses_;
  boost::beast::flat_buffer input_;
  std::optional<answer_parser> parser_;
  std::string_view request_;
  std::coroutine_handle<> waiting_;
  steady_clock::time_point started_;
  bool reused_ = false;
  bool timed_out_ = false;
};

void event_loop::state::keep_deadlines() {
  sweep.expires_after(deadline_sweep);
  sweep.async_wait([this](error_code error) {
    if (error) return;
    const auto now = steady_clock::now();
    for (connection::state* link : links)
      link->check_deadline(now);
    keep_deadlines();
  });
}

// Runs by itself from its first line; its frame goes when it ends.
struct event_loop::detached {
  struct promise_type {
    detached get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

event_loop::event_loop() : state_(std::make_unique<state>()) {}
event_loop::~event_loop() = default;

event_loop::detached event_loop::drive(task<void> work) {
  ++running_;
  try {
    co_await work;
  } catch (...) {
    if (!error_) error_ = std::current_exception();
  }
  --running_;
}

void event_loop::spawn(task<void> work) { drive(std::move(work)); }

void event_loop::run() {
  state_->io.restart();
  state_->keep_deadlines();
  while (running_ > 0)
    state_->io.run_one();
  state_->sweep.cancel();
  if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
}

void event_loop::wake_after(std::chrono::steady_clock::duration duration, std::coroutine_handle<> waiting) {
  auto timer = std::make_unique<asio::steady_timer>(state_->io, duration);
  asio::steady_timer& armed = *timer;
  armed.async_wait([timer = std::move(timer), waiting](error_code) { waiting.resume(); });
}

connection::connection(event_loop& loop, const endpoint& server, std::chrono::milliseconds patience)
    : state_(std::make_unique<state>(*loop.state_, server, patience)) {}
connection::~connection() = default;

void connection::start(std::string_view request, std::coroutine_handle<> waiting) {
  state_->start(request, waiting);
}
http_answer& connection::answer() noexcept { return state_->answer; }

request_text::request_text(const endpoint& server, std::string_view bearer)
    : fields_(" HTTP/1.1\r\nHost: " + server.authority() + "\r\n") {
  if (!bearer.empty()) fields_.append("Authorization: Bearer ").append(bearer).append("\r\n");
}

std::string_view request_text::get(std::string_view target, std::string_view extra_fields) {
  return make("GET", target, {}, {}, {}, extra_fields);
}

std::string_view request_text::post(std::string_view target, std::string_view key, std::string_view body,
                                    std::string_view extra_fields) {
  return make("POST", target, key, "application/json", body, extra_fields);
}

std::string_view request_text::make(std::string_view method, std::string_view target, std::string_view key,
                                    std::string_view type, std::string_view body,
                                    std::string_view extra_fields) {
  text_.clear();
  text_.append(method).append(" ").append(target).append(fields_).append(extra_fields);
  if (!key.empty()) text_.append("Idempotency-Key: ").append(key).append("\r\n");
  if (!type.empty()) {
    text_.append("Content-Type: ").append(type).append("\r\nContent-Length: ");
    text_.append(std::to_string(body.size())).append("\r\n");
  } else if (method != "GET") {
    text_.append("Content-Length: 0\r\n");
  }
  text_.append("\r\n").append(body);
  return text_;
}

}  // namespace souk::bench
