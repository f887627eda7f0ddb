#pragma once

#include "bench/task.hpp"

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

/// Load generators and the HTTP client that they and the command line share: many keep-alive connections, one
/// thread.
namespace souk::bench {

/// Where a server listens.
struct endpoint {
  std::string host;
  std::uint16_t port = 80;
  /// "host:port", as the Host field has it.
  std::string authority() const;
};

/// Reads "http://host[:port]". Throws `std::invalid_argument` that says what is wrong.
endpoint parse_url(std::string_view url);

/// What came back for one request.
struct http_answer {
  int status = 0;  ///< 0: no answer; `failure` says why.
  std::string body;
  std::string etag;
  bool replayed = false;       ///< Idempotent-Replayed: true.
  unsigned retry_after_s = 0;  ///< Retry-After in seconds; 0: none.
  std::string failure;
  int sendings = 0;  ///< How often it may have reached the server; more than once where a connection broke.
  std::uint64_t elapsed_ns =
      0;  ///< From the first byte sent (or the attempt to connect) to the last received.

  bool ok() const { return status >= 200 && status < 300; }
};

/// The one thread's loop: runs tasks until all have ended.
class event_loop {
 public:
  event_loop();
  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;
  ~event_loop();

  /// Takes a task on and runs it up to its first wait.
  void spawn(task<void> work);

  /// Runs until every task has ended, then rethrows the first exception that ended one. A task that others
  /// should not outlive looks at `failed()`.
  void run();

  /// An exception has ended a task.
  bool failed() const { return error_ != nullptr; }

  /// `co_await loop.sleep(...)`.
  struct sleep_awaiter {
    event_loop& loop;
    std::chrono::steady_clock::duration duration;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) const { loop.wake_after(duration, waiting); }
    void await_resume() const noexcept {}
  };
  sleep_awaiter sleep(std::chrono::steady_clock::duration duration) { return {*this, duration}; }
  /// Until then; a moment that has passed is no wait.
  sleep_awaiter sleep_until(std::chrono::steady_clock::time_point moment) {
    return sleep(moment - std::chrono::steady_clock::now());
  }

 private:
  friend class connection;
  class state;
  struct detached;

  detached drive(task<void> work);
  void wake_after(std::chrono::steady_clock::duration duration, std::coroutine_handle<> waiting);

  std::unique_ptr<state> state_;
  std::size_t running_ = 0;
  std::exception_ptr error_;
};

/// One keep-alive connection; opened on its first request and again whenever the server has closed it. One
/// request at a time. A request on a connection that turns out to be closed before a byte of the answer came
/// is sent once more on a new one: whatever is sent must be safe to repeat (a GET, or keyed).
class connection {
 public:
  /// Longest wait for an answer, unless said otherwise: well beyond the server's own deadlines.
  static constexpr std::chrono::seconds answer_timeout{30};

  connection(event_loop& loop, const endpoint& server, std::chrono::milliseconds patience = answer_timeout);
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  ~connection();

  struct send_awaiter {
    connection& link;
    std::string_view request;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) const { link.start(request, waiting); }
    http_answer& await_resume() const noexcept { return link.answer(); }
  };

  /// `http_answer& answer = co_await link.send(text)`: sends the text of a whole request. The text must stay
  /// until the answer is there, which is valid until the next send.
  send_awaiter send(std::string_view request) { return {*this, request}; }

 private:
  friend class event_loop;
  class state;

  void start(std::string_view request, std::coroutine_handle<> waiting);
  http_answer& answer() noexcept;

  std::unique_ptr<state> state_;
};

/// Writes request texts into a string that is used again and again.
class request_text {
 public:
  /// `bearer`: the secret key, or empty.
  request_text(const endpoint& server, std::string_view bearer);

  /// A request without a body.
  std::string_view get(std::string_view target, std::string_view extra_fields = {});

  /// A POST of JSON. `key`: the Idempotency-Key, or empty. `extra_fields`: whole lines with their CRLF.
  std::string_view post(std::string_view target, std::string_view key, std::string_view body,
                        std::string_view extra_fields = {});

  /// Any method; `type`: the content type of the body, which is sent unless the type is empty.
  std::string_view make(std::string_view method, std::string_view target, std::string_view key,
                        std::string_view type, std::string_view body, std::string_view extra_fields);

 private:
  std::string fields_;  // Host and Authorization
  std::string text_;
};

}  // namespace souk::bench
