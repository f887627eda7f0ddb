#include "actors/gateway/watched_files.hpp"

#include <system_error>

namespace souk::gateway {

namespace fs = std::filesystem;

watched_files::watched_files(std::vector<fs::path> files)
    : files_(std::move(files)), read_(on_disk()), seen_(read_) {}

watched_files::news watched_files::look() {
  auto found = on_disk();
  if (std::exchange(seen_, found) != found) return news::changing;
  return std::exchange(read_, std::move(found)) == seen_ ? news::none : news::changed;
}

watched_files::stamp watched_files::on_disk() const {
  stamp found;
  for (const auto& file : files_) {
    std::error_code ignored;
    const auto time = fs::last_write_time(file, ignored);
    found.emplace_back(time, fs::file_size(file, ignored));
  }
  return found;
}

}  // namespace souk::gateway
