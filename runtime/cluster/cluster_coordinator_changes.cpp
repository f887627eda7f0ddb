#include "runtime/cluster/cluster_coordinator.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/telemetry/log.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <utility>

/// The changes that others ask the coordinator for.
namespace souk::runtime {

const shard_record& cluster_coordinator_life::record(shard_id shard) const { return view_->shards.at(shard); }

void cluster_coordinator_life::learn(const std::string& key, const std::string& text, std::int64_t revision) {
  builder_->learn({.key = key, .value = text, .revision = revision});
  publish();
}

// Writes a shard's record if it is still as it was when `wanted` was made of it.
void cluster_coordinator_life::swap_record(shard_id shard, const shard_record& wanted,
                                           std::vector<swap_request::condition> more,
                                           std::function<void(swap_result)> told) {
  const auto key = keys_->shard(shard);
  const auto text = to_text(wanted);
  swap_request request;
  request.conditions.push_back({key, wanted.revision});
  request.conditions.insert(request.conditions.end(), more.begin(), more.end());
  request.changes.push_back({.key = key, .value = text});
  reached("coordinator: before a shard's record is changed");
  options_.store->swap(
      std::move(request), options_.limits.call_deadline,
      here<swap_result>([this, key, text, told = std::move(told)](const swap_result& result) {
        // The watch will tell it too, but those who asked go on from here.
        if (result.what == swap_result::outcome::done) {
          reached("coordinator: a shard's record was changed");
          learn(key, text, result.revision);
        } else if (!result.current.empty() && result.current[0].revision != 0) {
          learn(key, result.current[0].value, result.current[0].revision);
        }
        told(result);
      }));
}

// -- epochs
// ------------------------------------------------------------------------------------------------------

void cluster_coordinator_life::open(const open_epoch& request) {
  auto& waiting = openings_[request.shard];
  waiting.request = request;
  work_on_openings();
}

void cluster_coordinator_life::work_on_openings() {
  if (!view_ || refused_ || view_->settings.shard_count == 0) return;
  for (auto next = openings_.begin(); next != openings_.end();) {
    const auto shard = next->first;
    auto& waiting = (next++)->second;
    if (waiting.under_way) continue;
    const auto own = record(shard);
    const auto& reply_to = waiting.request.reply_to;
    if (own.primary != options_.self.id || !own.has_in_sync(options_.self.member())) {
      self_->send(reply_to, epoch_refused{shard, own});
      openings_.erase(shard);
    } else if (own.epoch > waiting.request.seen) {
      // Given to this disk and never written under.
      self_->send(reply_to, epoch_opened{shard, own.epoch, own.in_sync, own.revision});
      openings_.erase(shard);
    } else {
      open_next_epoch(shard, waiting);
    }
  }
}

void cluster_coordinator_life::open_next_epoch(shard_id shard, opening& waiting) {
  waiting.under_way = true;
  auto wanted = record(shard);
  wanted.epoch = std::max(wanted.epoch, waiting.request.seen) + 1;
  wanted.handed_over = false;
  swap_record(shard, wanted, {}, [this, shard](const swap_result& result) {
    auto found = openings_.find(shard);
    if (found == openings_.end()) return;
    found->second.under_way = false;
    // Whether it was done shows in the record; if nobody knows, the next tick goes on.
    if (result.what != swap_result::outcome::unknown) work_on_openings();
  });
}

// -- what a primary changes
// --------------------------------------------------------------------------------------

// `already`: whether a record is as it was asked for, so that a question can be repeated.
template <class Answer, class Request, class Holds>
void cluster_coordinator_life::change_own(const Request& request, const shard_record& wanted,
                                          const Holds& already) {
  const auto shard = request.shard;
  auto answer = [this, shard, revision = request.revision, to = request.reply_to](swap_outcome outcome) {
    self_->send(to, Answer{shard, revision, outcome, record(shard)});
  };
  const auto& now = record(shard);
  if (now.revision > request.revision) {
    answer(already(now) ? swap_outcome::done : swap_outcome::refused);
    return;
  }
  // The asker knows more than this coordinator, which has just started.
  if (now.revision < request.revision) {
    answer(swap_outcome::unknown);
    return;
  }
  swap_record(shard, wanted, {}, [this, shard, already, answer](const swap_result& result) {
    switch (result.what) {
      case swap_result::outcome::done:
        answer(swap_outcome::done);
        return;
      case swap_result::outcome::refused:
      case swap_result::outcome::lease_gone:
        answer(already(record(shard)) ? swap_outcome::done : swap_outcome::refused);
        return;
      case swap_result::outcome::unknown:
        answer(swap_outcome::unknown);
        return;
    }
  });
}

void cluster_coordinator_life::change(const change_in_sync& request) {
  if (!knows(request.shard)) {
    self_->send(request.reply_to,
                in_sync_changed{request.shard, request.revision, swap_outcome::unknown, {}});
    return;
  }
  auto wanted = record(request.shard);
  const auto own = options_.self.member();
  const bool sane =
      wanted.epoch == request.epoch && wanted.primary == options_.self.id &&
      std::find(request.in_sync.begin(), request.in_sync.end(), own) != request.in_sync.end() &&
      request.in_sync.size() >= std::min<std::size_t>(wanted.in_sync.size(), wanted.min_in_sync);
  if (!sane) {
    self_->send(request.reply_to,
                in_sync_changed{request.shard, request.revision, swap_outcome::refused, wanted});
    return;
  }
  wanted.in_sync = request.in_sync;
  change_own<in_sync_changed>(request, wanted, [request](const shard_record& now) {
    return now.epoch == request.epoch && now.in_sync == request.in_sync;
  });
}

void cluster_coordinator_life::give_away(const hand_over& request) {
  if (!knows(request.shard)) {
    self_->send(request.reply_to, handed_over{request.shard, request.revision, swap_outcome::unknown, {}});
    return;
  }
  const std::string heir{node_of_member(request.to)};
  const auto already = [epoch = request.epoch, heir](const shard_record& now) {
    return now.epoch == epoch + 1 && now.primary == heir && now.handed_over;
  };
  auto wanted = record(request.shard);
  const bool sane = wanted.epoch == request.epoch && wanted.primary == options_.self.id &&
                    wanted.has_in_sync(request.to) && heir != options_.self.id;
  if (!sane) {
    const auto outcome = already(wanted) ? swap_outcome::done : swap_outcome::refused;
    self_->send(request.reply_to, handed_over{request.shard, request.revision, outcome, wanted});
    return;
  }
  wanted.epoch += 1;
  wanted.primary = heir;
  wanted.handed_over = true;
  wanted.move_to.clear();
  change_own<handed_over>(request, wanted, already);
}

// -- reports
// -----------------------------------------------------------------------------------------------------

void cluster_coordinator_life::keep_report(const ask_controller_to_look& request) {
  auto found = reports_.find(request.shard);
  if (found == reports_.end() && request.unreachable.empty()) return;
  auto& kept = reports_[request.shard];
  if (kept.epoch == request.epoch && kept.unreachable == request.unreachable) return;
  kept.epoch = request.epoch;
  kept.unreachable = request.unreachable;
  kept.written = false;
  if (view_ && !refused_) write_reports();
}

// Who leaves has ended its links itself: nobody is unreachable for that.
void cluster_coordinator_life::write_reports() {
  if (!is_registered() || options_.self.leaving) return;
  for (auto& [shard, kept] : reports_) {
    // Under another epoch it says nothing any more.
    if (knows(shard) && record(shard).epoch > kept.epoch && !kept.unreachable.empty()) {
      kept.unreachable.clear();
      kept.written = false;
    }
    if (!kept.written && !kept.under_way) write_report(shard, kept);
  }
}

void cluster_coordinator_life::write_report(shard_id shard, report& kept) {
  kept.under_way = true;
  kept.written = true;
  swap_request::change change{.key = keys_->report(shard, options_.self.id)};
  change.remove = kept.unreachable.empty();
  if (!change.remove) {
    change.lease = lease_;
    change.value = to_text(unreachable_report{shard, kept.epoch, options_.self.id, kept.unreachable});
  }
  options_.store->swap({.changes = {std::move(change)}}, options_.limits.call_deadline,
                       here<swap_result>([this, shard](const swap_result& result) {
                         auto found = reports_.find(shard);
                         if (found == reports_.end()) return;
                         auto& written = found->second;
                         written.under_way = false;
                         if (result.what != swap_result::outcome::done) {
                           written.written = false;
                         } else if (written.written && written.unreachable.empty()) {
                           reports_.erase(found);
                         }
                       }));
}

// -- the controller and operators
// --------------------------------------------------------------------------------

void cluster_coordinator_life::propose(const proposed_record& wish) {
  if (!knows(wish.shard) || refused_ || view_->controller != options_.self.id) return;
  swap_record(wish.shard, wish.record, {{keys_->controller(), view_->controller_revision}},
              [this, wish](const swap_result& result) {
                if (result.what != swap_result::outcome::done) return;
                log::info("shard changed", {{"shard", wish.shard},
                                            {"epoch", wish.record.epoch},
                                            {"primary", wish.record.primary},
                                            {"move_to", wish.record.move_to},
                                            {"reason", wish.reason}});
              });
}

void cluster_coordinator_life::propose(const proposed_member& wish) {
  if (!view_ || refused_ || view_->controller != options_.self.id) return;
  options_.store->swap({.conditions = {{keys_->member(wish.member.id), wish.member.revision},
                                       {keys_->controller(), view_->controller_revision}},
                        .changes = {{.key = keys_->member(wish.member.id), .value = to_text(wish.member)}}},
                       options_.limits.call_deadline, here<swap_result>([wish](const swap_result& result) {
                         if (result.what != swap_result::outcome::done) return;
                         log::info("member changed", {{"node", wish.member.id},
                                                      {"state", to_string(wish.member.state)},
                                                      {"reason", wish.reason}});
                       }));
}

void cluster_coordinator_life::command(const operator_request& request) {
  using outcome = operator_answer::outcome;
  auto answer = [this, request](outcome what, std::vector<std::string> lines) {
    self_->send(request.reply_to, operator_answer{request.correlation, what, std::move(lines)});
  };
  if (!view_) {
    answer(outcome::unknown, {"the coordination store does not answer"});
    return;
  }
  auto plan = plan_command(*view_, request.command);
  if (!plan.refusal.empty()) {
    answer(outcome::refused, {plan.refusal});
    return;
  }
  if (request.dry_run || !plan.changes_anything()) {
    answer(outcome::done, plan.lines);
    return;
  }
  swap_request all;
  const auto add = [&all](std::string key, std::int64_t revision, std::string text) {
    all.conditions.push_back({key, revision});
    all.changes.push_back({.key = std::move(key), .value = std::move(text)});
  };
  for (const auto& [shard, wanted, reason] : plan.records)
    add(keys_->shard(shard), wanted.revision, to_text(wanted));
  for (const auto& [member, reason] : plan.members)
    add(keys_->member(member.id), member.revision, to_text(member));
  if (plan.settings) add(keys_->settings(), plan.settings->revision, to_text(*plan.settings));
  options_.store->swap(std::move(all), options_.limits.call_deadline,
                       here<swap_result>([answer, lines = plan.lines](const swap_result& result) {
                         switch (result.what) {
                           case swap_result::outcome::done:
                             answer(outcome::done, lines);
                             return;
                           case swap_result::outcome::refused:
                           case swap_result::outcome::lease_gone:
                             answer(outcome::refused, {"the cluster changed meanwhile; ask again"});
                             return;
                           case swap_result::outcome::unknown:
                             answer(outcome::unknown,
                                    {"the coordination store did not answer: " + result.detail});
                             return;
                         }
                       }));
}

}  // namespace souk::runtime
