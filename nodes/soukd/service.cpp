#include "nodes/soukd/service.hpp"

#include "actors/gateway/first_key.hpp"
#include "actors/gateway/gateway.hpp"
#include "actors/gateway/http.hpp"
#include "actors/gateway/routes.hpp"
#include "actors/import/importer.hpp"
#include "actors/payment/provider.hpp"
#include "actors/payment/provider_ledger.hpp"
#include "actors/payment/provider_worker.hpp"
#include "actors/shop/shop.hpp"
#include "nodes/soukd/health.hpp"
#include "nodes/soukd/reporter.hpp"
#include "persistence/lmdb_storage.hpp"
#include "runtime/node/node.hpp"
#include "runtime/node/scheduler.hpp"
#include "runtime/telemetry/http_metrics.hpp"
#include "runtime/telemetry/log.hpp"
#include "runtime/telemetry/metrics.hpp"
#include "runtime/telemetry/process_metrics.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <future>
#include <optional>
#include <utility>
#include <vector>

namespace souk::nodes {

namespace {

using supervision::child_spec;

// How long running requests may take when the node ends.
constexpr unsigned drain_ms = 10'000;

struct actor_settings : caf::actor_system_config {
  explicit actor_settings(std::uint16_t threads) { runtime::use_node_scheduler(*this, {.threads = threads}); }
};

runtime::limits limits_of(const config::settings& settings) {
  runtime::limits limits;
  limits.entities_active_max = settings.entities.max_active;
  limits.entity_idle_timeout = settings.entities.idle_timeout;
  limits.entity_queue_max = settings.entities.queue_max;
  limits.flush_interval = settings.storage.flush_interval;
  limits.flush_bytes = settings.storage.flush_bytes;
  return limits;
}

persistence::lmdb_options storage_options_of(const service_options& options, runtime::random_source& random) {
  persistence::lmdb_options storage;
  storage.folder = options.node.data;
  storage.map_bytes_initial = options.settings.storage.map_initial;
  storage.journal_bytes_max = options.settings.storage.journal_max;
  storage.state_bytes_max = options.settings.storage.state_max;
  storage.disk_reserve_bytes = options.settings.storage.disk_reserve;
  storage.shard_count = options.settings.cluster.shard_count;
  storage.random_bytes = [&random](std::size_t count) {
    std::string bytes(count, '\0');
    random.fill({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
    return bytes;
  };
  return storage;
}

class running_service final : public service {
 public:
  explicit running_service(service_options options)
      : options_(std::move(options)),
        clock_(runtime::make_system_clock()),
        random_(runtime::make_system_random()),
        storage_(persistence::open_lmdb(storage_options_of(options_, *random_))),
        settings_(options_.settings.scheduler.threads),
        system_(std::in_place, settings_) {
    shop::shop_options shop_options;
    shop_options.cart_ttl = options_.settings.cart.ttl;
    shop_options.checkout.hold_ttl = options_.settings.checkout.hold_ttl;
    shop_options.checkout.authentication_time_min = options_.settings.checkout.authentication_time;
    shop_ = shop::make_shop(shop_options);
    open_provider();
    make_node();
    node_->start(workers(), gateways());
    node_->wait_until_serving();
    ensure_key();
    listen();
  }

  ~running_service() override {
    // Handles first: an actor that outlives its system cannot be let go.
    http_.reset();
    admin_.reset();
    node_.reset();
    provider_.reset();
    system_.reset();
  }

  void stop() override {
    if (stopped_) return;
    stopped_ = true;
    ending_ = true;
    http_->drain(drain_ms);
    std::promise<void> ended;
    caf::actor_cast<caf::strong_actor_ptr>(node_->root())->get()->attach_functor([&ended](const caf::error&) {
      ended.set_value();
    });
    node_->stop();
    ended.get_future().wait();
  }

  const service_addresses& addresses() const override { return addresses_; }

 private:
  void open_provider() {
    const auto& payments = options_.settings.payments;
    if (!payments.test.url.empty()) {
      payment::remote_provider_options remote;
      remote.url = payments.test.url;
      remote.timeout = payments.timeout;
      provider_ = payment::make_remote_provider(remote, clock_);
      return;
    }
    auto ledger =
        payments.test.ledger.empty() ? options_.node.data / "test-provider.ledger" : payments.test.ledger;
    provider_ = payment::make_embedded_provider(
        payment::open_file_ledger(ledger), clock_,
        [this](const auto& why) { options_.on_fatal("the test provider's ledger: " + why); });
  }

  void make_node() {
    runtime::node_options node;
    node.id = options_.node.id;
    node.disk_id = storage_->identity().disk_id;
    node.storage = storage_.get();
    node.shard_count = storage_->identity().shard_count;
    node.kinds = shop_.entities;
    node.limits = limits_of(options_.settings);
    node.time = clock_;
    node.random = random_;
    node.on_fatal = options_.on_fatal;
    node_.emplace(*system_, std::move(node));
    telemetry::add_process_metrics(metrics_);
    add_node_metrics(metrics_, *node_, *storage_);
    http_metrics_ = std::make_shared<telemetry::http_metrics>(metrics_, gateway::route_names());
  }

  std::vector<child_spec> workers() {
    payment::payment_worker_config config;
    config.provider = provider_;
    config.clock = clock_;
    config.timeout = options_.settings.payments.timeout;
    child_spec payments{.name = "payments", .start = [config](caf::event_based_actor* self) {
                          return self->spawn(payment::payment_worker, config);
                        }};
    return {node_->directory().listed("port/payments", std::move(payments))};
  }

  std::vector<child_spec> gateways() {
    auto& directory = node_->directory();
    std::vector<child_spec> children;
    child_spec reporter_child{.name = "reporter", .start = [this](caf::event_based_actor* self) {
                                return self->spawn(reporter, &*node_);
                              }};
    children.push_back(directory.listed("reporter", std::move(reporter_child)));
    const auto config = gateway_config_of();
    for (std::uint16_t n = 0; n < options_.settings.http.gateways; ++n) {
      auto role = "gateway/" + std::to_string(n);
      child_spec child{.name = role, .start = [config](caf::event_based_actor* self) {
                         return self->spawn(gateway::gateway, config);
                       }};
      gateway_roles_.push_back(role);
      children.push_back(directory.listed(role, std::move(child)));
    }
    children.push_back(importer_child());
    return children;
  }

  child_spec importer_child() {
    import_job::importer_config config;
    config.routing = node_->routing();
    config.clock = clock_;
    config.random = random_;
    config.gateway = [this] { return node_->directory().find(gateway_roles_.front()); };
    config.folder = import_folder();
    child_spec child{.name = "importer", .start = [config](caf::event_based_actor* self) {
                       return self->spawn(import_job::importer, config);
                     }};
    return node_->directory().listed("importer", std::move(child));
  }

  gateway::gateway_config gateway_config_of() {
    auto find_reporter = [this] { return node_->directory().find("reporter"); };
    gateway::gateway_config config;
    config.routing = node_->routing();
    config.metrics = http_metrics_;
    config.request_deadline = options_.settings.http.request_deadline;
    auto& services = config.services;
    services.catalogue = shop_.catalogue;
    services.credentials = shop_.credentials;
    services.clock = clock_;
    services.random = random_;
    services.secret = storage_->identity().cluster_secret;
    services.shard_count = storage_->identity().shard_count;
    services.test_mode = options_.test_mode;
    services.tree = view_of(view::tree, find_reporter);
    services.status = view_of(view::status, find_reporter);
    services.quarantine = view_of(view::quarantine, find_reporter);
    services.test_payments = [provider = provider_](std::function<void(std::string)> then) {
      provider->list(std::move(then));
    };
    services.import_folder = import_folder();
    services.import_accepted = [this](const std::string& key) {
      if (auto importer = node_->directory().find("importer"))
        caf::anon_send(importer, import_job::import_accepted{key});
    };
    return config;
  }

  std::filesystem::path import_folder() const { return options_.node.data / "imports"; }

  // On the first start, a key for the shop's staff.
  void ensure_key() {
    const auto file = options_.node.data / "admin.key";
    std::promise<bool> made;
    gateway::first_key_config config;
    config.routing = node_->routing();
    config.clock = clock_;
    config.random = random_;
    config.keep = [file](const std::string& fresh) { return gateway::keep_admin_key(file, fresh); };
    config.ready = [&made](bool fresh) { made.set_value(fresh); };
    system_->spawn(gateway::first_key, config);
    if (made.get_future().get()) log::info("an admin key was made", {{"file", file.string()}});
  }

  void listen() {
    const auto& http = options_.settings.http;
    gateway::listener_options options;
    options.address = options_.node.http.address;
    options.port = options_.node.http.port;
    options.head_bytes_max = http.head_max;
    options.body_bytes_max = http.body_max;
    options.connections_max = http.connections_max;
    options.pipeline_max = http.pipeline_max;
    options.head_timeout_ms = static_cast<unsigned>(http.head_timeout.count());
    options.body_timeout_ms = static_cast<unsigned>(http.body_timeout.count());
    options.idle_timeout_ms = static_cast<unsigned>(http.idle_timeout.count());
    options.write_timeout_ms = static_cast<unsigned>(http.write_timeout.count());
    std::filesystem::create_directories(import_folder());
    options.spool_folder = import_folder();
    options.spool_limit = [limit = http.import_max](std::string_view method, std::string_view path) {
      return gateway::takes_file(method, path) ? std::optional<std::size_t>{limit} : std::nullopt;
    };
    http_ = gateway::make_listener(
        options, [this](gateway::http_request request, std::unique_ptr<gateway::responder> responder) {
          hand_on(std::move(request), std::move(responder));
        });
    health_.ready = [this] {
      return std::vector<telemetry::readiness>{shards_ready(*node_), {"not_ending", !ending_, {}}};
    };
    health_.metrics = [this] { return metrics_.render(); };
    gateway::listener_options admin;
    admin.address = options_.node.admin.address;
    admin.port = options_.node.admin.port;
    admin_ = gateway::make_listener(
        admin, [this](const gateway::http_request& request, std::unique_ptr<gateway::responder> responder) {
          responder->respond(answer_health(request, health_));
        });
    addresses_.http = config::to_string({options_.node.http.address, http_->port()});
    addresses_.admin = config::to_string({options_.node.admin.address, admin_->port()});
  }

  // Each request goes to the next gateway in turn; one that is being restarted is passed over.
  void hand_on(gateway::http_request request, std::unique_ptr<gateway::responder> responder) {
    gateway::exchange exchange{std::make_shared<const gateway::http_request>(std::move(request)),
                               std::move(responder)};
    for (std::size_t tries = 0; tries < gateway_roles_.size(); ++tries) {
      auto gateway = node_->directory().find(gateway_roles_[turn_++ % gateway_roles_.size()]);
      if (!gateway) continue;
      caf::anon_send(gateway, std::move(exchange));
      return;
    }
  }

  service_options options_;
  std::shared_ptr<runtime::clock> clock_;
  std::shared_ptr<runtime::random_source> random_;
  std::unique_ptr<persistence::lmdb_storage> storage_;
  actor_settings settings_;
  telemetry::registry metrics_;
  std::shared_ptr<telemetry::http_metrics> http_metrics_;
  telemetry::admin_sources health_;
  std::optional<caf::actor_system> system_;
  shop::shop shop_;
  std::shared_ptr<payment::provider_link> provider_;
  std::optional<runtime::node> node_;
  std::vector<std::string> gateway_roles_;
  std::size_t turn_ = 0;  // the listener's thread alone
  std::unique_ptr<gateway::listener> http_;
  std::unique_ptr<gateway::listener> admin_;
  service_addresses addresses_;
  std::atomic<bool> ending_{false};
  bool stopped_ = false;
};

}  // namespace

std::unique_ptr<service> start_service(service_options options) {
  return std::make_unique<running_service>(std::move(options));
}

}  // namespace souk::nodes
