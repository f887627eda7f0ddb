#include "bench/audit.hpp"
#include "bench/figures.hpp"
#include "bench/goods.hpp"
#include "bench/open_loop.hpp"
#include "bench/progress.hpp"
#include "bench/scenarios.hpp"
#include "bench/shopper.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace souk::bench {
namespace {

// A shopper whose server does not answer pauses, or it would only burn the processor.
constexpr std::chrono::milliseconds pause_after_error{20};
constexpr std::size_t quantity_choices = 3;
constexpr std::size_t hot_sku = 0;

// Skus and prices, written out once.
struct shelf {
  explicit shelf(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      skus.push_back(goods_sku(i));
  }
  std::vector<std::string> skus;
};

// So many different skus, in random quantities. There are at least as many skus as lines.
void choose(std::vector<wish>& wishes, const shelf& shelf, const checkout_options& options,
            random_keys& random) {
  const auto wanted = [&wishes, &shelf](std::size_t number) {
    return std::any_of(wishes.begin(), wishes.end(),
                       [&](const wish& wish) { return wish.sku == shelf.skus[number]; });
  };
  wishes.clear();
  while (wishes.size() < static_cast<std::size_t>(options.lines)) {
    const bool hot = random.number(100) < static_cast<std::size_t>(options.hot_percent) && !wanted(hot_sku);
    const std::size_t number = hot ? hot_sku : random.number(shelf.skus.size());
    if (wanted(number)) continue;
    wishes.push_back({shelf.skus[number], goods_price(number),
                      1 + static_cast<std::int64_t>(random.number(quantity_choices))});
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

// All figures of a finished run.
struct checkout_figures {
  double seconds = 0;
  double client_cpu_seconds = 0;
  std::optional<server_figures> before;
  std::optional<server_figures> after;

  bool server_known() const { return before && after; }
  double records_per_commit() const {
    const double commits = after->commits - before->commits;
    return commits > 0 ? (after->records - before->records) / commits : 0;
  }
  double syncs_per_s() const { return (after->commits - before->commits) / seconds; }
  double cpu_us_per_order(double orders) const {
    return (after->cpu_seconds - before->cpu_seconds) * 1e6 / orders;
  }
};

void write_server_figures(json::writer& out, const checkout_figures& figures, double orders) {
  const auto put = [&](std::string_view name, const auto& value, const char* format) {
    out.key(name);
    figures.server_known() && orders > 0 ? out.raw(fmt::format(fmt::runtime(format), value())) : out.null();
  };
  put("records_per_commit", [&] { return figures.records_per_commit(); }, "{:.2f}");
  put("syncs_per_s", [&] { return figures.syncs_per_s(); }, "{:.1f}");
  put("cpu_us_per_order", [&] { return figures.cpu_us_per_order(orders); }, "{:.1f}");
}

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

void print_json(const checkout_options& options, const checkout_run& run, const checkout_figures& figures,
                const audit_report& books) {
  const shopping_tally& tally = run.tally;
  const auto orders = static_cast<double>(tally.orders.size());
  json::writer out;
  out.begin_object().key("scenario").string("checkout");
  write_load(out, options, run);
  out.key("lines").integer(options.lines).key("seconds").raw(fmt::format("{:.3f}", figures.seconds));
  out.key("orders").integer(static_cast<std::int64_t>(tally.orders.size()));
  out.key("orders_per_s").raw(fmt::format("{:.1f}", orders / figures.seconds));
  write_errors(out, tally);
  out.key("calls");
  write_calls(out, tally.times);
  write_server_figures(out, figures, orders);
  out.key("client_cpu_us_per_order");
  orders > 0 ? out.raw(fmt::format("{:.1f}", figures.client_cpu_seconds * 1e6 / orders)) : out.null();
  out.key("audit").begin_object().key("unbalanced").integer(static_cast<std::int64_t>(books.unbalanced));
  out.key("charges").integer(static_cast<std::int64_t>(books.charges));
  out.key("orders").integer(static_cast<std::int64_t>(books.orders));
  out.key("answered").integer(static_cast<std::int64_t>(books.answered)).end_object().end_object();
  fmt::print("{}\n", std::move(out).take());
}

void print_table(const checkout_options& options, const checkout_run& run, const checkout_figures& figures,
                 const audit_report& books) {
  const shopping_tally& tally = run.tally;
  const auto orders = static_cast<double>(tally.orders.size());
  fmt::print("{}, {} lines, {} skus, {:.1f} s: {} orders, {:.1f} orders/s\n", load_text(options, run),
             options.lines, options.skus, figures.seconds, tally.orders.size(), orders / figures.seconds);
  print_calls(tally.times);
  if (figures.server_known() && orders > 0) {
    fmt::print("journal: {:.2f} records per commit, {:.1f} syncs/s; processor per order: server {:.1f} us",
               figures.records_per_commit(), figures.syncs_per_s(), figures.cpu_us_per_order(orders));
  } else {
    fmt::print("no figures of the server (its admin listener does not answer); processor per order:");
  }
  fmt::print(", client {:.1f} us\n", orders > 0 ? figures.client_cpu_seconds * 1e6 / orders : 0.0);
  print_errors(tally);
  fmt::print("audit: {} unbalanced skus, {} charges for {} orders, {} of {} answered orders are there: {}\n",
             books.unbalanced, books.charges, books.orders, books.answered, tally.orders.size(),
             books.fine() ? "balanced" : "NOT balanced");
}

}  // namespace

bool run_checkout(const stage& stage, const checkout_options& options) {
  if (static_cast<std::size_t>(options.lines) > options.skus) {
    throw std::invalid_argument("--lines: a shopper cannot want more different skus than --skus has");
  }
  prepare_goods(stage.with_key, options.skus);
  checkout_figures figures;
  if (stage.admin) figures.before = read_figures(*stage.admin);
  const double cpu_before = own_cpu_seconds();
  const auto started = std::chrono::steady_clock::now();

  event_loop loop;
  checkout_run run(loop, options);
  run.start(stage.with_key.server);
  loop.run();

  figures.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  figures.client_cpu_seconds = own_cpu_seconds() - cpu_before;
  if (stage.admin) figures.after = read_figures(*stage.admin);
  shop_client client(stage.with_key);
  const audit_report books = audit(client, run.tally.orders);
  stage.json ? print_json(options, run, figures, books) : print_table(options, run, figures, books);
  if (!stage.json) {
    for (const std::string& finding : books.findings)
      fmt::print("{}\n", finding);
  }
  return books.fine() && run.tally.errors.empty() && !run.tally.orders.empty();
}

}  // namespace souk::bench
