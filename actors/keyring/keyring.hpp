#pragma once

#include "actors/keyring/keyring.pb.h"
#include "actors/keyring/scope.hpp"
#include "actors/kinds.hpp"
#include "runtime/entity/kind.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

/// Keys of a shop's staff and programs.
namespace souk::keyring {

/// The key of a tenant's one keyring.
inline constexpr std::string_view entity_key = "main";

/// Keys in use at a time: a bound on what every request with a key is compared with.
inline constexpr std::size_t keys_max = 1'000;

/// A key that is in use is journalled as used about so often: enough to see which ones nobody needs.
inline constexpr std::chrono::hours use_interval{1};

/// All keys ever made, by id.
struct keyring_state {
  std::map<std::string, pb::Key, std::less<>> keys;
  std::uint64_t version = 0;
  std::set<std::string, std::less<>> changed;  ///< Ids of rows to save.
};

/// Decides over the keyring. Pure.
struct keyring_decider {
  using state = keyring_state;
  using command = pb::Command;
  using event = pb::Event;
  static constexpr runtime::kind_id id = kinds::keyring;
  static constexpr std::string_view name = "keyring";
  static constexpr std::uint32_t schema = 2;
  static std::string_view partition_of(std::string_view key) { return key; }

  runtime::decision decide(const state& state, const command& command, const runtime::context& context) const;
  runtime::decision on_timer(const state& state, std::string_view timer,
                             const runtime::context& context) const;
  runtime::decision on_effect_failed(const state& state, const runtime::address& to,
                                     const google::protobuf::Message& command, std::string_view failure,
                                     const runtime::context& context) const;
  void evolve(state& state, const event& event, runtime::timestamp at, std::uint64_t version) const;
  void load_row(state& state, std::string_view row, std::string_view value) const;
  void save_rows(state& state, runtime::row_sink& sink) const;
};

/// The keyring as an entity kind.
std::shared_ptr<const runtime::entity_kind> make_kind();

/// A fresh key, to be added to a keyring.
struct new_key {
  pb::Add add;
  std::string secret;  ///< "sk_..." or "pk_...": shown once, kept nowhere.
};
/// `part` is the id's unguessable part; the secret is made of `secret_bytes`, 32 random bytes.
new_key make_key(std::string label, pb::Grant grant, std::string_view part, std::string_view secret_bytes,
                 runtime::timestamp now);

/// All scopes, for ever.
pb::Grant full_grant();

/// What a grant opens: nothing of what it names and is not known here; nothing at all if it is publishable.
scope_set scopes_of(const pb::Grant& grant);

/// SHA-256 of a secret, as stored.
std::string hash_of(std::string_view secret);

/// The JSON of one key of a tenant, without hash or secret:
/// `{"id","label","publishable","scopes","created_at","expires_at"?,"revoked_at"?,
/// "last_used_at"?}`.
std::string to_json(const pb::Key& key, std::string_view tenant);

}  // namespace souk::keyring
