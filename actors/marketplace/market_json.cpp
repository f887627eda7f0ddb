#include "actors/marketplace/lines.hpp"
#include "actors/marketplace/market.hpp"

#include <string>
#include <utility>

namespace souk::marketplace {
namespace {

// Statuses as the benchmark's services write them.
constexpr std::int64_t order_ready_for_shipment = 6;
constexpr std::int64_t order_in_transit = 7;
constexpr std::int64_t package_shipped = 3;
constexpr std::int64_t package_delivered = 10;
constexpr std::int64_t shipment_approved = 0;
constexpr std::int64_t shipment_in_progress = 1;

// An order that has been delivered whole is open no more.
std::int64_t status_of(const open_order& order) {
  return order.delivered == 0 ? order_ready_for_shipment : order_in_transit;
}

std::string key_of(std::uint32_t customer_id, std::uint32_t order_id) {
  return std::to_string(customer_id) + "|" + std::to_string(order_id);
}

const shelf* shelf_of(const seller& seller, std::uint32_t product_id) {
  const auto found = seller.shelves.find(product_id);
  return found == seller.shelves.end() ? nullptr : &found->second;
}

void write_entry(json::writer& out, std::uint64_t number, const seller& seller, const shipment& shipment,
                 std::size_t n) {
  const auto& line = shipment.lines[n];
  const auto* shelf = shelf_of(seller, line.product_id());
  out.begin_object().key("id").string(std::to_string(number) + "-" + std::to_string(shipment.packages[n]));
  out.key("natural_key").string(key_of(shipment.customer_id, shipment.order_id));
  out.key("customer_id").integer(shipment.customer_id).key("order_id").integer(shipment.order_id);
  out.key("product_id").integer(line.product_id()).key("seller_id").integer(line.seller_id());
  out.key("package_id").integer(shipment.packages[n]);
  out.key("product_name").string(shelf != nullptr ? shelf->product.name() : "");
  out.key("product_category").string(shelf != nullptr ? shelf->product.category() : "");
  write_amount(out, "unit_price", line.unit_price());
  out.key("quantity").integer(line.quantity());
  totals totals;
  totals.add(line);
  write_amount(out, "total_items", totals.items());
  write_amount(out, "total_amount", totals.amount);
  write_amount(out, "total_incentive", totals.incentive);
  write_amount(out, "total_invoice", totals.invoice());
  write_amount(out, "freight_value", totals.freight);
  out.key("shipment_date").time(runtime::from_ms(shipment.placed_ms)).key("delivery_date").null();
  out.key("order_status").integer(shipment.delivered ? order_in_transit : order_ready_for_shipment);
  out.key("delivery_status").integer(shipment.delivered ? package_delivered : package_shipped).end_object();
}

}  // namespace

std::string show_seller(const seller& seller) {
  const auto& of = seller.profile;
  json::writer out;
  out.begin_object().key("id").integer(of.id()).key("name").string(of.name());
  out.key("company_name").string(of.company_name()).key("email").string(of.email());
  out.key("phone").string(of.phone()).key("mobile_phone").string(of.mobile_phone());
  out.key("cpf").string(of.cpf()).key("cnpj").string(of.cnpj()).key("address").string(of.address());
  out.key("complement").string(of.complement()).key("city").string(of.city());
  out.key("state").string(of.state()).key("zip_code").string(of.zip_code()).end_object();
  return std::move(out).take();
}

std::string show_product(const pb::Product& product) {
  json::writer out;
  out.begin_object().key("seller_id").integer(product.seller_id());
  out.key("product_id").integer(product.product_id()).key("name").string(product.name());
  out.key("sku").string(product.sku()).key("category").string(product.category());
  out.key("description").string(product.description());
  write_amount(out, "price", product.price());
  write_amount(out, "freight_value", product.freight());
  out.key("status").string(product.status()).key("version").string(product.version());
  out.key("active").boolean(true).key("created_at").time(runtime::from_ms(product.created_ms()));
  out.key("updated_at").time(runtime::from_ms(product.updated_ms())).end_object();
  return std::move(out).take();
}

std::string show_stock(const pb::Stock& stock) {
  json::writer out;
  out.begin_object().key("seller_id").integer(stock.seller_id());
  out.key("product_id").integer(stock.product_id()).key("qty_available").integer(stock.available());
  out.key("qty_reserved").integer(stock.reserved()).key("order_count").integer(stock.order_count());
  out.key("ytd").integer(stock.ytd()).key("data").string(stock.data());
  out.key("version").string(stock.version()).end_object();
  return std::move(out).take();
}

std::string show_dashboard(std::uint32_t seller_id, const seller& seller) {
  totals sum;
  std::int64_t items = 0;
  json::writer entries;
  entries.begin_array();
  for (const auto& [number, shipment] : seller.entries) {
    for (std::size_t n = 0; n < shipment.lines.size(); ++n) {
      sum.add(shipment.lines[n]);
      ++items;
      write_entry(entries, number, seller, shipment, n);
    }
  }
  entries.end_array();
  json::writer out;
  out.begin_object().key("sellerView").begin_object().key("seller_id").integer(seller_id);
  out.key("count_orders").integer(static_cast<std::int64_t>(seller.entries.size()));
  out.key("count_items").integer(items);
  write_totals(out, sum);
  out.end_object().key("orderEntries").raw(std::move(entries).take()).end_object();
  return std::move(out).take();
}

std::string show_orders(const market_state& state, std::uint32_t customer_id) {
  json::writer out;
  out.begin_array();
  for (auto at = state.numbers.lower_bound({customer_id, 0});
       at != state.numbers.end() && at->first.first == customer_id; ++at) {
    const auto& order = state.orders.at(at->second);
    const auto lines = lines_of(state, at->second);
    out.begin_object().key("customer_id").integer(customer_id).key("order_id").integer(order.order_id);
    out.key("status").integer(status_of(order));
    out.key("count_items").integer(static_cast<std::int64_t>(lines.size()));
    write_totals(out, totals_of(lines));
    out.key("items").begin_array();
    for (const auto& line : lines) {
      out.begin_object().key("seller_id").integer(line.seller_id());
      out.key("product_id").integer(line.product_id()).key("quantity").integer(line.quantity());
      write_amount(out, "unit_price", line.unit_price());
      write_amount(out, "freight_value", line.freight());
      write_amount(out, "total_incentive", line.incentive());
      out.end_object();
    }
    out.end_array().end_object();
  }
  out.end_array();
  return std::move(out).take();
}

std::string show_packages(const market_state& state, std::uint64_t number) {
  const auto& order = state.orders.at(number);
  json::writer out;
  out.begin_object().key("customer_id").integer(order.customer_id).key("order_id").integer(order.order_id);
  out.key("status").integer(order.delivered == 0 ? shipment_approved : shipment_in_progress);
  out.key("packages").begin_array();
  for (const auto seller_id : order.sellers) {
    const auto& shipment = state.sellers.at(seller_id).entries.at(number);
    for (std::size_t n = 0; n < shipment.lines.size(); ++n) {
      out.begin_object().key("package_id").integer(shipment.packages[n]);
      out.key("seller_id").integer(seller_id).key("product_id").integer(shipment.lines[n].product_id());
      out.key("quantity").integer(shipment.lines[n].quantity());
      out.key("status").integer(shipment.delivered ? package_delivered : package_shipped).end_object();
    }
  }
  out.end_array().end_object();
  return std::move(out).take();
}

std::string show_counters(const pb::CounterRow& counters) {
  return ",\"success_payment_count\":" + std::to_string(counters.paid()) +
         ",\"failed_payment_count\":0,\"delivery_count\":" + std::to_string(counters.delivered()) + "}";
}

}  // namespace souk::marketplace
