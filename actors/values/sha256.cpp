#include "actors/values/sha256.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <stdexcept>

namespace souk::values {

namespace {

constexpr std::size_t block_bytes = 64;
constexpr std::uint8_t inner_pad = 0x36;
constexpr std::uint8_t outer_pad = 0x5c;

std::string_view text_of(const digest& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Hashes on one thread. It is kept between uses: to look for the algorithm and to make room for its state
/// anew takes five times as long as to hash what is hashed here.
class hasher {
 public:
  hasher() : context_(EVP_MD_CTX_new()) {
    demand(context_ != nullptr && EVP_DigestInit_ex2(context_.get(), algorithm(), nullptr) == 1);
  }

  digest hash(std::string_view first, std::string_view second) {
    digest out{};
    demand(EVP_DigestInit_ex2(context_.get(), nullptr, nullptr) == 1 &&
           EVP_DigestUpdate(context_.get(), first.data(), first.size()) == 1 &&
           EVP_DigestUpdate(context_.get(), second.data(), second.size()) == 1 &&
           EVP_DigestFinal_ex(context_.get(), out.data(), nullptr) == 1);
    return out;
  }

 private:
  struct free_context {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };

  static void demand(bool done) {
    if (!done) throw std::runtime_error("SHA-256 is not available");
  }
  static const EVP_MD* algorithm() {
    static EVP_MD* const found = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    return found;
  }

  std::unique_ptr<EVP_MD_CTX, free_context> context_;
};

digest hash(std::string_view first, std::string_view second) {
  thread_local hasher of_thread;
  return of_thread.hash(first, second);
}

}  // namespace

digest sha256(std::string_view text) { return hash(text, {}); }

digest hmac_sha256(std::string_view secret, std::string_view text) {
  std::array<std::uint8_t, block_bytes> key{};
  if (secret.size() > key.size()) {
    const auto shorter = sha256(secret);
    std::copy(shorter.begin(), shorter.end(), key.begin());
  } else {
    std::copy(secret.begin(), secret.end(), key.begin());
  }
  const auto padded = [&key](std::uint8_t with) {
    std::array<char, block_bytes> block{};
    std::transform(key.begin(), key.end(), block.begin(),
                   [with](std::uint8_t byte) { return static_cast<char>(byte ^ with); });
    return block;
  };
  const auto inside = padded(inner_pad);
  const auto outside = padded(outer_pad);
  const auto inner = hash({inside.data(), inside.size()}, text);
  return hash({outside.data(), outside.size()}, text_of(inner));
}

}  // namespace souk::values
