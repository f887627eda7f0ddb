#pragma once

#include "runtime/links/environment.hpp"
#include "runtime/links/messages.hpp"

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace souk::links {

/// All links of a node: starts one for each node that it is told of (`remote_nodes`), again when it failed,
/// and shows who connects to it to the right one, or the door. Ends with all of them, and them before that
/// when it is told `end_links`.
class hub_life {
 public:
  static inline const char* name = "links";
  explicit hub_life(caf::event_based_actor* self) : self_(self) {}
  ~hub_life();
  hub_life(const hub_life&) = delete;
  hub_life& operator=(const hub_life&) = delete;

  caf::behavior start(std::shared_ptr<const link_environment> environment);

 private:
  void take(const remote_nodes& news);
  void end_all();
  void take(const stranger_event& event);
  void start_link(const std::string& node);
  void end_link(const std::string& node);
  void on_down(const caf::down_msg& down);
  const std::vector<caf::actor>& proxies_of(const std::string& node);
  void listen_to(const stranger_event& event, const std::string& certified);
  void show_the_door(const connection_ptr& connection, const std::string& certified,
                     const std::string& reason);
  void tell_once(const std::string& certified, const std::string& reason);

  caf::event_based_actor* self_;
  std::shared_ptr<const link_environment> environment_;
  bool ending_ = false;
  std::map<std::string, remote_node> wanted_;
  std::map<std::string, caf::actor> links_;
  std::map<std::string, std::vector<caf::actor>> proxies_;        // of every node ever heard of
  std::unordered_map<const connection*, std::string> strangers_;  // and their certificates' names
  std::map<std::string, std::string> told_;                       // the last refusal, by certificate
};

using hub_actor = caf::stateful_actor<hub_life>;
caf::behavior hub(hub_actor* self, std::shared_ptr<const link_environment> environment);

}  // namespace souk::links
