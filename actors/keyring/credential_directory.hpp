#pragma once

#include "actors/keyring/keyring.pb.h"
#include "runtime/entity/kind.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace souk::keyring {

/// Who a request's key belongs to.
struct credential {
  std::string id;
};

/// The keys that are valid now, on this node: fed with the keyring's committed events, asked by gateways. Any
/// thread.
class credential_directory : public runtime::projection {
 public:
  /// Whose secret this is, or nothing. Takes the same time for every secret that is not there.
  std::optional<credential> find(std::string_view tenant, std::string_view secret) const;

  /// Whether any key of this tenant is valid.
  bool any(std::string_view tenant) const;

  runtime::kind_id source() const override;
  void restore(const runtime::address& address, std::uint64_t version,
               const runtime::entity_state& state) override;
  void apply(const runtime::address& address, std::uint64_t version,
             const google::protobuf::Message& event) override;

 private:
  struct ring {
    std::uint64_t version = 0;
    std::map<std::string, std::string> hashes;  ///< By id; revoked keys are not here.
  };

  mutable std::mutex mutex_;
  std::map<std::string, ring, std::less<>> tenants_;
};

std::shared_ptr<credential_directory> make_credential_directory();

}  // namespace souk::keyring
