#pragma once

#include "bench/load.hpp"
#include "bench/shop_client.hpp"

#include <optional>
#include <string>
#include <vector>

/// What `souk bench` runs: closed and open loops over keep-alive HTTP, every answer checked, the books
/// audited at the end. Each prints its findings (a table, or one JSON line) on standard output and returns
/// whether everything was right.
namespace souk::bench {

/// Where a scenario runs and how it reports.
struct stage {
  shop with_key;                  ///< For preparing and auditing.
  std::optional<endpoint> admin;  ///< The server's own figures; absent: not reported.
  std::string ledger_file;        ///< Of the test provider, for audits; empty: the shop is asked.
  bool json = false;
};

/// Files that a load's report goes to besides standard output; empty: none.
struct report_files {
  std::string json;  ///< All figures, with the run by seconds and whole distributions.
  std::string html;  ///< A page that loads nothing, with plots.
};

/// What all loads have in common: how they come, what they sell, where their reports go.
struct load_setting {
  load_options load;
  std::size_t skus = 10'000;
  int lines = 3;  ///< Of each cart.
  /// The goods are there already: they are not made, and at the end only skus that were sold are audited
  /// (`shopping_tally::sold_skus_max` of them), where asking for all would take minutes.
  bool goods_are_there = false;
  report_files files;
};

/// Shoppers who buy: create a cart, add lines in one call, check out and pay in one call.
struct checkout_options : load_setting {
  /// One line of each cart is among the first so many skus, and no other; 0: any.
  std::size_t hot_skus = 0;
};
bool run_checkout(const stage& stage, const checkout_options& options);

/// Shoppers who fill a cart and leave it: create it, add lines in one call, one more unit, look at it.
bool run_cart(const stage& stage, const load_setting& options);

/// Reads the catalogue as visitors do: a list, a product, that again with its ETag, a variant, a search.
bool run_browse(const stage& stage, const load_setting& options);

/// All of these as in a shop: of a hundred visits 60 only browse, 30 fill a cart and leave it, 10 buy. That
/// three of four carts are left is what shops report.
bool run_mixed(const stage& stage, const load_setting& options);

/// One kind of call by itself, on carts that were filled before: what goes before it is not measured.
/// `checkout`: holds, pays and orders in one call, each cart once, until none is left or the time is over.
/// `add`: one more unit of something in a cart. `get`: reads a cart. No two connections use one cart at once.
/// Right if every answer was, and the books balance (`checkout`) or each cart holds what was answered.
struct prepared_options {
  std::string call = "checkout";
  int connections = 64;
  std::size_t carts = 10'000;  ///< Not fewer than connections.
  int lines = 3;
  std::size_t skus = 10'000;
  std::size_t hot_skus = 0;  ///< One line of each cart is among the first so many skus, and no other; 0: any.
  int seconds = 20;
  /// Between preparing and measuring. The default lets pass a whole flush interval of the state (5 s), so
  /// that what preparing changed is not written in the measured time.
  int settle_seconds = 6;
  /// Where the ids of the carts are written, a line each, for other clients; empty: nowhere.
  std::string ids_file;
};
bool run_prepared(const stage& stage, const prepared_options& options);

/// Adds to carts that have `lines_small` and `lines_large` lines, in turns, `rounds` times; compares the
/// medians.
struct cart_sizes_options {
  std::vector<int> lines{1, 500};
  int rounds = 5;
  int shoppers = 8;
  int seconds = 2;  ///< Of each turn.
};
bool run_cart_sizes(const stage& stage, const cart_sizes_options& options);

/// `buyers` connections buy one unit each of a sku that has only `units`: all at once, with carts that were
/// filled before; or so many a second, who come, fill a cart and buy. Exactly `units` must be sold, and
/// everybody else be told that there are no more.
struct flash_options {
  int units = 50;
  int buyers = 500;
  double rate = 0;  ///< Buyers a second; 0: all at once.
  report_files files;
};
bool run_flash(const stage& stage, const flash_options& options);

/// One checkout is completed, and then sent again and again under its key, over many connections, at any
/// node, whatever happens to the nodes meanwhile: each retry asks until it is told. Right if all were told,
/// byte by byte, what the first was, and one order and one charge came of it. Of a shop that sells nothing
/// else meanwhile.
struct retries_options {
  std::vector<std::string> nodes;  ///< Their URLs; none: the one of the stage.
  int count = 1000;                ///< Of all connections together.
  int connections = 20;
  int seconds = 20;  ///< The retries are spread over so long.
};
bool run_retries(const stage& stage, const retries_options& options);

/// Holds connections that do nothing: those that were answered once and are silent since, and those that send
/// a head a byte a second, and come again when they are thrown out. For beside another load. Right if no idle
/// one was closed.
struct crowd_options {
  int idle = 10'000;
  int slow = 200;
  int seconds = 20;
};
bool run_crowd(const stage& stage, const crowd_options& options);

/// A probe beside another load: writes a unit to a cart of each shard of a cluster at a constant rate, each
/// until it is confirmed, and tells of each shard how long writes took from their intended start and the
/// longest time without one that succeeded. At the end each cart must hold what was confirmed.
struct pulse_options {
  double rate = 20;  ///< Writes a second, to each shard.
  int seconds = 20;
  int connections = 4;     ///< Of each shard. A write that has to wait for one is late, and counts as that.
  std::vector<int> apart;  ///< Shards that are summed up apart from the others.
  double late_ms = 0;      ///< Writes that took longer are counted; 0: not asked for.
};
bool run_pulse(const stage& stage, const pulse_options& options);

/// Clients change and read a few carts and stocks at once, at any node, whatever happens to the nodes
/// meanwhile: who is refused or meets silence asks another node again, under the same key, until it knows.
/// In the end the history of each entity must be one that can have happened. Of a shop that sells nothing of
/// what is watched.
struct histories_options {
  std::vector<std::string> nodes;  ///< Their URLs; none: the one of the stage.
  int clients = 8;
  int visitors = 24;  ///< At each node, who wait for it as long as it takes.
  int carts = 24;
  int stocks = 24;
  int seconds = 20;
};
bool run_histories(const stage& stage, const histories_options& options);

}  // namespace souk::bench
