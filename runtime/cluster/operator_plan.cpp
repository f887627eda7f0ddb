#include "runtime/cluster/operator_plan.hpp"

#include "runtime/cluster/cluster_text.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace souk::runtime {

namespace {

using kind = operator_command::kind;

operator_plan refuse(std::string why) { return {.refusal = std::move(why)}; }
operator_plan nothing(std::string why) { return {.lines = {std::move(why)}}; }

std::string shard_text(shard_id shard) { return "shard " + std::to_string(shard); }

std::size_t primaries_of(const cluster_view& view, const std::string& node) {
  return static_cast<std::size_t>(std::count_if(view.shards.begin(), view.shards.end(),
                                                [&](const auto& record) { return record.primary == node; }));
}
std::size_t copies_of(const cluster_view& view, const std::string& node) {
  return static_cast<std::size_t>(std::count_if(
      view.shards.begin(), view.shards.end(), [&](const auto& record) { return record.has_replica(node); }));
}

std::size_t others_active(const cluster_view& view, const std::string& node) {
  return static_cast<std::size_t>(
      std::count_if(view.members.begin(), view.members.end(), [&](const auto& member) {
        return member.id != node && member.state == member_state::active && view.node(member.id);
      }));
}

operator_plan set_state(const cluster_view& view, const std::string& node, member_state state,
                        std::string line) {
  const auto* member = view.member(node);
  if (!member) return refuse("no node " + node + " belongs to this cluster");
  if (member->state == state)
    return nothing("node " + node + " is " + std::string{to_string(state)} + " already");
  auto changed = *member;
  changed.state = state;
  return {.lines = {std::move(line)}, .members = {{std::move(changed), "an operator's command"}}};
}

operator_plan join(const cluster_view& view, const std::string& node) {
  if (!view.member(node))
    return {.lines = {"node " + node + " may register"},
            .members = {{{.id = node, .state = member_state::active}, "an operator's command"}}};
  if (view.member(node)->state != member_state::removed)
    return nothing("node " + node + " belongs to this cluster already");
  return set_state(view, node, member_state::active, "node " + node + " may register again");
}

operator_plan drain(const cluster_view& view, const std::string& node) {
  const auto* member = view.member(node);
  if (member && (member->state == member_state::removing || member->state == member_state::removed))
    return refuse("node " + node + " is being removed");
  if (others_active(view, node) == 0) return refuse("no other node is there to take over");
  return set_state(view, node, member_state::draining,
                   "node " + node + " hands over " + std::to_string(primaries_of(view, node)) + " shards");
}

operator_plan undrain(const cluster_view& view, const std::string& node) {
  const auto* member = view.member(node);
  if (member && member->state == member_state::removed)
    return refuse("node " + node + " was removed; let it join instead");
  return set_state(view, node, member_state::active, "node " + node + " takes its share of shards again");
}

operator_plan remove(const cluster_view& view, const std::string& node) {
  const auto* member = view.member(node);
  if (member && member->state == member_state::removed)
    return nothing("node " + node + " is removed already");
  if (others_active(view, node) < view.settings.min_in_sync)
    return refuse("fewer nodes would be left than a shard needs to be written");
  auto plan = set_state(view, node, member_state::removing,
                        "node " + node + " hands over " + std::to_string(primaries_of(view, node)) +
                            " shards and gives up " + std::to_string(copies_of(view, node)) + " copies");
  if (others_active(view, node) < view.settings.replicas && plan.changes_anything())
    plan.lines.push_back("shards will have fewer than " + std::to_string(view.settings.replicas) + " copies");
  return plan;
}

operator_plan move(const cluster_view& view, shard_id shard, const std::string& node) {
  const auto& record = view.shards[shard];
  const auto* member = view.member(node);
  if (record.epoch == 0) return refuse(shard_text(shard) + " is not assigned yet");
  if (!view.node(node) || !member || member->state != member_state::active)
    return refuse("node " + node + " is not there, or not active");
  if (record.primary == node && record.move_to.empty())
    return nothing("node " + node + " is primary of " + shard_text(shard) + " already");
  if (record.move_to == node) return nothing(shard_text(shard) + " is moving to " + node + " already");
  operator_plan plan;
  auto wanted = record;
  wanted.move_to = record.primary == node ? "" : node;
  if (!record.has_replica(node)) {
    wanted.replicas.push_back(node);
    plan.lines.push_back("node " + node + " gets a copy of " + shard_text(shard) + " first");
  }
  plan.lines.push_back(wanted.move_to.empty() ? shard_text(shard) + " stays with " + node
                                              : "node " + record.primary + " hands " + shard_text(shard) +
                                                    " over to " + node + " when that is in sync");
  plan.records.push_back({shard, std::move(wanted), "an operator's command"});
  return plan;
}

operator_plan force(const cluster_view& view, shard_id shard, const std::string& node, bool accept_loss) {
  const auto& record = view.shards[shard];
  const auto* registered = view.node(node);
  if (record.epoch == 0) return refuse(shard_text(shard) + " is not assigned yet");
  if (!registered) return refuse("node " + node + " is not there");
  if (!record.has_replica(node)) return refuse("node " + node + " keeps no copy of " + shard_text(shard));
  if (record.primary == node && record.in_sync == std::vector{registered->member()})
    return nothing("node " + node + " is primary of " + shard_text(shard) + " already");
  for (const auto& member : record.in_sync)
    if (const auto* other = view.node(node_of_member(member)); other && other->member() == member)
      return refuse(member + " is in sync and there: the shard needs no force, and nothing is lost with it");
  if (!accept_loss)
    return refuse("what was acknowledged and is not on node " + node +
                  " would be lost; say --accept-loss to do it");
  auto forced = record;
  forced.epoch = record.epoch + 1;
  forced.primary = node;
  forced.in_sync = {registered->member()};
  forced.handed_over = false;
  forced.move_to.clear();
  operator_plan plan{
      .lines = {"node " + node + " becomes primary of " + shard_text(shard) + " with what it has"}};
  if (record.min_in_sync > 1)
    plan.lines.push_back("it is written again when " + std::to_string(record.min_in_sync) +
                         " copies are in sync");
  plan.records.push_back({shard, std::move(forced), "forced by an operator"});
  return plan;
}

/// From the node with most primaries to the one with fewest, as long as that makes a difference.
operator_plan rebalance(const cluster_view& view) {
  std::map<std::string, std::vector<const shard_record*>> led;
  for (const auto& member : view.members)
    if (member.state == member_state::active && view.node(member.id)) led[member.id];
  for (const auto& record : view.shards) {
    const auto& heir = record.move_to.empty() ? record.primary : record.move_to;
    if (const auto found = led.find(heir); found != led.end()) found->second.push_back(&record);
  }
  operator_plan plan;
  const auto give = [&](const std::string& from, const std::string& to) {
    auto& shards = led.at(from);
    const auto found = std::find_if(shards.begin(), shards.end(), [&](const shard_record* record) {
      return record != nullptr && record->move_to.empty() && !record->in_sync_member_of(to).empty();
    });
    if (found == shards.end()) return false;
    auto wanted = **found;
    wanted.move_to = to;
    const auto shard = static_cast<shard_id>(*found - view.shards.data());
    plan.lines.push_back("node " + from + " hands " + shard_text(shard) + " over to " + to);
    plan.records.push_back({shard, std::move(wanted), "an operator's command"});
    shards.erase(found);
    led.at(to).push_back(nullptr);  // counts, and stays
    return true;
  };
  const auto step = [&] {
    for (const auto& [from, many] : led)
      for (const auto& [to, few] : led)
        if (many.size() > few.size() + 1 && give(from, to)) return true;
    return false;
  };
  while (step()) {
  }
  return plan.records.empty() ? nothing("primaries are spread as evenly as copies allow") : plan;
}

operator_plan finalize(const cluster_view& view) {
  std::uint32_t level = 0;
  for (const auto& member : view.members) {
    if (member.state == member_state::removed) continue;
    const auto* node = view.node(member.id);
    if (!node) return refuse("node " + member.id + " is not there to say what it knows");
    level = level == 0 ? node->formats.highest : std::min(level, node->formats.highest);
  }
  if (level <= view.settings.format)
    return nothing("format " + std::to_string(view.settings.format) + " is the newest that all nodes know");
  auto settings = view.settings;
  settings.format = level;
  return {.lines = {"all nodes write format " + std::to_string(level) + " from now on"},
          .settings = settings};
}

}  // namespace

operator_plan plan_command(const cluster_view& view, const operator_command& command) {
  if (view.settings.shard_count == 0) return refuse("the cluster is not known yet");
  const bool of_a_shard = command.what == kind::move || command.what == kind::force;
  if (of_a_shard && command.shard >= view.shards.size())
    return refuse("there are " + std::to_string(view.shards.size()) + " shards, from 0 on");
  switch (command.what) {
    case kind::join:
      return join(view, command.node);
    case kind::drain:
      return drain(view, command.node);
    case kind::undrain:
      return undrain(view, command.node);
    case kind::remove:
      return remove(view, command.node);
    case kind::move:
      return move(view, command.shard, command.node);
    case kind::force:
      return force(view, command.shard, command.node, command.accept_loss);
    case kind::rebalance:
      return rebalance(view);
    case kind::finalize:
      return finalize(view);
  }
  return refuse("an unknown command");
}

}  // namespace souk::runtime
