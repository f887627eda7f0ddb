#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>

namespace souk::import_job {

/// Reads a file line by line, in blocks, without ever holding more than one line. Line ends are LF or CRLF.
/// One thread.
class line_reader {
 public:
  explicit line_reader(const std::filesystem::path& file) : in_(file, std::ios::binary) {}

  bool is_open() const { return in_.is_open(); }

  /// Reads the next line into `line`; false at the end of the file. Of a line longer than `line_bytes_max`,
  /// `line` gets the beginning and `too_long` is set.
  bool next(std::string& line, bool& too_long);

  /// What a body of a call may have.
  static constexpr std::size_t line_bytes_max = std::size_t{1} << 20;

 private:
  std::ifstream in_;
};

}  // namespace souk::import_job
