#pragma once

#include "runtime/cluster/controller_plan.hpp"
#include "runtime/cluster/view.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace souk::runtime {

/// What an operator asks of a cluster. Each is safe to repeat.
struct operator_command {
  enum class kind : std::uint8_t {
    join,       ///< `node` may register, after it was removed; nobody else needs it.
    drain,      ///< `node` is primary of nothing, until `undrain`.
    undrain,    ///< Also ends a removal that is under way.
    remove,     ///< `node` loses its copies to others, and then may not register any more.
    move,       ///< `node` becomes primary of `shard`, as soon as it has a copy in sync.
    force,      ///< `node` becomes primary of `shard` with what is on its disk, though no member in sync is
                ///< left. What they had acknowledged and it has not is lost: `accept_loss` must be set.
    rebalance,  ///< Primaries are spread evenly, at once and not two at a time.
    finalize,   ///< All nodes write the newest format that all of them know. There is no way back.
  };
  kind what = kind::drain;
  std::string node;
  shard_id shard = 0;
  bool accept_loss = false;
};

/// What would be changed, each by compare-and-swap, and what an operator is told of it.
struct operator_plan {
  std::string refusal;             ///< Set: nothing is done, and why.
  std::vector<std::string> lines;  ///< What is done, and what follows; nothing changes when only this is set.
  std::vector<proposed_record> records;
  std::vector<proposed_member> members;
  std::optional<cluster_settings> settings;

  bool changes_anything() const { return !records.empty() || !members.empty() || settings.has_value(); }
};

/// Pure. The rest (handing over, copying) is the controller's and the primaries' to follow.
operator_plan plan_command(const cluster_view& view, const operator_command& command);

}  // namespace souk::runtime
