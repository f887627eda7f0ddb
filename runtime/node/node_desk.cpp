#include "runtime/node/node_desk.hpp"

#include "runtime/node/node.pb.h"
#include "runtime/supervision/failure.hpp"

#include <caf/all.hpp>

#include <utility>

namespace souk::runtime {

namespace {

// Whoever waits for a replica that says nothing; the oldest goes. A controller asks once a second.
constexpr std::size_t visitors_max = 16;
// Questions of our controller under way; the oldest goes.
constexpr std::size_t errands_max = 4'096;

constexpr std::string_view position_name = "position";
constexpr std::string_view feed_prefix = "feed";

std::string to_bytes(const replication::position_answer& answer) {
  pb::PositionTold told;
  told.set_member(answer.member);
  told.set_epoch(answer.epoch);
  told.set_last_index(answer.last.index);
  told.set_last_epoch(answer.last.epoch);
  for (const auto& member : answer.reaches)
    told.add_reaches(member);
  return told.SerializeAsString();
}

replication::position_answer answer_of(const pb::PositionTold& told) {
  replication::position_answer answer;
  answer.member = told.member();
  answer.epoch = told.epoch();
  answer.last = {told.last_index(), told.last_epoch()};
  answer.reaches.assign(told.reaches().begin(), told.reaches().end());
  return answer;
}

}  // namespace

caf::behavior node_desk(node_desk_actor* self, node_desk_options options) {
  supervision::handle_failures(self);
  return self->state.start(std::move(options));
}

caf::behavior node_desk_life::start(node_desk_options options) {
  options_ = std::move(options);
  return {
      [this](const ask_position& question) { take(question); },
      [this](const links::node_question& question) { take(question); },
      [this](const position_told& told) { take(told); },
      [this](const links::node_answer& answer) { take(answer); },
  };
}

void node_desk_life::take(const ask_position& question) {
  const std::string node{node_of_member(question.member)};
  if (node == options_.node) {
    if (const auto replica = options_.replica(question.shard)) self_->send(replica, question);
    return;
  }
  const auto link = options_.link(node);
  if (!link) return;
  pb::PositionQuestion asked;
  asked.set_shard(question.shard);
  asked.set_member(question.member);
  if (errands_.size() >= errands_max) errands_.erase(errands_.begin());
  errands_[next_] = {question.shard, question.reply_to};
  self_->send(link, links::node_question{std::string{position_name}, asked.SerializeAsString(), next_++,
                                         caf::actor{self_}});
}

void node_desk_life::take(const links::node_question& question) {
  const auto refuse = [&] {
    self_->send(question.reply_to, links::node_answer{question.correlation, false, {}});
  };
  if (question.name.starts_with(feed_prefix)) {
    const auto feed = options_.feed();
    return feed ? self_->send(feed, question) : refuse();
  }
  pb::PositionQuestion asked;
  if (question.name != position_name || !asked.ParseFromString(question.content)) return refuse();
  const auto shard = static_cast<shard_id>(asked.shard());
  const auto replica = options_.replica(shard);
  if (!replica) return refuse();
  auto& waiting = visitors_[shard];
  if (waiting.size() >= visitors_max) waiting.pop_front();
  waiting.push_back({question.correlation, question.reply_to});
  self_->send(replica, ask_position{shard, asked.member(), caf::actor{self_}});
}

// One replica speaks for the shard: what it says answers all who wait.
void node_desk_life::take(const position_told& told) {
  const auto bytes = to_bytes(told.answer);
  for (const auto& visitor : std::exchange(visitors_[told.shard], {}))
    self_->send(visitor.reply_to, links::node_answer{visitor.correlation, true, bytes});
}

void node_desk_life::take(const links::node_answer& answer) {
  const auto found = errands_.find(answer.correlation);
  if (found == errands_.end()) return;
  const auto errand = std::move(found->second);
  errands_.erase(found);
  pb::PositionTold told;
  if (!answer.answered || !told.ParseFromString(answer.content)) return;
  self_->send(errand.reply_to, position_told{errand.shard, answer_of(told)});
}

}  // namespace souk::runtime
