#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace souk::supervision {

/// How many entities an entity supervisor looks after.
struct population {
  std::uint64_t live = 0;
  std::uint64_t restarts = 0;  ///< Of all entities since the supervisor started.
};

/// What operators see of an actor and of those it supervises.
struct tree_node {
  std::string name;
  std::string kind;
  std::string state;  ///< "starting", "running", "busy" (gave no answer in time), "stopping", "waiting",
                      ///< "idle", "finished".
  std::uint64_t restarts = 0;  ///< How often it was started again.
  std::string last_error{};    ///< Why it failed last; empty: it never did.
  std::optional<population> entities{};
  std::vector<tree_node> children{};
};

/// {"name","kind","state","restarts","last_error"?,"entities"?:{"live","restarts"},"children":[...]}
std::string to_json(const tree_node& node);

}  // namespace souk::supervision
