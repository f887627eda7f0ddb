#include "runtime/replication/election.hpp"

#include <algorithm>
#include <cstddef>
#include <tuple>

namespace souk::replication {
namespace {

const position_answer* answer_of(const std::vector<position_answer>& answers, const member_id& member) {
  const auto found =
      std::find_if(answers.begin(), answers.end(), [&](const auto& a) { return a.member == member; });
  return found == answers.end() ? nullptr : &*found;
}

// Whether it could commit: it and those in sync that it reaches are enough; the others it can take out.
bool can_commit(const shard_config& config, const position_answer& answer) {
  std::size_t reached = 1;
  for (const auto& member : config.in_sync)
    if (member != answer.member && contains(answer.reaches, member)) reached += 1;
  return reached >= config.min_in_sync;
}

struct merit {
  bool allowed = false;
  bool can_commit = false;
  position last;
  std::size_t preference = 0;  // less is better

  bool better_than(const merit& other) const {
    return std::tuple{allowed, can_commit, last.epoch, last.index, other.preference} >
           std::tuple{other.allowed, other.can_commit, other.last.epoch, other.last.index, preference};
  }
};

}  // namespace

std::string_view to_string(no_election why) {
  switch (why) {
    case no_election::primary_is_well:
      return "the primary is well";
    case no_election::nobody_is_better:
      return "nobody would fare better than the primary";
    case no_election::nobody_answers:
      return "no member in sync answers";
  }
  return "";
}

std::variant<new_primary, no_election> elect(const shard_config& config,
                                             const std::vector<position_answer>& answers,
                                             const members& preferred, const members& not_these) {
  const auto* incumbent = answer_of(answers, config.primary);
  if (incumbent && can_commit(config, *incumbent)) return no_election::primary_is_well;

  const position_answer* best = nullptr;
  merit best_merit;
  auto candidates = config.in_sync;
  std::sort(candidates.begin(), candidates.end());
  for (const auto& member : candidates) {
    const auto* answer = answer_of(answers, member);
    if (!answer || member == config.primary) continue;
    const merit own{.allowed = !contains(not_these, member),
                    .can_commit = can_commit(config, *answer),
                    .last = answer->last,
                    .preference = static_cast<std::size_t>(
                        std::find(preferred.begin(), preferred.end(), member) - preferred.begin())};
    if (best && !own.better_than(best_merit)) continue;
    best = answer;
    best_merit = own;
  }
  if (!best) return incumbent ? no_election::nobody_is_better : no_election::nobody_answers;
  if (incumbent && !best_merit.can_commit) return no_election::nobody_is_better;

  new_primary elected{.epoch = config.epoch + 1, .primary = best->member, .in_sync = config.in_sync};
  if (!incumbent && elected.in_sync.size() > config.min_in_sync) std::erase(elected.in_sync, config.primary);
  return elected;
}

}  // namespace souk::replication
