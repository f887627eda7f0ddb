#include "runtime/crockford.hpp"
#include "runtime/seams/seams.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace souk::runtime {

namespace {

void fill_from_kernel(std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const auto count = ::getrandom(bytes.data(), bytes.size(), 0);
    if (count < 0) {
      if (errno == EINTR) continue;
      throw std::system_error(errno, std::generic_category(), "getrandom");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

/// Saves most of the system calls: ids and command names take 13 to 16 bytes each. Served bytes are wiped, so
/// that no later reader of this memory learns an id.
class reserve {
 public:
  void take(std::span<std::uint8_t> bytes) {
    if (bytes.empty()) return;  // may have no address, which memcpy must not see
    if (bytes.size() > pool_.size()) return fill_from_kernel(bytes);
    if (bytes.size() > left_) {
      fill_from_kernel(pool_);
      left_ = pool_.size();
    }
    auto* from = pool_.data() + pool_.size() - left_;
    std::memcpy(bytes.data(), from, bytes.size());
    std::memset(from, 0, bytes.size());
    left_ -= bytes.size();
  }

 private:
  std::array<std::uint8_t, 1024> pool_{};
  std::size_t left_ = 0;
};

class system_random final : public random_source {
 public:
  void fill(std::span<std::uint8_t> bytes) override {
    thread_local reserve reserve;
    reserve.take(bytes);
  }

  std::uint64_t next_u64() override {
    std::array<std::uint8_t, sizeof(std::uint64_t)> bytes{};
    fill(bytes);
    std::uint64_t number = 0;
    std::memcpy(&number, bytes.data(), bytes.size());
    return number;
  }

  std::string next_part() override {
    std::array<std::uint8_t, id_part_bytes> bytes{};
    fill(bytes);
    return encode_id_part(bytes);
  }
};

}  // namespace

std::shared_ptr<random_source> make_system_random() { return std::make_shared<system_random>(); }

}  // namespace souk::runtime
