#include "persistence/commit_log.hpp"

#include "persistence/byte_order.hpp"
#include "persistence/checksum.hpp"
#include "persistence/disk_full.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace souk::persistence {

namespace {

constexpr std::uint32_t magic = 0x534f554b;  // "SOUK"
constexpr std::size_t sum_offset = 4;
constexpr std::size_t generation_offset = 8;
constexpr std::size_t number_offset = 16;
constexpr std::size_t length_offset = 20;
static_assert(commit_log::header_bytes == length_offset + sizeof(std::uint32_t));

constexpr ::mode_t private_file = 0600;

constexpr std::size_t whole_blocks(std::size_t bytes) {
  return (bytes + commit_log::block_bytes - 1) / commit_log::block_bytes * commit_log::block_bytes;
}

int flags_of(commit_log::access access) {
  switch (access) {
    case commit_log::access::make:
      return O_RDWR | O_CREAT;
    case commit_log::access::write:
      return O_RDWR;
    default:
      return O_RDONLY;
  }
}

/// How many of `bytes` were written; `errno` says why not all.
std::size_t write_all(int file, std::string_view bytes, std::size_t offset) {
  std::size_t written = 0;
  while (written < bytes.size()) {
    const ::ssize_t count = ::pwrite(file, bytes.data() + written, bytes.size() - written,
                                     static_cast<::off_t>(offset + written));
    if (count < 0 && errno != EINTR) {
      break;
    }
    written += count < 0 ? 0 : static_cast<std::size_t>(count);
  }
  return written;
}

}  // namespace

commit_log::commit_log(std::filesystem::path file, access access) : path_(std::move(file)), access_(access) {
  if (access == access::none) {
    return;
  }
  file_ = ::open(path_.c_str(), flags_of(access) | O_CLOEXEC, private_file);
  if (file_ < 0 && errno == ENOENT) {
    throw std::runtime_error(path_.string() + ": missing; restore the folder from a backup");
  }
  if (file_ < 0) {
    fail();
  }
  if (access == access::make && std::filesystem::file_size(path_) != file_bytes) {
    make_file();
  }
}

commit_log::~commit_log() {
  if (file_ >= 0) {
    ::close(file_);
  }
}

/// Zeros are written, not promised by fallocate(2): a sync of what is written over them has only their blocks
/// to write, and nothing about the file.
void commit_log::make_file() const {
  const std::string zeros(file_bytes, '\0');
  if (write_all(file_, zeros, 0) != zeros.size() || ::fsync(file_) != 0) {
    fail();
  }
}

void commit_log::fail() const { throw std::system_error(errno, std::generic_category(), path_.string()); }

void commit_log::give_up() {
  failed_ = true;
  fail();
}

void commit_log::load() {
  if (access_ == access::none) {
    return;
  }
  loaded_.resize(file_bytes);
  std::size_t bytes = 0;
  while (bytes < loaded_.size()) {
    const ::ssize_t count =
        ::pread(file_, loaded_.data() + bytes, loaded_.size() - bytes, static_cast<::off_t>(bytes));
    if (count < 0 && errno != EINTR) {
      fail();
    }
    if (count == 0) {
      throw damage(path_.string() + ": it has " + std::to_string(bytes) + " bytes, expected " +
                   std::to_string(file_bytes));
    }
    bytes += count < 0 ? 0 : static_cast<std::size_t>(count);
  }
}

std::vector<std::string> commit_log::open(std::uint64_t generation) {
  generation_ = generation;
  std::vector<std::string> contents;
  for (;;) {
    const std::string_view batch = batch_at(end_, next_number_);
    if (batch.empty()) {
      break;
    }
    contents.emplace_back(batch.substr(header_bytes));
    end_ += whole_blocks(batch.size());
    ++next_number_;
  }
  if (access_ != access::read_along) {
    check_nothing_follows();
  }
  std::string().swap(loaded_);
  return contents;
}

/// The whole batch of this generation that begins at `offset`; empty if that is none, or another one.
std::string_view commit_log::batch_at(std::size_t offset, std::uint32_t number) const {
  if (offset + header_bytes > loaded_.size()) {
    return {};
  }
  const std::string_view rest = std::string_view(loaded_).substr(offset);
  if (load_big_endian<std::uint32_t>(rest, 0) != magic ||
      load_big_endian<std::uint64_t>(rest, generation_offset) != generation_ ||
      load_big_endian<std::uint32_t>(rest, number_offset) != number) {
    return {};
  }
  const std::size_t bytes = header_bytes + load_big_endian<std::uint32_t>(rest, length_offset);
  if (whole_blocks(bytes) > rest.size()) {
    return {};
  }
  const auto sum = crc32c(rest.substr(generation_offset, whole_blocks(bytes) - generation_offset));
  return sum == load_big_endian<std::uint32_t>(rest, sum_offset) ? rest.substr(0, bytes) : std::string_view{};
}

/// A batch is written when the one before it is on disk: none can be there without it.
void commit_log::check_nothing_follows() const {
  for (std::size_t offset = end_; offset + header_bytes <= loaded_.size(); offset += block_bytes) {
    const auto number = load_big_endian<std::uint32_t>(loaded_, offset + number_offset);
    if (number > next_number_ && !batch_at(offset, number).empty()) {
      throw damage(path_.string() + ": batch " + std::to_string(next_number_) + " of generation " +
                   std::to_string(generation_) + ", at byte " + std::to_string(end_) +
                   ", does not hold, but batch " + std::to_string(number) + " behind it does");
    }
  }
}

bool commit_log::has_room(std::size_t batch_bytes) const {
  return access_ != access::none && end_ + whole_blocks(batch_bytes) <= file_bytes;
}

commit_status commit_log::append(std::string& batch) {
  if (failed_) {
    throw std::runtime_error(path_.string() + ": a commit failed before; the process has to end");
  }
  if (!has_room(batch.size())) {
    throw std::logic_error(path_.string() + ": no room for a batch of " + std::to_string(batch.size()) +
                           " bytes");
  }
  const std::size_t content_bytes = batch.size() - header_bytes;
  store_big_endian(batch.data(), magic);
  store_big_endian(batch.data() + generation_offset, generation_);
  store_big_endian(batch.data() + number_offset, next_number_);
  store_big_endian(batch.data() + length_offset, static_cast<std::uint32_t>(content_bytes));
  batch.resize(whole_blocks(batch.size()));
  store_big_endian(batch.data() + sum_offset, crc32c(std::string_view(batch).substr(generation_offset)));
  if (const std::size_t written = write_all(file_, batch, end_); written != batch.size()) {
    if (written == 0 && says_disk_full(errno)) {
      return commit_status::storage_full;
    }
    give_up();  // some of it is there, perhaps all that counts
  }
  if (::fdatasync(file_) != 0) {
    give_up();
  }
  end_ += batch.size();
  ++next_number_;
  return commit_status::done;
}

void commit_log::rewind() {
  ++generation_;
  next_number_ = 0;
  end_ = 0;
}

}  // namespace souk::persistence
