#pragma once

#include <cstdint>
#include <filesystem>
#include <utility>
#include <vector>

namespace souk::gateway {

/// Tells when files are to be read again: when they have changed and look the same twice, so that those that
/// are written one after the other are read together. One thread at a time.
class watched_files {
 public:
  /// What is there now counts as read.
  explicit watched_files(std::vector<std::filesystem::path> files);

  enum class news : std::uint8_t {
    none,      ///< As they were read.
    changing,  ///< Not as at the last look.
    changed,   ///< To be read now. Said once of each change; then they count as read.
  };
  /// Looks at the disk.
  news look();

 private:
  /// What tells one state of the files from the next.
  using stamp = std::vector<std::pair<std::filesystem::file_time_type, std::uintmax_t>>;
  stamp on_disk() const;

  std::vector<std::filesystem::path> files_;
  stamp read_;
  stamp seen_;
};

}  // namespace souk::gateway
