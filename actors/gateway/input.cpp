#include "actors/gateway/input.hpp"

#include "actors/product/product.hpp"
#include "actors/stock/stock.hpp"
#include "actors/values/id.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace souk::gateway {

namespace {

using json::input_errors;
using json::object_reader;

// Lengths in characters: generous for people, harmless for the journal.
constexpr json::range title_length{1, product::title_length_max};
constexpr json::range description_length{0, product::description_length_max};
constexpr json::range categories_size{0, product::categories_max};
constexpr json::range category_length{1, product::category_length_max};
constexpr json::range url_length{1, product::image_url_length_max};
constexpr json::range variants_size{1, product::variants_max};
constexpr json::range reference_length{1, 255};
constexpr json::range customer_length{1, 64};
constexpr json::range reason_length{1, 500};
constexpr json::range token_length{1, 200};
constexpr json::range email_length{3, 254};
constexpr json::range label_length{1, 100};
constexpr json::range scopes_size{1, keyring::scope_count};
constexpr json::range scope_length{1, 32};
constexpr json::range time_length{20, 24};
constexpr json::range options_size{0, 20};
constexpr json::range option_length{0, 100};
constexpr json::range line_attributes_size{0, 20};
constexpr json::range line_attribute_length{0, 250};
constexpr std::size_t address_bytes_max = 4'096;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> allowed) {
  return std::find(allowed.begin(), allowed.end(), text) != allowed.end();
}

bool is_plain_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

std::string read_sku(object_reader& in) {
  std::string sku = in.string("sku", {1, 64});
  if (!sku.empty() && !is_sku(sku))
    in.fail("sku", "A sku has printable ASCII characters and no space at its ends.");
  return sku;
}

/// A product's attributes: an object of strings, numbers and booleans, canonical; "{}" for none.
std::string read_product_attributes(object_reader& in) {
  const json::value* object = in.optional_free_object("attributes", product::attributes_bytes_max);
  if (object == nullptr || object->as_object() == nullptr) return "{}";
  for (const json::member& member : *object->as_object()) {
    json::type type = member.data.type();
    if (type == json::type::null || type == json::type::array || type == json::type::object)
      in.fail("attributes", "Its members are strings, numbers or booleans.");
  }
  return json::canonical(*object);
}

/// A variant's options: an object of strings, canonical; "{}" for none.
std::string read_options(object_reader& in) {
  json::value::object members;
  for (auto& [name, text] : in.optional_texts("options", options_size, option_length))
    members.push_back({std::move(name), json::value{std::move(text)}});
  return json::canonical(json::value{std::move(members)});
}

product::pb::Variant read_variant(object_reader& in) {
  product::pb::Variant variant;
  variant.set_sku(read_sku(in));
  variant.set_title(in.optional_string("title", {0, title_length.max}).value_or(""));
  variant.set_options_json(read_options(in));
  *variant.mutable_price() = in.unit_price("price");
  return variant;
}

void read_line_attributes(object_reader& in, cart::pb::Item& item) {
  auto attributes = in.optional_texts("attributes", line_attributes_size, line_attribute_length);
  std::sort(attributes.begin(), attributes.end());
  for (auto& [name, text] : attributes) {
    cart::pb::Attribute* attribute = item.add_attributes();
    attribute->set_name(std::move(name));
    attribute->set_value(std::move(text));
  }
}

cart::pb::Item read_item(object_reader& in) {
  cart::pb::Item item;
  item.set_sku(read_sku(in));
  item.set_quantity(in.integer("quantity", {1, quantity_max}));
  read_line_attributes(in, item);
  if (auto price = in.optional_unit_price("unit_price")) *item.mutable_quoted_price() = *std::move(price);
  return item;
}

void read_payment(object_reader& in, checkout::pb::PaymentMethod& payment) {
  payment.set_provider(in.string("provider", {1, 32}));
  payment.set_token(in.string("token", token_length));
}

void check_sign(object_reader& in, std::string_view reason, std::int64_t delta) {
  if ((reason == "received" || reason == "returned") && delta <= 0)
    in.fail("delta", "Units come in: it is above 0.");
  if (reason == "written_off" && delta >= 0) in.fail("delta", "Units go: it is below 0.");
  if (reason == "correction" && delta == 0) in.fail("delta", "A correction changes something: it is not 0.");
}

}  // namespace

bool is_sku(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text.front() != ' ' && text.back() != ' ' &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

bool is_product_id(std::string_view text) { return text.size() <= 64 && is_plain_name(text); }

bool is_location(std::string_view text) { return text.size() <= 32 && is_plain_name(text); }

product::pb::Product read_product(object_reader& in) {
  product::pb::Product product;
  product.set_id(in.optional_string("id", {1, 64}).value_or(""));
  if (!product.id().empty() && !is_product_id(product.id()))
    in.fail("id", "An id has letters, digits, \"-\" and \"_\".");
  product.set_title(in.string("title", title_length));
  product.set_description(in.optional_string("description", description_length).value_or(""));
  for (std::string& category : in.optional_strings("categories", categories_size, category_length))
    product.add_categories(std::move(category));
  product.set_attributes_json(read_product_attributes(in));
  product.set_image_url(in.optional_string("image_url", url_length).value_or(""));
  product.set_status(in.optional_string("status", {1, 16}).value_or("active"));
  if (!is_one_of(product.status(), {"active", "draft", "archived"}))
    in.fail("status", "It is active, draft or archived.");
  std::set<std::string> skus;
  in.each_object("variants", variants_size, [&](object_reader& variant) {
    *product.add_variants() = read_variant(variant);
    if (!skus.insert(product.variants().rbegin()->sku()).second)
      variant.fail("sku", "Another variant of this product has the same sku.");
  });
  return product;
}

product::pb::Product parse_product(const json::value& body, input_errors& errors) {
  object_reader in{body, errors};
  product::pb::Product product = read_product(in);
  in.finish();
  return product;
}

adjustment read_adjustment(object_reader& in) {
  adjustment out;
  out.sku = read_sku(in);
  out.location = in.optional_string("location", {1, 32}).value_or(std::string{stock::default_location});
  if (!is_location(out.location)) in.fail("location", "A location has letters, digits, \"-\" and \"_\".");
  auto delta = in.optional_integer("delta", {-delta_max, delta_max});
  if (!in.has("delta")) in.fail("delta", "It is missing.");
  std::string reason = in.string("reason", {1, 32});
  bool known = is_one_of(reason, {"received", "returned", "written_off", "correction"});
  if (!reason.empty() && !known) in.fail("reason", "It is received, returned, written_off or correction.");
  if (delta) check_sign(in, reason, *delta);
  out.adjust.set_delta(delta.value_or(0));
  out.adjust.set_reason(std::move(reason));
  out.adjust.set_reference(in.optional_string("reference", reference_length).value_or(""));
  return out;
}

adjustment parse_adjustment(const json::value& body, input_errors& errors) {
  object_reader in{body, errors};
  adjustment out = read_adjustment(in);
  in.finish();
  return out;
}

cart::pb::Create parse_cart(const json::value& body, input_errors& errors) {
  object_reader in{body, errors};
  cart::pb::Create create;
  create.set_currency(in.currency("currency"));
  create.set_customer_id(in.optional_string("customer_id", customer_length).value_or(""));
  in.finish();
  return create;
}

cart::pb::AddItems parse_items(const json::value& body, input_errors& errors) {
  object_reader in{body, errors};
  cart::pb::AddItems add;
  if (in.has("items")) {
    in.each_object("items", {1, items_per_call_max},
                   [&](object_reader& item) { *add.add_items() = read_item(item); });
  } else {
    add.set_single(true);
    *add.add_items() = read_item(in);
  }
  in.finish();
  return add;
}

bool has_quoted_price(const cart::pb::AddItems& items) {
  return std::any_of(items.items().begin(), items.items().end(),
                     [](const cart::pb::Item& item) { return item.has_quoted_price(); });
}

std::int64_t parse_quantity(const json::value& body, input_errors& errors) {
  object_reader in{body, errors};
  std::int64_t quantity = in.integer("quantity", {0, quantity_max});
  in.finish();
  return quantity;
}

checkout_input parse_checkout(const json::value& body, input_errors& errors) {
  object_reader in{body, errors};
  checkout_input out;
  checkout::pb::Create& create = out.create;
  create.set_cart_id(in.string("cart_id", {1, 64}));
  if (auto version = in.optional_integer("cart_version", {0, json::integer_max})) {
    create.set_cart_version(static_cast<std::uint64_t>(*version));
    out.version_given = true;
  }
  create.set_email(in.optional_string("email", email_length).value_or(""));
  if (!create.email().empty() && create.email().find('@') == std::string::npos)
    in.fail("email", "An e-mail address has an \"@\".");
  if (const json::value* address = in.optional_free_object("shipping_address", address_bytes_max))
    create.set_shipping_address_json(json::canonical(*address));
  if (auto total = in.optional_money("expected_total")) *create.mutable_expected_total() = *std::move(total);
  in.with_optional_object("payment",
                          [&](object_reader& payment) { read_payment(payment, *create.mutable_payment()); });
  in.finish();
  return out;
}

checkout::pb::Complete parse_complete(const json::value& body, input_errors& errors) {
  object_reader in{body, errors};
  checkout::pb::Complete complete;
  in.with_optional_object(
      "payment", [&](object_reader& payment) { read_payment(payment, *complete.mutable_payment()); });
  in.finish();
  return complete;
}

std::string parse_reason(const json::value& body, input_errors& errors) {
  object_reader in{body, errors};
  std::string reason = in.string("reason", reason_length);
  in.finish();
  return reason;
}

key_input parse_key(const json::value& body, runtime::timestamp now, input_errors& errors) {
  object_reader in{body, errors};
  key_input key;
  key.label = in.string("label", label_length);
  key.grant.set_publishable(in.optional_boolean("publishable").value_or(false));
  key.grant.set_everything(!in.has("scopes") && !key.grant.publishable());
  if (key.grant.publishable() && in.has("scopes")) in.fail("scopes", "A publishable key has none.");
  keyring::scope_set scopes;
  for (const std::string& name : in.optional_strings("scopes", scopes_size, scope_length))
    if (auto known = keyring::scope_of(name))
      scopes.add(*known);
    else
      in.fail("scopes", "There is no scope " + name + ".");
  for (std::string_view name : scopes.names())
    key.grant.add_scopes(std::string{name});
  if (auto text = in.optional_string("expires_at", time_length)) {
    const auto end = values::parse_time(*text);
    if (!end || *end <= now)
      in.fail("expires_at", "It is a time to come, such as 2027-01-31T00:00:00.000Z.");
    else
      key.grant.set_expires_at_ms(runtime::to_ms(*end));
  }
  in.finish();
  return key;
}

crash_target parse_crash(const json::value& body, input_errors& errors) {
  object_reader in{body, errors};
  std::string entity = in.string("entity", {3, 200});
  in.finish();
  std::size_t slash = entity.find('/');
  if (errors.empty() && (slash == std::string::npos || slash + 1 == entity.size()))
    in.fail("entity", "It is a kind and an id, such as \"cart/crt_...\".");
  if (slash == std::string::npos) return {};
  return {entity.substr(0, slash), entity.substr(slash + 1)};
}

cluster_order parse_cluster_order(const json::value& body, json::input_errors& errors) {
  using kind = runtime::operator_command::kind;
  static const std::map<std::string_view, kind> kinds{
      {"join", kind::join},           {"drain", kind::drain},      {"undrain", kind::undrain},
      {"remove", kind::remove},       {"move", kind::move},        {"force", kind::force},
      {"rebalance", kind::rebalance}, {"finalize", kind::finalize}};
  constexpr std::int64_t node_id_max = 32;
  constexpr std::int64_t shard_max = 1023;
  json::object_reader in{body, errors};
  cluster_order order;
  const auto found = kinds.find(in.string("command", {1, 32}));
  if (found == kinds.end()) {
    in.fail("command", "It is one of join, drain, undrain, remove, move, force, rebalance, finalize.");
  } else {
    order.command.what = found->second;
  }
  const auto what = order.command.what;
  if (what != kind::rebalance && what != kind::finalize)
    order.command.node = in.string("node", {1, node_id_max});
  if (what == kind::move || what == kind::force)
    order.command.shard = static_cast<runtime::shard_id>(in.integer("shard", {0, shard_max}));
  if (what == kind::force) order.command.accept_loss = in.optional_boolean("accept_loss").value_or(false);
  order.dry_run = in.optional_boolean("dry_run").value_or(false);
  in.finish();
  return order;
}

void parse_nothing(const json::value& body, input_errors& errors) {
  if (body.type() == json::type::null) return;
  object_reader in{body, errors};
  in.finish();
}

}  // namespace souk::gateway
