#include "runtime/links/hub.hpp"

#include "runtime/links/peer.hpp"
#include "runtime/links/remote_shard.hpp"
#include "runtime/telemetry/log.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

namespace souk::links {

namespace {

/// A link that failed, which none should, starts again after so long.
constexpr std::chrono::milliseconds restart_wait{500};

}  // namespace

hub_life::~hub_life() {
  for (const auto& [_, link] : links_)
    caf::anon_send_exit(link, caf::exit_reason::user_shutdown);
  for (const auto& [_, proxies] : proxies_)
    for (const auto& proxy : proxies)
      caf::anon_send_exit(proxy, caf::exit_reason::user_shutdown);
}

caf::behavior hub_life::start(std::shared_ptr<const link_environment> environment) {
  environment_ = std::move(environment);
  self_->set_down_handler([this](const caf::down_msg& down) { on_down(down); });
  environment_->transport->accept(
      [self = caf::actor_cast<caf::actor>(self_)](const connection_ptr& connection, connection_event event) {
        caf::anon_send(
            self, stranger_event{connection, std::make_shared<const connection_event>(std::move(event))});
      });
  return {
      [this](const remote_nodes& news) { take(news); },
      [this](end_links) { end_all(); },
      [this](const stranger_event& event) { take(event); },
      [this](const start_link_again& due) {
        if (wanted_.contains(due.node) && !links_.contains(due.node)) start_link(due.node);
      },
  };
}

void hub_life::end_all() {
  ending_ = true;
  wanted_.clear();
  while (!links_.empty())
    end_link(std::string{links_.begin()->first});
}

void hub_life::take(const remote_nodes& news) {
  if (ending_) return;
  std::map<std::string, remote_node> wanted;
  for (const auto& node : news.nodes)
    if (node.id != environment_->self.node) wanted.emplace(node.id, node);
  std::vector<std::string> ending;
  for (const auto& [id, link] : links_) {
    const auto found = wanted.find(id);
    if (found == wanted.end() || found->second != wanted_.at(id)) ending.push_back(id);
  }
  wanted_ = std::move(wanted);
  for (const auto& id : ending)
    end_link(id);
  for (const auto& [id, _] : wanted_)
    if (!links_.contains(id)) start_link(id);
}

void hub_life::start_link(const std::string& node) {
  auto link = self_->spawn<caf::monitored>(peer, environment_, wanted_.at(node), proxies_of(node));
  links_.emplace(node, link);
  environment_->board->change(node, [&](link_board::line& line) { line.link = link; });
}

void hub_life::end_link(const std::string& node) {
  const auto found = links_.find(node);
  self_->demonitor(found->second);
  self_->send_exit(found->second, caf::exit_reason::user_shutdown);
  links_.erase(found);
  environment_->board->change(node, [](link_board::line& line) { line.link = nullptr; });
}

void hub_life::on_down(const caf::down_msg& down) {
  const auto found = std::find_if(links_.begin(), links_.end(),
                                  [&](const auto& entry) { return entry.second.address() == down.source; });
  if (found == links_.end()) return;
  const auto node = found->first;
  links_.erase(found);
  log::error("a link failed", {{"node", node}, {"why", to_string(down.reason)}});
  bool was_up = false;
  std::uint64_t incarnation = 0;
  environment_->board->change(node, [&](link_board::line& line) {
    line.link = nullptr;
    was_up = std::exchange(line.up, false);
    incarnation = line.incarnation;
  });
  for (const auto& proxy : proxies_of(node))
    self_->send(proxy, link_is{});
  if (was_up && environment_->on_change) environment_->on_change({node, false, incarnation, "it failed"});
  self_->delayed_send(self_, restart_wait, start_link_again{node});
}

const std::vector<caf::actor>& hub_life::proxies_of(const std::string& node) {
  auto& proxies = proxies_[node];
  if (proxies.empty()) {
    for (shard_id shard = 0; shard < environment_->shard_count; ++shard)
      proxies.push_back(self_->spawn(remote_shard, environment_, shard));
    environment_->board->change(node, [&](link_board::line& line) { line.shards = proxies; });
  }
  return proxies;
}

// -- who connects ------------------------------------------------------------------------------------

void hub_life::take(const stranger_event& event) {
  const auto* key = event.connection.get();
  switch (event.event->what) {
    case connection_event::type::opened:
      strangers_[key] = event.event->name;
      return;
    case connection_event::type::closed:
      if (const auto found = strangers_.find(key); found != strangers_.end()) {
        tell_once(found->second, event.event->reason);
        strangers_.erase(found);
      } else {
        tell_once("", event.event->reason);
      }
      return;
    case connection_event::type::received:
      break;
  }
  const auto found = strangers_.find(key);
  if (found == strangers_.end() || event.event->envelopes.empty()) return;
  const auto certified = std::move(found->second);
  strangers_.erase(found);
  listen_to(event, certified);
}

void hub_life::listen_to(const stranger_event& event, const std::string& certified) {
  const auto& connection = event.connection;
  auto read = decode(event.event->envelopes.front(), *environment_->kinds);
  const auto* arrived = std::get_if<arrival>(&read);
  const auto* theirs = arrived == nullptr ? nullptr : std::get_if<hello>(&arrived->payload);
  if (theirs == nullptr) return show_the_door(connection, certified, "a greeting was expected");
  const auto agreed = agree(environment_->self, *theirs, certified);
  if (agreed.version == 0) return show_the_door(connection, certified, agreed.refusal);
  if (theirs->node > environment_->self.node)
    return show_the_door(connection, certified, "node " + theirs->node + " is dialled from here");
  const auto link = links_.find(theirs->node);
  if (link == links_.end())
    return show_the_door(connection, certified, "node " + theirs->node + " is not known here");
  told_.erase(certified);
  connection->consumed(event.event->bytes);
  self_->send(link->second, greeted{connection, *theirs, agreed.version});
}

void hub_life::show_the_door(const connection_ptr& connection, const std::string& certified,
                             const std::string& reason) {
  tell_once(certified, reason);
  connection->send(stamped({environment_->self.highest_version, environment_->self.node,
                            environment_->self.incarnation, 1}),
                   content(0, 0, goodbye{reason}));
  connection->finish();
}

/// Who is refused comes again, every second.
void hub_life::tell_once(const std::string& certified, const std::string& reason) {
  if (std::exchange(told_[certified], reason) != reason)
    log::warn("a connection is refused", {{"certificate", certified}, {"why", reason}});
}

caf::behavior hub(hub_actor* self, std::shared_ptr<const link_environment> environment) {
  return self->state.start(std::move(environment));
}

}  // namespace souk::links
