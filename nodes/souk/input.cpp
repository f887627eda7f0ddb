#include "nodes/souk/input.hpp"

#include <sys/stat.h>
#include <zstd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

namespace souk::cli {
namespace {

constexpr std::array<char, 4> zstd_magic{'\x28', '\xb5', '\x2f', '\xfd'};

struct close_file {
  void operator()(std::FILE* file) const {
    if (file != stdin) std::fclose(file);
  }
};
using file_ptr = std::unique_ptr<std::FILE, close_file>;

// The bytes as they lie there.
class plain_input final : public input {
 public:
  explicit plain_input(std::string path) : path_(std::move(path)) {
    const bool standard = path_ == "-";
    file_.reset(standard ? stdin : std::fopen(path_.c_str(), "rb"));
    if (!file_) throw std::runtime_error(path_ + ": " + std::generic_category().message(errno));
    struct stat facts{};
    if (fstat(fileno(file_.get()), &facts) == 0) {
      if (S_ISDIR(facts.st_mode)) throw std::runtime_error(path_ + ": is a directory");
      if (S_ISREG(facts.st_mode)) size_ = static_cast<std::size_t>(facts.st_size);
    }
    head_size_ = std::fread(head_.data(), 1, head_.size(), file_.get());
  }

  bool packed() const { return head_size_ == zstd_magic.size() && head_ == zstd_magic; }

  std::size_t read(char* into, std::size_t size) override {
    const std::size_t from_head = std::min(size, head_size_ - head_used_);
    std::memcpy(into, head_.data() + head_used_, from_head);
    head_used_ += from_head;
    const std::size_t count = from_head + std::fread(into + from_head, 1, size - from_head, file_.get());
    if (count < size && std::ferror(file_.get()) != 0) throw std::runtime_error(path_ + ": cannot be read");
    used_ += count;
    return count;
  }

  double progress() const override {
    return size_ == 0 ? -1.0 : static_cast<double>(used_) / static_cast<double>(size_);
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  file_ptr file_;
  std::array<char, 4> head_{};
  std::size_t head_size_ = 0;
  std::size_t head_used_ = 0;
  std::size_t used_ = 0;
  std::size_t size_ = 0;
};

// The bytes unpacked.
class zstd_input final : public input {
 public:
  explicit zstd_input(std::unique_ptr<plain_input> packed)
      : packed_(std::move(packed)), stream_(ZSTD_createDStream()), buffer_(ZSTD_DStreamInSize()) {
    if (!stream_) throw std::bad_alloc();
  }

  std::size_t read(char* into, std::size_t size) override {
    ZSTD_outBuffer out{into, size, 0};
    while (out.pos < out.size) {
      if (pending_.pos == pending_.size) {
        pending_ = {buffer_.data(), packed_->read(buffer_.data(), buffer_.size()), 0};
        if (pending_.size == 0) {
          if (inside_frame_) throw std::runtime_error(packed_->path() + ": ends within a zstd frame");
          break;
        }
      }
      const std::size_t left = ZSTD_decompressStream(stream_.get(), &out, &pending_);
      if (ZSTD_isError(left) != 0) {
        throw std::runtime_error(packed_->path() + ": damaged zstd data: " + ZSTD_getErrorName(left));
      }
      inside_frame_ = left != 0;
    }
    return out.pos;
  }

  double progress() const override { return packed_->progress(); }

 private:
  struct free_stream {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
  };

  std::unique_ptr<plain_input> packed_;
  std::unique_ptr<ZSTD_DStream, free_stream> stream_;
  std::vector<char> buffer_;
  ZSTD_inBuffer pending_{nullptr, 0, 0};
  bool inside_frame_ = false;
};

}  // namespace

std::unique_ptr<input> open_input(const std::string& path) {
  auto plain = std::make_unique<plain_input>(path);
  if (!plain->packed()) return plain;
  return std::make_unique<zstd_input>(std::move(plain));
}

}  // namespace souk::cli
