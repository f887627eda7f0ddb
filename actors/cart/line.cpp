#include "actors/cart/line.hpp"

#include "actors/values/money.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace souk::cart {
namespace {

void add_figure(totals& figures, const char* type, std::int64_t amount) {
  auto& added = *figures.Add();
  added.set_type(type);
  added.set_amount(amount);
}

}  // namespace

bool same_price(const values::pb::UnitPrice& a, const values::pb::UnitPrice& b) {
  return a.amount() == b.amount() && a.currency() == b.currency() && a.precise() == b.precise() &&
         a.value() == b.value() && a.scale() == b.scale();
}

totals totals_of(std::int64_t items_base) {
  totals figures;
  for (const auto* type : {"items_base", "subtotal", "total"})
    add_figure(figures, type, items_base);
  return figures;
}

std::int64_t figure(const totals& figures, std::string_view type) {
  const auto found = std::ranges::find_if(figures, [&](const auto& total) { return total.type() == type; });
  return found == figures.end() ? 0 : found->amount();
}

void check_totals(const totals& figures, std::int64_t items_base) {
  // Discounts are figures below 0.
  const auto subtotal = values::add(figure(figures, "items_base"), figure(figures, "items_discount"));
  auto total = subtotal;
  for (const auto* part : {"discount", "fulfillment", "tax", "fee"})
    total = values::add(total, figure(figures, part));
  if (figure(figures, "items_base") != items_base || figure(figures, "subtotal") != subtotal ||
      figure(figures, "total") != total)
    throw std::logic_error("the total is not the sum of its parts: " +
                           std::to_string(figure(figures, "total")) + " of " + std::to_string(items_base));
}

void write_line(json::writer& out, const pb::Line& line) {
  out.begin_object();
  out.key("id").string(line.id());
  out.key("sku").string(line.sku());
  out.key("title").string(line.title());
  out.key("quantity").integer(line.quantity());
  out.key("unit_price").unit_price(line.unit_price());
  out.key("total").money(line.total(), line.unit_price().currency());
  if (line.attributes_size() > 0) {
    out.key("attributes").begin_object();
    for (const auto& attribute : line.attributes())
      out.key(attribute.name()).string(attribute.value());
    out.end_object();
  }
  out.end_object();
}

void write_totals(json::writer& out, const totals& figures, std::string_view currency) {
  out.begin_array();
  for (const auto& total : figures) {
    out.begin_object();
    out.key("type").string(total.type());
    out.key("amount").integer(total.amount());
    out.key("currency").string(currency);
    out.end_object();
  }
  out.end_array();
}

}  // namespace souk::cart
