#pragma once

#include "runtime/types.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// What a node knows of its cluster: who is there, and which shard belongs to whom. Plain values, shared
/// read-only once they are published; any thread.
namespace souk::runtime {

/// "node/disk": one disk of one node, as `in_sync` names it. A node that comes back with another disk is
/// another member. Neither part contains a slash.
inline std::string member_name(std::string_view node, std::string_view disk) {
  std::string name;
  name.reserve(node.size() + 1 + disk.size());
  name += node;
  name += '/';
  name += disk;
  return name;
}
inline std::string_view node_of_member(std::string_view member) { return member.substr(0, member.find('/')); }

/// The levels of the cluster's format (journal, envelope, shard records) that a node can read and write.
struct format_range {
  std::uint32_t lowest = 1;
  std::uint32_t highest = 1;

  bool operator==(const format_range&) const = default;
  bool contains(std::uint32_t level) const { return lowest <= level && level <= highest; }
};

/// What a node says of itself as long as it lives.
struct node_registration {
  std::string id;                 ///< Stable; 1 to 32 of a-z, 0-9, "-" and "_".
  std::string disk_id;            ///< Random, written when its disk was first used.
  std::uint64_t incarnation = 0;  ///< Random, new with every start of its process.
  std::string link_address;       ///< Where other nodes reach it: "host:port".
  std::string http_address;       ///< Where clients reach it: "host:port".
  std::string version;            ///< Of the program, for operators.
  format_range formats;
  bool leaving = false;  ///< Its process is about to end: it must be primary of nothing.

  bool operator==(const node_registration&) const = default;
  std::string member() const { return member_name(id, disk_id); }
};

/// Who may write a shard, and whose disks count. Changed by compare-and-swap alone.
struct shard_record {
  std::uint64_t epoch = 0;  ///< 0: never assigned. Grows with every change of primary or opening.
  std::string primary;      ///< A node id; empty before the first assignment.
  std::vector<std::string>
      in_sync;  ///< Members ("node/disk") that must have a record before it is committed.
  std::vector<std::string> replicas;  ///< Node ids that are to keep a copy: those in sync, and learners.
  std::uint32_t min_in_sync = 1;      ///< Nothing is committed with fewer members in `in_sync`.
  bool handed_over = false;           ///< The primary before gave the shard away itself, with its read lease.
  std::string move_to;                ///< Set: the primary hands over to this node once it is in sync.
  std::int64_t revision = 0;  ///< Of its last change, for the next compare-and-swap; 0: no record yet.

  bool operator==(const shard_record&) const = default;
  bool has_in_sync(std::string_view member) const {
    return std::find(in_sync.begin(), in_sync.end(), member) != in_sync.end();
  }
  bool has_replica(std::string_view node) const {
    return std::find(replicas.begin(), replicas.end(), node) != replicas.end();
  }
  /// The member of this node that is in sync; empty if there is none.
  std::string_view in_sync_member_of(std::string_view node) const {
    for (const auto& member : in_sync)
      if (node_of_member(member) == node) return member;
    return {};
  }
};

/// What a cluster is, fixed when its first node comes (`format` alone is raised later, by an operator).
struct cluster_settings {
  std::string cluster_id;      ///< Random; tells clusters of the same name apart.
  std::string cluster_secret;  ///< Random, 64 hexadecimal digits: what all nodes must derive alike and nobody
                               ///< outside may guess. Never logged.
  std::uint16_t shard_count = 0;  ///< 0: the cluster is not there yet.
  std::uint32_t replicas = 3;     ///< Copies of each shard.
  std::uint32_t min_in_sync = 2;  ///< What new shard records start with.
  std::uint32_t format = 1;       ///< The level that all nodes write.
  std::int64_t revision = 0;      ///< Of its last change.

  bool operator==(const cluster_settings&) const = default;
};

/// What an operator wants of a node, whether it is there or not.
enum class member_state : std::uint8_t {
  active,
  draining,  ///< Keeps its copies, but is primary of nothing.
  removing,  ///< Its copies go elsewhere; then it is removed.
  removed,   ///< Must not register.
};

/// A node that has belonged to the cluster at some time.
struct cluster_member {
  std::string id;
  member_state state = member_state::active;
  std::int64_t revision = 0;

  bool operator==(const cluster_member&) const = default;
};

/// A node tells the controller that it cannot reach these members of a shard.
struct unreachable_report {
  shard_id shard = 0;
  std::uint64_t epoch = 0;  ///< Of the shard as the reporter knows it; a report on an older one says nothing.
  std::string reporter;     ///< A node id.
  std::vector<std::string> members;

  bool operator==(const unreachable_report&) const = default;
};

/// Everything the coordinator knows, as of one revision of its store.
struct cluster_view {
  std::int64_t revision = 0;
  cluster_settings settings;
  std::vector<node_registration> nodes;      ///< Registered now; by id.
  std::vector<cluster_member> members;       ///< All that belong to the cluster; by id.
  std::vector<shard_record> shards;          ///< By shard id; `settings.shard_count` of them.
  std::vector<unreachable_report> reports;   ///< By shard and reporter.
  std::string controller;                    ///< The node that decides now; empty while nobody does.
  std::uint64_t controller_incarnation = 0;  ///< Of that node.
  std::int64_t controller_revision = 0;      ///< Since when.

  bool operator==(const cluster_view&) const = default;

  /// The registration of a node; null while it is not there.
  const node_registration* node(std::string_view id) const { return by_id(nodes, id); }
  /// The member of a node that is in sync; empty: none. A node with a new disk may be so twice, as the old
  /// one counts until somebody else is there: then it is the one that it has now.
  std::string in_sync_member(const shard_record& record, std::string_view id) const {
    const auto* registered = node(id);
    if (registered != nullptr && record.has_in_sync(registered->member())) return registered->member();
    return std::string{record.in_sync_member_of(id)};
  }
  /// Null if it never belonged to the cluster.
  const cluster_member* member(std::string_view id) const { return by_id(members, id); }

 private:
  template <class Item>
  static const Item* by_id(const std::vector<Item>& items, std::string_view id) {
    for (const auto& item : items)
      if (item.id == id) return &item;
    return nullptr;
  }
};

}  // namespace souk::runtime
