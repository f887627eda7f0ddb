#include "nodes/souk/cluster_commands.hpp"

#include "actors/json/writer.hpp"
#include "nodes/souk/printing.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <string_view>

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

}  // namespace

int show_cluster(const settings& settings) {
  const auto cluster = ask(settings);
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
                                                {"version"}});
  fmt::print("\n");
  print_table(bench::member(cluster, "shards"),
              {{"shard", true}, {"epoch", true}, {"primary"}, {"in_sync"}, {"replicas"}, {"move_to"}});
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
