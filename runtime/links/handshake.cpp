#include "runtime/links/handshake.hpp"

#include <algorithm>
#include <utility>

namespace souk::links {

namespace {

std::string versions(std::uint32_t lowest, std::uint32_t highest) {
  return std::to_string(lowest) + " to " + std::to_string(highest);
}

agreement refused(std::string why) { return {0, std::move(why)}; }

}  // namespace

hello introduction(const identity& self, std::string expects) {
  return {self.cluster,     self.node,           std::move(expects),
          self.incarnation, self.lowest_version, self.highest_version};
}

agreement agree(const identity& self, const hello& theirs, const std::string& certified) {
  if (theirs.cluster != self.cluster)
    return refused("cluster " + theirs.cluster + " is not cluster " + self.cluster);
  if (theirs.node != certified)
    return refused("node " + theirs.node + " shows the certificate of " + certified);
  if (theirs.node == self.node) return refused("there is a second node " + self.node);
  if (!theirs.expects.empty() && theirs.expects != self.node)
    return refused("node " + theirs.expects + " was meant, this is node " + self.node);
  if (theirs.lowest_version > self.highest_version || theirs.highest_version < self.lowest_version)
    return refused("node " + theirs.node + " speaks versions " +
                   versions(theirs.lowest_version, theirs.highest_version) + ", node " + self.node +
                   " speaks " + versions(self.lowest_version, self.highest_version));
  return {std::min(theirs.highest_version, self.highest_version), {}};
}

}  // namespace souk::links
