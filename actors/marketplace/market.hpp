#pragma once

#include "actors/kinds.hpp"
#include "actors/marketplace/market.pb.h"
#include "runtime/entity/kind.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

/// The Online Marketplace benchmark (PACMMOD 2025) on Souk: see actors/marketplace/README.md.
namespace souk::marketplace {

/// The one market's key.
inline constexpr std::string_view market_key = "market";

/// Sellers that one call delivers for: the benchmark's ten, each with its oldest shipment.
inline constexpr std::size_t deliveries_max = 10;

/// A product and what there is of it. Either may come first.
struct shelf {
  pb::Product product;  ///< Without a `product_id`: not put yet.
  pb::Stock stock;      ///< As well.
};

/// What a seller has to see to: its part of an order.
struct shipment {
  std::uint32_t customer_id = 0;
  std::uint32_t order_id = 0;
  std::int64_t placed_ms = 0;
  std::vector<pb::Line> lines;
  std::vector<std::uint32_t> packages;  ///< Number of each line's package in the order, from 1.
  bool delivered = false;
};

struct seller {
  pb::Seller profile;                         ///< Without an id: not put yet.
  std::map<std::uint32_t, shelf> shelves;     ///< By product.
  std::map<std::uint64_t, shipment> entries;  ///< Of open orders, by the order's number.
  std::set<std::uint64_t> to_deliver;         ///< Those that are not delivered.
};

struct open_order {
  std::uint32_t customer_id = 0;
  std::uint32_t order_id = 0;
  std::vector<std::uint32_t> sellers;  ///< Each once.
  std::size_t delivered = 0;           ///< How many of them have delivered.
};

struct market_state {
  std::unordered_map<std::uint32_t, seller> sellers;
  std::map<std::uint64_t, open_order> orders;  ///< By number: in the order in which they were placed.
  /// The open ones of a customer.
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint64_t> numbers;
  std::unordered_map<std::uint32_t, pb::CounterRow> counters;  ///< By customer.
  /// The oldest shipment of each seller that is not delivered, with the seller: what the next delivery takes
  /// stands at the front, however many wait.
  std::set<std::pair<std::uint64_t, std::uint32_t>> oldest;

  /// What is to be written.
  struct changes {
    std::unordered_set<std::uint32_t> sellers;
    std::set<std::pair<std::uint32_t, std::uint32_t>> products;
    std::unordered_set<std::uint32_t> stocks;  ///< By seller.
    std::set<std::uint64_t> orders;
    std::unordered_set<std::uint32_t> counters;
  } changed;

  const shelf* find(std::uint32_t seller_id, std::uint32_t product_id) const;
};

/// Decides for all sellers: so that an order of many sellers' products, with its payment, its shipment and
/// each seller's entries, is one decision and one record, and so is a product with its stock, a delivery for
/// ten sellers, and a dashboard. Pure.
///
/// An item of an order is UNAVAILABLE if its version is not the product's any more, OUT_OF_STOCK if there is
/// too little, else sold. It is priced by what holds at this moment, and all of an order by the same moment:
/// prices reach orders in the order in which they were changed. A price that rose since the shopper saw it is
/// made up by the item's voucher, so that nobody pays more than was shown.
struct market_decider {
  using state = market_state;
  using command = pb::MarketCommand;
  using event = pb::MarketEvent;
  static constexpr runtime::kind_id id = kinds::market;
  static constexpr std::string_view name = "market";
  static std::string_view partition_of(std::string_view key) { return key; }

  runtime::decision decide(const state& state, const command& command, const runtime::context& context) const;
  runtime::decision on_timer(const state& state, std::string_view timer,
                             const runtime::context& context) const;
  runtime::decision on_effect_failed(const state& state, const runtime::address& to,
                                     const google::protobuf::Message& command, std::string_view failure,
                                     const runtime::context& context) const;
  void evolve(state& state, const event& event, runtime::timestamp at, std::uint64_t version) const;
  void load_row(state& state, std::string_view row, std::string_view value) const;
  void save_rows(state& state, runtime::row_sink& sink) const;
};

/// What becomes of one item now.
pb::Line line_of(const market_state& state, const pb::Item& item);

/// The lines of an open order, in the order of its packages.
std::vector<pb::Line> lines_of(const market_state& state, std::uint64_t number);

/// How a state shows itself: the whole body of each answer.
std::string show_seller(const seller& seller);
std::string show_product(const pb::Product& product);
std::string show_stock(const pb::Stock& stock);
std::string show_dashboard(std::uint32_t seller_id, const seller& seller);
std::string show_orders(const market_state& state, std::uint32_t customer_id);
std::string show_packages(const market_state& state, std::uint64_t number);
/// The end of a customer's text, with its brace.
std::string show_counters(const pb::CounterRow& counters);

}  // namespace souk::marketplace
