#pragma once

#include "runtime/replication/messages.hpp"
#include "runtime/replication/types.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace souk::replication {

/// The shard gets a new primary: to be written with `handed_over` false, by compare-and-swap of the revision
/// of the config that was elected on. If it is refused, everything is asked anew.
struct new_primary {
  std::uint64_t epoch = 0;
  member_id primary;
  members in_sync;  ///< Without the old primary if that did not answer and the floor allows.
};

enum class no_election : std::uint8_t {
  primary_is_well,   ///< It answers, and reaches enough members to help itself.
  nobody_is_better,  ///< The primary answers and is in trouble, but nobody else would fare better.
  nobody_answers,    ///< No member in sync answers: the shard is down until one comes back, or an operator
                     ///< forces it.
};
std::string_view to_string(no_election why);

/// Who gets the shard, given the answers of the members of `in_sync` that could be asked (others are not
/// heeded). Any member in sync has all that was acknowledged; among those that can commit at all it goes to
/// the longest, so that as little as possible of what was not acknowledged is lost, then to the first of
/// `preferred`, then by name.
///
/// `not_these`: members that must not become primary (they are being drained) as long as others can.
std::variant<new_primary, no_election> elect(const shard_config& config,
                                             const std::vector<position_answer>& answers,
                                             const members& preferred = {}, const members& not_these = {});

}  // namespace souk::replication
