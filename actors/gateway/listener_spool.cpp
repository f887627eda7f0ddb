#include "actors/gateway/listener_spool.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace souk::gateway {

spool_file::spool_file(const std::filesystem::path& folder) {
  auto pattern = (folder / "body-XXXXXX").string();
  descriptor_ = ::mkostemp(pattern.data(), O_CLOEXEC);
  if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "cannot create " + pattern);
  path_ = pattern;
}

spool_file::~spool_file() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (path_.empty()) return;
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

void spool_file::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      throw std::system_error(errno, std::generic_category(), "cannot write " + path_.string());
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::filesystem::path spool_file::release() {
  ::close(std::exchange(descriptor_, -1));
  return std::exchange(path_, {});
}

}  // namespace souk::gateway
