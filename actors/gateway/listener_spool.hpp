#pragma once

#include <filesystem>
#include <string_view>

namespace souk::gateway {

/// A request body on its way into a file, readable by its owner alone. Removed with this object unless it was
/// released. Used by one thread at a time.
class spool_file {
 public:
  /// Creates a new file in `folder`. Throws `std::system_error`.
  explicit spool_file(const std::filesystem::path& folder);
  spool_file(const spool_file&) = delete;
  spool_file& operator=(const spool_file&) = delete;
  ~spool_file();

  /// Appends. Blocks. Throws `std::system_error`: the disk is full, for one.
  void write(std::string_view bytes);

  /// Closes it and leaves it to the caller.
  std::filesystem::path release();

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace souk::gateway
