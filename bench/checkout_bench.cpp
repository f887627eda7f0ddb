#include "bench/audit.hpp"
#include "bench/figures.hpp"
#include "bench/goods.hpp"
#include "bench/open_loop.hpp"
#include "bench/progress.hpp"
#include "bench/scenarios.hpp"
#include "bench/shelf.hpp"
#include "bench/shopper.hpp"

#include <fmt/format.h>

#include <memory>
#include <stdexcept>

namespace souk::bench {
namespace {

// A shopper whose server does not answer pauses, or it would only burn the processor.
constexpr std::chrono::milliseconds pause_after_error{20};
constexpr std::size_t hot_sku = 0;

// So many different skus, in random quantities. There are at least as many skus as lines.
void choose(std::vector<wish>& wishes, const shelf& shelf, const checkout_options& options,
            random_keys& random) {
  wishes.clear();
  while (wishes.size() < static_cast<std::size_t>(options.lines)) {
    const bool hot = random.number(100) < static_cast<std::size_t>(options.hot_percent);
    const bool put = hot && shelf.put(wishes, hot_sku, random);
    if (!put) shelf.put(wishes, random.number(shelf.size()), random);
  }
}

class checkout_run {
 public:
  checkout_run(event_loop& loop, const checkout_options& options)
      : loop_(loop),
        options_(options),
        shelf_(options.skus),
        closing_(std::chrono::seconds(options.seconds)),
        progress_("shopping", "orders", 0) {}

  // As many shoppers as there are to be, each beginning anew when it is done; or new ones at a constant rate.
  void start(const endpoint& server) {
    if (options_.rate > 0) {
      loop_.spawn(welcome_at_rate(server));
      return;
    }
    for (int i = 0; i < options_.shoppers; ++i)
      loop_.spawn(shop_until_closing(one_more(server)));
  }

  shopping_tally tally;
  std::uint64_t intended = 0;     // Orders that were to start, of an open loop.
  std::uint64_t not_started = 0;  // Those of them that did not: as many as may be were under way.

 private:
  shopper& one_more(const endpoint& server) {
    return *shoppers_.emplace_back(std::make_unique<shopper>(loop_, server, tally));
  }

  task<void> shop_until_closing(shopper& me) {
    std::vector<wish> wishes;
    while (!closing_.reached() && !loop_.failed()) {
      choose(wishes, shelf_, options_, me.keys());
      const bool bought = co_await me.shop_for(wishes);
      if (!bought) {
        co_await loop_.sleep(pause_after_error);
      }
      progress_.done(tally.orders.size());
    }
  }

  task<void> welcome_at_rate(const endpoint& server) {
    const arrivals due(options_.rate, arrivals::clock::now());
    while (!closing_.passed(due.at(intended)) && !loop_.failed()) {
      const auto start = due.at(intended++);
      co_await loop_.sleep_until(start);
      shopper* free = free_shopper(server);
      if (free != nullptr) loop_.spawn(shop_once(*free, start));
      if (free == nullptr) ++not_started;
    }
  }

  // Null where as many as may be are under way.
  shopper* free_shopper(const endpoint& server) {
    if (idle_.empty() && shoppers_.size() < static_cast<std::size_t>(options_.under_way))
      return &one_more(server);
    if (idle_.empty()) return nullptr;
    shopper* free = idle_.back();
    idle_.pop_back();
    return free;
  }

  task<void> shop_once(shopper& me, arrivals::clock::time_point start) {
    std::vector<wish> wishes;
    choose(wishes, shelf_, options_, me.keys());
    const bool bought = co_await me.shop_for(wishes);
    if (bought) tally.times["order"].record(nanoseconds_between(start, arrivals::clock::now()));
    idle_.push_back(&me);
    progress_.done(tally.orders.size());
  }

  event_loop& loop_;
  const checkout_options& options_;
  shelf shelf_;
  closing_time closing_;
  progress_line progress_;
  std::vector<std::unique_ptr<shopper>> shoppers_;
  std::vector<shopper*> idle_;  // Of an open loop.
};

// How the load came: so many shoppers, or so many orders a second.
void write_load(json::writer& out, const checkout_options& options, const checkout_run& run) {
  if (options.rate <= 0) {
    out.key("shoppers").integer(options.shoppers);
    return;
  }
  out.key("rate").raw(fmt::format("{}", options.rate)).key("under_way_max").integer(options.under_way);
  out.key("intended").integer(static_cast<std::int64_t>(run.intended));
  out.key("not_started").integer(static_cast<std::int64_t>(run.not_started));
}

std::string load_text(const checkout_options& options, const checkout_run& run) {
  if (options.rate <= 0) return fmt::format("{} shoppers", options.shoppers);
  return fmt::format("{} orders/s wanted, {} in all, of which {} did not start ({} under way at most)",
                     options.rate, run.intended, run.not_started, options.under_way);
}

void print_json(const checkout_options& options, const checkout_run& run, const cost_meter& costs,
                const audit_report& books) {
  const shopping_tally& tally = run.tally;
  const auto orders = static_cast<double>(tally.orders.size());
  json::writer out;
  out.begin_object().key("scenario").string("checkout");
  write_load(out, options, run);
  out.key("lines").integer(options.lines).key("seconds").raw(fmt::format("{:.3f}", costs.seconds()));
  out.key("orders").integer(static_cast<std::int64_t>(tally.orders.size()));
  out.key("orders_per_s").raw(fmt::format("{:.1f}", orders / costs.seconds()));
  write_errors(out, tally);
  out.key("calls");
  write_calls(out, tally.times);
  write_costs(out, costs, "order", orders);
  out.key("audit");
  write_books(out, books);
  out.end_object();
  fmt::print("{}\n", std::move(out).take());
}

void print_table(const checkout_options& options, const checkout_run& run, const cost_meter& costs,
                 const audit_report& books) {
  const shopping_tally& tally = run.tally;
  const auto orders = static_cast<double>(tally.orders.size());
  fmt::print("{}, {} lines, {} skus, {:.1f} s: {} orders, {:.1f} orders/s\n", load_text(options, run),
             options.lines, options.skus, costs.seconds(), tally.orders.size(), orders / costs.seconds());
  print_calls(tally.times);
  print_costs(costs, "order", orders);
  print_errors(tally);
  print_books(books, tally.orders.size());
}

}  // namespace

bool run_checkout(const stage& stage, const checkout_options& options) {
  if (static_cast<std::size_t>(options.lines) > options.skus) {
    throw std::invalid_argument("--lines: a shopper cannot want more different skus than --skus has");
  }
  prepare_goods(stage.with_key, options.skus);
  cost_meter costs(stage.admin);
  event_loop loop;
  checkout_run run(loop, options);
  run.start(stage.with_key.server);
  loop.run();
  costs.stop();

  shop_client client(stage.with_key);
  const audit_report books = audit(client, run.tally.orders);
  stage.json ? print_json(options, run, costs, books) : print_table(options, run, costs, books);
  return books.fine() && run.tally.errors.empty() && !run.tally.orders.empty();
}

}  // namespace souk::bench
