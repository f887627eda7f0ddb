#include "actors/gateway/handlers.hpp"
#include "actors/gateway/input.hpp"
#include "actors/gateway/views.hpp"

#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <system_error>

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

step show_cluster(const call& call, const services& services) {
  return show_view(services.cluster, call.request_id);
}

namespace {

/// A query parameter from 0 to `most`, or nothing.
std::optional<std::int64_t> number_parameter(const call& call, std::string_view name, std::int64_t most) {
  const auto text = call.parameter(name);
  std::int64_t number = 0;
  if (!text) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
  if (error != std::errc{} || end != text->data() + text->size() || number < 0 || number > most)
    return std::nullopt;
  return number;
}

}  // namespace

step show_digest(const call& call, const services& services) {
  const auto shard = number_parameter(call, "shard", services.shard_count - 1);
  if (!shard) return refuse(bad_parameter("shard", "It is the number of a shard."), call.request_id);
  const auto from = number_parameter(call, "answers_from_ms", std::numeric_limits<std::int64_t>::max());
  if (!from)
    return refuse(bad_parameter("answers_from_ms", "It is a moment, in milliseconds since 1970."),
                  call.request_id);
  if (!services.digest) return show_view({}, call.request_id);
  return show_view([shard = static_cast<runtime::shard_id>(*shard), from = *from, digest = services.digest](
                       std::function<void(std::string)> then) { digest(shard, from, std::move(then)); },
                   call.request_id);
}

namespace {

step order_answer(std::string text, std::string_view request_id) {
  json::parse_error unread;
  const auto document = json::parse(text, unread).value_or(json::value{});
  json::input_errors errors;
  json::object_reader in{document, errors};
  const auto outcome = in.string("outcome", {});
  std::string detail;
  for (const auto& line : in.strings("lines", {}, {}))
    detail += (detail.empty() ? "" : "; ") + line;
  if (outcome == "refused") return refuse({.code = "invalid_state", .detail = detail}, request_id);
  if (outcome != "done") return refuse({.code = "overloaded", .detail = detail}, request_id);
  runtime::answer answer;
  answer.body = std::move(text);
  return done{std::move(answer), false, {}};
}

}  // namespace

step order_cluster(const call& call, const services& services) {
  json::input_errors errors;
  const auto order = parse_cluster_order(call.body, errors);
  if (auto problem = errors.take()) return refuse(*problem, call.request_id);
  if (!services.cluster_order)
    return refuse({.code = "invalid_state", .detail = "This node is alone: there is no cluster."},
                  call.request_id);
  ask ask;
  ask.questions.emplace_back(
      outside_view{[order, give = services.cluster_order](std::function<void(std::string)> then) {
        give(order.command, order.dry_run, std::move(then));
      }});
  ask.then = [request_id = call.request_id](std::vector<reply> replies) -> step {
    auto& json = replies.front().json;
    if (json.empty())
      return refuse({.code = "overloaded", .detail = "It cannot be asked for at the moment."}, request_id);
    return order_answer(std::move(json), request_id);
  };
  return ask;
}

}  // namespace souk::gateway
