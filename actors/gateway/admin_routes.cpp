#include "actors/gateway/handlers.hpp"
#include "actors/gateway/views.hpp"

namespace souk::gateway {

step show_view(const outside_view& view, std::string_view request_id) {
  json::problem absent{.code = "overloaded", .detail = "It cannot be seen at the moment."};
  if (!view) return refuse(absent, request_id);
  ask ask;
  ask.questions.emplace_back(view);
  ask.then = [absent, request_id = std::string{request_id}](std::vector<reply> replies) -> step {
    if (replies.front().json.empty()) return refuse(absent, request_id);
    runtime::answer answer;
    answer.body = std::move(replies.front().json);
    return done{std::move(answer), false, {}};
  };
  return ask;
}

step show_tree(const call& call, const services& services) {
  return show_view(services.tree, call.request_id);
}

step show_status(const call& call, const services& services) {
  return show_view(services.status, call.request_id);
}

step show_quarantine(const call& call, const services& services) {
  return show_view(services.quarantine, call.request_id);
}

}  // namespace souk::gateway
