#pragma once

#include "actors/gateway/http.hpp"
#include "actors/payment/provider_ledger.hpp"
#include "runtime/seams/seams.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace souk::payment {

/// The test provider as a server of its own:
///
///   POST /calls     a ProviderCall, as application/x-protobuf or application/json → 200 ProviderResult
///   likewise;
///                   silence is a request that is not answered
///   GET  /payments  the books (see `test_provider::list`)
class provider_server {
 public:
  virtual ~provider_server() = default;
  virtual std::uint16_t port() const = 0;
};

/// Starts it. Throws `std::system_error` if the address cannot be had, `persistence::damage` if the ledger
/// cannot be understood. `on_failure` is told, on a thread of the server, that the ledger failed: the process
/// should end.
std::unique_ptr<provider_server> make_provider_server(const gateway::listener_options& options,
                                                      std::unique_ptr<provider_ledger> ledger,
                                                      std::shared_ptr<runtime::clock> clock,
                                                      std::function<void(const std::string&)> on_failure);

}  // namespace souk::payment
