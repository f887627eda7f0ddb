#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>

namespace souk::telemetry {

/// A file that is appended to, and that takes a bounded room on the disk with the ones before it: when it is
/// full it becomes `FILE.1`, what was that becomes `FILE.2`, and the oldest goes. Readable by its owner and
/// group. One thread at a time; blocks.
class rotated_file {
 public:
  /// `bytes_max`: of each file, unless one text alone is longer. `files`: at least one; with the one that is
  /// written to. Opens it; throws `std::system_error` with the path in its text.
  rotated_file(std::filesystem::path path, std::uint64_t bytes_max, std::size_t files);
  ~rotated_file();
  rotated_file(const rotated_file&) = delete;
  rotated_file& operator=(const rotated_file&) = delete;

  /// Appends the whole text or, as far as the disk lets it, nothing. Throws `std::system_error`; the next
  /// call tries all anew: a disk may have room again, a folder may be back.
  void append(std::string_view text);

 private:
  void open();
  void close() noexcept;
  void rotate();
  std::filesystem::path numbered(std::size_t n) const;

  const std::filesystem::path path_;
  const std::uint64_t bytes_max_;
  const std::size_t files_;
  int file_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace souk::telemetry
