#include "actors/keyring/credential_directory.hpp"

#include "actors/keyring/keyring.hpp"
#include "actors/keyring/tenant.hpp"

namespace souk::keyring {

std::optional<credential> credential_directory::find(std::string_view secret, runtime::timestamp now) const {
  const std::string hash = hash_of(secret);
  const std::lock_guard lock{mutex_};
  const auto* key = valid(hash, now);
  if (key == nullptr) return std::nullopt;
  auto found = std::optional{key->opens};
  found->use_is_news = now - runtime::from_ms(key->use_told_at_ms) >= use_interval;
  if (found->use_is_news) key->use_told_at_ms = runtime::to_ms(now);
  return found;
}

std::optional<std::string> credential_directory::tenant_of(std::string_view secret,
                                                           runtime::timestamp now) const {
  const std::string hash = hash_of(secret);
  const std::lock_guard lock{mutex_};
  const auto* key = valid(hash, now);
  return key == nullptr ? std::nullopt : std::optional{key->opens.tenant};
}

const credential_directory::entry* credential_directory::valid(const std::string& hash,
                                                               runtime::timestamp now) const {
  const auto known = by_hash_.find(hash);
  if (known == by_hash_.end()) return nullptr;
  const auto& key = known->second;
  return key.expires_at_ms != 0 && runtime::to_ms(now) >= key.expires_at_ms ? nullptr : &key;
}

credential_directory::ring& credential_directory::ring_of(const std::string& tenant) {
  if (tenant != first_tenant) knows_others_.store(true, std::memory_order_relaxed);
  return tenants_[tenant];
}

std::vector<std::string> credential_directory::tenants() const {
  const std::lock_guard lock{mutex_};
  std::vector<std::string> names;
  names.reserve(tenants_.size());
  for (const auto& [name, ring] : tenants_)
    names.push_back(name);
  return names;
}

bool credential_directory::any(std::string_view tenant) const {
  std::lock_guard lock{mutex_};
  auto keys = tenants_.find(tenant);
  return keys != tenants_.end() && !keys->second.keys.empty();
}

runtime::kind_id credential_directory::source() const { return kinds::keyring; }

void credential_directory::restore(const runtime::address& address, std::uint64_t version,
                                   const runtime::entity_state& state) {
  const std::lock_guard lock{mutex_};
  auto& ring = ring_of(address.tenant);
  if (version <= ring.version) return;
  while (!ring.keys.empty())
    remove(ring, ring.keys.begin()->first);
  ring.version = version;
  for (const auto& [id, key] : runtime::kind_of<keyring_decider>::open(state).keys)
    if (key.revoked_at_ms() == 0)
      add(address.tenant, id, key.hash(), key.has_grant() ? &key.grant() : nullptr);
}

void credential_directory::apply(const runtime::address& address, std::uint64_t version,
                                 const google::protobuf::Message& event) {
  const auto& change = static_cast<const pb::Event&>(event);
  const std::lock_guard lock{mutex_};
  auto& ring = ring_of(address.tenant);
  if (version <= ring.version) return;
  ring.version = version;
  if (const auto& added = change.added(); change.has_added())
    add(address.tenant, added.id(), added.hash(), added.has_grant() ? &added.grant() : nullptr);
  if (change.has_revoked()) remove(ring, change.revoked().id());
}

void credential_directory::add(const std::string& tenant, const std::string& id, const std::string& hash,
                               const pb::Grant* grant) {
  const auto scopes = grant == nullptr ? scope_set::all() : scopes_of(*grant);
  const bool publishable = grant != nullptr && grant->publishable();
  by_hash_.insert_or_assign(hash, entry{{id, scopes_in(tenant, scopes), publishable, {}, tenant},
                                        grant == nullptr ? 0 : grant->expires_at_ms()});
  tenants_[tenant].keys.insert_or_assign(id, hash);
}

void credential_directory::remove(ring& ring, const std::string& id) {
  const auto known = ring.keys.find(id);
  if (known == ring.keys.end()) return;
  by_hash_.erase(known->second);
  ring.keys.erase(known);
}

std::shared_ptr<credential_directory> make_credential_directory() {
  return std::make_shared<credential_directory>();
}

}  // namespace souk::keyring
