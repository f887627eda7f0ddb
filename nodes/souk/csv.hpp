#pragma once

#include "nodes/souk/input.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace souk::cli {

/// Reads comma-separated values as RFC 4180 has them: quoted fields with doubled quotes and line ends inside,
/// CRLF or LF. One thread.
class csv_reader {
 public:
  explicit csv_reader(input& source) : source_(source) {}

  /// Reads the next record into `fields` (empty lines are passed over); false at the end. Throws
  /// `std::runtime_error` for a quoted field that never ends.
  bool next(std::vector<std::string>& fields);

  /// The line, from 1, on which the record that was read last begins.
  std::uint64_t line() const { return record_line_; }

 private:
  // The next byte, or -1 at the end.
  int take();
  int peek();
  bool fill();
  // Reads one field; returns the byte that ended it: ',', '\n' or -1.
  int read_field(std::string& field);
  void read_quoted(std::string& field);

  input& source_;
  std::vector<char> buffer_;
  std::size_t at_ = 0;
  std::size_t end_ = 0;
  std::uint64_t line_ = 1;
  std::uint64_t record_line_ = 0;
};

}  // namespace souk::cli
