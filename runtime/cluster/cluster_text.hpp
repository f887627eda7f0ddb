#pragma once

#include "runtime/cluster/coordination_store.hpp"
#include "runtime/cluster/view.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// How a cluster is written down in its store: JSON texts, which an operator can read with `etcdctl get
/// --prefix /souk/NAME/`, under these keys:
///
///     /souk/NAME/settings           what the cluster is; written once, by the first node
///     /souk/NAME/members/NODE       what an operator wants of a node
///     /souk/NAME/nodes/NODE         a node's registration, under its lease
///     /souk/NAME/shards/SHARD       a shard's record; the number has four digits
///     /souk/NAME/reports/SHARD/NODE whom NODE cannot reach, under its lease
///     /souk/NAME/controller         the node that decides, under its lease
///
/// Members of an object that are not known are ignored, so that a newer node may add some. Numbers of 64
/// random bits are written as hexadecimal text: a JSON number would lose some of them.
namespace souk::runtime {

/// The names of a cluster's keys.
class cluster_keys {
 public:
  /// `name`: 1 to 64 of a-z, 0-9, "-" and "_".
  explicit cluster_keys(std::string_view name);

  const std::string& prefix() const { return prefix_; }
  std::string settings() const { return prefix_ + "settings"; }
  std::string controller() const { return prefix_ + "controller"; }
  std::string node(std::string_view id) const { return (prefix_ + "nodes/").append(id); }
  std::string member(std::string_view id) const { return (prefix_ + "members/").append(id); }
  std::string shard(shard_id id) const;
  std::string report(shard_id shard, std::string_view reporter) const;

 private:
  std::string prefix_;
};

/// Without revisions: those are the store's to say.
std::string to_text(const cluster_settings& settings);
std::string to_text(const node_registration& node);
std::string to_text(const cluster_member& member);
std::string to_text(const shard_record& record);
std::string to_text(const unreachable_report& report);
/// "NODE/INCARNATION": who holds the controller's key.
std::string controller_text(std::string_view node, std::uint64_t incarnation);
std::string_view to_string(member_state state);

/// Nothing if it is not what should stand there. Revisions are zero.
std::optional<cluster_settings> settings_of(std::string_view text);
std::optional<node_registration> node_of(std::string_view text);
std::optional<cluster_member> member_of(std::string_view text);
std::optional<shard_record> shard_of(std::string_view text);
std::optional<unreachable_report> report_of(std::string_view text);

/// Keeps a view up to date with its store. Not thread-safe.
class view_builder {
 public:
  explicit view_builder(cluster_keys keys) : keys_(std::move(keys)) {}

  /// Starts anew with everything that there is.
  void reset(const range_result& all);
  void apply(const watch_event& event);
  /// A shard's record that an answer to a swap told of, before the watch does.
  void learn(const stored_value& value) { put(value); }

  std::shared_ptr<const cluster_view> view() const;
  /// Keys whose values cannot be read; they count as not there.
  const std::vector<std::string>& unreadable() const { return unreadable_; }

 private:
  void put(const stored_value& value);
  void remove(std::string_view key);

  cluster_keys keys_;
  std::int64_t revision_ = 0;
  cluster_settings settings_;
  std::map<std::string, node_registration, std::less<>> nodes_;
  std::map<std::string, cluster_member, std::less<>> members_;
  std::map<shard_id, shard_record> shards_;
  std::map<std::pair<shard_id, std::string>, unreachable_report> reports_;
  std::string controller_;
  std::uint64_t controller_incarnation_ = 0;
  std::int64_t controller_revision_ = 0;
  std::vector<std::string> unreadable_;
};

}  // namespace souk::runtime
