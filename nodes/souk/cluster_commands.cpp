#include "nodes/souk/cluster_commands.hpp"

#include "actors/json/writer.hpp"
#include "nodes/souk/copies.hpp"
#include "nodes/souk/printing.hpp"
#include "runtime/seams/seams.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

namespace souk::cli {

namespace {

constexpr std::string_view route = "/v1/admin/cluster";

boost::json::value ask(const settings& settings) {
  return bench::shop_client(settings.with_key()).get(route);
}

bool is_clustered(const boost::json::value& cluster) {
  const auto& flag = bench::member(cluster, "clustered");
  return flag.is_bool() && flag.get_bool();
}

// What one node of the cluster answers, at the HTTP address that it registered.
boost::json::value ask_node(const settings& settings, const std::string& http, std::string_view target) {
  auto node = settings.with_key();
  node.server = bench::parse_url("http://" + http);
  return bench::shop_client(node).get(target);
}

/// Where each node's copy of each shard ends, of the nodes that answer.
using journal_ends = std::map<std::string, std::map<std::int64_t, std::int64_t>, std::less<>>;

void ask_ends(const settings& settings, const boost::json::value& node, journal_ends& ends) {
  try {
    const auto said = ask_node(settings, bench::text_member(node, "http"), "/v1/admin/status");
    auto& of_node = ends[bench::text_member(node, "node")];
    for (const auto& shard : bench::member(said, "shards").as_array())
      of_node[bench::integer_member(shard, "shard")] = bench::integer_member(shard, "last_index");
  } catch (const std::exception&) {
    // Who does not answer has no figure.
  }
}

// How many records each copy lacks of what its primary has; null: unknown. The nodes are asked one after the
// other while the shop sells, so it is the figure of these moments, not of one.
void add_lag(const settings& settings, boost::json::value& cluster) {
  journal_ends ends;
  for (const auto& node : bench::member(cluster, "nodes").as_array())
    ask_ends(settings, node, ends);
  for (auto& shard : cluster.as_object()["shards"].as_array()) {
    const auto number = bench::integer_member(shard, "shard");
    const auto primary = bench::text_member(shard, "primary");
    const auto end_at = [&](const std::string& node) -> std::optional<std::int64_t> {
      const auto of_node = ends.find(node);
      if (of_node == ends.end() || !of_node->second.contains(number)) return std::nullopt;
      return of_node->second.at(number);
    };
    auto& lag = shard.as_object()["lag"].emplace_object();
    for (const auto& replica : bench::member(shard, "replicas").as_array()) {
      const std::string node{std::string_view{replica.as_string()}};
      if (node == primary) continue;
      const auto here = end_at(node);
      const auto there = end_at(primary);
      lag[node] = here && there ? boost::json::value(std::max<std::int64_t>(*there - *here, 0)) : nullptr;
    }
  }
}

}  // namespace

int show_cluster(const settings& settings, bool lag) {
  auto cluster = ask(settings);
  if (lag && is_clustered(cluster)) add_lag(settings, cluster);
  if (settings.json) {
    print_line(cluster);
    return exit_fine;
  }
  if (!is_clustered(cluster)) {
    fmt::print("node {} is alone\n", bench::text_member(cluster, "node"));
    return exit_fine;
  }
  fmt::print("cluster {}, controller {}, format {}, as node {} knows it\n\n",
             bench::text_member(cluster, "cluster_id"), bench::text_member(cluster, "controller"),
             bench::integer_member(cluster, "format"), bench::text_member(cluster, "node"));
  print_table(bench::member(cluster, "nodes"), {{"node"},
                                                {"state"},
                                                {"registered"},
                                                {"linked"},
                                                {"primaries", true},
                                                {"copies", true},
                                                {"http"},
                                                {"version"},
                                                {"newest_format", true}});
  fmt::print("\n");
  std::vector<column> columns{{"shard", true}, {"epoch", true}, {"primary"},
                              {"in_sync"},     {"replicas"},    {"move_to"}};
  if (lag) columns.push_back({"lag"});
  print_table(bench::member(cluster, "shards"), columns);
  return exit_fine;
}

int init_cluster(const settings& settings) {
  const auto cluster = ask(settings);
  if (!is_clustered(cluster)) {
    fmt::print(stderr, "node {} is alone: its cluster.conf names no etcd\n",
               bench::text_member(cluster, "node"));
    return exit_found_wrong;
  }
  std::size_t waiting = 0;
  const auto& shards = bench::member(cluster, "shards").as_array();
  for (const auto& shard : shards)
    waiting += bench::text_member(shard, "primary").empty();
  if (settings.json) print_line(cluster);
  if (!settings.json)
    fmt::print("cluster {} was created by the first node that came; {} of {} shards have a primary\n",
               bench::text_member(cluster, "cluster_id"), shards.size() - waiting, shards.size());
  return waiting == 0 ? exit_fine : exit_found_wrong;
}

namespace {

constexpr std::chrono::milliseconds ask_copies_every{500};
// Answers that are kept no longer go by each node's own clock; clocks differ by less than this.
constexpr std::chrono::minutes answers_margin{10};

shard_copy ask_copy(const settings& settings, const std::string& node, const std::string& http,
                    std::size_t shard, std::int64_t answers_from_ms) {
  shard_copy copy{.node = node};
  try {
    const auto said = ask_node(
        settings, http, fmt::format("/v1/admin/digest?shard={}&answers_from_ms={}", shard, answers_from_ms));
    copy.last = static_cast<std::uint64_t>(bench::integer_member(said, "last"));
    copy.applied = static_cast<std::uint64_t>(bench::integer_member(said, "applied"));
    copy.digest = bench::text_member(said, "digest");
    if (bench::text_member(said, "node") != node) copy.failure = "another node answers at " + http;
  } catch (const std::exception& error) {
    copy.failure = error.what();
  }
  return copy;
}

comparison compare_shard(const settings& settings, const boost::json::value& cluster, std::size_t shard,
                         std::int64_t answers_from_ms) {
  std::map<std::string, std::string> http;
  for (const auto& node : bench::member(cluster, "nodes").as_array())
    http[bench::text_member(node, "node")] = bench::text_member(node, "http");
  const auto& record = bench::member(cluster, "shards").as_array().at(shard);
  std::vector<shard_copy> copies;
  for (const auto& replica : bench::member(record, "replicas").as_array()) {
    const std::string node{std::string_view{replica.as_string()}};
    copies.push_back(ask_copy(settings, node, http[node], shard, answers_from_ms));
  }
  return compare_copies(bench::text_member(record, "primary"), copies);
}

// Compares what is not yet compared.
void compare_open(const settings& settings, std::vector<comparison>& shards, std::int64_t answers_from_ms) {
  const auto cluster = ask(settings);
  for (std::size_t shard = 0; shard < shards.size(); ++shard)
    if (shards[shard].is == comparison::verdict::not_yet)
      shards[shard] = compare_shard(settings, cluster, shard, answers_from_ms);
}

std::size_t count(const std::vector<comparison>& shards, comparison::verdict verdict) {
  return static_cast<std::size_t>(std::count_if(
      shards.begin(), shards.end(), [verdict](const comparison& shard) { return shard.is == verdict; }));
}

void print_comparisons(const std::vector<comparison>& shards, bool as_json) {
  using verdict = comparison::verdict;
  if (as_json) {
    json::writer out;
    const auto number = [&](std::string_view name, verdict which) {
      out.key(name).integer(static_cast<std::int64_t>(count(shards, which)));
    };
    out.begin_object();
    number("same", verdict::same);
    number("different", verdict::different);
    number("not_compared", verdict::not_yet);
    out.key("findings").begin_array();
    for (std::size_t shard = 0; shard < shards.size(); ++shard) {
      if (shards[shard].is == verdict::same) continue;
      out.begin_object().key("shard").integer(static_cast<std::int64_t>(shard)).key("nodes").begin_array();
      for (const auto& node : shards[shard].others)
        out.string(node);
      out.end_array().key("text").string(shards[shard].text).end_object();
    }
    out.end_array().end_object();
    fmt::print("{}\n", std::move(out).take());
    return;
  }
  for (std::size_t shard = 0; shard < shards.size(); ++shard)
    if (shards[shard].is != verdict::same) fmt::print("shard {}: {}\n", shard, shards[shard].text);
  fmt::print("{} shards: all copies of {} are the same, of {} they differ, {} could not be compared\n",
             shards.size(), count(shards, verdict::same), count(shards, verdict::different),
             count(shards, verdict::not_yet));
}

}  // namespace

int verify_cluster(const settings& settings, int seconds) {
  const auto cluster = ask(settings);
  if (!is_clustered(cluster)) {
    fmt::print(stderr, "node {} is alone: there is nothing to compare\n",
               bench::text_member(cluster, "node"));
    return exit_found_wrong;
  }
  const auto clock = runtime::make_system_clock();
  const auto end = clock->steady() + std::chrono::seconds(seconds);
  const auto answers_from_ms = runtime::to_ms(clock->now() + std::chrono::seconds(seconds) + answers_margin);
  std::vector<comparison> shards(bench::member(cluster, "shards").as_array().size());
  bench::shop_client waiter(settings.with_key());
  for (;;) {
    compare_open(settings, shards, answers_from_ms);
    if (count(shards, comparison::verdict::not_yet) == 0 || clock->steady() >= end) break;
    waiter.pause(ask_copies_every);
  }
  print_comparisons(shards, settings.json);
  return count(shards, comparison::verdict::same) == shards.size() ? exit_fine : exit_found_wrong;
}

int order_cluster(const settings& settings, const cluster_options& options) {
  json::writer body;
  body.begin_object().key("command").string(options.command);
  if (!options.node.empty()) body.key("node").string(options.node);
  if (options.of_a_shard) body.key("shard").integer(options.shard);
  if (options.accept_loss) body.key("accept_loss").boolean(true);
  body.key("dry_run").boolean(options.dry_run).end_object();
  const auto answer = bench::shop_client(settings.with_key()).post(route, {}, std::move(body).take());
  if (settings.json) {
    print_line(answer);
    return exit_fine;
  }
  if (options.dry_run) fmt::print("nothing is done yet:\n");
  for (const auto& line : bench::member(answer, "lines").as_array())
    fmt::print("{}\n", std::string_view{line.as_string()});
  return exit_fine;
}

}  // namespace souk::cli
