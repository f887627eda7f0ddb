#pragma once

#include "actors/gateway/digests.hpp"
#include "actors/gateway/token.hpp"
#include "actors/keyring/credential_directory.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace souk::gateway {

/// So many verified tokens are remembered, some 500 bytes each: more than a shop has staff and programs. One
/// that was forgotten costs its verification again, a tenth of a millisecond or so.
inline constexpr std::size_t tokens_remembered_max = 10'000;

/// What "Bearer ..." in a field Authorization shows; empty if it is of another scheme.
std::string_view bearer_in(std::string_view authorization);

/// Whether a bearer credential is meant to be a token: three parts with dots between them. A key never is.
bool is_token(std::string_view bearer);

/// The tokens of one issuer, as credentials of staff and of customers. Verifies each once and remembers it by
/// its digest until it ends, or the keys change. One for all gateways of a node. Any thread.
class access_tokens {
 public:
  access_tokens(token_rules rules, token_keys keys, std::size_t remembered_max = tokens_remembered_max);

  /// Whose token this is and what it opens, or nothing. The credential's id is "sub:" and the subject, so
  /// that it is never that of a key.
  std::optional<keyring::credential> find(std::string_view token, runtime::timestamp now);

  /// Whose tenant's a token is, if it is remembered; nothing else is looked at.
  std::optional<std::string> tenant_of(std::string_view token, runtime::timestamp now) const;
  /// Whether any was of another tenant than the first.
  bool knows_others() const { return knows_others_.load(std::memory_order_relaxed); }

  /// Takes other keys in use. What was verified by the earlier ones is forgotten.
  void replace(token_keys keys);

  /// Signatures that were verified and good.
  std::uint64_t verified() const { return verified_.load(std::memory_order_relaxed); }
  std::uint64_t refused(token_fault why) const;
  /// Tokens that are remembered now, and keys that are in use.
  std::size_t remembered() const;
  std::size_t keys() const;

 private:
  struct known {
    keyring::credential credential;
    runtime::timestamp until;
  };
  using known_tokens = std::map<digest, known>;

  std::optional<keyring::credential> refuse(token_fault why);
  void remember(const digest& name, const known& token, runtime::timestamp now);
  void forget(known_tokens::iterator token);

  const token_rules rules_;
  const std::size_t remembered_max_;
  mutable std::mutex mutex_;
  std::shared_ptr<const token_keys> keys_;
  known_tokens known_;
  std::set<std::pair<runtime::timestamp, digest>> by_end_;
  std::atomic<std::uint64_t> verified_ = 0;
  std::atomic<bool> knows_others_ = false;
  std::array<std::atomic<std::uint64_t>, token_faults> refused_{};
};

}  // namespace souk::gateway
