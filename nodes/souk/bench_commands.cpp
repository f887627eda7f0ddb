#include "nodes/souk/bench_commands.hpp"

#include "bench/goods.hpp"
#include "nodes/souk/bench_marketplace.hpp"

#include <CLI/CLI.hpp>

#include <string>
#include <utility>
#include <vector>

namespace souk::cli {
namespace {

constexpr int connections_max = 10'000;  // as many as a server takes
constexpr int seconds_max = 24 * 3600;
constexpr double rate_max = 1e6;      // more than one thread sends
constexpr int carts_max = 1'000'000;  // filled beforehand: minutes
constexpr int hot_skus_default = 10;
constexpr int hot_skus_max = 1000;
constexpr int cart_lines_max = 9'999;  // one more is added and taken out

int code_of(bool right) { return right ? exit_fine : exit_found_wrong; }

bench::stage stage_of(const bench_options& options, const settings& settings) {
  bench::stage stage{settings.with_key(), bench::parse_url(options.admin_url), options.ledger_file,
                     settings.json};
  bench::check_access(stage.with_key);
  return stage;
}

void add_count(CLI::App* to, const std::string& name, int& value, int most, const std::string& purpose) {
  to->add_option(name, value, purpose)->check(CLI::Range(1, most))->capture_default_str();
}

void add_nodes(CLI::App* to, std::vector<std::string>& value) {
  to->add_option("--nodes", value, "Nodes of the shop to ask, as in URL,URL")->delimiter(',');
}

void add_skus(CLI::App* to, std::size_t& value) {
  to->add_option("--skus", value, "Different skus on sale")
      ->check(CLI::Range(std::size_t{1}, bench::goods_max))
      ->capture_default_str();
}

CLI::Option* add_rate(CLI::App* to, double& value, const std::string& purpose) {
  return to->add_option("--rate", value, purpose)->check(CLI::Range(0.1, rate_max));
}

void add_files(CLI::App* to, bench::report_files& files) {
  to->add_option("--json-file", files.json,
                 "A file for all figures as JSON, with each second and distributions");
  to->add_option("--html", files.html, "A file for a page with plots that loads nothing");
}

// `clients`: the option that says how many a closed loop has.
void add_load(CLI::App* to, const std::string& clients, bench::load_setting& setting) {
  add_count(to, clients, setting.load.clients, connections_max,
            "Connections at work, one round after the other");
  CLI::Option* rate =
      add_rate(to, setting.load.rate,
               "Rounds a second that are to start, whatever becomes of them; times from then on")
          ->excludes(clients);
  add_count(to, "--under-way", setting.load.under_way, connections_max,
            "With --rate: rounds under way at once; more do not start");
  to->get_option("--under-way")->needs(rate);
  add_count(to, "--seconds", setting.load.seconds, seconds_max, "How long is measured");
  to->add_option("--warm-up", setting.load.warm_up, "Seconds before that, which are not")
      ->check(CLI::Range(0, seconds_max))
      ->capture_default_str();
  add_skus(to, setting.skus);
  to->add_flag("--goods-are-there", setting.goods_are_there,
               "They were made before (bench_growth); only skus that are sold are audited");
  add_files(to, setting.files);
}

void add_lines(CLI::App* to, bench::load_setting& setting) {
  add_count(to, "--lines", setting.lines, 500, "Lines of each cart");
}

}  // namespace

void add_bench(CLI::App& app, bench_options& options, const settings& settings,
               const std::function<void(std::function<int()>)>& choose) {
  CLI::App* benches = app.add_subcommand("bench", "Measure a running shop under load");
  benches->require_subcommand(1);
  benches->fallthrough();
  benches->add_option("--admin", options.admin_url, "The server's admin listener, for its own figures")
      ->capture_default_str();
  benches
      ->add_option("--ledger", options.ledger_file,
                   "The test provider's ledger, to be read instead of asking the shop for its books")
      ->check(CLI::ExistingFile);
  const auto scenario = [&](const std::string& name, const std::string& purpose, auto run) {
    CLI::App* added = benches->add_subcommand(name, purpose);
    added->callback([choose, &options, &settings, run] {
      choose([&options, &settings, run] { return code_of(run(stage_of(options, settings))); });
    });
    return added;
  };

  CLI::App* browse =
      scenario("browse", "Visitors read lists, products, variants and searches",
               [&options](const bench::stage& stage) { return run_browse(stage, options.browse); });
  add_load(browse, "--visitors", options.browse);

  CLI::App* cart = scenario("cart", "Shoppers fill a cart, look at it and leave it",
                            [&options](const bench::stage& stage) { return run_cart(stage, options.cart); });
  add_load(cart, "--shoppers", options.cart);
  add_lines(cart, options.cart);

  CLI::App* checkout =
      scenario("checkout", "Shoppers create a cart, add lines, check out and pay",
               [&options](const bench::stage& stage) { return run_checkout(stage, options.checkout); });
  add_load(checkout, "--shoppers", options.checkout);
  add_lines(checkout, options.checkout);

  options.hot.hot_skus = hot_skus_default;
  CLI::App* hot =
      scenario("hot", "The same, and one line of each cart is among a few skus",
               [&options](const bench::stage& stage) { return run_checkout(stage, options.hot); });
  add_load(hot, "--shoppers", options.hot);
  add_lines(hot, options.hot);
  hot->add_option("--hot-skus", options.hot.hot_skus, "How few")
      ->check(CLI::Range(1, hot_skus_max))
      ->capture_default_str();

  CLI::App* mixed =
      scenario("mixed", "Of a hundred visits 60 browse, 30 fill a cart and leave it, 10 buy",
               [&options](const bench::stage& stage) { return run_mixed(stage, options.mixed); });
  add_load(mixed, "--visitors", options.mixed);
  add_lines(mixed, options.mixed);

  CLI::App* prepared =
      scenario("prepared", "One kind of call by itself, on carts that were filled before",
               [&options](const bench::stage& stage) { return run_prepared(stage, options.prepared); });
  prepared
      ->add_option("call", options.prepared.call,
                   "checkout (hold, pay, order), add (a unit to a cart) or get (a cart)")
      ->check(CLI::IsMember({"checkout", "add", "get"}))
      ->capture_default_str();
  add_count(prepared, "--connections", options.prepared.connections, connections_max, "Connections at work");
  prepared
      ->add_option("--carts", options.prepared.carts,
                   "Carts that are filled before; each is checked out once")
      ->check(CLI::Range(1, carts_max))
      ->capture_default_str();
  add_count(prepared, "--lines", options.prepared.lines, 500, "Lines of each cart");
  add_skus(prepared, options.prepared.skus);
  prepared
      ->add_option("--hot-skus", options.prepared.hot_skus,
                   "One line of each cart is among so many skus; 0: any")
      ->check(CLI::Range(0, hot_skus_max))
      ->capture_default_str();
  add_count(prepared, "--seconds", options.prepared.seconds, seconds_max, "How long, at most");
  prepared
      ->add_option("--settle", options.prepared.settle_seconds, "Seconds between filling carts and measuring")
      ->check(CLI::Range(0, 600))
      ->capture_default_str();
  prepared->add_option("--ids", options.prepared.ids_file, "A file for the ids of the carts");

  CLI::App* cart_sizes =
      scenario("cart-sizes", "What it costs to add to carts of different sizes, in turns",
               [&options](const bench::stage& stage) { return run_cart_sizes(stage, options.cart_sizes); });
  cart_sizes->add_option("--lines", options.cart_sizes.lines, "Lines of the carts, e.g. 1,500")
      ->delimiter(',')
      ->check(CLI::Range(1, cart_lines_max))
      ->capture_default_str();
  add_count(cart_sizes, "--rounds", options.cart_sizes.rounds, 1000, "Turns of each size");
  add_count(cart_sizes, "--shoppers", options.cart_sizes.shoppers, connections_max,
            "Connections at work, each with its own cart");
  add_count(cart_sizes, "--seconds", options.cart_sizes.seconds, seconds_max, "How long each turn takes");

  CLI::App* flash = scenario("flash", "Many buyers, few units", [&options](const bench::stage& stage) {
    return run_flash(stage, options.flash);
  });
  add_count(flash, "--units", options.flash.units, 1'000'000, "Units on sale");
  add_count(flash, "--buyers", options.flash.buyers, connections_max, "Connections that buy one each");
  add_rate(flash, options.flash.rate,
           "Buyers a second, who come, fill a cart and buy; if not given all buy at once");
  add_files(flash, options.flash.files);

  CLI::App* crowd =
      scenario("crowd", "Holds idle and slow connections, for beside another load",
               [&options](const bench::stage& stage) { return run_crowd(stage, options.crowd); });
  add_count(crowd, "--idle", options.crowd.idle, 50'000, "Connections that were answered once");
  add_count(crowd, "--slow", options.crowd.slow, connections_max, "Connections that send a byte a second");
  add_count(crowd, "--seconds", options.crowd.seconds, seconds_max, "How long");

  CLI::App* pulse =
      scenario("pulse", "A probe beside another load: writes to each shard of a cluster at a constant rate",
               [&options](const bench::stage& stage) { return run_pulse(stage, options.pulse); });
  pulse->add_option("--rate", options.pulse.rate, "Writes a second to each shard")
      ->check(CLI::Range(0.1, rate_max))
      ->capture_default_str();
  add_count(pulse, "--seconds", options.pulse.seconds, seconds_max, "How long");
  add_count(pulse, "--connections", options.pulse.connections, 100, "Connections of each shard");
  pulse->add_option("--late-ms", options.pulse.late_ms, "Counts the writes that take longer")
      ->check(CLI::PositiveNumber);
  pulse->add_option("--apart", options.pulse.apart, "Shards that are summed up apart, e.g. 0,5,9")
      ->delimiter(',');

  CLI::App* histories =
      scenario("histories", "Clients change and read the same things at once; each history must be possible",
               [&options](const bench::stage& stage) { return run_histories(stage, options.histories); });
  add_nodes(histories, options.histories.nodes);
  add_count(histories, "--clients", options.histories.clients, connections_max, "Who go from node to node");
  add_count(histories, "--visitors", options.histories.visitors, connections_max,
            "Who wait for their node, at each of them");
  add_count(histories, "--carts", options.histories.carts, 10'000, "Carts that all of them change");
  add_count(histories, "--stocks", options.histories.stocks, 10'000, "Stocks that all of them change");
  add_count(histories, "--seconds", options.histories.seconds, seconds_max, "How long");

  CLI::App* retries =
      scenario("retries", "One completed checkout, sent again and again under its key",
               [&options](const bench::stage& stage) { return run_retries(stage, options.retries); });
  add_nodes(retries, options.retries.nodes);
  add_count(retries, "--count", options.retries.count, 1'000'000, "Retries of all connections together");
  add_count(retries, "--connections", options.retries.connections, connections_max, "Connections at work");
  add_count(retries, "--seconds", options.retries.seconds, seconds_max, "Over how long they are spread");
  add_marketplace_bench(*benches, options, settings, choose);
}

}  // namespace souk::cli
