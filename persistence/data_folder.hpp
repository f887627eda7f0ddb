#pragma once

#include "persistence/storage.hpp"

#include <filesystem>
#include <string>

namespace souk::persistence {

/// The hold that one process has on a data folder: an flock(2) on the file `lock`, which also names the
/// process. It ends with the object, or with the process.
class folder_lock {
 public:
  /// Throws `std::runtime_error` that names the process that has it.
  explicit folder_lock(const std::filesystem::path& folder);
  ~folder_lock();
  folder_lock(const folder_lock&) = delete;
  folder_lock& operator=(const folder_lock&) = delete;

 private:
  int file_ = -1;
};

/// Makes the folder with mode 0700 if there is none. Throws `std::runtime_error`.
void make_folder(const std::filesystem::path& folder);

/// Makes names created, renamed or removed in a folder durable.
void sync_folder(const std::filesystem::path& folder);

/// Whether the folder has an identity, and so was created completely. If not it has to be empty, or what an
/// interrupted creation left, which is removed. Throws `std::runtime_error` for anything else: it is not
/// ours.
bool has_identity(const std::filesystem::path& folder);

/// Writes the identity under a name of its own that marks a creation under way.
void begin_identity(const std::filesystem::path& folder, const storage_identity& identity);
/// Gives the identity its final name: the folder is complete.
void finish_identity(const std::filesystem::path& folder);
/// Throws `std::runtime_error` if it is damaged or of a newer format.
storage_identity read_identity(const std::filesystem::path& folder);

}  // namespace souk::persistence
