#include "actors/marketplace/routes.hpp"

#include "actors/kinds.hpp"
#include "actors/marketplace/customer.hpp"
#include "actors/marketplace/fields.hpp"
#include "actors/marketplace/lines.hpp"
#include "actors/marketplace/market.hpp"

#include <array>
#include <charconv>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace souk::marketplace {
namespace {

using runtime::answer;
using planned = std::variant<plan, answer>;

constexpr std::int64_t stock_max = 1'000'000'000;
constexpr std::int64_t installments_max = 100;

// One request being taken up.
struct arrival {
  const gateway::http_request& http;
  std::string_view tenant;
  std::vector<std::string_view> path;  // its segments

  bool is(std::string_view method) const { return http.method == method; }
};

std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const auto end = std::min(path.find('/'), path.size());
    if (end > 0) segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

std::optional<std::uint32_t> id_in(std::string_view text) {
  std::uint32_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  const bool whole = error == std::errc{} && end == text.data() + text.size() && text.front() != '0';
  if (!whole || id > std::numeric_limits<std::int32_t>::max()) return std::nullopt;
  return id;
}

planned nothing_here() { return refused(404, "There is nothing here."); }
planned wrong_method() { return refused(405, "Not with this method."); }

question ask_market(const arrival& arrival, pb::MarketCommand command) {
  const bool reads = command.has_read();
  return {{std::string{arrival.tenant}, kinds::market, std::string{market_key}},
          std::make_shared<const pb::MarketCommand>(std::move(command)),
          reads};
}

question ask_customer(const arrival& arrival, std::uint32_t customer_id, pb::CustomerCommand command) {
  const bool reads = command.has_read();
  return {{std::string{arrival.tenant}, kinds::marketplace_customer, std::to_string(customer_id)},
          std::make_shared<const pb::CustomerCommand>(std::move(command)),
          reads};
}

// The plan of one question, unless its fields are wrong.
planned checked(const fields& given, question question) {
  if (!given.complaint().empty()) return refused(400, given.complaint());
  plan plan;
  plan.push_back(std::move(question));
  return plan;
}

planned only(question question) {
  plan plan;
  plan.push_back(std::move(question));
  return plan;
}

// -- sellers and products ----------------------------------------------------------------------------

planned put_seller(const arrival& arrival) {
  fields given{arrival.http.body};
  pb::MarketCommand command;
  auto& seller = *command.mutable_put_seller();
  seller.set_id(given.id("id"));
  seller.set_name(given.text_or_empty("name"));
  seller.set_company_name(given.text_or_empty("companyname"));
  seller.set_email(given.text_or_empty("email"));
  seller.set_phone(given.text_or_empty("phone"));
  seller.set_mobile_phone(given.text_or_empty("mobilephone"));
  seller.set_cpf(given.text_or_empty("cpf"));
  seller.set_cnpj(given.text_or_empty("cnpj"));
  seller.set_address(given.text_or_empty("address"));
  seller.set_complement(given.text_or_empty("complement"));
  seller.set_city(given.text_or_empty("city"));
  seller.set_state(given.text_or_empty("state"));
  seller.set_zip_code(given.text_or_empty("zipcode"));
  return checked(given, ask_market(arrival, std::move(command)));
}

void read_product(fields& given, pb::Product& product) {
  product.set_seller_id(given.id("sellerid"));
  product.set_product_id(given.id("productid"));
  product.set_name(given.text_or_empty("name"));
  product.set_sku(given.text_or_empty("sku"));
  product.set_category(given.text_or_empty("category"));
  product.set_description(given.text_or_empty("description"));
  product.set_price(given.amount("price"));
  product.set_freight(given.amount_or_zero("freightvalue"));
  product.set_status(given.text_or_empty("status"));
  product.set_version(given.text("version"));
}

planned put_product(const arrival& arrival) {
  fields given{arrival.http.body};
  pb::MarketCommand command;
  read_product(given, *command.mutable_put_product());
  return checked(given, ask_market(arrival, std::move(command)));
}

planned replace_product(const arrival& arrival) {
  fields given{arrival.http.body};
  pb::MarketCommand command;
  read_product(given, *command.mutable_replace_product());
  return checked(given, ask_market(arrival, std::move(command)));
}

planned change_price(const arrival& arrival) {
  fields given{arrival.http.body};
  pb::MarketCommand command;
  auto& change = *command.mutable_change_price();
  change.set_seller_id(given.id("sellerid"));
  change.set_product_id(given.id("productid"));
  change.set_price(given.amount("price"));
  change.set_version(given.text("version"));
  return checked(given, ask_market(arrival, std::move(command)));
}

planned put_stock(const arrival& arrival) {
  fields given{arrival.http.body};
  pb::MarketCommand command;
  auto& stock = *command.mutable_put_stock();
  stock.set_seller_id(given.id("sellerid"));
  stock.set_product_id(given.id("productid"));
  stock.set_available(given.number("qtyavailable", 0, stock_max));
  stock.set_reserved(given.number_or("qtyreserved", 0, stock_max, 0));
  stock.set_order_count(given.number_or("ordercount", 0, stock_max, 0));
  stock.set_ytd(given.number_or("ytd", 0, stock_max, 0));
  stock.set_data(given.text_or_empty("data"));
  stock.set_version(given.text("version"));
  return checked(given, ask_market(arrival, std::move(command)));
}

planned read_of_seller(const arrival& arrival, std::string_view id, bool dashboard) {
  const auto seller_id = id_in(id);
  if (!seller_id) return nothing_here();
  pb::MarketCommand command;
  if (dashboard)
    command.mutable_read()->set_dashboard(*seller_id);
  else
    command.mutable_read()->set_seller(*seller_id);
  return only(ask_market(arrival, std::move(command)));
}

planned seller(const arrival& arrival) {
  const auto& path = arrival.path;
  if (path.size() == 1) return arrival.is("POST") ? put_seller(arrival) : wrong_method();
  const bool dashboard = path.size() == 3 && path[1] == "dashboard";
  if (path.size() != 2 && !dashboard) return nothing_here();
  return arrival.is("GET") ? read_of_seller(arrival, path.back(), dashboard) : wrong_method();
}

planned read_of_product(const arrival& arrival, bool stock) {
  const auto seller_id = id_in(arrival.path[1]);
  const auto product_id = id_in(arrival.path[2]);
  if (!seller_id || !product_id) return nothing_here();
  pb::MarketCommand command;
  auto& read = *command.mutable_read();
  auto& key = stock ? *read.mutable_stock() : *read.mutable_product();
  key.set_seller_id(*seller_id);
  key.set_product_id(*product_id);
  return only(ask_market(arrival, std::move(command)));
}

planned product(const arrival& arrival) {
  if (arrival.path.size() == 3) return arrival.is("GET") ? read_of_product(arrival, false) : wrong_method();
  if (arrival.path.size() != 1) return nothing_here();
  if (arrival.is("POST")) return put_product(arrival);
  if (arrival.is("PUT")) return replace_product(arrival);
  return arrival.is("PATCH") ? change_price(arrival) : wrong_method();
}

planned stock(const arrival& arrival) {
  if (arrival.path.size() == 3) return arrival.is("GET") ? read_of_product(arrival, true) : wrong_method();
  if (arrival.path.size() != 1) return nothing_here();
  return arrival.is("POST") ? put_stock(arrival) : wrong_method();
}

// -- customers ---------------------------------------------------------------------------------------

planned register_customer(const arrival& arrival) {
  fields given{arrival.http.body};
  const auto customer_id = given.id("id");
  pb::CustomerCommand command;
  auto& profile = *command.mutable_register_();
  profile.set_first_name(given.text_or_empty("firstname"));
  profile.set_last_name(given.text_or_empty("lastname"));
  profile.set_address(given.text_or_empty("address"));
  profile.set_complement(given.text_or_empty("complement"));
  profile.set_birth_date(given.text_or_empty("birthdate"));
  profile.set_zip_code(given.text_or_empty("zipcode"));
  profile.set_city(given.text_or_empty("city"));
  profile.set_state(given.text_or_empty("state"));
  profile.set_card_number(given.text_or_empty("cardnumber"));
  profile.set_card_security_number(given.text_or_empty("cardsecuritynumber"));
  profile.set_card_expiration(given.text_or_empty("cardexpiration"));
  profile.set_card_holder_name(given.text_or_empty("cardholdername"));
  profile.set_card_type(given.text_or_empty("cardtype"));
  profile.set_data(given.text_or_empty("data"));
  return checked(given, ask_customer(arrival, customer_id, std::move(command)));
}

planned customer(const arrival& arrival) {
  if (arrival.path.size() == 1) return arrival.is("POST") ? register_customer(arrival) : wrong_method();
  const auto id = arrival.path.size() == 2 ? id_in(arrival.path[1]) : std::nullopt;
  if (!id) return nothing_here();
  if (!arrival.is("GET")) return wrong_method();
  pb::CustomerCommand profile;
  profile.mutable_read()->set_profile(true);
  pb::MarketCommand counters;
  counters.mutable_read()->set_counters(*id);
  plan plan;
  plan.push_back(ask_customer(arrival, *id, std::move(profile)));
  plan.push_back(ask_market(arrival, std::move(counters)));
  return plan;
}

planned add_item(const arrival& arrival, std::uint32_t customer_id) {
  fields given{arrival.http.body};
  if (given.complaint().empty() && given.number_or("quantity", INT32_MIN, INT32_MAX, 1) <= 0)
    return refused(405, "A quantity must be above 0.");
  pb::CustomerCommand command;
  auto& item = *command.mutable_add();
  item.set_seller_id(given.id("sellerid"));
  item.set_product_id(given.id("productid"));
  item.set_product_name(given.text_or_empty("productname"));
  item.set_unit_price(given.amount("unitprice"));
  item.set_freight(given.amount_or_zero("freightvalue"));
  item.set_quantity(static_cast<std::uint32_t>(given.number("quantity", 1, quantity_max)));
  item.set_voucher(given.amount_or_zero("voucher"));
  item.set_version(given.text("version"));
  return checked(given, ask_customer(arrival, customer_id, std::move(command)));
}

std::optional<pb::PaymentType> payment_type(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, pb::PaymentType>, 3> types{
      {{"CREDIT_CARD", pb::CREDIT_CARD}, {"DEBIT_CARD", pb::DEBIT_CARD}, {"BOLETO", pb::BOLETO}}};
  for (const auto& [known, type] : types)
    if (known == name) return type;
  return std::nullopt;
}

planned check_out(const arrival& arrival, std::uint32_t customer_id) {
  fields given{arrival.http.body};
  pb::CustomerCommand command;
  auto& checkout = *command.mutable_checkout();
  const auto named = given.id("customerid");
  checkout.set_instance_id(given.text("instanceid"));
  const auto type = payment_type(given.text("paymenttype"));
  auto& payment = *checkout.mutable_payment();
  payment.set_installments(
      static_cast<std::uint32_t>(given.number_or("installments", 0, installments_max, 0)));
  payment.set_card_brand(given.text_or_empty("cardbrand"));
  payment.set_card_holder(given.text_or_empty("cardholdername"));
  if (!given.complaint().empty()) return refused(400, given.complaint());
  if (!type) return refused(400, "The field paymenttype must be CREDIT_CARD, DEBIT_CARD or BOLETO.");
  if (named != customer_id) return refused(405, "The field customerid names another customer than the path.");
  payment.set_type(*type);
  return only(ask_customer(arrival, customer_id, std::move(command)));
}

planned change_cart(const arrival& arrival, std::uint32_t customer_id) {
  const auto action = arrival.path[2];
  if (action == "add") return arrival.is("PATCH") ? add_item(arrival, customer_id) : wrong_method();
  if (action == "checkout") return arrival.is("POST") ? check_out(arrival, customer_id) : wrong_method();
  if (action != "seal") return nothing_here();
  if (!arrival.is("PATCH")) return wrong_method();
  pb::CustomerCommand command;
  command.mutable_seal();
  return only(ask_customer(arrival, customer_id, std::move(command)));
}

planned cart(const arrival& arrival) {
  const auto& path = arrival.path;
  const auto id = path.size() > 1 ? id_in(path[1]) : std::nullopt;
  if (!id) return nothing_here();
  if (path.size() == 3) return change_cart(arrival, *id);
  pb::CustomerCommand command;
  if (path.size() == 2)
    command.mutable_read()->set_cart(true);
  else if (path.size() == 4 && path[2] == "history")
    command.mutable_read()->set_history(std::string{path[3]});
  else
    return nothing_here();
  return arrival.is("GET") ? only(ask_customer(arrival, *id, std::move(command))) : wrong_method();
}

planned payment(const arrival& arrival) {
  const auto id = arrival.path.size() == 3 ? id_in(arrival.path[1]) : std::nullopt;
  const auto order_id = id ? id_in(arrival.path[2]) : std::nullopt;
  if (!order_id) return nothing_here();
  if (!arrival.is("GET")) return wrong_method();
  pb::CustomerCommand command;
  command.mutable_read()->set_payment(*order_id);
  return only(ask_customer(arrival, *id, std::move(command)));
}

// -- orders ------------------------------------------------------------------------------------------

planned order(const arrival& arrival) {
  const auto id = arrival.path.size() == 2 ? id_in(arrival.path[1]) : std::nullopt;
  if (!id) return nothing_here();
  if (!arrival.is("GET")) return wrong_method();
  pb::MarketCommand command;
  command.mutable_read()->set_orders(*id);
  return only(ask_market(arrival, std::move(command)));
}

planned shipment(const arrival& arrival) {
  const auto& path = arrival.path;
  pb::MarketCommand command;
  // The name of the transaction says nothing: each call delivers anew.
  if (path.size() == 2) {
    if (!arrival.is("PATCH")) return wrong_method();
    command.mutable_deliver();
    return only(ask_market(arrival, std::move(command)));
  }
  const auto id = path.size() == 3 ? id_in(path[1]) : std::nullopt;
  const auto order_id = id ? id_in(path[2]) : std::nullopt;
  if (!order_id) return nothing_here();
  if (!arrival.is("GET")) return wrong_method();
  auto& key = *command.mutable_read()->mutable_shipment();
  key.set_customer_id(*id);
  key.set_order_id(*order_id);
  return only(ask_market(arrival, std::move(command)));
}

planned forget(const arrival& arrival, bool all) {
  if (arrival.path.size() != 1) return nothing_here();
  if (!arrival.is("PATCH")) return wrong_method();
  pb::MarketCommand command;
  command.mutable_forget()->set_all(all);
  return only(ask_market(arrival, std::move(command)));
}

planned reset(const arrival& arrival) { return forget(arrival, false); }
planned clean_up(const arrival& arrival) { return forget(arrival, true); }

struct group {
  std::string_view name;
  planned (*plan)(const arrival&);
};

constexpr std::array<group, 10> groups{{{"cart", cart},
                                        {"shipment", shipment},
                                        {"product", product},
                                        {"seller", seller},
                                        {"stock", stock},
                                        {"customer", customer},
                                        {"order", order},
                                        {"payment", payment},
                                        {"reset", reset},
                                        {"cleanup", clean_up}}};

}  // namespace

planned plan_of(const gateway::http_request& request, std::string_view tenant) {
  const arrival arrival{request, tenant, segments_of(request.path)};
  if (arrival.path.empty()) return nothing_here();
  for (const auto& group : groups)
    if (group.name == arrival.path.front()) return group.plan(arrival);
  return nothing_here();
}

}  // namespace souk::marketplace
