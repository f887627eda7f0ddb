#include "actors/gateway/routes.hpp"

#include "actors/gateway/handlers.hpp"
#include "actors/gateway/uri.hpp"

#include <algorithm>

namespace souk::gateway {

namespace {

using std::chrono::seconds;

/// A payment may take two silences of `payment.timeout` and some asking before it is known what became of it.
constexpr seconds payment_time{20};
/// An audit of everything wakes every stock there is.
constexpr seconds audit_time{300};

std::vector<route> make_routes() {
  constexpr auto admin = scope::admin;
  constexpr auto shop = scope::storefront;
  constexpr auto ignored = key_use::ignored;
  constexpr auto allowed = key_use::allowed;
  constexpr auto required = key_use::required;
  constexpr auto none = body_use::none;
  constexpr auto json = body_use::json;
  constexpr auto optional_json = body_use::optional_json;
  constexpr bool reads = true;
  constexpr bool writes = false;

  std::vector<route> table{
      {"POST", "/v1/products", "create_product", admin, allowed, json, writes, {}, create_product},
      {"GET",
       "/v1/products",
       "list_products",
       shop,
       ignored,
       none,
       reads,
       {"category", "limit", "cursor"},
       list_products},
      {"GET", "/v1/products/{id}", "get_product", shop, ignored, none, reads, {}, get_product},
      {"PUT", "/v1/products/{id}", "replace_product", admin, allowed, json, writes, {}, replace_product},
      {"GET", "/v1/variants/{sku}", "get_variant", shop, ignored, none, reads, {}, get_variant},
      {"GET",
       "/v1/search",
       "search_products",
       shop,
       ignored,
       none,
       reads,
       {"q", "category", "limit"},
       search_products},

      {"POST", "/v1/inventory/adjustments", "adjust_stock", admin, allowed, json, writes, {}, adjust_stock},
      {"GET", "/v1/inventory/levels", "list_levels", admin, ignored, none, reads, {"sku"}, list_levels},
      {"GET",
       "/v1/inventory/movements",
       "list_movements",
       admin,
       ignored,
       none,
       reads,
       {"sku", "location", "limit", "cursor"},
       list_movements},
      {"GET",
       "/v1/inventory/audit",
       "audit_stock",
       admin,
       ignored,
       none,
       reads,
       {"sku"},
       audit_stock,
       false,
       audit_time},

      {"POST", "/v1/carts", "create_cart", shop, allowed, json, writes, {}, create_cart},
      {"GET", "/v1/carts/{id}", "get_cart", shop, ignored, none, reads, {}, get_cart},
      {"POST", "/v1/carts/{id}/items", "add_items", shop, allowed, json, writes, {}, add_items},
      {"PATCH", "/v1/carts/{id}/items/{line}", "set_quantity", shop, allowed, json, writes, {}, set_quantity},
      {"DELETE", "/v1/carts/{id}/items/{line}", "remove_line", shop, allowed, none, writes, {}, remove_line},

      {"POST",
       "/v1/checkouts",
       "create_checkout",
       shop,
       required,
       json,
       writes,
       {},
       create_checkout,
       false,
       payment_time},
      {"GET", "/v1/checkouts/{id}", "get_checkout", shop, ignored, none, reads, {}, get_checkout},
      {"POST",
       "/v1/checkouts/{id}/complete",
       "complete_checkout",
       shop,
       required,
       json,
       writes,
       {},
       complete_checkout,
       false,
       payment_time},
      {"POST",
       "/v1/checkouts/{id}/cancel",
       "cancel_checkout",
       shop,
       allowed,
       optional_json,
       writes,
       {},
       cancel_checkout,
       false,
       payment_time},

      {"GET",
       "/v1/orders",
       "list_orders",
       admin,
       ignored,
       none,
       reads,
       {"customer_id", "status", "limit", "cursor"},
       list_orders},
      {"GET", "/v1/orders/{id}", "get_order", shop, ignored, none, reads, {}, get_order},
      {"POST",
       "/v1/orders/{id}/cancel",
       "cancel_order",
       admin,
       required,
       json,
       writes,
       {},
       cancel_order,
       false,
       payment_time},

      // A key's secret must not be kept with the answer, so there is no first answer to repeat.
      {"POST", "/v1/keys", "create_key", admin, ignored, json, writes, {}, create_key},
      {"GET", "/v1/keys", "list_keys", admin, ignored, none, reads, {}, list_keys},
      {"DELETE", "/v1/keys/{id}", "revoke_key", admin, allowed, none, writes, {}, revoke_key},

      {"GET", "/v1/admin/tree", "show_tree", admin, ignored, none, reads, {}, show_tree},
      {"GET", "/v1/admin/status", "show_status", admin, ignored, none, reads, {}, show_status},
      {"GET", "/v1/admin/quarantine", "show_quarantine", admin, ignored, none, reads, {}, show_quarantine},

      {"GET",
       "/v1/test/payments",
       "list_test_payments",
       admin,
       ignored,
       none,
       reads,
       {},
       list_test_payments,
       false,
       payment_time},
      {"POST",
       "/v1/test/payments/{id}/authenticate",
       "authenticate_test_payment",
       shop,
       allowed,
       optional_json,
       writes,
       {},
       authenticate_test_payment,
       false,
       payment_time},
      {"POST", "/v1/test/crash", "crash_entity", shop, allowed, json, writes, {}, crash_entity, true},
  };
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

std::optional<std::size_t> spool_limit(std::string_view method, std::string_view path) {
  auto found = find_route(method, path);
  auto* match = std::get_if<route_match>(&found);
  if (match == nullptr || match->route->body != body_use::file) return std::nullopt;
  return import_bytes_max;
}

}  // namespace souk::gateway
