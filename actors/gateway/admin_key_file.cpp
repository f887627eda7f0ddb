#include "actors/gateway/first_key.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <system_error>

namespace souk::gateway {

namespace {

[[noreturn]] void fail(const std::string& what, const std::filesystem::path& file) {
  throw std::system_error(errno, std::generic_category(), what + " " + file.string());
}

/// A file descriptor that closes itself.
class descriptor {
 public:
  explicit descriptor(int number) : number_(number) {}
  ~descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

void sync_folder(const std::filesystem::path& folder) {
  descriptor opened{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (opened.get() < 0 || ::fsync(opened.get()) != 0) fail("cannot sync", folder);
}

/// Writes beside it and renames, so that the file is never seen half.
void write_secret(const std::filesystem::path& file, const std::string& secret) {
  std::filesystem::path draft = file;
  draft += ".new";
  std::string text = secret + "\n";
  {
    descriptor opened{::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR)};
    if (opened.get() < 0) fail("cannot create", draft);
    if (::fchmod(opened.get(), S_IRUSR | S_IWUSR) != 0) fail("cannot protect", draft);
    if (::write(opened.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      fail("cannot write", draft);
    if (::fsync(opened.get()) != 0) fail("cannot sync", draft);
  }
  if (::rename(draft.c_str(), file.c_str()) != 0) fail("cannot create", file);
  sync_folder(file.has_parent_path() ? file.parent_path() : std::filesystem::path{"."});
}

}  // namespace

std::string keep_admin_key(const std::filesystem::path& file, const std::string& fresh) {
  std::string secret;
  std::ifstream in{file};
  if (in && std::getline(in, secret) && !secret.empty()) return secret;
  write_secret(file, fresh);
  return fresh;
}

}  // namespace souk::gateway
