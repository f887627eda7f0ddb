#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace souk::telemetry {

/// What a line says of one answered request. The texts live as long as the call that they are given to; what
/// is empty or nothing is left out. There is no place for a path, a query, a body or a secret: paths of carts
/// and orders are all that a guest needs to open them.
struct access_entry {
  std::chrono::sys_time<std::chrono::milliseconds> time;  ///< Of the answer.
  std::string_view request_id;
  std::string_view trace_id;  ///< 32 hex digits.
  std::string_view tenant;
  std::string_view credential;  ///< The id of the key, never its secret.
  std::string_view route;       ///< Its name in the API's description.
  std::string_view method;
  int status = 0;
  std::uint64_t bytes = 0;                         ///< Of the answer's body.
  std::optional<std::chrono::nanoseconds> took;    ///< From when it was read.
  std::optional<std::chrono::nanoseconds> waited;  ///< The part of it before anybody took it up.
  std::optional<std::uint32_t> shard;              ///< That decided it.
  std::string_view client;                         ///< The address it came from.
};

/// A text of a line is cut after so many bytes: the longest is a Request-Id.
inline constexpr std::size_t access_text_bytes_max = 128;
/// No line is longer: seven texts whose every byte is escaped, and names and numbers.
inline constexpr std::size_t access_line_bytes_max = 7 * 6 * access_text_bytes_max + 512;

/// Appends the line of JSON, without its end: see docs/operators.md. Whatever the texts hold, it is one line.
void append_access_line(std::string& out, const access_entry& entry);

struct access_log_options {
  std::filesystem::path file;
  std::uint64_t file_bytes_max = 64ULL << 20;
  std::size_t files = 8;
  /// One of so many requests is written; those that the shop failed at (5xx) are written all.
  std::uint32_t one_of = 1;
  /// Lines that wait for the disk: more than a busy node answers in a tenth of a second, some 6 MB at most.
  std::size_t lines_waiting_max = 8'192;
};

/// One line for each answered request, in a file. A thread of its own writes them; where lines come faster
/// than the disk takes them, the oldest that wait are dropped and counted, and nobody ever waits for it. Any
/// thread. Its end writes what waits.
class access_log {
 public:
  /// Throws `std::system_error` with the path in its text.
  explicit access_log(const access_log_options& options);
  ~access_log();
  access_log(const access_log&) = delete;
  access_log& operator=(const access_log&) = delete;

  /// Costs a line's text and a short lock.
  void record(const access_entry& entry) noexcept;

  std::uint64_t recorded() const;   ///< Lines that were to be written, the lost ones too.
  std::uint64_t displaced() const;  ///< Lost because too many waited.
  std::uint64_t unwritten() const;  ///< Lost because the disk did not take them.

 private:
  class writer;
  std::unique_ptr<writer> writer_;
};

}  // namespace souk::telemetry
