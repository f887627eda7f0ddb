#pragma once

#include "runtime/links/codec.hpp"
#include "runtime/links/limits.hpp"

#include <cstdint>
#include <string>

namespace souk::links {

/// Who a node is to others.
struct identity {
  std::string cluster;  ///< The cluster's id: random, so that clusters of one name do not meet.
  std::string node;
  std::uint64_t incarnation = 0;  ///< Random, new with every start of the process.
  std::uint32_t lowest_version = links::lowest_version;
  std::uint32_t highest_version = links::highest_version;
};

/// What `self` says first. `expects`: the node that it dialled; empty when it was dialled.
hello introduction(const identity& self, std::string expects);

/// What came of a hello.
struct agreement {
  std::uint32_t version = 0;  ///< Both speak it; 0: refused.
  std::string refusal;        ///< Why, for both sides' operators.
};

/// Whether `self` talks to whoever said `theirs` with a certificate for `certified`.
agreement agree(const identity& self, const hello& theirs, const std::string& certified);

}  // namespace souk::links
