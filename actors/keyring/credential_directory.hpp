#pragma once

#include "actors/keyring/keyring.pb.h"
#include "actors/keyring/scope.hpp"
#include "runtime/entity/kind.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace souk::keyring {

/// Who a request's key or token belongs to.
struct credential {
  std::string id;
  scope_set scopes = scope_set::all();
  bool publishable = false;  ///< Anybody may have it.
  /// The customer whose it is: what is theirs is open to it. Empty: nobody's.
  std::string customer = {};
};

/// The keys that are valid now, on this node: fed with the keyring's committed events, asked by gateways. Any
/// thread.
class credential_directory : public runtime::projection {
 public:
  /// Whose secret this is and what it opens, or nothing: not there, revoked or expired. Takes the same time
  /// for every secret that is not there.
  std::optional<credential> find(std::string_view tenant, std::string_view secret,
                                 runtime::timestamp now) const;

  /// Whether any key of this tenant is valid.
  bool any(std::string_view tenant) const;

  runtime::kind_id source() const override;
  void restore(const runtime::address& address, std::uint64_t version,
               const runtime::entity_state& state) override;
  void apply(const runtime::address& address, std::uint64_t version,
             const google::protobuf::Message& event) override;

 private:
  struct entry {
    std::string hash;
    scope_set scopes;
    bool publishable = false;
    std::int64_t expires_at_ms = 0;  ///< 0: never.
  };
  struct ring {
    std::uint64_t version = 0;
    std::map<std::string, entry> keys;  ///< By id; revoked keys are not here.
  };
  static entry entry_of(const std::string& hash, const pb::Grant* grant);

  mutable std::mutex mutex_;
  std::map<std::string, ring, std::less<>> tenants_;
};

std::shared_ptr<credential_directory> make_credential_directory();

}  // namespace souk::keyring
