#include "actors/gateway/routes.hpp"

#include "actors/gateway/handlers.hpp"
#include "actors/gateway/uri.hpp"

#include <algorithm>
#include <utility>

namespace souk::gateway {

namespace {

using keyring::scope;

/// An audit of everything wakes every stock there is.
constexpr unsigned audit_deadlines = 30;

/// What several routes have in common.
struct profile {
  gateway::audience audience;
  key_use key;
  body_use body;
  bool read_only;
};
constexpr profile shop_reads{audience::everybody, key_use::ignored, body_use::none, true};
constexpr profile shop_writes{audience::everybody, key_use::allowed, body_use::json, false};
constexpr profile shop_acts{audience::everybody, key_use::allowed, body_use::optional_json, false};
constexpr profile shop_removes{audience::everybody, key_use::allowed, body_use::none, false};
constexpr profile shop_pays{audience::everybody, key_use::required, body_use::json, false};
/// Of customers, what is theirs.
constexpr profile customer_reads{audience::customers, key_use::ignored, body_use::none, true};
constexpr profile staff_reads{audience::staff, key_use::ignored, body_use::none, true};
constexpr profile staff_writes{audience::staff, key_use::allowed, body_use::json, false};
/// Each is safe to repeat, so that no key is needed.
constexpr profile staff_orders{audience::staff, key_use::ignored, body_use::json, false};
constexpr profile staff_removes{audience::staff, key_use::allowed, body_use::none, false};
constexpr profile staff_refunds{audience::staff, key_use::required, body_use::json, false};
constexpr profile staff_sends_file{audience::staff, key_use::allowed, body_use::file, false};
/// The secret of a new key must not be kept with an answer, so there is no first answer to repeat.
constexpr profile staff_makes_secret{audience::staff, key_use::ignored, body_use::json, false};
constexpr profile staff_replaces_secret{audience::staff, key_use::ignored, body_use::optional_json, false};

route make_route(std::string_view method, std::string_view path, std::string_view name,
                 const profile& profile, std::optional<scope> scope, handler handle,
                 std::vector<std::string_view> parameters = {}) {
  route route;
  route.method = method;
  route.path = path;
  route.name = name;
  route.audience = profile.audience;
  route.scope = scope;
  route.key = profile.key;
  route.body = profile.body;
  route.read_only = profile.read_only;
  route.parameters = std::move(parameters);
  route.handle = handle;
  return route;
}

traffic traffic_of(const route& route) {
  if (route.audience == audience::staff) return traffic::admin;
  if (route.path.starts_with("/v1/carts")) return traffic::cart;
  if (route.path.starts_with("/v1/checkouts") || route.path.starts_with("/v1/test/"))
    return traffic::checkout;
  return traffic::browse;
}

answer_kind kind_of(const route& route) {
  if (route.path == "/docs") return answer_kind::page;
  const bool shown_to_all = route.path == "/v1/openapi.json" || route.scope == scope::catalogue_read;
  return shown_to_all ? answer_kind::catalogue : answer_kind::personal;
}

void add_catalogue(std::vector<route>& table) {
  table.insert(
      table.end(),
      {make_route("POST", "/v1/products", "create_product", staff_writes, scope::catalogue_write,
                  create_product),
       make_route("GET", "/v1/products", "list_products", shop_reads, scope::catalogue_read, list_products,
                  {"category", "limit", "cursor"}),
       make_route("GET", "/v1/products/{id}", "get_product", shop_reads, scope::catalogue_read, get_product),
       make_route("PUT", "/v1/products/{id}", "replace_product", staff_writes, scope::catalogue_write,
                  replace_product),
       make_route("GET", "/v1/variants/{sku}", "get_variant", shop_reads, scope::catalogue_read, get_variant),
       make_route("GET", "/v1/search", "search_products", shop_reads, scope::catalogue_read, search_products,
                  {"q", "category", "limit"}),
       make_route("POST", "/v1/imports", "start_import", staff_sends_file, scope::imports_write,
                  start_import),
       make_route("GET", "/v1/imports/{id}", "get_import", staff_reads, scope::imports_read, get_import)});
  for (auto& route : table)
    route.from_catalogue =
        route.name == "list_products" || route.name == "get_variant" || route.name == "search_products";
}

void add_inventory(std::vector<route>& table) {
  table.insert(table.end(),
               {make_route("POST", "/v1/inventory/adjustments", "adjust_stock", staff_writes,
                           scope::inventory_write, adjust_stock),
                make_route("GET", "/v1/inventory/levels", "list_levels", staff_reads, scope::inventory_read,
                           list_levels, {"sku"}),
                make_route("GET", "/v1/inventory/movements", "list_movements", staff_reads,
                           scope::inventory_read, list_movements, {"sku", "location", "limit", "cursor"}),
                make_route("GET", "/v1/inventory/audit", "audit_stock", staff_reads, scope::inventory_read,
                           audit_stock, {"sku"})});
  table.back().deadlines = audit_deadlines;
}

void add_sales(std::vector<route>& table) {
  table.insert(
      table.end(),
      {make_route("POST", "/v1/carts", "create_cart", shop_writes, scope::carts_write, create_cart),
       make_route("GET", "/v1/carts/{id}", "get_cart", shop_reads, scope::carts_read, get_cart),
       make_route("POST", "/v1/carts/{id}/items", "add_items", shop_writes, scope::carts_write, add_items),
       make_route("PATCH", "/v1/carts/{id}/items/{line}", "set_quantity", shop_writes, scope::carts_write,
                  set_quantity),
       make_route("DELETE", "/v1/carts/{id}/items/{line}", "remove_line", shop_removes, scope::carts_write,
                  remove_line),
       make_route("POST", "/v1/checkouts", "create_checkout", shop_pays, scope::carts_write, create_checkout),
       make_route("GET", "/v1/checkouts/{id}", "get_checkout", shop_reads, scope::carts_read, get_checkout),
       make_route("POST", "/v1/checkouts/{id}/complete", "complete_checkout", shop_pays, scope::carts_write,
                  complete_checkout),
       make_route("POST", "/v1/checkouts/{id}/cancel", "cancel_checkout", shop_acts, scope::carts_write,
                  cancel_checkout),
       make_route("GET", "/v1/orders", "list_orders", customer_reads, scope::orders_read, list_orders,
                  {"customer_id", "status", "limit", "cursor"}),
       make_route("GET", "/v1/orders/{id}", "get_order", shop_reads, scope::orders_read, get_order),
#ifdef SOUK_NEXT_VERSION
       make_route("GET", "/v1/orders/{id}/units", "count_units", shop_reads, scope::orders_read, count_units),
#endif
       make_route("POST", "/v1/orders/{id}/cancel", "cancel_order", staff_refunds, scope::orders_write,
                  cancel_order)});
}

void add_events(std::vector<route>& table) {
  table.push_back(make_route("GET", "/v1/events", "list_events", staff_reads, scope::events_read, list_events,
                             {"after", "types", "limit"}));
  auto stream = make_route("GET", "/v1/events/stream", "stream_events", staff_reads, scope::events_read,
                           stream_events, {"after", "types"});
  stream.streams = true;
  table.push_back(std::move(stream));
}

void add_webhooks(std::vector<route>& table) {
  constexpr std::string_view all = "/v1/webhook_endpoints";
  constexpr std::string_view one = "/v1/webhook_endpoints/{id}";
  table.insert(table.end(),
               {make_route("POST", all, "create_webhook_endpoint", staff_makes_secret, scope::webhooks_write,
                           create_webhook_endpoint),
                make_route("GET", all, "list_webhook_endpoints", staff_reads, scope::webhooks_read,
                           list_webhook_endpoints, {"limit", "cursor"}),
                make_route("GET", one, "get_webhook_endpoint", staff_reads, scope::webhooks_read,
                           get_webhook_endpoint),
                make_route("PATCH", one, "change_webhook_endpoint", staff_writes, scope::webhooks_write,
                           change_webhook_endpoint),
                make_route("DELETE", one, "remove_webhook_endpoint", staff_removes, scope::webhooks_write,
                           remove_webhook_endpoint),
                make_route("POST", "/v1/webhook_endpoints/{id}/rotate_secret", "rotate_webhook_secret",
                           staff_replaces_secret, scope::webhooks_write, rotate_webhook_secret),
                make_route("POST", "/v1/webhook_endpoints/{id}/replay", "replay_webhook_endpoint",
                           staff_writes, scope::webhooks_write, replay_webhook_endpoint)});
}

void add_operations(std::vector<route>& table) {
  table.insert(
      table.end(),
      {make_route("POST", "/v1/keys", "create_key", staff_makes_secret, scope::keys_admin, create_key,
                  {"tenant"}),
       make_route("GET", "/v1/keys", "list_keys", staff_reads, scope::keys_admin, list_keys, {"tenant"}),
       make_route("DELETE", "/v1/keys/{id}", "revoke_key", staff_removes, scope::keys_admin, revoke_key,
                  {"tenant"}),
       make_route("GET", "/v1/admin/tree", "show_tree", staff_reads, scope::cluster_read, show_tree),
       make_route("GET", "/v1/admin/status", "show_status", staff_reads, scope::cluster_read, show_status),
       make_route("GET", "/v1/admin/quarantine", "show_quarantine", staff_reads, scope::cluster_read,
                  show_quarantine),
       make_route("GET", "/v1/admin/cluster", "show_cluster", staff_reads, scope::cluster_read, show_cluster),
       make_route("POST", "/v1/admin/cluster", "order_cluster", staff_orders, scope::cluster_admin,
                  order_cluster),
       make_route("GET", "/v1/admin/digest", "show_digest", staff_reads, scope::cluster_read, show_digest,
                  {"shard", "answers_from_ms"})});
}

void add_description(std::vector<route>& table) {
  table.insert(table.end(),
               {make_route("GET", "/v1/openapi.json", "show_api", shop_reads, std::nullopt, show_api),
                make_route("GET", "/docs", "show_api_page", shop_reads, std::nullopt, show_api_page)});
}

void add_test_aids(std::vector<route>& table) {
  table.insert(
      table.end(),
      {make_route("GET", "/v1/test/payments", "list_test_payments", staff_reads, scope::payments_read,
                  list_test_payments),
       make_route("POST", "/v1/test/payments/{id}/authenticate", "authenticate_test_payment", shop_acts,
                  std::nullopt, authenticate_test_payment),
       make_route("POST", "/v1/test/crash", "crash_entity", shop_writes, std::nullopt, crash_entity)});
  table.back().test_mode_only = true;
}

std::vector<route> make_routes() {
  std::vector<route> table;
  add_catalogue(table);
  add_inventory(table);
  add_sales(table);
  add_events(table);
  add_webhooks(table);
  add_operations(table);
  add_description(table);
  add_test_aids(table);
  for (auto& route : table) {
    route.traffic = traffic_of(route);
    route.kind = kind_of(route);
  }
  return table;
}

bool is_placeholder(std::string_view segment) { return segment.starts_with('{'); }

/// The routes with their paths cut once.
struct cut_route {
  const gateway::route* route;
  std::vector<std::string_view> segments;
};

const std::vector<cut_route>& cut_routes() {
  static const std::vector<cut_route> cut = [] {
    std::vector<cut_route> all;
    for (const gateway::route& route : routes())
      all.push_back({&route, split_path(route.path)});
    return all;
  }();
  return cut;
}

bool matches(const std::vector<std::string_view>& pattern, const std::vector<std::string_view>& segments) {
  return std::equal(pattern.begin(), pattern.end(), segments.begin(), segments.end(),
                    [](std::string_view expected, std::string_view segment) {
                      return is_placeholder(expected) ? !segment.empty() : expected == segment;
                    });
}

}  // namespace

std::span<const route> routes() {
  static const std::vector<route> table = make_routes();
  return table;
}

std::variant<route_match, wrong_method, no_route> find_route(std::string_view method, std::string_view path,
                                                             bool test_mode) {
  std::vector<std::string_view> segments = split_path(path);
  std::string_view wanted = method == "HEAD" ? "GET" : method;
  std::string allow;
  for (const cut_route& candidate : cut_routes()) {
    if (candidate.route->test_mode_only && !test_mode) continue;
    if (!matches(candidate.segments, segments)) continue;
    if (candidate.route->method == wanted) {
      route_match match{candidate.route, {}};
      for (std::size_t i = 0; i < segments.size(); ++i)
        if (is_placeholder(candidate.segments[i])) match.arguments.push_back(segments[i]);
      return match;
    }
    allow.append(allow.empty() ? "" : ", ").append(candidate.route->method);
    if (candidate.route->method == "GET") allow += ", HEAD";
  }
  if (!allow.empty()) return wrong_method{std::move(allow)};
  return no_route{};
}

const route* route_of(const http_request& http, bool test_mode) {
  const auto found = find_route(http.method, http.path, test_mode);
  const auto* match = std::get_if<route_match>(&found);
  return match == nullptr ? nullptr : match->route;
}

bool takes_file(std::string_view method, std::string_view path) {
  auto found = find_route(method, path);
  auto* match = std::get_if<route_match>(&found);
  return match != nullptr && match->route->body == body_use::file;
}

}  // namespace souk::gateway
