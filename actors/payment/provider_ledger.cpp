#include "actors/payment/provider_ledger.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace souk::payment {

namespace {

constexpr std::size_t read_bytes = 256 * 1024;

[[noreturn]] void fail(const std::string& what, const std::filesystem::path& path) {
  throw std::system_error(errno, std::generic_category(), what + " " + path.string());
}

class memory_ledger final : public provider_ledger {
 public:
  explicit memory_ledger(std::vector<std::string> records) : records_(std::move(records)) {}

  std::vector<std::string> take_records() override { return std::exchange(records_, {}); }
  void append(std::string_view) override {}
  void sync() override {}

 private:
  std::vector<std::string> records_;
};

class file_ledger final : public provider_ledger {
 public:
  explicit file_ledger(std::filesystem::path path) : path_(std::move(path)) {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (descriptor_ < 0) fail("cannot open", path_);
    try {
      load();
      sync_folder();
    } catch (...) {
      ::close(descriptor_);
      throw;
    }
  }
  file_ledger(const file_ledger&) = delete;
  file_ledger& operator=(const file_ledger&) = delete;
  ~file_ledger() override { ::close(descriptor_); }

  std::vector<std::string> take_records() override { return std::exchange(records_, {}); }

  void append(std::string_view record) override {
    unwritten_ += record;
    unwritten_ += '\n';
  }

  void sync() override {
    if (unwritten_.empty()) return;
    std::string_view left = unwritten_;
    while (!left.empty()) {
      const auto written = ::write(descriptor_, left.data(), left.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail("cannot write", path_);
      left.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fdatasync(descriptor_) != 0) fail("cannot sync", path_);
    unwritten_.clear();
  }

 private:
  void load() {
    std::string line;
    off_t whole = 0;  // bytes of lines that have their end
    std::array<char, read_bytes> piece;
    for (;;) {
      const auto count = ::read(descriptor_, piece.data(), piece.size());
      if (count < 0) fail("cannot read", path_);
      if (count == 0) break;
      for (const char c : std::string_view{piece.data(), static_cast<std::size_t>(count)}) {
        if (c != '\n') {
          line += c;
          continue;
        }
        whole += static_cast<off_t>(line.size()) + 1;
        records_.push_back(std::exchange(line, {}));
      }
    }
    if (!line.empty() && ::ftruncate(descriptor_, whole) != 0) fail("cannot shorten", path_);
  }

  /// Makes the file's name durable, too.
  void sync_folder() {
    if (::fsync(descriptor_) != 0) fail("cannot sync", path_);
    const auto parent = path_.parent_path();
    const int folder = ::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) fail("cannot open the folder of", path_);
    const bool synced = ::fsync(folder) == 0;
    ::close(folder);
    if (!synced) fail("cannot sync the folder of", path_);
  }

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::vector<std::string> records_;
  std::string unwritten_;
};

}  // namespace

std::unique_ptr<provider_ledger> open_file_ledger(const std::filesystem::path& path) {
  return std::make_unique<file_ledger>(path);
}

std::unique_ptr<provider_ledger> make_memory_ledger(std::vector<std::string> records) {
  return std::make_unique<memory_ledger>(std::move(records));
}

}  // namespace souk::payment
