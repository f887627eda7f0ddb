#pragma once

#include "bench/histogram.hpp"
#include "bench/http_client.hpp"

#include <boost/json/value.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace souk::bench {

/// The server could not be reached, or did not answer in time.
class unreachable : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The server refused a request, or answered something that makes no sense.
class refused : public std::runtime_error {
 public:
  refused(int status, std::string code, const std::string& text)
      : std::runtime_error(text), status_(status), code_(std::move(code)) {}
  int status() const { return status_; }
  const std::string& code() const { return code_; }

 private:
  int status_;
  std::string code_;
};

/// Who is asked, and with which secret.
struct shop {
  endpoint server;
  std::string key;  ///< Empty: without a credential.
};

/// The secret in a key file, without the white space around it. Throws `std::runtime_error` that names the
/// file and says what to do.
std::string read_key_file(const std::filesystem::path& file);

/// "sku with spaces" as it stands in a path or a query.
std::string percent_encoded(std::string_view text);

/// What a problem+json body says.
struct problem_text {
  std::string code;    ///< Its `code`; "http_<status>" if the body is no problem; "no_answer" for none.
  std::string detail;  ///< Its detail and the first errors, in one line.
};
problem_text read_problem(const http_answer& answer);

/// Whether repeating the same keyed request can help: no answer, 429, 503, 504, or the first is still
/// running.
bool is_passing(const http_answer& answer);

/// Sends a keyed (or reading) request until something definite comes back, with growing pauses, a bounded
/// number of times; each attempt's time is recorded.
class patience {
 public:
  static constexpr int attempts_max = 12;  ///< About 15 s in all: longer than a restart takes.

  explicit patience(event_loop& loop) : loop_(loop) {}

  /// The last answer, valid until the next send on `link`.
  task<http_answer*> send(connection& link, std::string_view request, histogram& times);

  /// Attempts beyond the first, over all requests.
  std::uint64_t repeats() const { return repeats_; }

 private:
  event_loop& loop_;
  std::uint64_t repeats_ = 0;
};

/// One request after the other, each waited for: for commands that ask a question or two.
class shop_client {
 public:
  explicit shop_client(const shop& target);

  /// The body of a 2xx answer. Throws `unreachable` or `refused`, both with a text for the operator.
  boost::json::value get(std::string_view target);
  boost::json::value post(std::string_view target, std::string_view key, std::string_view body);
  boost::json::value send(std::string_view method, std::string_view target, std::string_view key,
                          std::string_view type, std::string_view body);

  /// The text of a 2xx answer that is not JSON.
  std::string get_text(std::string_view target);

  /// Waits.
  void pause(std::chrono::milliseconds duration);

  /// Visits every element of a list, page by page. `target` has no cursor yet.
  void for_each(const std::string& target, const std::function<void(const boost::json::object&)>& visit);

 private:
  const http_answer& exchange(std::string_view method, std::string_view target, std::string_view request);

  event_loop loop_;
  connection link_;
  request_text text_;
  std::string authority_;
};

/// Asks a question that takes the secret key, so that long work does not begin where nobody answers or the
/// key is wrong. Throws `unreachable` or `refused`.
void check_access(const shop& shop);

/// Members of answers; throw `refused` that names the member where it is missing or of another type. Objects
/// are taken as they are: made into a value, an object would be copied, and the member with it.
const boost::json::value& member(const boost::json::object& object, std::string_view name);
std::string text_member(const boost::json::object& object, std::string_view name);
std::int64_t integer_member(const boost::json::object& object, std::string_view name);
/// The amount of the total of that type in an object's `totals`.
std::int64_t total_of(const boost::json::object& object, std::string_view type = "total");

/// The same of a value that must be an object.
const boost::json::value& member(const boost::json::value& object, std::string_view name);
std::string text_member(const boost::json::value& object, std::string_view name);
std::int64_t integer_member(const boost::json::value& object, std::string_view name);
std::int64_t total_of(const boost::json::value& object, std::string_view type = "total");

}  // namespace souk::bench
