#include "bench/audit.hpp"
#include "bench/goods.hpp"
#include "bench/scenarios.hpp"
#include "bench/shopper.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace souk::bench {
namespace {

namespace json = boost::json;

// What the sale came to, and what it should have come to.
struct flash_outcome {
  std::string sku;
  std::uint64_t orders = 0;
  std::uint64_t refused = 0;  // insufficient_stock
  std::uint64_t charges = 0;  // made during the sale, by the provider's ledger
  std::int64_t sold = 0;      // by the ledger of the sku
  std::int64_t open_holds = 0;
  bool balanced = false;
  double seconds = 0;
};

task<void> fill_cart(shopper& me, const std::string& sku) {
  const std::vector<wish> one{{sku, goods_price(0), 1}};
  const bool opened = co_await me.open_cart();
  if (opened) {
    co_await me.add(one);
  }
}

task<void> buy_one(shopper& me) { co_await me.buy(); }

void read_sku_audit(shop_client& client, flash_outcome& outcome) {
  const json::value books = client.get("/v1/inventory/audit?sku=" + percent_encoded(outcome.sku));
  outcome.sold = integer_member(books, "sold");
  outcome.open_holds = static_cast<std::int64_t>(member(books, "holds").as_array().size());
  outcome.balanced = member(books, "balanced").as_bool();
}

bool as_expected(const flash_options& options, const flash_outcome& outcome, const shopping_tally& tally) {
  const auto buyers = static_cast<std::uint64_t>(options.buyers);
  const std::uint64_t orders = std::min(static_cast<std::uint64_t>(options.units), buyers);
  const std::size_t kinds_of_errors = orders < buyers ? 1 : 0;
  return outcome.orders == orders && outcome.refused == buyers - orders && outcome.charges == orders &&
         outcome.sold == static_cast<std::int64_t>(orders) && outcome.open_holds == 0 && outcome.balanced &&
         tally.errors.size() == kinds_of_errors;
}

void print_json(const flash_options& options, const flash_outcome& outcome, const shopping_tally& tally,
                const audit_report& books) {
  souk::json::writer out;
  out.begin_object().key("scenario").string("flash").key("units").integer(options.units);
  out.key("buyers").integer(options.buyers).key("seconds").raw(fmt::format("{:.3f}", outcome.seconds));
  out.key("orders").integer(static_cast<std::int64_t>(outcome.orders));
  out.key("charged").integer(static_cast<std::int64_t>(outcome.charges)).key("sold").integer(outcome.sold);
  write_errors(out, tally);
  out.key("calls");
  write_calls(out, tally.times);
  out.key("audit").begin_object().key("unbalanced").integer(static_cast<std::int64_t>(books.unbalanced));
  out.key("charges").integer(static_cast<std::int64_t>(books.charges));
  out.key("orders").integer(static_cast<std::int64_t>(books.orders)).end_object().end_object();
  fmt::print("{}\n", std::move(out).take());
}

void print_table(const flash_options& options, const flash_outcome& outcome, const shopping_tally& tally,
                 const audit_report& books) {
  fmt::print(
      "{} buyers for {} units of {}: {} orders, {} insufficient_stock, {} charges, {} sold, in {:.3f} s\n",
      options.buyers, options.units, outcome.sku, outcome.orders, outcome.refused, outcome.charges,
      outcome.sold, outcome.seconds);
  print_calls(tally.times);
  print_errors(tally);
  for (const std::string& finding : books.findings)
    fmt::print("{}\n", finding);
  fmt::print("audit: {}\n", books.fine() && outcome.balanced ? "balanced" : "NOT balanced");
}

}  // namespace

bool run_flash(const stage& stage, const flash_options& options) {
  shop_client client(stage.with_key);
  const std::uint64_t charges_before = audit(client).charges;
  flash_outcome outcome;
  outcome.sku = make_scarce_sku(client, "bench-flash", options.units);

  event_loop loop;
  shopping_tally tally;
  std::vector<std::unique_ptr<shopper>> buyers;
  for (int i = 0; i < options.buyers; ++i) {
    buyers.push_back(std::make_unique<shopper>(loop, stage.with_key.server, tally));
    loop.spawn(fill_cart(*buyers.back(), outcome.sku));
  }
  loop.run();
  const auto started = std::chrono::steady_clock::now();
  for (const auto& buyer : buyers)
    loop.spawn(buy_one(*buyer));
  loop.run();
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();

  outcome.orders = tally.orders.size();
  const auto refused = tally.errors.find("insufficient_stock");
  outcome.refused = refused == tally.errors.end() ? 0 : refused->second;
  const audit_report books = audit(client, tally.orders);
  outcome.charges = books.charges - charges_before;
  read_sku_audit(client, outcome);
  stage.json ? print_json(options, outcome, tally, books) : print_table(options, outcome, tally, books);
  return books.fine() && as_expected(options, outcome, tally);
}

}  // namespace souk::bench
