#include "nodes/souk/bench_marketplace.hpp"

#include <CLI/CLI.hpp>

#include <string>

namespace souk::cli {
namespace {

constexpr int connections_max = 10'000;  // as many as a server takes
constexpr int seconds_max = 24 * 3600;
constexpr int records_max = 10'000'000;
constexpr double rate_max = 1e6;  // more than one thread sends

void add_count(CLI::App& to, const std::string& name, int& value, int most, const std::string& purpose) {
  to.add_option(name, value, purpose)->check(CLI::Range(1, most))->capture_default_str();
}

void add_options(CLI::App* to, bench_options& options) {
  bench::marketplace_options& marketplace = options.marketplace;
  to->add_option("--at", options.marketplace_url, "The server's marketplace listener")->capture_default_str();
  to->add_option("--customers", marketplace.customers, "Customers that there are")
      ->check(CLI::Range(1, records_max))
      ->capture_default_str();
  to->add_option("--products", marketplace.products, "Products that there are")
      ->check(CLI::Range(1, records_max))
      ->capture_default_str();
  to->add_option("--per-seller", marketplace.per_seller, "Products of each seller")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  to->add_option("--stock", marketplace.stock, "Units of each product")
      ->check(CLI::Range(1, 1'000'000'000))
      ->capture_default_str();
  add_count(*to, "--seconds", marketplace.seconds, seconds_max, "How long");
  to->add_option("--settle", marketplace.settle_seconds, "Seconds between loading and measuring")
      ->check(CLI::Range(0, 600))
      ->capture_default_str();
  add_count(*to, "--connections", marketplace.connections, connections_max, "Connections at work");
  to->add_option("--mix", marketplace.mix, "The published driver's configuration that shares come from")
      ->check(CLI::IsMember({"production", "local"}))
      ->capture_default_str();
  to->add_option("--seller-skew", marketplace.seller_skew, "Zipf's constant for sellers; 0: uniform")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  to->add_option("--product-skew", marketplace.product_skew, "Zipf's constant for a seller's products")
      ->check(CLI::Range(0.0, 10.0))
      ->capture_default_str();
  to->add_flag("--one-seller", marketplace.one_seller, "A cart has products of one seller only");
  CLI::Option* rate =
      to->add_option("--rate", marketplace.rate,
                     "Transactions a second that are to start, whatever becomes of them; times from then on")
          ->check(CLI::Range(0.1, rate_max))
          ->excludes("--connections");
  add_count(*to, "--under-way", marketplace.under_way, connections_max,
            "With --rate: transactions under way at once; more do not start");
  to->get_option("--under-way")->needs(rate);
}

}  // namespace

void add_marketplace_bench(CLI::App& benches, bench_options& options, const settings& settings,
                           const std::function<void(std::function<int()>)>& choose) {
  CLI::App* marketplace =
      benches.add_subcommand("marketplace", "The Online Marketplace benchmark, with checks of all books");
  add_options(marketplace, options);
  marketplace->callback([choose, &options, &settings] {
    choose([&options, &settings] {
      auto& wanted = options.marketplace;
      wanted.server = bench::parse_url(options.marketplace_url);
      wanted.admin = bench::parse_url(options.admin_url);
      wanted.json = settings.json;
      return run_marketplace(wanted) ? exit_fine : exit_found_wrong;
    });
  });
}

}  // namespace souk::cli
