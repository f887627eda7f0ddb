#pragma once

#include "actors/keyring/keyring.pb.h"
#include "actors/keyring/scope.hpp"
#include "runtime/entity/kind.hpp"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace souk::keyring {

/// Who a request's key or token belongs to.
struct credential {
  std::string id;
  scope_set scopes = scope_set::all();
  bool publishable = false;  ///< Anybody may have it.
  /// The customer whose it is: what is theirs is open to it. Empty: nobody's.
  std::string customer = {};
  std::string tenant = "main";  ///< Where it opens anything.
  /// Of a key: the keyring has not been told for a while that it is used, and whoever found it is to do so.
  bool use_is_news = false;
};

/// The keys that are valid now, on this node: fed with the keyring's committed events, asked by gateways. Any
/// thread.
class credential_directory : public runtime::projection {
 public:
  /// Whose secret this is, of which tenant, and what it opens, or nothing: not there, revoked or expired.
  /// Looks for its digest, of which nobody can choose how it begins: the time tells nothing that helps to
  /// guess one. Says once in a while that its use is news.
  std::optional<credential> find(std::string_view secret, runtime::timestamp now) const;

  /// Whose tenant's secret this is, or nothing; does not count as a use.
  std::optional<std::string> tenant_of(std::string_view secret, runtime::timestamp now) const;
  /// Whether any other tenant than the first has or had a key, as far as this node knows.
  bool knows_others() const { return knows_others_.load(std::memory_order_relaxed); }

  /// Whether any key of this tenant is valid.
  bool any(std::string_view tenant) const;

  /// Every tenant that has or had a key, as far as this node knows.
  std::vector<std::string> tenants() const;

  runtime::kind_id source() const override;
  void restore(const runtime::address& address, std::uint64_t version,
               const runtime::entity_state& state) override;
  void apply(const runtime::address& address, std::uint64_t version,
             const google::protobuf::Message& event) override;

 private:
  struct entry {
    credential opens;
    std::int64_t expires_at_ms = 0;           ///< 0: never.
    mutable std::int64_t use_told_at_ms = 0;  ///< On this node.
  };
  struct ring {
    std::uint64_t version = 0;
    std::map<std::string, std::string, std::less<>> keys;  ///< Digests by id; revoked keys are not here.
  };
  const entry* valid(const std::string& hash, runtime::timestamp now) const;
  ring& ring_of(const std::string& tenant);
  void add(const std::string& tenant, const std::string& id, const std::string& hash, const pb::Grant* grant);
  void remove(ring& ring, const std::string& id);

  mutable std::mutex mutex_;
  std::map<std::string, ring, std::less<>> tenants_;
  std::map<std::string, entry, std::less<>> by_hash_;
  std::atomic<bool> knows_others_ = false;
};

std::shared_ptr<credential_directory> make_credential_directory();

}  // namespace souk::keyring
