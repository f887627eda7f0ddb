#include "actors/cart/cart_json.hpp"

#include "actors/cart/line.hpp"
#include "actors/json/etag.hpp"
#include "actors/json/writer.hpp"

#include <xxhash.h>

#include <string>
#include <utility>

namespace souk::cart {
namespace {

template <class Visit>
void for_each_line(const cart_view& cart, Visit visit) {
  auto change = cart.changes.begin();
  for (const auto& [number, line] : cart.lines) {
    if (change != cart.changes.end() && change->first == number) {
      if (change->second) visit(*change->second);
      ++change;
    } else {
      visit(line);
    }
  }
  for (; change != cart.changes.end(); ++change) {  // new lines have the highest numbers
    if (change->second) visit(*change->second);
  }
}

void write_cart_totals(json::writer& out, const pb::StateRow& row) {
  write_totals(out.key("totals"), totals_of(row.items_base()), row.currency());
}

void write_message(json::writer& out, const pb::Line& line, std::string_view code, std::string_view detail,
                   const values::pb::UnitPrice* price) {
  out.begin_object();
  out.key("code").string(code);
  out.key("line_id").string(line.id());
  out.key("sku").string(line.sku());
  out.key("detail").string(detail);
  if (price != nullptr) out.key("unit_price").unit_price(*price);
  out.end_object();
}

std::string messages_of(const cart_view& cart, const catalogue::variant_lookup& variants,
                        std::string_view tenant) {
  json::writer out;
  out.begin_array();
  for_each_line(cart, [&](const pb::Line& line) {
    if (line.quoted()) return;  // the shop's own word
    const auto variant = variants.find(tenant, line.sku());
    if (!variant || !variant->for_sale) {
      write_message(out, line, "unavailable", "It is not for sale any more.", nullptr);
    } else if (!same_price(variant->price, line.unit_price())) {
      write_message(out, line, "price_changed", "Its price is another one now.", &variant->price);
    }
  });
  out.end_array();
  return std::move(out).take();
}

// Of what the version does not count: who claims the cart, and what the catalogue says.
std::uint32_t digest_of(const pb::StateRow& row, std::string_view messages) {
  std::string text;
  text.append(messages).append(row.status()).append(row.checkout_id()).append(row.order_id());
  text.append(std::to_string(row.expires_at_ms()));
  return static_cast<std::uint32_t>(XXH3_64bits(text.data(), text.size()));
}

}  // namespace

runtime::answer to_answer(const cart_view& cart, const catalogue::variant_lookup& variants,
                          std::string_view tenant, int status) {
  const auto& row = cart.row;
  const auto messages = messages_of(cart, variants, tenant);
  json::writer out;
  out.reserve(512 + 192 * cart.lines.size());
  out.begin_object();
  out.key("id").string(row.cart_id());
  out.key("version").integer(static_cast<std::int64_t>(row.version()));
  out.key("currency").string(row.currency());
  out.key("status").string(row.status());
  if (!row.customer_id().empty()) out.key("customer_id").string(row.customer_id());
  if (!row.checkout_id().empty()) out.key("checkout_id").string(row.checkout_id());
  if (!row.order_id().empty()) out.key("order_id").string(row.order_id());
  out.key("lines").begin_array();
  for_each_line(cart, [&](const pb::Line& line) { write_line(out, line); });
  out.end_array();
  write_cart_totals(out, row);
  out.key("messages").raw(messages);
  out.key("created_at").time(runtime::from_ms(row.created_at_ms()));
  out.key("expires_at").time(runtime::from_ms(row.expires_at_ms()));
  out.end_object();

  runtime::answer answer;
  answer.status = status;
  answer.body = std::move(out).take();
  answer.etag = json::etag_of(row.version(), digest_of(row, messages));
  return answer;
}

runtime::answer to_minimal_answer(const cart_view& cart) {
  json::writer out;
  out.reserve(512);
  out.begin_object();
  out.key("id").string(cart.row.cart_id());
  out.key("version").integer(static_cast<std::int64_t>(cart.row.version()));
  out.key("lines").begin_array();
  for (const auto& [number, line] : cart.changes) {
    if (line) write_line(out, *line);
  }
  out.end_array();
  write_cart_totals(out, cart.row);
  out.end_object();

  runtime::answer answer;
  answer.body = std::move(out).take();
  answer.etag = json::etag_of(cart.row.version());
  return answer;
}

}  // namespace souk::cart
