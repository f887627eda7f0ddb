#include "actors/testkit/simulated_shop.hpp"

#include "actors/formats.hpp"
#include "actors/gateway/first_key.hpp"
#include "actors/gateway/gateway.hpp"
#include "actors/payment/provider.hpp"
#include "actors/payment/provider_worker.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <stdexcept>

namespace souk::testkit {

namespace {

constexpr std::chrono::minutes patience{1};

std::string role_of_gateway(std::uint64_t n) { return "gateway/" + std::to_string(n); }

}  // namespace

simulated_shop::simulated_shop(std::uint64_t seed, simulation_options options)
    : seed_(seed),
      options_(std::move(options)),
      storage_(persistence::make_memory_storage()),
      ledger_(payment::make_memory_ledger()),
      provider_(std::make_shared<payment::test_provider>(*ledger_)) {
  boot();
  make_first_key();
}

simulated_shop::~simulated_shop() { take_down(); }

void simulated_shop::boot() {
  driver_.emplace(seed_++);
  connected_ = std::make_shared<bool>(true);
  shop_.emplace(shop::make_shop(options_.shop));
  runtime::node_options node;
  node.storage = storage_.get();
  node.shard_count = options_.shard_count;
  node.kinds = shop_->entities;
  node.limits = options_.limits;
  node.formats = {1, formats::newest};
  node.time = driver_->time();
  node.random = driver_->random();
  node.own_threads = false;
  node.on_fatal = [](const std::string& reason) { throw std::runtime_error("the node gave up: " + reason); };
  node_.emplace(driver_->system(), std::move(node));
  node_->start(workers(), gateways());
  if (!driver_->run_until([this] { return node_->serving(); }, patience))
    throw std::runtime_error("the shards do not come up");
}

void simulated_shop::take_down() {
  // What the actors still do while they are taken down never happened.
  storage_->hold_back(true);
  *connected_ = false;
  caf::anon_send_exit(node_->root(), caf::exit_reason::kill);
  node_->let_go();
  driver_.reset();
  node_.reset();
  shop_.reset();
  storage_->lose_unsynced();
  storage_->hold_back(false);
}

void simulated_shop::crash() {
  take_down();
  boot();
}

std::vector<supervision::child_spec> simulated_shop::workers() {
  payment::payment_worker_config config;
  config.provider = payment::make_direct_provider(provider_, driver_->time());
  config.clock = driver_->time();
  config.random = driver_->random();
  supervision::child_spec payments{.name = "payments", .start = [config](caf::event_based_actor* self) {
                                     return self->spawn(payment::payment_worker, config);
                                   }};
  return {node_->directory().listed("port/payments", std::move(payments))};
}

std::vector<supervision::child_spec> simulated_shop::gateways() {
  gateway::gateway_config config;
  config.routing = node_->routing();
  auto& services = config.services;
  services.catalogue = shop_->catalogue;
  services.credentials = shop_->credentials;
  services.clock = driver_->time();
  services.random = driver_->random();
  services.secret = "the secret of a simulated cluster";
  services.shard_count = options_.shard_count;
  services.test_mode = true;
  services.test_payments = [provider = provider_](const std::function<void(std::string)>& then) {
    then(provider->list());
  };
  std::vector<supervision::child_spec> children;
  for (std::uint16_t n = 0; n < options_.gateways; ++n) {
    supervision::child_spec child{
        .name = role_of_gateway(n),
        .start = [config](caf::event_based_actor* self) { return self->spawn(gateway::gateway, config); }};
    children.push_back(node_->directory().listed(role_of_gateway(n), std::move(child)));
  }
  return children;
}

void simulated_shop::make_first_key() {
  bool ready = false;
  gateway::first_key_config config;
  config.routing = node_->routing();
  config.clock = driver_->time();
  config.random = driver_->random();
  config.keep = [this](const std::string& fresh) { return key_ = fresh; };
  config.ready = [&ready](bool) { ready = true; };
  driver_->system().spawn(gateway::first_key, config);
  if (!driver_->run_until([&ready] { return ready; }, patience)) throw std::runtime_error("no key was made");
}

void simulated_shop::send(const std::string& method, const std::string& target, const std::string& body,
                          fields fields, answer_handler then) {
  auto gateway = node_->directory().find(role_of_gateway(turn_++ % options_.gateways));
  if (!gateway) throw std::runtime_error("no gateway lives");
  send_http(gateway, method, target, body, std::move(fields),
            [then = std::move(then), connected = connected_](const gateway::http_response& response) {
              if (then && *connected) then(response);
            });
}

gateway::http_response simulated_shop::call(const std::string& method, const std::string& target,
                                            const std::string& body, fields fields) {
  std::optional<gateway::http_response> answer;
  send(method, target, body, std::move(fields), [&answer](const auto& response) { answer = response; });
  if (!driver_->run_until([&answer] { return answer.has_value(); }, patience))
    throw std::runtime_error(method + " " + target + " was not answered");
  return *answer;
}

gateway::http_response simulated_shop::staff(const std::string& method, const std::string& target,
                                             const std::string& body, fields fields) {
  fields.emplace_back("authorization", "Bearer " + key_);
  return call(method, target, body, std::move(fields));
}

void simulated_shop::stock(const std::string& sku, std::int64_t units) {
  put_on_sale(
      sku, R"({"amount":1000,"currency":"USD"})", units,
      [this](const std::string& target, const std::string& body) { return staff("POST", target, body); });
}

}  // namespace souk::testkit
