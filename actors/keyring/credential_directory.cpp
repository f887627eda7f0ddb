#include "actors/keyring/credential_directory.hpp"

#include "actors/keyring/keyring.hpp"

#include <openssl/crypto.h>

namespace souk::keyring {

std::optional<credential> credential_directory::find(std::string_view tenant, std::string_view secret,
                                                     runtime::timestamp now) const {
  std::string hash = hash_of(secret);
  std::optional<credential> found;
  std::lock_guard lock{mutex_};
  auto keys = tenants_.find(tenant);
  if (keys == tenants_.end()) return found;
  // Every key is compared, whole, so that the time tells nothing.
  for (const auto& [id, known] : keys->second.keys)
    if (known.hash.size() == hash.size() && CRYPTO_memcmp(known.hash.data(), hash.data(), hash.size()) == 0 &&
        (known.expires_at_ms == 0 || runtime::to_ms(now) < known.expires_at_ms))
      found = credential{id, known.scopes, known.publishable};
  return found;
}

bool credential_directory::any(std::string_view tenant) const {
  std::lock_guard lock{mutex_};
  auto keys = tenants_.find(tenant);
  return keys != tenants_.end() && !keys->second.keys.empty();
}

runtime::kind_id credential_directory::source() const { return kinds::keyring; }

void credential_directory::restore(const runtime::address& address, std::uint64_t version,
                                   const runtime::entity_state& state) {
  ring fresh{.version = version, .keys = {}};
  for (const auto& [id, key] : runtime::kind_of<keyring_decider>::open(state).keys)
    if (key.revoked_at_ms() == 0)
      fresh.keys.emplace(id, entry_of(key.hash(), key.has_grant() ? &key.grant() : nullptr));
  std::lock_guard lock{mutex_};
  auto& known = tenants_[address.tenant];
  if (version > known.version) known = std::move(fresh);
}

void credential_directory::apply(const runtime::address& address, std::uint64_t version,
                                 const google::protobuf::Message& event) {
  const auto& change = static_cast<const pb::Event&>(event);
  std::lock_guard lock{mutex_};
  auto& keys = tenants_[address.tenant];
  if (version <= keys.version) return;
  keys.version = version;
  if (const auto& added = change.added(); change.has_added())
    keys.keys.insert_or_assign(added.id(),
                               entry_of(added.hash(), added.has_grant() ? &added.grant() : nullptr));
  if (change.has_revoked()) keys.keys.erase(change.revoked().id());
}

credential_directory::entry credential_directory::entry_of(const std::string& hash, const pb::Grant* grant) {
  if (grant == nullptr) return {hash, scope_set::all(), false, 0};
  return {hash, scopes_of(*grant), grant->publishable(), grant->expires_at_ms()};
}

std::shared_ptr<credential_directory> make_credential_directory() {
  return std::make_shared<credential_directory>();
}

}  // namespace souk::keyring
