#include "bench/audit.hpp"
#include "bench/figures.hpp"
#include "bench/goods.hpp"
#include "bench/progress.hpp"
#include "bench/scenarios.hpp"
#include "bench/shelf.hpp"
#include "bench/shopper.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace souk::bench {
namespace {

// A shopper whose server does not answer pauses, or it would only burn the processor.
constexpr std::chrono::milliseconds pause_after_error{20};
// Fill the carts, and read them at the end, whatever number of connections is measured.
constexpr int helping_shoppers = 64;

// A cart, and what must be in it.
struct filled_cart {
  shopping_cart cart;
  std::vector<wish> wishes;
};

// Shoppers that share carts, in the order of the carts.
class crew {
 public:
  crew(event_loop& loop, const endpoint& server, int size) : loop_(loop) {
    for (int i = 0; i < size; ++i)
      members_.push_back(std::make_unique<shopper>(loop, server, tally));
  }

  // Lets the members take the carts one after the other, each once, until none is left or time is over;
  // returns how many calls went well.
  std::uint64_t take_turns(std::vector<filled_cart>& carts, const closing_time& closing,
                           task<bool> (*call)(shopper&, filled_cart&)) {
    std::size_t next = 0;
    std::uint64_t done = 0;
    for (const auto& member : members_)
      loop_.spawn(take_next(*member, carts, closing, call, next, done));
    loop_.run();
    return done;
  }

  // Lets each member use carts of its own, drawn at random, until time is over; returns how many calls went
  // well.
  std::uint64_t draw(std::vector<filled_cart>& carts, const closing_time& closing,
                     task<bool> (*call)(shopper&, filled_cart&)) {
    std::uint64_t done = 0;
    for (std::size_t i = 0; i < members_.size(); ++i)
      loop_.spawn(draw_own(i, carts, closing, call, done));
    loop_.run();
    return done;
  }

  shopping_tally tally;

 private:
  task<void> take_next(shopper& me, std::vector<filled_cart>& carts, const closing_time& closing,
                       task<bool> (*call)(shopper&, filled_cart&), std::size_t& next, std::uint64_t& done) {
    while (next < carts.size() && !closing.reached() && !loop_.failed())
      co_await use(me, carts[next++], call, done);
  }

  task<void> draw_own(std::size_t number, std::vector<filled_cart>& carts, const closing_time& closing,
                      task<bool> (*call)(shopper&, filled_cart&), std::uint64_t& done) {
    shopper& me = *members_[number];
    const std::size_t own = (carts.size() - number + members_.size() - 1) / members_.size();
    while (!closing.reached() && !loop_.failed()) {
      const std::size_t drawn = me.keys().number(own) * members_.size() + number;
      co_await use(me, carts[drawn], call, done);
    }
  }

  task<void> use(shopper& me, filled_cart& mine, task<bool> (*call)(shopper&, filled_cart&),
                 std::uint64_t& done) {
    me.take(mine.cart);
    const bool fine = co_await call(me, mine);
    mine.cart = me.cart();
    if (fine) {
      ++done;
    } else {
      co_await loop_.sleep(pause_after_error);
    }
  }

  event_loop& loop_;
  std::vector<std::unique_ptr<shopper>> members_;
};

task<bool> fill(shopper& me, filled_cart& mine) {
  const bool opened = co_await me.open_cart();
  if (!opened) co_return false;
  const bool added = co_await me.add(mine.wishes);
  co_return added;
}

task<bool> buy(shopper& me, filled_cart& /*mine*/) { return me.buy(); }
task<bool> look(shopper& me, filled_cart& mine) { return me.look(mine.wishes); }
task<bool> add_unit(shopper& me, filled_cart& mine) {
  return me.add_unit(mine.wishes[me.keys().number(mine.wishes.size())]);
}

// What the carts are to hold: where there are hot skus one line among them, the others among the rest.
std::vector<filled_cart> choose(const shelf& shelf, const prepared_options& options) {
  random_keys random;
  std::vector<filled_cart> carts(options.carts);
  for (filled_cart& mine : carts)
    shelf.choose(mine.wishes, options.lines, options.hot_skus, random);
  return carts;
}

void prepare(const stage& stage, std::vector<filled_cart>& carts) {
  event_loop loop;
  crew helpers(loop, stage.with_key.server, helping_shoppers);
  const auto filled = helpers.take_turns(carts, closing_time::never(), fill);
  if (filled == carts.size()) return;
  const shopping_tally& tally = helpers.tally;
  std::string why = tally.wrong.empty() ? "" : tally.wrong.front();
  if (!tally.first_errors.empty())
    why = fmt::format("{}: {}", tally.first_errors.begin()->first, tally.first_errors.begin()->second);
  throw std::runtime_error(fmt::format("{} of {} carts could be filled; {}", filled, carts.size(), why));
}

void write_ids(const std::string& file, const std::vector<filled_cart>& carts) {
  std::ofstream out(file);
  for (const filled_cart& mine : carts)
    out << mine.cart.id << '\n';
  out.close();
  if (!out) throw std::runtime_error("--ids: " + file + " cannot be written");
}

void check(const prepared_options& options) {
  if (options.carts < static_cast<std::size_t>(options.connections))
    throw std::invalid_argument("--carts: each connection needs one of its own, see --connections");
  shelf::check(options.skus, options.lines, options.hot_skus);
}

// All that a run came to.
struct outcome {
  cost_meter costs;
  std::uint64_t done = 0;
  std::optional<audit_report> books;  // Of checkouts.
  bool fine = false;
};

void print_json(const prepared_options& options, const outcome& run, const shopping_tally& tally) {
  souk::json::writer out;
  out.begin_object().key("scenario").string("prepared").key("call").string(options.call);
  out.key("connections").integer(options.connections);
  out.key("carts").integer(static_cast<std::int64_t>(options.carts)).key("lines").integer(options.lines);
  out.key("skus").integer(static_cast<std::int64_t>(options.skus));
  out.key("hot_skus").integer(static_cast<std::int64_t>(options.hot_skus));
  out.key("seconds").raw(fmt::format("{:.3f}", run.costs.seconds()));
  out.key("done").integer(static_cast<std::int64_t>(run.done));
  out.key("per_s").raw(fmt::format("{:.1f}", static_cast<double>(run.done) / run.costs.seconds()));
  write_errors(out, tally);
  out.key("calls");
  write_calls(out, tally.times);
  write_costs(out, run.costs, "call", static_cast<double>(run.done));
  if (run.books) {
    out.key("audit");
    write_books(out, *run.books);
  }
  out.key("fine").boolean(run.fine).end_object();
  fmt::print("{}\n", std::move(out).take());
}

void print_table(const prepared_options& options, const outcome& run, const shopping_tally& tally) {
  const auto done = static_cast<double>(run.done);
  fmt::print("{} over {} connections, {} carts of {} lines, {} skus ({} hot), {:.1f} s: {} calls, {:.1f}/s\n",
             options.call, options.connections, options.carts, options.lines, options.skus, options.hot_skus,
             run.costs.seconds(), run.done, done / run.costs.seconds());
  print_calls(tally.times);
  print_costs(run.costs, "call", done);
  print_errors(tally);
  if (run.books) print_books(*run.books, tally.orders.size());
  if (!run.books) fmt::print("carts: {}\n", run.fine ? "each holds what was answered" : "NOT as answered");
}

// Whether each cart holds what was answered; the errors of asking go to `tally`.
bool read_all(const endpoint& server, std::vector<filled_cart>& carts, shopping_tally& tally) {
  event_loop loop;
  crew readers(loop, server, helping_shoppers);
  const auto right = readers.take_turns(carts, closing_time::never(), look);
  tally.add_errors(readers.tally);
  return right == carts.size();
}

}  // namespace

bool run_prepared(const stage& stage, const prepared_options& options) {
  check(options);
  prepare_goods(stage.with_key, options.skus);
  const shelf shelf(options.skus);
  std::vector<filled_cart> carts = choose(shelf, options);
  prepare(stage, carts);
  if (!options.ids_file.empty()) write_ids(options.ids_file, carts);
  shop_client client(stage.with_key);
  client.pause(std::chrono::seconds(options.settle_seconds));

  event_loop loop;
  crew shoppers(loop, stage.with_key.server, options.connections);
  const bool buying = options.call == "checkout";
  const closing_time closing{std::chrono::seconds(options.seconds)};
  outcome run{cost_meter(stage.admin), 0, {}, false};
  run.done = buying ? shoppers.take_turns(carts, closing, buy)
                    : shoppers.draw(carts, closing, options.call == "add" ? add_unit : look);
  run.costs.stop();

  shopping_tally& tally = shoppers.tally;
  if (buying) run.books = audit(client, tally.orders, {{}, stage.ledger_file});
  run.fine = buying ? run.books->fine() : read_all(stage.with_key.server, carts, tally);
  run.fine = run.fine && tally.errors.empty() && run.done > 0;
  stage.json ? print_json(options, run, tally) : print_table(options, run, tally);
  return run.fine;
}

}  // namespace souk::bench
