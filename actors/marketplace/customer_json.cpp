#include "actors/marketplace/customer.hpp"
#include "actors/marketplace/lines.hpp"

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

namespace souk::marketplace {
namespace {

// Statuses of carts as the benchmark's services write them.
constexpr std::int64_t cart_open = 0;
constexpr std::int64_t cart_checkout_sent = 1;

void write_items(json::writer& out, const auto& items) {
  out.begin_array();
  for (const pb::Item& item : items) {
    out.begin_object().key("SellerId").integer(item.seller_id()).key("ProductId").integer(item.product_id());
    out.key("ProductName").string(item.product_name());
    write_amount(out, "UnitPrice", item.unit_price());
    write_amount(out, "FreightValue", item.freight());
    out.key("Quantity").integer(item.quantity());
    write_amount(out, "Voucher", item.voucher());
    out.key("Version").string(item.version()).end_object();
  }
  out.end_array();
}

void write_line(json::writer& out, const pb::Line& line) {
  out.begin_object().key("seller_id").integer(line.seller_id()).key("product_id").integer(line.product_id());
  out.key("quantity").integer(line.quantity()).key("status").integer(line.status());
  if (line.status() == pb::IN_STOCK) {
    write_amount(out, "unit_price", line.unit_price());
    write_amount(out, "freight_value", line.freight());
    write_amount(out, "total_incentive", line.incentive());
  }
  out.end_object();
}

std::string_view name_of(pb::PaymentType type) {
  switch (type) {
    case pb::DEBIT_CARD:
      return "DEBIT_CARD";
    case pb::BOLETO:
      return "BOLETO";
    default:
      return "CREDIT_CARD";
  }
}

// What was paid, and a line for each voucher.
struct payment_line {
  std::string_view type;
  std::int64_t installments = 1;
  std::int64_t amount = 0;
};

std::vector<payment_line> payment_lines(const pb::Receipt& receipt) {
  const auto& payment = receipt.payment();
  std::vector<payment_line> lines{
      {name_of(payment.type()), payment.installments(), totals_of(receipt.lines()).invoice()}};
  for (const auto& line : receipt.lines())
    if (line.incentive() > 0) lines.push_back({"VOUCHER", 1, line.incentive()});
  return lines;
}

}  // namespace

std::string invoice_number(std::string_view customer, std::int64_t at_ms, std::uint32_t order_id) {
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(runtime::from_ms(at_ms))};
  char text[16];
  std::snprintf(text, sizeof text, "%04d%02u%02u", static_cast<int>(day.year()),
                static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  return std::string{customer} + "-" + text + "-" + std::to_string(order_id);
}

runtime::answer answer_of(std::string_view customer, const pb::Receipt& receipt) {
  json::writer out;
  out.begin_object();
  if (receipt.order_id() != 0) {
    out.key("order_id").integer(receipt.order_id());
    out.key("invoice_number").string(invoice_number(customer, receipt.began_ms(), receipt.order_id()));
    write_totals(out, totals_of(receipt.lines()));
  } else {
    out.key("status").integer(409).key("detail").string("None of the cart's items can be ordered.");
  }
  out.key("items").begin_array();
  for (const auto& line : receipt.lines())
    write_line(out, line);
  out.end_array().end_object();
  return {.status = receipt.order_id() != 0 ? 200 : 409, .body = std::move(out).take()};
}

std::string show_profile(std::string_view customer, const pb::Profile& profile) {
  json::writer out;
  out.begin_object().key("id").raw(customer).key("first_name").string(profile.first_name());
  out.key("last_name").string(profile.last_name()).key("address").string(profile.address());
  out.key("complement").string(profile.complement()).key("birth_date").string(profile.birth_date());
  out.key("zip_code").string(profile.zip_code()).key("city").string(profile.city());
  out.key("state").string(profile.state()).key("card_number").string(profile.card_number());
  out.key("card_security_number").string(profile.card_security_number());
  out.key("card_expiration").string(profile.card_expiration());
  out.key("card_holder_name").string(profile.card_holder_name());
  out.key("card_type").string(profile.card_type()).key("data").string(profile.data()).end_object();
  auto text = std::move(out).take();
  text.pop_back();
  return text;
}

std::string show_cart(std::string_view customer, const customer_state& state) {
  json::writer out;
  out.begin_object().key("customerId").raw(customer);
  out.key("status").integer(state.pending ? cart_checkout_sent : cart_open).key("items");
  write_items(out, state.items);
  out.end_object();
  return std::move(out).take();
}

// What was submitted, with the prices that the order has: what the shopper was to see.
std::string show_history(const pb::Receipt& receipt) {
  auto items = receipt.items();
  for (int i = 0; i < items.size() && i < receipt.lines_size(); ++i)
    if (const auto& line = receipt.lines(i); line.status() == pb::IN_STOCK)
      items[i].set_unit_price(line.unit_price());
  json::writer out;
  write_items(out, items);
  return std::move(out).take();
}

std::string show_payment(std::string_view customer, const pb::Receipt& receipt) {
  json::writer out;
  out.begin_array();
  std::int64_t sequential = 0;
  for (const auto& line : payment_lines(receipt)) {
    out.begin_object().key("customer_id").raw(customer).key("order_id").integer(receipt.order_id());
    out.key("sequential").integer(++sequential).key("type").string(line.type);
    out.key("installments").integer(line.installments);
    write_amount(out, "value", line.amount);
    out.end_object();
  }
  out.end_array();
  return std::move(out).take();
}

}  // namespace souk::marketplace
