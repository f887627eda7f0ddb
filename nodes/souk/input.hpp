#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace souk::cli {

/// Bytes of a file or of standard input ("-"), unpacked on the way when they are zstd (known by its magic
/// number, so a pipe works too). One thread.
class input {
 public:
  virtual ~input() = default;

  /// Reads up to `size` bytes; 0 at the end. Throws `std::runtime_error` that names the file and the reason.
  virtual std::size_t read(char* into, std::size_t size) = 0;

  /// What part of the packed bytes has been read, 0 to 1; negative where the size is unknown (a pipe).
  virtual double progress() const = 0;
};

/// Opens `path`. Throws `std::runtime_error` that names the file and the reason.
std::unique_ptr<input> open_input(const std::string& path);

}  // namespace souk::cli
