#pragma once

#include "actors/gateway/http.hpp"
#include "actors/payment/provider_ledger.hpp"
#include "actors/payment/test_provider.hpp"
#include "actors/shop/shop.hpp"
#include "actors/testkit/simulated_http.hpp"
#include "persistence/memory_storage.hpp"
#include "runtime/node/node.hpp"
#include "runtime/testkit/driver.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace souk::testkit {

struct simulation_options {
  std::uint16_t shard_count = 4;
  std::uint16_t gateways = 2;
  runtime::limits limits;
  shop::shop_options shop;
};

/// A whole shop in one thread, driven by one number: the real gateways, entities, journal code and
/// supervision tree of a node, on virtual time, storage in memory and the test provider's own books. Requests
/// come in as HTTP does behind the sockets. Same seed, same build: same run.
///
///     simulated_shop shop{seed};
///     shop.stock("TEA", 50);
///     auto answer = shop.call("GET", "/v1/variants/TEA");
class simulated_shop {
 public:
  using fields = http_fields;
  using answer_handler = http_answer_handler;

  explicit simulated_shop(std::uint64_t seed, simulation_options options = {});
  ~simulated_shop();
  simulated_shop(const simulated_shop&) = delete;
  simulated_shop& operator=(const simulated_shop&) = delete;

  /// Sends a request; `then` gets its answer while the simulation is driven, or never if the node crashes
  /// first.
  void send(const std::string& method, const std::string& target, const std::string& body, fields fields,
            answer_handler then);
  /// Sends a request and drives the simulation until it is answered. Throws if that takes more than a virtual
  /// minute.
  gateway::http_response call(const std::string& method, const std::string& target,
                              const std::string& body = {}, fields fields = {});
  /// The same with the shop's own key.
  gateway::http_response staff(const std::string& method, const std::string& target,
                               const std::string& body = {}, fields fields = {});

  /// A product of one variant at 10.00 USD, with that many units received.
  void stock(const std::string& sku, std::int64_t units);

  /// A power cut: nothing of the node is left but what it had committed. The provider and its books live on.
  void crash();

  runtime::testkit::driver& drive() { return *driver_; }
  runtime::node& node() { return *node_; }
  persistence::memory_storage& storage() { return *storage_; }
  std::string provider_books() const { return provider_->list(); }

 private:
  void boot();
  void take_down();
  std::vector<supervision::child_spec> workers();
  std::vector<supervision::child_spec> gateways();
  void make_first_key();

  std::uint64_t seed_;
  simulation_options options_;
  std::unique_ptr<persistence::memory_storage> storage_;
  std::unique_ptr<payment::provider_ledger> ledger_;
  std::shared_ptr<payment::test_provider> provider_;
  std::string key_;
  std::optional<runtime::testkit::driver> driver_;
  std::optional<shop::shop> shop_;
  std::optional<runtime::node> node_;
  std::uint64_t turn_ = 0;
  std::shared_ptr<bool> connected_;  // whether answers still reach the clients
};

}  // namespace souk::testkit
