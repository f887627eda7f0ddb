#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace souk::bench {

/// One line on a terminal that says how far long work is, how fast it goes and how long it will take. Writes
/// nothing where standard error is not a terminal. One thread.
class progress_line {
 public:
  /// `what` is being done; `unit` is what is counted; `total` of them, or 0 where nobody knows.
  progress_line(std::string what, std::string unit, std::uint64_t total);
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;
  /// Wipes the line.
  ~progress_line();

  /// So many are done now; cheap enough for every one of them.
  void done(std::uint64_t count);

 private:
  void show(std::uint64_t count, std::chrono::steady_clock::time_point now);

  std::string what_;
  std::string unit_;
  std::uint64_t total_;
  bool terminal_;
  std::chrono::steady_clock::time_point started_;
  std::chrono::steady_clock::time_point shown_;
};

/// The text of such a line: "selling: 1200/20725 invoices, 610/s, 0:32 left".
std::string progress_text(const std::string& what, const std::string& unit, std::uint64_t count,
                          std::uint64_t total, double seconds);

}  // namespace souk::bench
