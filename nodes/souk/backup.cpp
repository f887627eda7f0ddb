#include "nodes/souk/backup.hpp"

#include "actors/json/writer.hpp"
#include "nodes/backup/backup.hpp"
#include "nodes/soukd/joined_cluster.hpp"
#include "persistence/data_folder.hpp"
#include "runtime/seams/seams.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>

namespace souk::cli {
namespace {

std::vector<std::filesystem::path> paths_of(const backup_options& options) {
  return {options.folders.begin(), options.folders.end()};
}

// A member that fell behind for a moment catches up within seconds; one that is away does not.
constexpr std::chrono::seconds in_sync_patience{30};
constexpr std::chrono::milliseconds in_sync_again{200};

/// A shard that has no copy in sync on these disks; nothing if all have one.
std::optional<std::int64_t> lagging_shard(bench::shop_client& client, const std::set<std::string>& disks) {
  const auto cluster = client.get("/v1/admin/cluster");
  std::set<std::string> present;
  for (const auto& node : bench::member(cluster, "nodes").as_array())
    if (disks.contains(bench::text_member(node, "disk"))) present.insert(bench::text_member(node, "node"));
  for (const auto& shard : bench::member(cluster, "shards").as_array()) {
    const auto& in_sync = bench::member(shard, "in_sync").as_array();
    const bool has_one = std::any_of(in_sync.begin(), in_sync.end(), [&](const auto& node) {
      return present.contains(std::string(node.as_string()));
    });
    if (!has_one) return bench::integer_member(shard, "shard");
  }
  return std::nullopt;
}

/// A copy that is not in sync may lack what was answered long ago, which its folder does not know. Waits
/// until each shard has a copy in sync in these folders, of a cluster's nodes; throws where that stays away.
void wait_until_in_sync(const settings& settings, const std::vector<std::filesystem::path>& folders) {
  std::set<std::string> disks;
  for (const auto& folder : folders)
    if (nodes::read_joined(folder)) disks.insert(persistence::read_identity(folder).disk_id);
  if (disks.empty()) return;
  bench::shop_client client(settings.with_key());
  const auto begun = std::chrono::steady_clock::now();
  while (const auto shard = lagging_shard(client, disks)) {
    if (std::chrono::steady_clock::now() - begun > in_sync_patience)
      throw std::runtime_error(
          fmt::format("shard {} has no copy in sync in these folders: see `souk cluster status`", *shard));
    client.pause(in_sync_again);
  }
}

int tell(const settings& settings, const backup::backup_report& report) {
  if (settings.json) {
    souk::json::writer out;
    out.begin_object().key("shards").integer(report.shards);
    out.key("rows").integer(static_cast<std::int64_t>(report.rows));
    out.key("records").integer(static_cast<std::int64_t>(report.records));
    out.key("bytes").integer(static_cast<std::int64_t>(report.bytes)).end_object();
    fmt::print("{}\n", std::move(out).take());
  } else {
    fmt::print("{} shards: {} rows and {} records, {} bytes\n", report.shards, report.rows, report.records,
               report.bytes);
  }
  return exit_fine;
}

}  // namespace

int make_backup(const settings& settings, const backup_options& options) {
  if (!options.offline) wait_until_in_sync(settings, paths_of(options));
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return tell(settings,
              backup::write_backup(options.backup, paths_of(options),
                                   std::chrono::duration_cast<std::chrono::milliseconds>(now).count()));
}

int restore(const settings& settings, const backup_options& options) {
  const auto random = runtime::make_system_random();
  const auto report = backup::restore_backup(options.backup, paths_of(options), [&random](std::size_t count) {
    std::string bytes(count, '\0');
    random->fill({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
    return bytes;
  });
  return tell(settings, report);
}

}  // namespace souk::cli
