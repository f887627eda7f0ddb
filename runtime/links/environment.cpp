#include "runtime/links/environment.hpp"

namespace souk::links {

caf::actor link_board::shard(const std::string& node, shard_id shard) const {
  std::lock_guard lock{mutex_};
  const auto found = lines_.find(node);
  if (found == lines_.end() || shard >= found->second.shards.size()) return {};
  return found->second.shards[shard];
}

caf::actor link_board::link(const std::string& node) const {
  std::lock_guard lock{mutex_};
  const auto found = lines_.find(node);
  return found == lines_.end() ? caf::actor{} : found->second.link;
}

bool link_board::up(const std::string& node) const {
  std::lock_guard lock{mutex_};
  const auto found = lines_.find(node);
  return found != lines_.end() && found->second.up;
}

std::map<std::string, link_board::line> link_board::lines() const {
  std::lock_guard lock{mutex_};
  return lines_;
}

void link_board::clear() {
  std::lock_guard lock{mutex_};
  lines_.clear();
}

}  // namespace souk::links
