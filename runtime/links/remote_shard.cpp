#include "runtime/links/remote_shard.hpp"

#include <algorithm>
#include <utility>

namespace souk::links {

using runtime::outcome;

caf::behavior remote_shard_life::start(std::shared_ptr<const link_environment> environment, shard_id shard) {
  environment_ = std::move(environment);
  shard_ = shard;
  pending_.emplace(environment_->random->next_u64(), environment_->limits.pending_max);
  return {
      // from this node, for the other's shard
      [this](const runtime::request& request) { take(request); },
      [this](const runtime::index_query& query) { take(query); },
      [this](const runtime::stream_batch& batch) { take(batch); },
      [this](const runtime::stream_ack& ack) { send(freight::stream, 0, content(shard_, 0, ack)); },

      // from this node's shard, for whoever asked over there
      [this](const runtime::response& response) {
        send(freight::answer, 0, content(shard_, response.correlation, response));
      },
      [this](const runtime::index_page& page) {
        send(freight::answer, 0, content(shard_, page.correlation, page));
      },

      // from the link
      [this](const link_is& news) { take(news); },
      [this](answer_arrived& arrived) {
        auto question = pending_->take(arrived.response.correlation);
        if (!question || question->query) return;
        arrived.response.correlation = question->correlation;
        self_->send(question->reply_to, std::move(arrived.response));
      },
      [this](page_arrived& arrived) {
        auto question = pending_->take(arrived.page.correlation);
        if (!question || !question->query) return;
        arrived.page.correlation = question->correlation;
        self_->send(question->reply_to, std::move(arrived.page));
      },
      [this](const refused_there& refused) {
        if (auto question = pending_->take(refused.correlation))
          answer(*question, outcome::not_understood, refused.reason);
      },
      [this](const not_sent& unsent) {
        if (auto question = pending_->take(unsent.correlation))
          answer(*question, outcome::unavailable, unsent.reason);
      },
      [this](link_tick) { tick(); },
  };
}

void remote_shard_life::take(const runtime::request& request) {
  const question question{request.reply_to, request.correlation, false, request.read_only};
  if (!link_) return answer(question, outcome::unavailable);
  if (pending_->full()) return answer(question, outcome::overloaded);
  const auto now = environment_->time->steady();
  const auto deadline =
      request.deadline.count() != 0 ? request.deadline : now + environment_->limits.pending_timeout;
  if (deadline <= now) return answer(question, outcome::unavailable);
  const auto number = remember(question, deadline);
  send(freight::request, number,
       content(shard_, number, request, std::chrono::ceil<std::chrono::milliseconds>(deadline - now)));
}

void remote_shard_life::take(const runtime::index_query& query) {
  const question question{query.reply_to, query.correlation, true, true};
  if (!link_ || pending_->full()) return answer(question, outcome::unavailable);
  const auto number = remember(question, environment_->time->steady() + environment_->limits.pending_timeout);
  send(freight::request, number, content(shard_, number, query));
}

void remote_shard_life::take(const runtime::stream_batch& batch) {
  if (!link_) return;
  for (auto& part : contents(batch))
    send(freight::stream, 0, std::move(part));
}

void remote_shard_life::take(const link_is& news) {
  for (const auto& question : pending_->take_all())
    give_up(question);
  link_ = news.up ? news.link : caf::actor{};
}

void remote_shard_life::tick() {
  for (const auto& question : pending_->take_expired(environment_->time->steady()))
    give_up(question);
  ticking_ = !pending_->empty();
  if (ticking_) self_->delayed_send(self_, environment_->limits.pending_tick, link_tick{});
}

std::uint64_t remote_shard_life::remember(question question, std::chrono::nanoseconds deadline) {
  if (!std::exchange(ticking_, true))
    self_->delayed_send(self_, environment_->limits.pending_tick, link_tick{});
  return pending_->add(std::move(question), deadline);
}

void remote_shard_life::send(freight freight, std::uint64_t correlation, std::string content) {
  if (link_) self_->send(link_, outgoing{freight, shard_, correlation, std::move(content)});
}

void remote_shard_life::answer(const question& to, runtime::outcome outcome, std::string detail) {
  if (to.query) {
    self_->send(to.reply_to, runtime::index_page{to.correlation, false, {}, false});
  } else {
    self_->send(to.reply_to, runtime::response{to.correlation, outcome, {}, std::move(detail)});
  }
}

void remote_shard_life::give_up(const question& question) {
  answer(question, question.read_only ? outcome::unavailable : outcome::unknown);
}

caf::behavior remote_shard(remote_shard_actor* self, std::shared_ptr<const link_environment> environment,
                           shard_id shard) {
  return self->state.start(std::move(environment), shard);
}

}  // namespace souk::links
