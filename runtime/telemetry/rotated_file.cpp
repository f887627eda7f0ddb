#include "runtime/telemetry/rotated_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

namespace souk::telemetry {

namespace {

/// Lines may name clients: not for everybody.
constexpr mode_t owner_and_group = 0640;

[[noreturn]] void fail(const std::filesystem::path& path) {
  throw std::system_error(errno, std::generic_category(), path.string());
}

}  // namespace

rotated_file::rotated_file(std::filesystem::path path, std::uint64_t bytes_max, std::size_t files)
    : path_(std::move(path)), bytes_max_(bytes_max), files_(files) {
  open();
}

rotated_file::~rotated_file() { close(); }

void rotated_file::append(std::string_view text) {
  if (file_ < 0) open();
  if (size_ > 0 && size_ + text.size() > bytes_max_) rotate();
  for (std::string_view left = text; !left.empty();) {
    const auto written = ::write(file_, left.data(), left.size());
    if (written >= 0) {
      left.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    if (errno == EINTR) continue;
    const std::error_code why{errno, std::generic_category()};
    // A part of a line would spoil the next one.
    if (left.size() < text.size() && ::ftruncate(file_, static_cast<off_t>(size_)) != 0) close();
    throw std::system_error(why, path_.string());
  }
  size_ += text.size();
}

void rotated_file::open() {
  file_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, owner_and_group);
  struct stat found{};
  if (file_ < 0 || ::fstat(file_, &found) != 0) {
    const int why = errno;
    close();
    errno = why;
    fail(path_);
  }
  size_ = static_cast<std::uint64_t>(found.st_size);
}

void rotated_file::close() noexcept {
  if (file_ >= 0) ::close(file_);
  file_ = -1;
}

void rotated_file::rotate() {
  close();
  if (files_ == 1) {
    if (::unlink(path_.c_str()) != 0 && errno != ENOENT) fail(path_);
  }
  for (std::size_t n = files_ - 1; n > 0; --n) {
    const auto from = n == 1 ? path_ : numbered(n - 1);
    if (::rename(from.c_str(), numbered(n).c_str()) != 0 && errno != ENOENT) fail(from);
  }
  open();
}

std::filesystem::path rotated_file::numbered(std::size_t n) const {
  return path_.string() + "." + std::to_string(n);
}

}  // namespace souk::telemetry
