#pragma once

#include "actors/gateway/gateway.hpp"
#include "actors/keyring/keyring.hpp"
#include "runtime/cluster/routing.hpp"
#include "runtime/messages.hpp"
#include "runtime/seams/seams.hpp"

#include <caf/behavior.hpp>
#include <caf/stateful_actor.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace souk::gateway {

struct first_key_config {
  std::shared_ptr<const runtime::routing_table> routing;
  std::shared_ptr<runtime::clock> clock;
  std::shared_ptr<runtime::random_source> random;
  std::string tenant = "main";
  /// Puts a fresh secret where the operator finds it and returns it, or returns the one that lies there
  /// already (a start that was cut short). Usually `keep_admin_key`.
  std::function<std::string(const std::string& fresh)> keep;
  /// Whether this node has heard of a key, so that there is nothing to do; empty: it never hears.
  std::function<bool()> known;
  /// Called once, when the keyring has a key: whether it was made now.
  std::function<void(bool made)> ready;
  std::chrono::milliseconds retry{20};        ///< How often to look whether the shard is served.
  std::chrono::milliseconds patience{2'000};  ///< How long to wait for its answer.
};

struct first_key_state {
  std::uint64_t round = 0;  ///< Answers to earlier rounds are stale.
  bool adding = false;      ///< This round's question is the addition.
  bool added = false;       ///< An addition was sent, in this round or before.
  static inline const char* name = "first_key";
};

/// FIRST KEY: sees to it that there is a key for the shop's staff, and ends. On the first start of a data
/// folder it makes one. The secret is on disk before the keyring knows it, so that a crash in between leaves
/// nothing that nobody holds. Handles `runtime::response` from the keyring's shard and `gateway_tick` from
/// itself.
caf::behavior first_key(caf::stateful_actor<first_key_state>* self, first_key_config config);

/// Writes the secret into the file, mode 0600 and synced, unless the file is there; returns what the file
/// says. Throws `std::system_error` naming the file.
std::string keep_admin_key(const std::filesystem::path& file, const std::string& fresh);

}  // namespace souk::gateway
