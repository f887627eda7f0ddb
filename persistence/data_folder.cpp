#include "persistence/data_folder.hpp"

#include "persistence/checksum.hpp"
#include "persistence/identity.pb.h"
#include "persistence/sequence.hpp"

#include <fcntl.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/text_format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

namespace souk::persistence {

namespace {

namespace fs = std::filesystem;

constexpr ::mode_t private_file = 0600;
constexpr std::string_view lock_name = "lock";
constexpr std::string_view identity_name = "identity";
constexpr std::string_view unfinished_name = "identity.new";

[[noreturn]] void fail(const fs::path& path) {
  throw std::system_error(errno, std::generic_category(), path.string());
}

/// An open file or folder.
class descriptor {
 public:
  descriptor(const fs::path& path, int flags, ::mode_t mode = 0)
      : path_(path), number_(::open(path.c_str(), flags | O_CLOEXEC, mode)) {
    if (number_ < 0) {
      fail(path);
    }
  }
  ~descriptor() { ::close(number_); }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;

  void write(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ::ssize_t written = ::write(number_, bytes.data(), bytes.size());
      if (written < 0 && errno != EINTR) {
        fail(path_);
      }
      bytes.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
    }
  }
  void sync() const {
    if (::fsync(number_) != 0) {
      fail(path_);
    }
  }

 private:
  fs::path path_;
  int number_;
};

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    fail(path);
  }
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::uint32_t sum_of(const pb::Identity& identity) {
  return crc32c(std::to_string(identity.format_version()) + '\n' + identity.disk_id() + '\n' +
                identity.cluster_id() + '\n' + identity.cluster_secret() + '\n' +
                std::to_string(identity.shard_count()) + '\n');
}

std::string from_hex(std::string_view digits) {
  const auto value = [](char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes += static_cast<char>(value(digits[i]) * 16 + value(digits[i + 1]));
  }
  return bytes;
}

}  // namespace

folder_lock::folder_lock(const fs::path& folder) {
  const fs::path path = folder / lock_name;
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, private_file);
  if (file_ < 0) {
    fail(path);
  }
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
    const int code = errno;
    ::close(file_);
    if (code != EWOULDBLOCK) {
      throw std::system_error(code, std::generic_category(), path.string());
    }
    throw std::runtime_error(folder.string() + ": in use by process " + read_file(path));
  }
  const std::string owner = std::to_string(::getpid());
  if (::ftruncate(file_, 0) != 0 ||
      ::pwrite(file_, owner.data(), owner.size(), 0) != static_cast<::ssize_t>(owner.size())) {
    const int code = errno;
    ::close(file_);
    throw std::system_error(code, std::generic_category(), path.string());
  }
}

folder_lock::~folder_lock() { ::close(file_); }

void make_folder(const fs::path& folder) {
  if (fs::is_directory(folder)) {
    return;
  }
  const fs::path parent = fs::absolute(folder).parent_path();
  fs::create_directories(parent);
  constexpr ::mode_t private_folder = 0700;
  if (::mkdir(folder.c_str(), private_folder) != 0 && errno != EEXIST) {
    fail(folder);
  }
  sync_folder(parent);
}

void sync_folder(const fs::path& folder) { descriptor(folder, O_RDONLY | O_DIRECTORY).sync(); }

bool has_identity(const fs::path& folder) {
  if (fs::exists(folder / identity_name)) {
    return true;
  }
  const bool interrupted = fs::exists(folder / unfinished_name);
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name == lock_name || name == "lost+found") {
      continue;
    }
    if (!interrupted) {
      throw std::runtime_error(folder.string() +
                               ": not a data folder of Souk: it has no file 'identity' but '" + name +
                               "'; name an empty or new folder");
    }
  }
  if (interrupted) {
    fs::remove_all(folder / "journal");
    fs::remove_all(folder / "state");
    fs::remove(folder / unfinished_name);
    sync_folder(folder);
  }
  return false;
}

void begin_identity(const fs::path& folder, const storage_identity& identity) {
  pb::Identity message;
  message.set_format_version(identity.format_version);
  message.set_disk_id(identity.disk_id);
  message.set_cluster_id(identity.cluster_id);
  message.set_cluster_secret(hex(std::string_view(identity.cluster_secret)));
  message.set_shard_count(identity.shard_count);
  message.set_crc32c(sum_of(message));
  std::string text;
  google::protobuf::TextFormat::PrintToString(message, &text);
  const descriptor file(folder / unfinished_name, O_WRONLY | O_CREAT | O_TRUNC, private_file);
  file.write(text);
  file.sync();
  sync_folder(folder);
}

void finish_identity(const fs::path& folder) {
  fs::rename(folder / unfinished_name, folder / identity_name);
  sync_folder(folder);
}

storage_identity read_identity(const fs::path& folder) {
  const fs::path path = folder / identity_name;
  pb::Identity message;
  google::protobuf::TextFormat::Parser parser;
  parser.AllowUnknownField(true);
  struct silence : google::protobuf::io::ErrorCollector {
    void AddError(int, int, const std::string&) override {}
  } no_output;
  parser.RecordErrorsTo(&no_output);
  const bool parsed = parser.ParseFromString(read_file(path), &message);
  storage_identity identity;
  if (parsed && message.format_version() > identity.format_version) {
    throw std::runtime_error(folder.string() + ": its format is " + std::to_string(message.format_version()) +
                             ", this program knows formats up to " + std::to_string(identity.format_version) +
                             ": start a newer version");
  }
  if (!parsed || message.crc32c() != sum_of(message)) {
    throw std::runtime_error(path.string() + ": damaged; restore the folder from a backup");
  }
  identity.format_version = message.format_version();
  identity.disk_id = message.disk_id();
  identity.cluster_id = message.cluster_id();
  identity.cluster_secret = from_hex(message.cluster_secret());
  identity.shard_count = static_cast<std::uint16_t>(message.shard_count());
  return identity;
}

}  // namespace souk::persistence
