#include "runtime/cluster/controller_plan.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>
#include <variant>

namespace souk::runtime {

replication::shard_config config_of(const cluster_view& view, const shard_record& record) {
  replication::shard_config config;
  config.revision = record.revision;
  config.epoch = record.epoch;
  config.primary = view.in_sync_member(record, record.primary);
  config.in_sync = record.in_sync;
  for (const auto& replica : record.replicas) {
    // A node with a new disk is to keep a copy there; what was on the old one does not count on it any more.
    if (const auto* node = view.node(replica)) {
      config.replicas.push_back(node->member());
    } else if (const auto member = record.in_sync_member_of(replica); !member.empty()) {
      config.replicas.emplace_back(member);
    }
  }
  config.min_in_sync = record.min_in_sync;
  config.handed_over = record.handed_over;
  return config;
}

void controller_plan::told(shard_id shard, const replication::position_answer& answer) {
  auto found = inquiries_.find(shard);
  if (found != inquiries_.end()) found->second.answers[answer.member] = answer;
}

controller_decisions controller_plan::step(const cluster_view& view, milliseconds now) {
  view_ = &view;
  decisions_ = {};
  look_at_nodes(view, now);
  count(view, now);
  for (shard_id id = 0; id < view.shards.size(); ++id) {
    const auto& record = view.shards[id];
    if (waits_for_swap(id, record, now)) continue;
    if (record.epoch == 0) {
      assign(id, now);
    } else if (in_trouble(id)) {
      hold_election(id, now);
    } else {
      inquiries_.erase(id);
      // One change of a record at a time; the most urgent first.
      follow_move(id, now) || leave_drained(id, now) || place_copies(id, now) || drop_copy(id, now) ||
          spread_copies(id, now) || balance_primary(id, now);
    }
  }
  finish_removals(now);
  view_ = nullptr;
  return std::exchange(decisions_, {});
}

// -- what is there
// -----------------------------------------------------------------------------------------------

void controller_plan::look_at_nodes(const cluster_view& view, milliseconds now) {
  std::set<std::pair<std::string, std::uint64_t>> seen;
  for (const auto& node : view.nodes)
    seen.emplace(node.id, node.incarnation);
  if (!started_ || seen != seen_nodes_) changed_ = now;
  started_ = true;
  seen_nodes_ = std::move(seen);

  const auto wanted = std::count_if(view.members.begin(), view.members.end(),
                                    [&](const auto& member) { return is_wanted(member.id); });
  const auto up = std::count_if(view.members.begin(), view.members.end(),
                                [&](const auto& member) { return is_wanted(member.id) && is_up(member.id); });
  if (2 * up > wanted) {
    few_since_.reset();
  } else if (!few_since_) {
    few_since_ = now;
  }
  may_take_for_dead_ = !few_since_ || now - *few_since_ >= limits_.settle;

  const auto active = active_nodes().size();
  if (active < std::max<std::size_t>(view.settings.min_in_sync, 1)) {
    assignable_since_.reset();
  } else if (!assignable_since_) {
    assignable_since_ = now;
  }
}

// What was proposed counts as done: of several changes proposed at once one is seen first, and without the
// others there would seem to be room for more.
void controller_plan::count(const cluster_view& view, milliseconds now) {
  primaries_.clear();
  copies_.clear();
  handing_ = 0;
  learning_ = 0;
  for (shard_id id = 0; id < view.shards.size(); ++id) {
    const auto* proposed = pending(id, view.shards[id], now);
    const auto& record = proposed ? *proposed : view.shards[id];
    if (record.epoch == 0) continue;
    primaries_[record.move_to.empty() ? record.primary : record.move_to] += 1;
    for (const auto& replica : record.replicas)
      copies_[replica] += 1;
    const auto learns = [&](const std::string& node) {
      return is_up(node) && record.in_sync_member_of(node).empty();
    };
    if (!record.move_to.empty() && !learns(record.move_to)) handing_ += 1;
    if (std::any_of(record.replicas.begin(), record.replicas.end(), learns)) learning_ += 1;
  }
}

bool controller_plan::is_up(std::string_view node) const { return view_->node(node) != nullptr; }

bool controller_plan::is_active(std::string_view node) const {
  const auto* member = view_->member(node);
  const auto* registered = view_->node(node);
  return registered && !registered->leaving && member && member->state == member_state::active;
}

bool controller_plan::is_wanted(std::string_view node) const {
  const auto* member = view_->member(node);
  return member && (member->state == member_state::active || member->state == member_state::draining);
}

bool controller_plan::is_replica_in_sync(const shard_record& record, std::string_view node) const {
  const auto* registered = view_->node(node);
  return registered && record.has_in_sync(registered->member());
}

bool controller_plan::is_healthy(const shard_record& record) const {
  return record.move_to.empty() &&
         std::all_of(record.replicas.begin(), record.replicas.end(),
                     [&](const auto& node) { return is_replica_in_sync(record, node); });
}

std::vector<std::string> controller_plan::active_nodes() const {
  std::vector<std::string> nodes;
  for (const auto& node : view_->nodes)
    if (is_active(node.id)) nodes.push_back(node.id);
  return nodes;
}

// The first of those with the least to do; where to begin differs from shard to shard, or the first node
// would be everybody's second choice.
std::string controller_plan::least_loaded(const std::vector<std::string>& nodes,
                                          const std::map<std::string, int>& load, shard_id shard) const {
  std::string best;
  int best_load = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const auto& node = nodes[(i + shard) % nodes.size()];
    const auto found = load.find(node);
    const int own = found == load.end() ? 0 : found->second;
    if (!best.empty() && own >= best_load) continue;
    best = node;
    best_load = own;
  }
  return best;
}

const shard_record* controller_plan::pending(shard_id shard, const shard_record& seen,
                                             milliseconds now) const {
  const auto found = proposals_.find(shard);
  if (found == proposals_.end() || found->second.record.revision != seen.revision) return nullptr;
  return now - found->second.at < limits_.propose_again ? &found->second.record : nullptr;
}

bool controller_plan::waits_for_swap(shard_id shard, const shard_record& record, milliseconds now) {
  if (pending(shard, record, now)) return true;
  proposals_.erase(shard);
  return false;
}

void controller_plan::propose(shard_id shard, shard_record record, std::string reason, milliseconds now) {
  proposals_[shard] = {record, now};
  decisions_.records.push_back({shard, std::move(record), std::move(reason)});
}

// -- first assignment
// --------------------------------------------------------------------------------------------

void controller_plan::assign(shard_id shard, milliseconds now) {
  auto nodes = active_nodes();
  if (!assignable_since_ || nodes.empty()) return;
  const bool all_there = nodes.size() >= view_->settings.replicas;
  if (!all_there && now - *assignable_since_ < limits_.assign_patience) return;

  auto record = view_->shards[shard];
  while (record.replicas.size() < view_->settings.replicas && !nodes.empty()) {
    auto node = least_loaded(nodes, copies_, shard);
    std::erase(nodes, node);
    copies_[node] += 1;
    record.in_sync.push_back(view_->node(node)->member());
    record.replicas.push_back(std::move(node));
  }
  record.epoch = 1;
  record.primary = least_loaded(record.replicas, primaries_, shard);
  record.min_in_sync = view_->settings.min_in_sync;
  primaries_[record.primary] += 1;
  propose(shard, std::move(record), "first assignment", now);
}

// -- failover
// ----------------------------------------------------------------------------------------------------

bool controller_plan::primary_is_gone(const shard_record& record) const {
  return !is_replica_in_sync(record, record.primary);
}

bool controller_plan::in_trouble(shard_id shard) const {
  const auto& record = view_->shards[shard];
  if (primary_is_gone(record)) return may_take_for_dead_;
  const auto primary = view_->in_sync_member(record, record.primary);
  return std::any_of(view_->reports.begin(), view_->reports.end(), [&](const unreachable_report& report) {
    if (report.shard != shard || report.epoch != record.epoch) return false;
    if (record.in_sync_member_of(report.reporter).empty()) return false;
    return report.reporter == record.primary ||
           std::find(report.members.begin(), report.members.end(), primary) != report.members.end();
  });
}

void controller_plan::hold_election(shard_id shard, milliseconds now) {
  const auto& record = view_->shards[shard];
  const auto [place, first] = inquiries_.try_emplace(shard);
  auto& held = place->second;
  if (first || held.revision != record.revision || (held.over && now - held.asked >= limits_.ask_again)) {
    held = {.revision = record.revision, .asked = now};
    decisions_.questions.push_back({shard, record.in_sync});
    return;
  }
  if (held.over) return;

  const bool all_answered =
      std::all_of(record.in_sync.begin(), record.in_sync.end(), [&](const auto& member) {
        const auto* node = view_->node(node_of_member(member));
        return !node || node->member() != member || held.answers.contains(member);
      });
  const bool patient = now - held.asked < limits_.position_patience;
  if (patient && (!all_answered || held.answers.empty())) return;

  std::vector<replication::position_answer> answers;
  answers.reserve(held.answers.size());
  for (const auto& [member, answer] : held.answers)
    answers.push_back(answer);
  replication::members preferred = record.in_sync;
  std::stable_sort(preferred.begin(), preferred.end(), [&](const auto& a, const auto& b) {
    return primaries_[std::string{node_of_member(a)}] < primaries_[std::string{node_of_member(b)}];
  });
  replication::members not_these;
  for (const auto& member : record.in_sync)
    if (!is_active(node_of_member(member))) not_these.push_back(member);

  const auto result =
      replication::elect(config_of(*view_, view_->shards.at(shard)), answers, preferred, not_these);
  if (const auto* elected = std::get_if<replication::new_primary>(&result)) {
    end_election(shard, *elected, now);
  } else {
    held.over = true;
  }
}

void controller_plan::end_election(shard_id shard, const replication::new_primary& elected,
                                   milliseconds now) {
  auto record = view_->shards[shard];
  const auto before = std::exchange(record.primary, std::string{node_of_member(elected.primary)});
  primaries_[before] -= 1;
  primaries_[record.primary] += 1;
  // Its copy was to go, and is the one that is needed.
  if (!record.has_replica(record.primary)) record.replicas.push_back(record.primary);
  record.epoch = elected.epoch;
  record.in_sync = elected.in_sync;
  record.handed_over = false;
  record.move_to.clear();
  changed_ = now;
  inquiries_.erase(shard);
  propose(shard, std::move(record), "failover from " + before, now);
}

// -- moves
// -------------------------------------------------------------------------------------------------------

// Ends a wish to move that came true or cannot; true while one is under way.
bool controller_plan::follow_move(shard_id shard, milliseconds now) {
  const auto& record = view_->shards[shard];
  if (record.move_to.empty()) {
    moves_.erase(shard);
    return false;
  }
  auto& move = moves_[shard];
  if (move.to != record.move_to) move = {record.move_to, now};
  const bool in_sync = is_replica_in_sync(record, record.move_to);
  if (!in_sync && is_active(record.move_to) && record.has_replica(record.move_to)) {
    move.since = now;  // it learns, however long that takes
    return true;
  }
  const bool possible = in_sync && is_active(record.move_to) && record.move_to != record.primary;
  if (possible && now - move.since < limits_.move_patience) return true;
  if (possible) given_up_[shard] = now;
  auto wanted = record;
  wanted.move_to.clear();
  propose(shard, std::move(wanted), possible ? "the primary does not hand over" : "a move that cannot be",
          now);
  return true;
}

bool controller_plan::leave_drained(shard_id shard, milliseconds now) {
  const auto& record = view_->shards[shard];
  const auto* member = view_->member(record.primary);
  const auto* registered = view_->node(record.primary);
  const bool leaves = registered && registered->leaving;
  if (member && member->state == member_state::active && !leaves) return false;
  std::vector<std::string> candidates;
  for (const auto& node : record.replicas)
    if (node != record.primary && is_active(node) && is_replica_in_sync(record, node))
      candidates.push_back(node);
  if (candidates.empty() || handing_ >= limits_.moves_max) return false;
  auto wanted = record;
  wanted.move_to = least_loaded(candidates, primaries_, shard);
  primaries_[record.primary] -= 1;
  primaries_[wanted.move_to] += 1;
  handing_ += 1;
  propose(shard, std::move(wanted), "drain", now);
  return true;
}

// A shard with too few copies gets one more.
bool controller_plan::place_copies(shard_id shard, milliseconds now) {
  const auto& record = view_->shards[shard];
  const auto useful = std::count_if(record.replicas.begin(), record.replicas.end(),
                                    [&](const auto& node) { return is_wanted(node); });
  if (static_cast<std::uint32_t>(useful) >= view_->settings.replicas || learning_ >= limits_.moves_max)
    return false;
  auto candidates = active_nodes();
  std::erase_if(candidates, [&](const auto& node) { return record.has_replica(node); });
  if (candidates.empty()) return false;
  auto wanted = record;
  wanted.replicas.push_back(least_loaded(candidates, copies_, shard));
  copies_[wanted.replicas.back()] += 1;
  learning_ += 1;
  propose(shard, std::move(wanted), "too few copies", now);
  return true;
}

// A copy too many, or one on a node that is to go, when all others are in sync.
bool controller_plan::drop_copy(shard_id shard, milliseconds now) {
  const auto& record = view_->shards[shard];
  const auto not_wanted = [&](const std::string& node) { return !is_wanted(node); };
  const bool leaves = std::any_of(record.replicas.begin(), record.replicas.end(), not_wanted);
  if (record.replicas.size() <= view_->settings.replicas && !leaves) return false;

  // A node that is to go keeps what nobody else has instead: its turn comes when a learner has it.
  const auto enough = std::max<std::ptrdiff_t>(
      record.min_in_sync, std::min<std::ptrdiff_t>(view_->settings.replicas, std::ssize(active_nodes())));
  const std::string* worst = nullptr;
  std::tuple<bool, bool, int> worst_rank;
  for (const auto& node : record.replicas) {
    if (node == record.primary || node == record.move_to) continue;
    if (record.replicas.size() <= view_->settings.replicas && is_wanted(node)) continue;
    const auto others_in_sync =
        std::count_if(record.replicas.begin(), record.replicas.end(),
                      [&](const auto& other) { return other != node && is_replica_in_sync(record, other); });
    const auto others = static_cast<std::ptrdiff_t>(record.replicas.size()) - 1;
    if (others_in_sync < others || others_in_sync < enough) continue;
    // A learner is here because it is wanted.
    if (is_wanted(node) && is_up(node) && !is_replica_in_sync(record, node)) continue;
    const std::tuple rank{!is_wanted(node), !is_up(node), copies_[node]};
    if (worst && rank <= worst_rank) continue;
    worst = &node;
    worst_rank = rank;
  }
  if (!worst) return false;
  auto wanted = record;
  copies_[*worst] -= 1;
  std::erase(wanted.replicas, *worst);
  propose(shard, std::move(wanted), "a copy too many", now);
  return true;
}

// A node with two copies fewer than another takes one over.
bool controller_plan::spread_copies(shard_id shard, milliseconds now) {
  const auto& record = view_->shards[shard];
  if (learning_ >= limits_.moves_max || !is_quiet(now) || !is_healthy(record)) return false;
  if (record.replicas.size() != view_->settings.replicas) return false;
  auto candidates = active_nodes();
  std::erase_if(candidates, [&](const auto& node) { return record.has_replica(node); });
  if (candidates.empty()) return false;
  auto target = least_loaded(candidates, copies_, shard);
  // The primary keeps its copy.
  std::string most;
  for (const auto& node : record.replicas)
    if (node != record.primary && (most.empty() || copies_[node] > copies_[most])) most = node;
  if (most.empty() || copies_[most] - copies_[target] < 2) return false;
  auto wanted = record;
  copies_[target] += 1;
  copies_[most] -= 1;
  wanted.replicas.push_back(std::move(target));
  learning_ += 1;
  propose(shard, std::move(wanted), "copies spread evenly", now);
  return true;
}

bool controller_plan::balance_primary(shard_id shard, milliseconds now) {
  const auto& record = view_->shards[shard];
  if (handing_ >= limits_.moves_max || !is_quiet(now) || !is_healthy(record)) return false;
  const auto refused = given_up_.find(shard);
  if (refused != given_up_.end() && now - refused->second < limits_.move_patience) return false;
  std::vector<std::string> candidates;
  for (const auto& node : record.replicas)
    if (node != record.primary && is_active(node)) candidates.push_back(node);
  if (candidates.empty()) return false;
  const auto target = least_loaded(candidates, primaries_, shard);
  if (primaries_[record.primary] - primaries_[target] < 2) return false;
  auto wanted = record;
  wanted.move_to = target;
  primaries_[record.primary] -= 1;
  primaries_[target] += 1;
  handing_ += 1;
  propose(shard, std::move(wanted), "primaries spread evenly", now);
  return true;
}

void controller_plan::finish_removals(milliseconds now) {
  for (const auto& member : view_->members) {
    if (member.state != member_state::removing) continue;
    const bool needed =
        std::any_of(view_->shards.begin(), view_->shards.end(), [&](const shard_record& record) {
          return record.primary == member.id || record.has_replica(member.id) ||
                 !record.in_sync_member_of(member.id).empty();
        });
    auto& last = removals_[member.id];
    if (needed || (last.revision == member.revision && now - last.at < limits_.propose_again)) continue;
    last = {member.revision, now};
    auto removed = member;
    removed.state = member_state::removed;
    decisions_.members.push_back({std::move(removed), "nothing depends on it any more"});
  }
}

}  // namespace souk::runtime
