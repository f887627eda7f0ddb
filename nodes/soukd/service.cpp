#include "nodes/soukd/service.hpp"

#include "actors/gateway/access.hpp"
#include "actors/gateway/admission.hpp"
#include "actors/gateway/event_stream.hpp"
#include "actors/gateway/first_key.hpp"
#include "actors/gateway/gateway.hpp"
#include "actors/gateway/http.hpp"
#include "actors/gateway/overload.hpp"
#include "actors/gateway/response.hpp"
#include "actors/gateway/routes.hpp"
#include "actors/gateway/tenant_at_sight.hpp"
#include "actors/import/importer.hpp"
#include "actors/marketplace/desk.hpp"
#include "actors/nats/jetstream.hpp"
#include "actors/nats/publisher.hpp"
#include "actors/payment/provider.hpp"
#include "actors/payment/provider_ledger.hpp"
#include "actors/payment/provider_worker.hpp"
#include "actors/shop/shop.hpp"
#include "actors/webhook/courier.hpp"
#include "actors/webhook/sender.hpp"
#include "nodes/soukd/cluster_parts.hpp"
#include "nodes/soukd/health.hpp"
#include "nodes/soukd/https.hpp"
#include "nodes/soukd/joined_cluster.hpp"
#include "nodes/soukd/reporter.hpp"
#include "nodes/soukd/span_exporter.hpp"
#include "nodes/soukd/tokens.hpp"
#include "nodes/soukd/version.hpp"
#include "persistence/lmdb_storage.hpp"
#include "runtime/node/node.hpp"
#include "runtime/node/scheduler.hpp"
#include "runtime/telemetry/access_log.hpp"
#include "runtime/telemetry/http_metrics.hpp"
#include "runtime/telemetry/log.hpp"
#include "runtime/telemetry/metrics.hpp"
#include "runtime/telemetry/process_metrics.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <future>
#include <optional>
#include <utility>
#include <vector>

namespace souk::nodes {

namespace {

using supervision::child_spec;

// How often the start looks whether what it waits for is there.
constexpr std::chrono::milliseconds look_again{20};

// A node of a cluster waits so long for the shards and the catalogue of others before it serves without:
// one of them may be gone for good.
constexpr std::chrono::milliseconds catch_up_most{10'000};

// A request waits so long for a shard that is on its way to another node: longer than a failover takes.
constexpr std::chrono::milliseconds failover_wait{5'500};

// Handing over takes some tens of milliseconds a shard; a member in sync that hangs is not waited for.
constexpr std::chrono::milliseconds hand_over_most{5'000};

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
  limits.events_kept_records = settings.events.keep;
  if (settings.cluster.clustered()) limits.effect_resend_interval = runtime::effect_resend_between_nodes;
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

gateway::admission_options admission_options_of(const config::limit_settings& limits) {
  const auto row = [](const config::request_limits& most) {
    return std::array<std::uint64_t, gateway::traffic_classes>{most.browse, most.cart, most.checkout,
                                                               most.admin};
  };
  gateway::admission_options options;
  options.window = std::chrono::duration_cast<std::chrono::seconds>(limits.window);
  options.address = row(limits.address);
  options.credential = row(limits.credential);
  options.tenant = row(limits.tenant);
  options.clients_max = limits.clients_max;
  return options;
}

gateway::hold_limits hold_limits_of(const config::limit_settings& limits) {
  const auto row = [](const config::hold_settings& most) {
    return gateway::hold_limit{.units_per_sku = most.units_per_sku, .checkouts = most.checkouts};
  };
  return {.customer = row(limits.customer), .guest = row(limits.guest)};
}

webhook::target_rules targets_of(const config::webhook_settings& settings) {
  webhook::target_rules rules;
  for (const auto& text : settings.allowed_networks)
    if (const auto network = values::parse_network(text)) rules.allowed.push_back(*network);
  return rules;
}

nats::jetstream_options jetstream_of(const config::nats_settings& settings) {
  nats::jetstream_options options;
  options.servers = settings.servers;
  options.stream = settings.stream;
  options.prefix = settings.prefix;
  options.create = settings.create;
  options.duplicate_window = settings.duplicate_window;
  options.replicas = settings.replicas;
  options.user = settings.user;
  options.password_file = settings.password_file;
  options.credentials = settings.credentials;
  options.certificate = settings.certificate;
  options.key = settings.key;
  options.ca = settings.ca;
  return options;
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
    refuse_other_use(options_.node.data, clustered(), *storage_, storage_->identity().shard_count);
    if (clustered()) parts_.emplace(options_, storage_->identity(), clock_, random_);
    open_provider();
    open_courier();
    open_nats();
    make_node();
    try {
      begin();
    } catch (...) {
      stop();
      throw;
    }
  }

  ~running_service() override {
    stop();
    // Handles first: an actor that outlives its system cannot be let go.
    admin_.reset();  // it shows what the other one counts
    marketplace_.reset();
    http_.reset();
    node_.reset();
    provider_.reset();
    courier_.reset();
    nats_.reset();
    system_.reset();
  }

  void stop() override {
    if (stopped_) return;
    stopped_ = true;
    ending_ = true;
    if (clustered() && node_->root()) hand_over();
    if (http_) http_->drain(drain_ms);
    if (marketplace_) marketplace_->drain(drain_ms);
    if (first_key_) caf::anon_send_exit(first_key_, caf::exit_reason::user_shutdown);
    first_key_ = nullptr;
    if (clustered()) node_->end_links();
    if (node_->root()) {
      std::promise<void> ended;
      caf::actor_cast<caf::strong_actor_ptr>(node_->root())
          ->get()
          ->attach_functor([&ended](const caf::error&) { ended.set_value(); });
      node_->stop();
      ended.get_future().wait();
    }
    node_->leave();
    // What the network tells would reach actors of a system that goes.
    if (parts_) parts_->stop();
  }

  const service_addresses& addresses() const override { return addresses_; }

 private:
  bool clustered() const { return options_.settings.cluster.clustered(); }

  void begin() {
    secret_ = storage_->identity().cluster_secret;
    if (clustered()) {
      // Health is to be seen while the cluster is waited for, and others are to be told the true address.
      listen();
      join();
      node_->start(workers(), gateways());
      wait_until([this] { return node_->cluster().now().registered; });
      (void)wait_until([this] { return node_->serving() && node_->feed().behind == 0; }, catch_up_most);
      has_caught_up_ = true;
      ensure_key({});
      return;
    }
    node_->start(workers(), gateways());
    node_->wait_until_serving();
    std::promise<bool> made;
    ensure_key([&made](bool fresh) { made.set_value(fresh); });
    made.get_future().wait();
    listen();
  }

  /// Waits until the cluster is known, and for ever belongs to it.
  void join() {
    auto known = std::make_shared<std::promise<runtime::cluster_settings>>();
    auto settings = known->get_future();
    node_->join(addresses_.http,
                [known](const runtime::cluster_settings& settings) { known->set_value(settings); });
    wait_until([&] { return settings.wait_for(look_again) == std::future_status::ready; });
    const auto cluster = settings.get();
    const joined_cluster joined{cluster.cluster_id, cluster.cluster_secret};
    if (read_joined(options_.node.data) != joined) write_joined(options_.node.data, joined);
    secret_ = joined.secret;
  }

  /// The shop goes on elsewhere before this node stops; what cannot be handed over fails over.
  void hand_over() {
    node_->hand_over();
    options_.told_to_end = nullptr;
    if (!wait_until([this] { return node_->still_to_hand_over() == 0; }, hand_over_most))
      log::warn("some shards were not handed over", {{"shards", node_->still_to_hand_over()}});
  }

  /// Blocks until it is true, or `most` is over (0: never). Returns whether it is.
  bool wait_until(const std::function<bool()>& what, std::chrono::milliseconds most = {}) {
    const auto begun = clock_->steady();
    std::promise<void> never;
    const auto pause = never.get_future();
    while (!what()) {
      if (options_.told_to_end && options_.told_to_end()) throw start_given_up();
      if (most.count() > 0 && clock_->steady() - begun > most) return false;
      pause.wait_for(look_again);
    }
    return true;
  }

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

  void open_courier() {
    webhook::http_courier_options courier;
    courier.rules = targets_of(options_.settings.webhooks);
    courier.ca = options_.settings.webhooks.ca;
    courier_ = webhook::make_http_courier(courier, clock_);
  }

  void open_nats() {
    const auto& wanted = options_.settings.events.nats;
    if (!wanted.given()) return;
    nats_ = nats::make_jetstream(jetstream_of(config::of_node(wanted, options_.node.id)), clock_);
    nats_figures_ = std::make_shared<nats::publisher_figures>();
  }

  void make_node() {
    runtime::node_options node;
    node.id = options_.node.id;
    node.disk_id = storage_->identity().disk_id;
    node.storage = storage_.get();
    node.shard_count = storage_->identity().shard_count;
    node.kinds = shop_.entities;
    node.limits = limits_of(options_.settings);
    node.formats = known_formats();
    node.time = clock_;
    node.random = random_;
    open_spans();
    node.spans = spans_;
    if (parts_) node.cluster = parts_->options();
    node.on_fatal = options_.on_fatal;
    node_.emplace(*system_, std::move(node));
    telemetry::add_process_metrics(metrics_);
    add_node_metrics(metrics_, *node_, *storage_);
    if (parts_) add_cluster_metrics(metrics_, *node_, options_);
    std::function<std::size_t()> nodes;
    if (clustered())
      nodes = [this] {
        const auto view = node_->cluster().now().view;
        return view ? view->nodes.size() : 1;
      };
    admission_ = std::make_shared<gateway::admission>(admission_options_of(options_.settings.limits), nodes);
    add_admission_metrics(metrics_, *admission_);
    if (const auto target = options_.settings.limits.delay_target; target.count() > 0) {
      gateway::overload_options overload;
      overload.target = target;
      overload_ = std::make_shared<gateway::overload_guard>(overload, clock_);
      add_overload_metrics(metrics_, *overload_);
    }
    if (options_.settings.auth.given()) {
      tokens_.emplace(options_.settings.auth);
      tokens_->add_metrics(metrics_);
    }
    at_the_door_.clock = clock_;
    at_the_door_.random = random_;
    at_the_door_.test_mode = options_.test_mode;
    at_the_door_.credentials = shop_.credentials;
    if (tokens_) at_the_door_.tokens = tokens_->tokens();
    streams_ = std::make_shared<gateway::stream_places>(options_.settings.events.streams);
    metrics_.add_reading(telemetry::registry::type::gauge, "souk_event_streams", "Who follows events now.",
                         [streams = streams_] { return static_cast<double>(streams->taken()); });
    add_webhook_metrics(metrics_, *webhook_figures_);
    if (nats_figures_) add_nats_metrics(metrics_, *nats_figures_);
    http_metrics_ = std::make_shared<telemetry::http_metrics>(metrics_, gateway::route_names());
    open_access_log();
  }

  void open_spans() {
    const auto& wanted = options_.settings.telemetry;
    if (!wanted.otlp) return;
    span_exporter_options exporter;
    exporter.to = *wanted.otlp;
    exporter.source = {"souk", options_.settings.cluster.name + "/" + options_.node.id,
                       std::string{program_version()}};
    spans_ = std::make_shared<span_exporter>(std::move(exporter), clock_);
    spans_->add_metrics(metrics_);
  }

  void open_access_log() {
    const auto& access = options_.settings.log.access;
    if (access.file.empty()) return;
    telemetry::access_log_options log;
    log.file = config::of_node(access.file, options_.node.id);
    log.file_bytes_max = access.file_max;
    log.files = access.files;
    log.one_of = access.one_of;
    access_ = std::make_shared<telemetry::access_log>(log);
    add_access_metrics(metrics_, *access_);
  }

  std::vector<child_spec> workers() {
    payment::payment_worker_config config;
    config.provider = provider_;
    config.clock = clock_;
    config.timeout = options_.settings.payments.timeout;
    config.random = random_;
    config.spans = spans_;
    child_spec payments{.name = "payments", .start = [config](caf::event_based_actor* self) {
                          return self->spawn(payment::payment_worker, config);
                        }};
    std::vector<child_spec> children{node_->directory().listed("port/payments", std::move(payments)),
                                     webhooks()};
    if (nats_) children.push_back(nats_publisher());
    return children;
  }

  child_spec webhooks() {
    webhook::sender_config config;
    config.routing = node_->routing();
    config.clock = clock_;
    config.random = random_;
    config.courier = courier_;
    config.figures = webhook_figures_;
    config.tenants = [credentials = shop_.credentials] { return credentials->tenants(); };
    return {.name = "webhooks",
            .start = [config](caf::event_based_actor* self) { return self->spawn(webhook::sender, config); }};
  }

  child_spec nats_publisher() {
    nats::publisher_config config;
    config.routing = node_->routing();
    config.clock = clock_;
    config.random = random_;
    config.link = nats_;
    config.figures = nats_figures_;
    config.stream = options_.settings.events.nats.stream;
    config.prefix = options_.settings.events.nats.prefix;
    return {.name = "nats",
            .start = [config](caf::event_based_actor* self) { return self->spawn(nats::publisher, config); }};
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
    if (options_.node.marketplace) add_marketplace(children);
    gateways_known_ = true;
    return children;
  }

  void add_marketplace(std::vector<child_spec>& children) {
    marketplace::desk_config config;
    config.routing = node_->routing();
    config.clock = clock_;
    config.random = random_;
    config.request_deadline = options_.settings.http.request_deadline;
    for (std::uint16_t n = 0; n < options_.settings.http.gateways; ++n) {
      auto role = "marketplace/" + std::to_string(n);
      child_spec child{.name = role, .start = [config](caf::event_based_actor* self) {
                         return self->spawn(marketplace::desk, config);
                       }};
      desk_roles_.push_back(role);
      children.push_back(node_->directory().listed(role, std::move(child)));
    }
  }

  child_spec importer_child() {
    import_job::importer_config config;
    config.routing = node_->routing();
    config.clock = clock_;
    config.random = random_;
    config.gateway = [this] { return node_->directory().find(gateway_roles_.front()); };
    config.folder = import_folder();
    config.one_of_several = clustered();
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
    config.access = access_;
    config.request_deadline = options_.settings.http.request_deadline;
    if (clustered()) config.shard_wait = std::min(failover_wait, config.request_deadline / 2);
    auto& services = config.services;
    services.catalogue = shop_.catalogue;
    services.credentials = shop_.credentials;
    if (tokens_) services.tokens = tokens_->tokens();
    if (clustered())
      services.keys_are_coming = [this] { return !has_caught_up_ || node_->feed().behind != 0; };
    if (clustered()) services.catalogue_is_coming = [this] { return !has_caught_up_; };
    if (limits_anybody(admission_options_of(options_.settings.limits))) services.admission = admission_;
    services.hold_limits = hold_limits_of(options_.settings.limits);
    services.streams = streams_;
    services.clock = clock_;
    services.random = random_;
    services.secret = secret_;
    services.shard_count = storage_->identity().shard_count;
    services.test_mode = options_.test_mode;
    services.traces = access_ != nullptr;
    if (spans_)
      services.tracing = std::make_shared<const telemetry::tracing>(
          telemetry::tracing{spans_, options_.settings.telemetry.one_of});
    services.tree = view_of(view::tree, find_reporter);
    services.status = view_of(view::status, find_reporter);
    services.quarantine = view_of(view::quarantine, find_reporter);
    services.cluster = view_of(view::cluster, find_reporter);
    services.digest = [find_reporter](runtime::shard_id shard, std::int64_t answers_from_ms,
                                      std::function<void(std::string)> then) {
      if (auto actor = find_reporter()) {
        caf::anon_send(actor, digest_question{shard, answers_from_ms, std::move(then)});
      } else {
        then({});
      }
    };
    if (clustered())
      services.cluster_order = [find_reporter](const runtime::operator_command& command, bool dry_run,
                                               std::function<void(std::string)> then) {
        if (auto actor = find_reporter()) {
          caf::anon_send(actor, order{command, dry_run, std::move(then)});
        } else {
          then({});
        }
      };
    services.test_payments = [provider = provider_](std::function<void(std::string)> then) {
      provider->list(std::move(then));
    };
    services.import_folder = import_folder();
    services.webhook_targets = targets_of(options_.settings.webhooks);
    services.import_accepted = [this](const runtime::address& import) {
      if (auto importer = node_->directory().find("importer"))
        caf::anon_send(importer, import_job::import_accepted{import});
    };
    return config;
  }

  std::filesystem::path import_folder() const { return options_.node.data / "imports"; }

  // On the first start, a key for the shop's staff: made by the node that serves the keyring.
  void ensure_key(std::function<void(bool)> then) {
    const auto file = options_.node.data / "admin.key";
    gateway::first_key_config config;
    config.routing = node_->routing();
    config.clock = clock_;
    config.random = random_;
    config.keep = [file](const std::string& fresh) { return gateway::keep_admin_key(file, fresh); };
    // Of several nodes another may make it.
    if (clustered()) config.known = [this, tenant = config.tenant] { return shop_.credentials->any(tenant); };
    config.ready = [then = std::move(then), file](bool fresh) {
      if (fresh) log::info("an admin key was made", {{"file", file.string()}});
      if (then) then(fresh);
    };
    first_key_ = system_->spawn(gateway::first_key, config);
  }

  void listen() {
    const auto& http = options_.settings.http;
    gateway::listener_options options;
    options.address = options_.node.http.address;
    options.port = options_.node.http.port;
    options.head_bytes_max = http.head_max;
    options.body_bytes_max = http.body_max;
    options.connections_max = http.connections_max;
    if (const auto& proxied = options_.node.proxied)
      options.proxied = gateway::listener_address{proxied->address, proxied->port};
    for (const auto& proxy : http.trusted_proxies)
      (void)options.trusted.add(proxy);  // the settings were refused otherwise
    options.connections_per_address_max = http.connections_per_address_max;
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
    if (access_)
      options.on_refusal = [this](const gateway::http_request& request,
                                  const gateway::http_response& response) { record(request, response); };
    const auto serve = [this](gateway::http_request request, std::unique_ptr<gateway::responder> responder) {
      hand_on(std::move(request), std::move(responder));
    };
    if (const auto tls = https_of(options_.settings, options_.node)) {
      auto both = gateway::make_listener(options, *tls, serve);
      addresses_.https = config::to_string({tls->address, both->tls_port()});
      add_https_metrics(metrics_, *both);
      http_ = std::move(both);
    } else {
      http_ = gateway::make_listener(options, serve);
    }
    health_.ready = [this] {
      std::vector<telemetry::readiness> all{shards_ready(*node_), {"not_ending", !ending_, {}}};
      if (parts_)
        for (auto& more : cluster_ready(*node_))
          all.push_back(std::move(more));
      return all;
    };
    health_.metrics = [this] { return metrics_.render(); };
    gateway::listener_options admin;
    admin.address = options_.node.admin.address;
    admin.port = options_.node.admin.port;
    admin_ = gateway::make_listener(
        admin, [this](const gateway::http_request& request, std::unique_ptr<gateway::responder> responder) {
          responder->respond(answer_health(request, health_));
        });
    if (options_.node.marketplace) listen_for_marketplace(*options_.node.marketplace);
    addresses_.http = config::to_string({options_.node.http.address, http_->port()});
    addresses_.admin = config::to_string({options_.node.admin.address, admin_->port()});
  }

  // Who comes in here shows no key, and is not limited: it is for a benchmark.
  void listen_for_marketplace(const config::endpoint& at) {
    gateway::listener_options options;
    options.address = at.address;
    options.port = at.port;
    options.connections_max = options_.settings.http.connections_max;
    options.connections_per_address_max = options.connections_max;
    marketplace_ = gateway::make_listener(
        options, [this](gateway::http_request request, std::unique_ptr<gateway::responder> responder) {
          hand_to_desk(std::move(request), std::move(responder));
        });
    addresses_.marketplace = config::to_string({at.address, marketplace_->port()});
  }

  void hand_to_desk(gateway::http_request request, std::unique_ptr<gateway::responder> responder) {
    for (std::size_t tries = 0; gateways_known_ && tries < desk_roles_.size(); ++tries) {
      auto desk = node_->directory().find(desk_roles_[desk_turn_++ % desk_roles_.size()]);
      if (!desk) continue;
      caf::anon_send(desk,
                     gateway::exchange{std::make_shared<const gateway::http_request>(std::move(request)),
                                       std::move(responder)});
      return;
    }
    responder->respond({.status = 503, .fields = {{"Retry-After", "1"}}});
  }

  // Each request goes to the next gateway in turn; one that is being restarted is passed over. What is too
  // much is refused here, by the listener's thread: it must not wait behind what makes it too much.
  void hand_on(gateway::http_request request, std::unique_ptr<gateway::responder> responder) {
    const auto read_at = clock_->steady();
    if (overload_) {
      const auto* route = gateway::route_of(request, options_.test_mode);
      auto watched = overload_->begin(gateway::progress_of(route),
                                      gateway::tenant_at_sight(request, at_the_door_), responder);
      if (watched == nullptr) return turn_away(request, route, *responder);
      responder = std::move(watched);
    }
    gateway::exchange exchange{std::make_shared<const gateway::http_request>(std::move(request)),
                               std::move(responder), std::nullopt, read_at};
    for (std::size_t tries = 0; gateways_known_ && tries < gateway_roles_.size(); ++tries) {
      auto gateway = node_->directory().find(gateway_roles_[turn_++ % gateway_roles_.size()]);
      if (!gateway) continue;
      caf::anon_send(gateway, std::move(exchange));
      return;
    }
    const json::problem starting{.code = "shard_unavailable", .detail = "The node is starting."};
    const auto id = "req_" + random_->next_part();
    auto response = gateway::to_response(std::get<gateway::done>(gateway::refuse(starting, id)), id);
    if (access_) record(*exchange.request, response);
    exchange.responder->respond(std::move(response));
  }

  void turn_away(const gateway::http_request& request, const gateway::route* route,
                 gateway::responder& responder) {
    gateway::drop_file(request);
    auto response = gateway::overloaded(request, *random_);
    http_metrics_->record(gateway::number_of(route), response.status);
    if (access_) record(request, response);
    responder.respond(std::move(response));
  }

  /// A line for what no gateway answers.
  void record(const gateway::http_request& request, const gateway::http_response& response) {
    gateway::record_unread(*access_, request, response, at_the_door_);
  }

  service_options options_;
  std::shared_ptr<runtime::clock> clock_;
  std::shared_ptr<runtime::random_source> random_;
  std::unique_ptr<persistence::lmdb_storage> storage_;
  std::optional<cluster_parts> parts_;
  actor_settings settings_;
  telemetry::registry metrics_;
  std::shared_ptr<telemetry::http_metrics> http_metrics_;
  std::shared_ptr<telemetry::access_log> access_;  // null: it is off
  std::shared_ptr<span_exporter> spans_;           // null: there are none
  gateway::services at_the_door_;                  // what requests take before a gateway has them
  std::shared_ptr<gateway::admission> admission_;
  std::shared_ptr<gateway::stream_places> streams_;
  std::shared_ptr<gateway::overload_guard> overload_;  // null: nothing is refused for the others' sake
  std::optional<token_keys_watch> tokens_;             // nothing: none are taken
  telemetry::admin_sources health_;
  std::optional<caf::actor_system> system_;
  shop::shop shop_;
  std::shared_ptr<payment::provider_link> provider_;
  std::shared_ptr<webhook::courier> courier_;
  std::shared_ptr<webhook::sender_figures> webhook_figures_ = std::make_shared<webhook::sender_figures>();
  std::shared_ptr<nats::stream_link> nats_;                // null: nothing is published
  std::shared_ptr<nats::publisher_figures> nats_figures_;  // null: as well
  std::optional<runtime::node> node_;
  caf::actor first_key_;
  std::string secret_;
  std::vector<std::string> gateway_roles_;
  std::atomic<bool> gateways_known_{false};  // nothing is added to their roles any more
  std::size_t turn_ = 0;                     // the listener's thread alone
  std::vector<std::string> desk_roles_;
  std::size_t desk_turn_ = 0;                       // the marketplace listener's thread alone
  std::unique_ptr<gateway::listener> marketplace_;  // null: it is off
  std::unique_ptr<gateway::listener> http_;
  std::unique_ptr<gateway::listener> admin_;
  service_addresses addresses_;
  std::atomic<bool> has_caught_up_{false};  // with the others of the cluster, or given up waiting
  std::atomic<bool> ending_{false};
  bool stopped_ = false;
};

}  // namespace

std::unique_ptr<service> start_service(service_options options) {
  return std::make_unique<running_service>(std::move(options));
}

}  // namespace souk::nodes
