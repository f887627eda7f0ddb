#include "bench/figures.hpp"
#include "bench/marketplace.hpp"
#include "bench/marketplace_checks.hpp"
#include "bench/marketplace_traffic.hpp"
#include "bench/marketplace_world.hpp"
#include "bench/shop_client.hpp"

#include <fmt/format.h>

#include <chrono>
#include <stdexcept>

namespace souk::bench {
namespace {

// All that a run came to.
struct outcome {
  const marketplace_options& options;
  const marketplace_traffic& traffic;
  const cost_meter& costs;
  const marketplace_checks& checks;

  std::uint64_t done() const {
    std::uint64_t sum = 0;
    for (const auto& [name, count] : traffic.tally().done)
      sum += count;
    return sum;
  }
  double per_second() const {
    return traffic.seconds() > 0 ? static_cast<double>(done()) / traffic.seconds() : 0;
  }
  bool fine() const { return checks.fine() && done() > 0; }
};

double microseconds(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e3; }

std::int64_t whole(std::uint64_t count) { return static_cast<std::int64_t>(count); }

std::uint64_t count_in(const std::map<std::string, std::uint64_t, std::less<>>& counts,
                       std::string_view name) {
  const auto found = counts.find(name);
  return found == counts.end() ? 0 : found->second;
}

void write_options(json::writer& out, const marketplace_options& options) {
  out.key("mix").string(options.mix).key("customers").integer(whole(options.customers));
  out.key("products").integer(whole(options.products)).key("per_seller").integer(whole(options.per_seller));
  out.key("seller_skew").raw(fmt::format("{}", options.seller_skew));
  out.key("product_skew").raw(fmt::format("{}", options.product_skew));
  out.key("one_seller").boolean(options.one_seller);
}

void write_load(json::writer& out, const outcome& run) {
  if (run.options.rate <= 0) {
    out.key("connections").integer(run.options.connections);
    return;
  }
  out.key("rate")
      .raw(fmt::format("{}", run.options.rate))
      .key("under_way_max")
      .integer(run.options.under_way);
  out.key("intended").integer(whole(run.traffic.intended()));
  out.key("not_started").integer(whole(run.traffic.not_started()));
}

void write_transactions(json::writer& out, const marketplace_tally& tally) {
  out.begin_object();
  for (const auto& [name, values] : tally.times.by_name()) {
    out.key(name).begin_object().key("count").integer(whole(values.count()));
    out.key("mean_us").raw(fmt::format("{:.1f}", values.mean() / 1e3));
    out.key("p50_us").raw(fmt::format("{:.1f}", microseconds(values.quantile(0.5))));
    out.key("p90_us").raw(fmt::format("{:.1f}", microseconds(values.quantile(0.9))));
    out.key("p99_us").raw(fmt::format("{:.1f}", microseconds(values.quantile(0.99))));
    out.key("max_us").raw(fmt::format("{:.1f}", microseconds(values.max())));
    out.key("aborts").integer(whole(count_in(tally.aborts, name))).end_object();
  }
  out.end_object();
}

void print_json(const outcome& run) {
  const auto& tally = run.traffic.tally();
  json::writer out;
  out.begin_object().key("scenario").string("marketplace");
  write_options(out, run.options);
  write_load(out, run);
  out.key("seconds").raw(fmt::format("{:.3f}", run.traffic.seconds()));
  out.key("transactions").integer(whole(run.done()));
  out.key("tx_per_s").raw(fmt::format("{:.1f}", run.per_second()));
  out.key("retries").integer(whole(tally.retries)).key("repeats").integer(whole(tally.repeats));
  out.key("calls");
  write_transactions(out, tally);
  write_costs(out, run.costs, "tx", static_cast<double>(run.done()));
  out.key("client_cores").raw(fmt::format("{:.3f}", run.costs.client_cpu_seconds() / run.costs.seconds()));
  out.key("checks").begin_object();
  for (const auto& [name, count] : run.checks.counts)
    out.key(name).integer(whole(count));
  out.end_object().key("fine").boolean(run.fine()).end_object();
  fmt::print("{}\n", std::move(out).take());
}

void print_table(const outcome& run) {
  const auto& options = run.options;
  const auto& tally = run.traffic.tally();
  const auto load = options.rate > 0 ? fmt::format("{} tx/s wanted ({} of {} did not start)", options.rate,
                                                   run.traffic.not_started(), run.traffic.intended())
                                     : fmt::format("{} connections", options.connections);
  fmt::print("{} mix, {}, {} customers, {} products, skew {}/{}: {} transactions in {:.1f} s, {:.1f} tx/s\n",
             options.mix, load, options.customers, options.products, options.seller_skew,
             options.product_skew, run.done(), run.traffic.seconds(), run.per_second());
  fmt::print("{:<16}{:>10}{:>8}{:>10}{:>10}{:>10}{:>10}{:>10}\n", "what", "count", "aborts", "mean ms",
             "p50 ms", "p90 ms", "p99 ms", "max ms");
  for (const auto& [name, values] : tally.times.by_name())
    fmt::print("{:<16}{:>10}{:>8}{:>10.3f}{:>10.3f}{:>10.3f}{:>10.3f}{:>10.3f}\n", name, values.count(),
               count_in(tally.aborts, name), values.mean() / 1e6, microseconds(values.quantile(0.5)) / 1e3,
               microseconds(values.quantile(0.9)) / 1e3, microseconds(values.quantile(0.99)) / 1e3,
               microseconds(values.max()) / 1e3);
  print_costs(run.costs, "tx", static_cast<double>(run.done()));
  fmt::print(
      "the driver took {:.2f} of a processor; {} calls were repeated, {} checkouts sent twice on purpose\n",
      run.costs.client_cpu_seconds() / run.costs.seconds(), tally.retries, tally.repeats);
  for (const auto& [name, count] : run.checks.counts)
    fmt::print("{:<28}{}\n", name, count);
  for (const auto& what : tally.wrong)
    fmt::print("wrong: {}\n", what);
  for (const auto& what : run.checks.wrong)
    fmt::print("differs: {}\n", what);
}

void check(const marketplace_options& options) {
  const int at_once = options.rate > 0 ? options.under_way : options.connections;
  if (options.customers < static_cast<std::size_t>(at_once))
    throw std::invalid_argument("--customers: each session takes one of its own: not fewer than are at work");
  if (options.products < static_cast<std::size_t>(at_once) || options.products < options.per_seller)
    throw std::invalid_argument("--products: not fewer than are at work, and than a seller has");
}

}  // namespace

bool run_marketplace(const marketplace_options& options) {
  check(options);
  marketplace_world world(options);
  load_marketplace(options, world);
  shop_client({options.server, {}}).pause(std::chrono::seconds(options.settle_seconds));
  marketplace_traffic traffic(options, world);
  cost_meter costs(options.admin);
  traffic.run();
  costs.stop();
  const auto checks = check_marketplace(options, world, traffic.tally());
  const outcome run{options, traffic, costs, checks};
  options.json ? print_json(run) : print_table(run);
  return run.fine();
}

}  // namespace souk::bench
