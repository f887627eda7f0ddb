// The loads that share how they come and how they are told of: browse, cart, checkout (and hot), mixed.
#include "bench/goods.hpp"
#include "bench/load_report.hpp"
#include "bench/shelf.hpp"
#include "bench/visitor.hpp"

#include <memory>

namespace souk::bench {
namespace {

// Of a hundred visits of a mixed load; the others only browse.
constexpr std::size_t percent_buying = 10;
constexpr std::size_t percent_filling = 30;

// Somebody of any of these loads: visits, fills a cart, or buys, over one connection.
class shop_customer : public customer {
 public:
  shop_customer(load_run& run, const endpoint& server, shopping_tally& tally, const shelf& shelf,
                const checkout_options& options)
      : me_(run.loop(), server, tally), shelf_(shelf), options_(options) {}

 protected:
  task<round_end> buy() {
    shelf_.choose(wishes_, options_.lines, options_.hot_skus, me_.keys());
    const bool bought = co_await me_.shop_for(wishes_);
    co_return round_end{"order", bought};
  }

  task<round_end> fill() {
    const round_end failed{"cart", false};
    shelf_.choose(wishes_, options_.lines, options_.hot_skus, me_.keys());
    const bool opened = co_await me_.open_cart();
    if (!opened) co_return failed;
    const bool added = co_await me_.add(wishes_);
    if (!added) co_return failed;
    wish& more = wishes_[me_.keys().number(wishes_.size())];
    const bool one_more = co_await me_.add_unit(more);
    if (!one_more) co_return failed;
    const bool seen = co_await me_.look(wishes_);
    co_return round_end{"cart", seen};
  }

  shopper me_;

 private:
  const shelf& shelf_;
  const checkout_options& options_;
  std::vector<wish> wishes_;
};

class buyer final : public shop_customer {
 public:
  using shop_customer::shop_customer;
  task<round_end> round() override { return buy(); }
};

class cart_filler final : public shop_customer {
 public:
  using shop_customer::shop_customer;
  task<round_end> round() override { return fill(); }
};

class browser final : public customer {
 public:
  browser(load_run& run, const endpoint& server, shopping_tally& tally, const window_display& window)
      : hands_(run.loop(), {server, {}}), eyes_(hands_, tally, window) {}

  task<round_end> round() override {
    const bool seen = co_await eyes_.look_around(random_);
    co_return round_end{"visit", seen};
  }

 private:
  worker hands_;
  visitor eyes_;
  random_keys random_;
};

class mixed_customer final : public shop_customer {
 public:
  mixed_customer(load_run& run, const endpoint& server, shopping_tally& tally, const shelf& shelf,
                 const checkout_options& options, const window_display& window)
      : shop_customer(run, server, tally, shelf, options), eyes_(me_.hands(), tally, window) {}

  task<round_end> round() override {
    const std::size_t drawn = me_.keys().number(100);
    if (drawn < percent_buying) return buy();
    if (drawn < percent_buying + percent_filling) return fill();
    return browse();
  }

 private:
  task<round_end> browse() {
    const bool seen = co_await eyes_.look_around(me_.keys());
    co_return round_end{"visit", seen};
  }

  visitor eyes_;
};

// A load's names, and whether it orders.
struct load_kind {
  std::string_view scenario;
  std::string_view clients;
  std::string_view unit;
  bool ordering = false;
};

using customer_factory = std::function<std::unique_ptr<customer>(load_run&, shopping_tally&)>;

bool run_load(const stage& stage, const load_kind& kind, const checkout_options& options,
              const customer_factory& make) {
  shopping_tally tally;
  load_run run(options.load, stage.admin, tally);
  run.run([&] { return make(run, tally); });
  load_report report{kind.scenario, kind.clients, kind.unit, {}, options.load, run, tally, {}, true};
  if (kind.unit != "visit" || kind.ordering)
    report.facts.emplace_back("lines", std::to_string(options.lines));
  report.facts.emplace_back("skus", std::to_string(options.skus));
  if (options.hot_skus > 0) report.facts.emplace_back("hot_skus", std::to_string(options.hot_skus));
  if (kind.ordering) {
    shop_client client(stage.with_key);
    audit_scope scope{{}, stage.ledger_file};
    if (options.goods_are_there) scope.skus = tally.sold_skus;
    report.books = audit(client, tally.orders, scope);
    report.fine = report.books->fine();
  }
  report.fine = report.fine && tally.errors.empty() && run.done() > 0;
  return publish(stage, options.files, report);
}

checkout_options without_hot_skus(const load_setting& options) { return {options, 0}; }

// Of loads that fill carts.
void prepare(const stage& stage, const checkout_options& options) {
  shelf::check(options.skus, options.lines, options.hot_skus);
  check_files(options.files);
  if (!options.goods_are_there) prepare_goods(stage.with_key, options.skus);
}

}  // namespace

bool run_checkout(const stage& stage, const checkout_options& options) {
  prepare(stage, options);
  const shelf shelf(options.skus);
  const load_kind kind{options.hot_skus > 0 ? "hot" : "checkout", "shoppers", "order", true};
  return run_load(stage, kind, options, [&](load_run& run, shopping_tally& tally) {
    return std::make_unique<buyer>(run, stage.with_key.server, tally, shelf, options);
  });
}

bool run_cart(const stage& stage, const load_setting& setting) {
  const checkout_options options = without_hot_skus(setting);
  prepare(stage, options);
  const shelf shelf(options.skus);
  return run_load(stage, {"cart", "shoppers", "cart"}, options, [&](load_run& run, shopping_tally& tally) {
    return std::make_unique<cart_filler>(run, stage.with_key.server, tally, shelf, options);
  });
}

bool run_browse(const stage& stage, const load_setting& setting) {
  const checkout_options options = without_hot_skus(setting);
  check_files(options.files);
  if (!options.goods_are_there) prepare_goods(stage.with_key, options.skus);
  const window_display window = look_into_window(stage.with_key, options.skus);
  return run_load(stage, {"browse", "visitors", "visit"}, options, [&](load_run& run, shopping_tally& tally) {
    return std::make_unique<browser>(run, stage.with_key.server, tally, window);
  });
}

bool run_mixed(const stage& stage, const load_setting& setting) {
  const checkout_options options = without_hot_skus(setting);
  prepare(stage, options);
  const shelf shelf(options.skus);
  const window_display window = look_into_window(stage.with_key, options.skus);
  return run_load(
      stage, {"mixed", "visitors", "visit", true}, options, [&](load_run& run, shopping_tally& tally) {
        return std::make_unique<mixed_customer>(run, stage.with_key.server, tally, shelf, options, window);
      });
}

}  // namespace souk::bench
