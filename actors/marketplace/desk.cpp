#include "actors/marketplace/desk.hpp"

#include "actors/gateway/gateway.hpp"
#include "actors/marketplace/lines.hpp"
#include "actors/marketplace/routes.hpp"
#include "runtime/messages.hpp"
#include "runtime/supervision/failure.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <cstdint>
#include <unordered_map>
#include <utility>
#include <variant>

namespace souk::marketplace {
namespace {

constexpr int unavailable = 503;
constexpr int failed = 500;

// One request under way.
struct open_call {
  std::shared_ptr<gateway::responder> responder;
  plan questions;
  std::size_t next = 0;  // the question under way
  std::string said;      // the texts of the answers so far
  runtime::shard_id shard = 0;
  caf::actor asked_of;
  std::chrono::nanoseconds deadline{};
};

gateway::http_response to_response(runtime::answer answer) {
  gateway::http_response response;
  response.status = answer.status;
  if (!answer.body.empty())
    response.fields.emplace_back("Content-Type",
                                 answer.status >= 400 ? "application/problem+json" : "application/json");
  if (answer.status == unavailable) response.fields.emplace_back("Retry-After", "1");
  response.body = std::move(answer.body);
  return response;
}

runtime::answer answer_of(const runtime::response& response) {
  switch (response.outcome) {
    case runtime::outcome::answered:
    case runtime::outcome::replayed:
      return response.answer;
    case runtime::outcome::overloaded:
      return refused(unavailable, "Too much is going on; nothing was done.");
    case runtime::outcome::full:
      return refused(unavailable, "The storage is full; nothing was done.");
    case runtime::outcome::failed:
    case runtime::outcome::quarantined:
      return refused(failed, "It could not be done; nothing was done.");
    case runtime::outcome::unknown:
      return refused(unavailable, "It may or may not have been done.");
    default:
      return refused(unavailable, "The shard is not served now; nothing was done.");
  }
}

}  // namespace

class open_desk {
 public:
  open_desk(caf::event_based_actor* self, desk_config config) : self_(self), config_(std::move(config)) {}

  void take(const gateway::exchange& exchange) {
    auto& responder = *exchange.responder;
    if (calls_.size() >= config_.calls_max)
      return responder.respond(to_response(refused(unavailable, "Too much is going on; nothing was done.")));
    auto planned = plan_of(*exchange.request, config_.tenant);
    if (auto* answer = std::get_if<runtime::answer>(&planned))
      return responder.respond(to_response(std::move(*answer)));
    open_call call;
    call.responder = exchange.responder;
    call.questions = std::get<plan>(std::move(planned));
    call.deadline = config_.clock->steady() + config_.request_deadline;
    const auto number = ++last_call_;
    ask(number, calls_.emplace(number, std::move(call)).first->second);
  }

  void take(const runtime::response& response) {
    const auto found = calls_.find(response.correlation);
    if (found == calls_.end()) return;
    auto& call = found->second;
    auto answer = answer_of(response);
    if (call.next + 1 == call.questions.size() || answer.status >= 300) {
      if (answer.status < 300 && !call.said.empty()) answer.body.insert(0, call.said);
      return finish(response.correlation, std::move(answer));
    }
    call.said += answer.body;
    ++call.next;
    ask(response.correlation, call);
  }

  /// Whether deadlines are to be looked at: somebody waits, and nobody looks yet.
  bool begins_to_wait() { return !calls_.empty() && !std::exchange(looking_, true); }

  void tick() {
    looking_ = false;
    const auto now = config_.clock->steady();
    std::vector<std::uint64_t> late;
    for (const auto& [number, call] : calls_)
      if (now >= call.deadline || call.asked_of != config_.routing->shard(call.shard)) late.push_back(number);
    for (const auto number : late)
      finish(number, refused(unavailable, "There is no answer: it may or may not have been done."));
  }

 private:
  void ask(std::uint64_t number, open_call& call) {
    auto& question = call.questions[call.next];
    call.shard = config_.routing->shard_of(question.to);
    call.asked_of = config_.routing->shard(call.shard);
    if (call.asked_of == nullptr)
      return finish(number, refused(unavailable, "The shard is not served now; nothing was done."));
    runtime::request request;
    request.to = std::move(question.to);
    request.command = std::move(question.command);
    request.read_only = question.read_only;
    config_.random->fill(request.id);
    request.correlation = number;
    request.reply_to = caf::actor_cast<caf::actor>(self_);
    request.deadline = call.deadline;
    self_->send(call.asked_of, std::move(request));
  }

  void finish(std::uint64_t number, runtime::answer answer) {
    const auto found = calls_.find(number);
    const auto responder = std::move(found->second.responder);
    calls_.erase(found);
    responder->respond(to_response(std::move(answer)));
  }

  caf::event_based_actor* self_;
  desk_config config_;
  std::unordered_map<std::uint64_t, open_call> calls_;
  std::uint64_t last_call_ = 0;
  bool looking_ = false;  // a tick is on its way
};

caf::behavior desk(caf::stateful_actor<desk_state>* self, desk_config config) {
  supervision::handle_failures(self);
  const auto tick = config.tick;
  self->state.desk = std::make_shared<open_desk>(self, std::move(config));
  const auto look_later = [self, tick] {
    if (self->state.desk->begins_to_wait()) self->delayed_send(self, tick, gateway::gateway_tick{});
  };
  return {
      [self, look_later](const gateway::exchange& exchange) {
        self->state.desk->take(exchange);
        look_later();
      },
      [self](const runtime::response& response) { self->state.desk->take(response); },
      [self, look_later](const gateway::gateway_tick&) {
        self->state.desk->tick();
        look_later();
      },
  };
}

}  // namespace souk::marketplace
