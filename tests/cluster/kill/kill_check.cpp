#include "bench/shop_client.hpp"
#include "tests/cluster/kill/judge.hpp"
#include "tests/cluster/kill/machine.hpp"
#include "tests/cluster/kill/shoppers.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

/// Kills the real process at random moments under concurrent shoppers and judges what is left.
namespace souk::cluster_test {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t findings_shown_max = 20;

struct options {
  machine_options machine;
  unsigned kills = 3;
  unsigned shoppers = 24;
  std::uint64_t answers_between = 600;  ///< At most, from one kill to the next.
  bool expect_loss = false;
};

/// A dozen articles: most plentiful, some soon sold out.
shelf fill_shelves(const bench::shop& staff) {
  bench::shop_client client{staff};
  shelf goods;
  for (int i = 0; i < 12; ++i) {
    const std::string sku = fmt::format("KILL-{:02}", i);
    client.post("/v1/products", "product-" + sku,
                fmt::format(R"({{"title": "Article {}", "variants": [{{"sku": "{}",
                             "price": {{"amount": {}, "currency": "EUR"}}}}]}})",
                            i, sku, 199 + 100 * i));
    const std::int64_t units = i < 8 ? 100'000 : 60;
    client.post("/v1/inventory/adjustments", "first-" + sku,
                fmt::format(R"({{"sku": "{}", "delta": {}, "reason": "received", "reference": "opening"}})",
                            sku, units));
    goods.skus.push_back(sku);
    goods.received[sku] = units;
  }
  return goods;
}

struct run_result {
  judgement verdict;
  unsigned kills = 0;
  std::uint64_t repeats = 0;
  std::uint64_t requests = 0;
};

run_result run(const options& options) {
  std::mt19937_64 random{options.machine.seed};
  machine machine{options.machine};
  machine.first_start();
  shelf goods = fill_shelves(machine.shop());
  if (!options.machine.drop_sync.empty()) {
    machine.cut_power(false);
    machine.restart();
  }
  shoppers people{machine.guest(), machine.shop(), std::move(goods), options.shoppers, options.machine.seed};
  run_result result;
  while (result.kills < options.kills && people.wait_for_answers(1 + random() % options.answers_between)) {
    machine.cut_power(random() % 2 == 0);
    ++result.kills;
    machine.restart();
  }
  people.finish();
  result.verdict = judge(machine.guest(), machine.shop(), people);
  result.repeats = people.repeats();
  result.requests = people.requests().size();
  if (const int code = machine.shut_down(); code != 0)
    result.verdict.findings.push_back(fmt::format("soukd ended in order with exit code {}", code));
  if (const int code = machine.verify_chain(); code != 0)
    result.verdict.findings.push_back(fmt::format("souk verify ended with exit code {}", code));
  return result;
}

void report(const options& options, const run_result& result) {
  const judgement& verdict = result.verdict;
  for (std::size_t i = 0; i < std::min(verdict.findings.size(), findings_shown_max); ++i)
    fmt::print("{}\n", verdict.findings[i]);
  if (verdict.findings.size() > findings_shown_max)
    fmt::print("and {} more\n", verdict.findings.size() - findings_shown_max);
  fmt::print(
      R"({{"seed":{},"kills":{},"requests":{},"repeats":{},"orders":{},"answered_orders":{},"repeated":{},)"
      R"("charges":{},"findings":{}}})"
      "\n",
      options.machine.seed, result.kills, result.requests, result.repeats, verdict.orders,
      verdict.answered_orders, verdict.repeated, verdict.charges, verdict.findings.size());
}

/// Without its syncs an engine must lose: either something is found wrong, or it does not come back at all.
int judge_expected_loss(const options& options) {
  try {
    const run_result result = run(options);
    report(options, result);
    if (!result.verdict.findings.empty()) return 0;
  } catch (const std::exception& error) {
    fmt::print("the shop did not survive: {}\n", error.what());
    return 0;
  }
  fmt::print("nothing was lost, although no write was synced: the check is blind\n");
  return 1;
}

int main_of(const options& options) {
  fs::create_directories(options.machine.root);
  if (!fs::is_empty(options.machine.root)) throw std::runtime_error("the folder of the run must be empty");
  if (options.expect_loss) return judge_expected_loss(options);
  const run_result result = run(options);
  report(options, result);
  return result.verdict.findings.empty() ? 0 : 1;
}

}  // namespace
}  // namespace souk::cluster_test

int main(int argc, char** argv) {
  using souk::cluster_test::options;
  options chosen;
  std::optional<std::string> folder;
  CLI::App app{"Kills soukd under load and judges what is left"};
  app.add_option("--kills", chosen.kills, "How often");
  app.add_option("--shoppers", chosen.shoppers, "How many at a time");
  app.add_option("--answers-between", chosen.answers_between, "At most, from one kill to the next");
  app.add_option("--seed", chosen.machine.seed, "Chooses the moments");
  app.add_option("--folder", folder,
                 "An empty folder to work in, kept (default: a temporary one, removed if all holds)");
  app.add_flag("--shim", chosen.machine.shim, "Each kill is a power cut: what was not synced is gone");
  app.add_option("--leak", chosen.machine.leak_per_cent,
                 "Per cent of unsynced writes that survive a power cut");
  app.add_option("--drop-sync", chosen.machine.drop_sync,
                 "Leave out syncs of the node; something must be found wrong")
      ->check(CLI::IsMember({"calls", "all"}));
  CLI11_PARSE(app, argc, argv);
  chosen.expect_loss = !chosen.machine.drop_sync.empty();
  chosen.machine.shim = chosen.machine.shim || chosen.expect_loss;
  chosen.machine.programs = std::filesystem::canonical("/proc/self/exe").parent_path();
  std::string made = std::filesystem::temp_directory_path() / "souk-kill-XXXXXX";
  chosen.machine.root = folder ? *folder : std::string{::mkdtemp(made.data())};
  try {
    const int code = souk::cluster_test::main_of(chosen);
    if (code == 0 && !folder) std::filesystem::remove_all(chosen.machine.root);
    if (code != 0) fmt::print("the run lies in {}\n", chosen.machine.root.string());
    return code;
  } catch (const std::exception& error) {
    fmt::print("seed {}: {}\nthe run lies in {}\n", chosen.machine.seed, error.what(),
               chosen.machine.root.string());
    return 1;
  }
}
