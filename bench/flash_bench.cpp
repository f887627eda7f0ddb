#include "bench/goods.hpp"
#include "bench/load_report.hpp"

#include <algorithm>
#include <memory>

namespace souk::bench {
namespace {

namespace json = boost::json;

constexpr int sale_seconds_max = 24 * 3600;

// What the sale came to, and what it should have come to.
struct flash_outcome {
  std::string sku;
  std::uint64_t orders = 0;
  std::uint64_t refused = 0;  // insufficient_stock
  std::uint64_t charges = 0;  // made during the sale, by the provider's ledger
  std::int64_t sold = 0;      // by the ledger of the sku
  std::int64_t open_holds = 0;
  bool balanced = false;
};

// Somebody who wants one unit. Whoever is told that there is none left was answered as well as who bought.
class flash_buyer final : public customer {
 public:
  flash_buyer(event_loop& loop, const endpoint& server, shopping_tally& tally,
              const std::vector<wish>& wanted)
      : me_(loop, server, tally), wanted_(wanted) {}

  task<bool> fill_cart() {
    const bool opened = co_await me_.open_cart();
    if (!opened) co_return false;
    filled_ = co_await me_.add(wanted_);
    co_return filled_;
  }

  task<round_end> round() override {
    if (!filled_) {
      co_await fill_cart();
    }
    if (!filled_) co_return round_end{"order", false};
    filled_ = false;
    const bool bought = co_await me_.buy();
    if (bought) co_return round_end{"order", true};
    co_return round_end{"sold_out", me_.refusal() == "insufficient_stock"};
  }

 private:
  shopper me_;
  const std::vector<wish>& wanted_;
  bool filled_ = false;
};

using flash_queue = std::vector<std::unique_ptr<flash_buyer>>;

task<void> join_queue(flash_buyer& buyer) { co_await buyer.fill_cart(); }

// Buyers with filled carts, who wait for the sale to begin.
flash_queue queue_up(event_loop& loop, const stage& stage, int buyers, shopping_tally& tally,
                     const std::vector<wish>& wanted) {
  flash_queue queue;
  for (int i = 0; i < buyers; ++i) {
    queue.push_back(std::make_unique<flash_buyer>(loop, stage.with_key.server, tally, wanted));
    loop.spawn(join_queue(*queue.back()));
  }
  loop.run();
  return queue;
}

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

std::vector<std::pair<std::string_view, std::string>> facts_of(const flash_options& options,
                                                               const flash_outcome& outcome) {
  std::vector<std::pair<std::string_view, std::string>> facts{{"units", std::to_string(options.units)}};
  if (options.rate > 0) facts.emplace_back("buyers", std::to_string(options.buyers));
  facts.emplace_back("orders", std::to_string(outcome.orders));
  facts.emplace_back("refused", std::to_string(outcome.refused));
  facts.emplace_back("charged", std::to_string(outcome.charges));
  facts.emplace_back("sold", std::to_string(outcome.sold));
  return facts;
}

// A sale ends with its last buyer, however long that takes.
load_options load_of(const flash_options& options) {
  load_options load;
  load.clients = options.buyers;
  load.rate = options.rate;
  load.under_way = options.buyers;
  load.seconds = sale_seconds_max;
  load.rounds_max = static_cast<std::uint64_t>(options.buyers);
  return load;
}

}  // namespace

bool run_flash(const stage& stage, const flash_options& options) {
  check_files(options.files);
  shop_client client(stage.with_key);
  const std::uint64_t charges_before = audit(client, {}, {{}, stage.ledger_file}).charges;
  flash_outcome outcome;
  outcome.sku = make_scarce_sku(client, "bench-flash", options.units);
  const std::vector<wish> wanted{{outcome.sku, goods_price(0), 1}};

  shopping_tally tally;
  const load_options load = load_of(options);
  load_run run(load, stage.admin, tally);
  auto queue = options.rate > 0 ? flash_queue{} : queue_up(run.loop(), stage, options.buyers, tally, wanted);
  run.run([&]() -> std::unique_ptr<customer> {
    if (queue.empty()) return std::make_unique<flash_buyer>(run.loop(), stage.with_key.server, tally, wanted);
    auto next = std::move(queue.back());
    queue.pop_back();
    return next;
  });

  outcome.orders = tally.orders.size();
  const auto refused = tally.errors.find("insufficient_stock");
  outcome.refused = refused == tally.errors.end() ? 0 : refused->second;
  load_report report{"flash", "buyers", "answer", {},
                     load,    run,      tally,    audit(client, tally.orders, {{}, stage.ledger_file}),
                     false};
  outcome.charges = report.books->charges - charges_before;
  read_sku_audit(client, outcome);
  report.facts = facts_of(options, outcome);
  report.fine = report.books->fine() && as_expected(options, outcome, tally);
  return publish(stage, options.files, report);
}

}  // namespace souk::bench
