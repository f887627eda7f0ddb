#include "runtime/node/feed_follower.hpp"

#include "runtime/node/node.pb.h"
#include "runtime/shard/keys.hpp"
#include "runtime/shard/state.pb.h"
#include "runtime/supervision/failure.hpp"

#include <caf/all.hpp>

#include <utility>

namespace souk::runtime {

namespace {

// What could not be asked or was refused is tried again so often.
constexpr std::chrono::milliseconds tick_interval{200};
// A coordinator that was restarted does not know its subscribers.
constexpr unsigned ticks_per_subscription = 5;

address address_of(const pb::FeedEvent& event) {
  return {event.tenant(), static_cast<kind_id>(event.kind()), event.key()};
}

}  // namespace

caf::behavior feed_follower(feed_follower_actor* self, feed_follower_options options) {
  supervision::handle_failures(self);
  return self->state.start(std::move(options));
}

caf::behavior feed_follower_life::start(feed_follower_options options) {
  options_ = std::move(options);
  on_tick();
  return {
      [this](const view_changed& changed) { take(changed.view); },
      [](const registration_changed&) {},
      [this](const neighbour_changed& changed) {
        if (!changed.up) return;
        for (const auto& [shard, from] : sources_)
          if (from.node == changed.node) ask_on(shard);
        listen(changed.node);
      },
      [this](const links::node_answer& answer) { take(answer); },
      [this](tick) { on_tick(); },
  };
}

void feed_follower_life::on_tick() {
  self_->delayed_send(self_, tick_interval, tick{});
  if (ticks_++ % ticks_per_subscription == 0)
    if (const auto coordinator = options_.coordinator())
      self_->send(coordinator, subscribe{caf::actor{self_}});
  for (const auto& [shard, from] : sources_) {
    ask_on(shard);
    if (!listening_.contains(from.node)) listen(from.node);
  }
}

void feed_follower_life::take(const std::shared_ptr<const cluster_view>& view) {
  for (shard_id shard = 0; shard < view->shards.size(); ++shard) {
    const auto& record = view->shards[shard];
    if (record.primary.empty() || record.primary == options_.node) {
      sources_.erase(shard);
      continue;
    }
    auto& from = sources_[shard];
    if (from.node == record.primary && from.epoch == record.epoch) continue;
    from.node = record.primary;
    from.epoch = record.epoch;
    begin(shard);
    ask_on(shard);
  }
  count_behind();
}

// What is known stays known: no epoch changes what was committed. The next tick asks, or who has news of the
// link or the shard.
void feed_follower_life::begin(shard_id shard) {
  auto& from = sources_.at(shard);
  from.at = stage::rows;
  from.question = 0;
  from.after.clear();
  ++options_.figures->beginnings;
}

// The next page of a shard that is not live yet.
void feed_follower_life::ask_on(shard_id shard) {
  auto& from = sources_.at(shard);
  if (from.question != 0 || (from.at != stage::rows && from.at != stage::records)) return;
  pb::RowsQuestion question;
  question.set_shard(shard);
  question.set_epoch(from.epoch);
  question.set_after(from.after);
  question.set_records(from.at == stage::records);
  question.set_after_index(from.index);
  from.question = ask(from.node, "feed_rows", question.SerializeAsString(), shard);
}

void feed_follower_life::listen(const std::string& node) {
  pb::FeedQuestion question;
  for (const auto& [shard, from] : sources_) {
    if (from.node != node || from.at != stage::live) continue;
    auto& cursor = *question.add_cursors();
    cursor.set_shard(shard);
    cursor.set_epoch(from.epoch);
    cursor.set_position(from.position);
  }
  if (question.cursors_size() == 0) return;
  if (const auto number = ask(node, "feed", question.SerializeAsString(), std::nullopt); number != 0)
    listening_[node] = number;
}

std::uint64_t feed_follower_life::ask(const std::string& node, std::string name, std::string content,
                                      std::optional<shard_id> shard) {
  const auto link = options_.link(node);
  if (!link) return 0;
  questions_[next_] = {node, shard};
  self_->send(link, links::node_question{std::move(name), std::move(content), next_, caf::actor{self_}});
  return next_++;
}

// A link answers every question, if only that it was lost.
void feed_follower_life::take(const links::node_answer& answer) {
  const auto found = questions_.find(answer.correlation);
  if (found == questions_.end()) return;
  const auto asked = std::move(found->second);
  questions_.erase(found);
  if (asked.shard) {
    const auto from = sources_.find(*asked.shard);
    if (from == sources_.end() || from->second.question != answer.correlation) return;
    from->second.question = 0;
    pb::RowsPage page;
    // Refused or lost: the next tick asks again.
    if (answer.answered && page.ParseFromString(answer.content)) take_page(*asked.shard, page);
    return;
  }
  const bool newest = listening_[asked.node] == answer.correlation;
  if (newest) listening_.erase(asked.node);
  pb::FeedNews news;
  if (!answer.answered || !news.ParseFromString(answer.content)) return;
  take_news(news);
  if (newest) listen(asked.node);
}

void feed_follower_life::take_page(shard_id shard, const pb::RowsPage& page) {
  auto& from = sources_.at(shard);
  if (page.trimmed()) return begin(shard);
  if (from.at == stage::rows) {
    if (from.after.empty()) {
      from.position = page.position();
      from.index = page.applied();
    }
    take_rows(from, page);
    if (page.rows_size() > 0) from.after = page.rows(page.rows_size() - 1).key();
    if (!page.more()) from.at = stage::records;
  } else {
    for (const auto& event : page.events())
      if (!take_event(from, event)) return begin(shard);
    from.index = page.last_index();
    if (!page.more()) from.at = stage::live;
  }
  if (from.at != stage::live) return ask_on(shard);
  count_behind();
  listen(from.node);
}

void feed_follower_life::take_rows(source& from, const pb::RowsPage& page) {
  struct restored {
    const entity_kind* kind = nullptr;
    std::unique_ptr<entity_state> state;
    std::uint64_t version = 0;
  };
  std::unordered_map<address, restored> entities;
  for (const auto& row : page.rows()) {
    const auto parsed = keys::parse_entity_row(row.key());
    if (!parsed) throw undecodable("another node sent a row without an address");
    auto& entity = entities[parsed->address];
    if (!entity.state) {
      entity.kind = &options_.kinds->kind(parsed->address.kind);
      entity.state = entity.kind->initial();
    }
    if (parsed->row == keys::entity_header_row) {
      entity.version = parse_as<pb::EntityHeader>(row.value())->version();
    } else {
      entity.kind->load_row(*entity.state, parsed->row, row.value());
    }
  }
  for (const auto& [address, entity] : entities) {
    auto& known = from.versions[address];
    if (entity.version <= known) continue;
    known = entity.version;
    for (const auto& projection : options_.projections)
      if (projection->source() == address.kind) projection->restore(address, entity.version, *entity.state);
  }
  options_.figures->rows += static_cast<std::uint64_t>(page.rows_size());
}

void feed_follower_life::take_news(const pb::FeedNews& news) {
  for (const auto& told : news.shards()) {
    const auto shard = static_cast<shard_id>(told.shard());
    const auto found = sources_.find(shard);
    if (found == sources_.end() || found->second.at != stage::live) continue;
    auto& from = found->second;
    if (told.from() != from.position) continue;
    bool whole = !told.lost();
    for (int i = 0; whole && i < told.events_size(); ++i)
      whole = take_event(from, told.events(i));
    if (whole) {
      from.position = told.position();
    } else {
      begin(shard);
      count_behind();
    }
  }
}

/// False if one before it is missing.
bool feed_follower_life::take_event(source& from, const pb::FeedEvent& event) {
  const auto address = address_of(event);
  auto& known = from.versions[address];
  if (event.version() <= known) return true;
  if (event.version() != known + 1) return false;
  const auto parsed = options_.kinds->kind(address.kind).parse_event(event.event());
  for (const auto& projection : options_.projections)
    if (projection->source() == address.kind) projection->apply(address, event.version(), *parsed);
  known = event.version();
  ++options_.figures->events;
  return true;
}

void feed_follower_life::count_behind() {
  std::int64_t behind = 0;
  for (const auto& [shard, from] : sources_)
    behind += from.at != stage::live;
  options_.figures->behind = behind;
}

}  // namespace souk::runtime
