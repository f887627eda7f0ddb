#include "actors/nats/publisher.hpp"

#include "actors/gateway/event_merge.hpp"
#include "actors/nats/sink.hpp"
#include "actors/webhook/feed_page.hpp"
#include "runtime/supervision/failure.hpp"
#include "runtime/telemetry/log.hpp"

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <exception>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace souk::nats {

namespace {

/// A shard that has what this version cannot read is asked again so often.
constexpr std::chrono::minutes unreadable_interval{1};
/// What is refused, or may not be claimed, is complained of no more often.
constexpr std::chrono::minutes complaint_interval{1};

/// One shard of this node.
struct shard_work {
  runtime::address sink;
  std::string run;
  std::optional<pb::Command> asked;  // of the sink, and not answered
  std::uint64_t question = 0;        // of the sink
  nanoseconds ask_again{};
  std::uint64_t reading = 0;  // the question for a page; 0: none
  nanoseconds read_again{};   // not before, or again after
};

}  // namespace

class publisher_desk {
 public:
  publisher_desk(caf::event_based_actor* self, publisher_config config)
      : self_(self), config_(std::move(config)), plan_(config_.limits) {
    const gateway::event_filter all;
    kinds_ = all.kinds();
  }

  void tick() {
    const auto now = config_.clock->steady();
    if (now >= next_look_) look_for_shards(now);
    end_late(now);
    for (auto& [shard, work] : works_)
      step(shard, work, now);
    publish(now);
    count();
  }

  void take(const runtime::index_page& page) {
    const auto found = questions_.find(page.correlation);
    if (found == questions_.end()) return;
    const auto shard = found->second;
    questions_.erase(found);
    const auto at = works_.find(shard);
    if (at == works_.end() || at->second.reading != page.correlation) return;
    at->second.reading = 0;
    take_page(shard, at->second, page);
    publish(config_.clock->steady());
  }

  void take(const runtime::response& response) {
    const auto found = questions_.find(response.correlation);
    if (found == questions_.end()) return;
    const auto shard = found->second;
    questions_.erase(found);
    const auto at = works_.find(shard);
    if (at == works_.end() || at->second.question != response.correlation) return;
    auto& work = at->second;
    // Where nothing is known it is asked again, and a repeat changes nothing.
    if (response.outcome != runtime::outcome::answered) return;
    work.question = 0;
    const auto asked = std::exchange(work.asked, std::nullopt);
    if (response.answer.status != 200) return refused(shard, response.answer);
    const auto now = config_.clock->steady();
    if (const auto* sink = dynamic_cast<const pb::Sink*>(response.answer.value.get()))
      plan_.begin(shard, *sink, now);
    else if (asked && asked->has_progress() && plan_.has(shard))
      plan_.committed(shard);
    else
      return leave(shard);
    step(shard, work, now);
  }

  void take(const publish_ended& ended) {
    const auto found = tries_.find(ended.number);
    if (found == tries_.end()) return;
    const auto id = std::move(found->second.id);
    tries_.erase(found);
    end(ended.number, id, ended.result);
  }

 private:
  // -- which shards ----------------------------------------------------------------------------------

  void look_for_shards(nanoseconds now) {
    next_look_ = now + config_.look_interval;
    for (runtime::shard_id shard = 0; shard < config_.routing->shard_count(); ++shard) {
      const bool here = config_.routing->local(shard) != nullptr;
      const bool known = works_.contains(shard);
      if (here && !known) claim(shard);
      if (!here && known) leave(shard);
    }
    // Of shards that went while something was asked of them.
    std::erase_if(questions_, [this](const auto& each) { return !works_.contains(each.second); });
  }

  void leave(runtime::shard_id shard) {
    plan_.end(shard);
    works_.erase(shard);
  }

  void claim(runtime::shard_id shard) {
    auto& work = works_[shard];
    auto& sink = sinks_[shard];
    if (sink.key.empty()) sink = sink_of(shard, config_.routing->shard_count(), config_.stream);
    work.sink = sink;
    work.run = config_.random->next_part();
    pb::Command command;
    command.mutable_claim()->set_run(work.run);
    ask(shard, work, std::move(command));
  }

  /// It is claimed anew with the next look, if this node leads the shard then.
  void refused(runtime::shard_id shard, const runtime::answer& answer) {
    if (!plan_.has(shard)) complain("a shard's events cannot be published yet", answer.body);
    leave(shard);
  }

  // -- questions -------------------------------------------------------------------------------------

  void ask(runtime::shard_id shard, shard_work& work, pb::Command command) {
    work.asked = std::move(command);
    put(shard, work);
  }

  /// Puts the question to the sink, or puts it again.
  void put(runtime::shard_id shard, shard_work& work) {
    work.ask_again = config_.clock->steady() + config_.patience;
    const auto to = config_.routing->local(shard);
    if (to == nullptr) return;
    questions_.erase(work.question);
    work.question = ++last_number_;
    questions_.emplace(work.question, shard);
    runtime::request request;
    request.to = work.sink;
    request.command = std::make_shared<const pb::Command>(*work.asked);
    config_.random->fill(request.id);
    request.admin = true;
    request.correlation = work.question;
    request.reply_to = caf::actor_cast<caf::actor>(self_);
    self_->send(to, std::move(request));
  }

  /// One shard's share of a tick.
  void step(runtime::shard_id shard, shard_work& work, nanoseconds now) {
    if (work.asked && now >= work.ask_again) put(shard, work);
    if (!plan_.has(shard)) return;
    commit(shard, work, now);
    read_on(shard, work, now);
  }

  void commit(runtime::shard_id shard, shard_work& work, nanoseconds now) {
    if (work.asked) return;
    auto progress = plan_.progress(shard, now);
    if (!progress) return;
    progress->set_run(work.run);
    pb::Command command;
    *command.mutable_progress() = *std::move(progress);
    ask(shard, work, std::move(command));
  }

  // -- the feed --------------------------------------------------------------------------------------

  /// How long a shard that was read to its end is left alone.
  nanoseconds pause_at_end() const {
    const std::chrono::milliseconds spread{works_.size() * 1'000 / config_.idle_reads_per_second};
    return std::max(config_.read_interval, spread);
  }

  void read_on(runtime::shard_id shard, shard_work& work, nanoseconds now) {
    if (now < work.read_again || !plan_.wants_more(shard)) return;
    const auto to = config_.routing->local(shard);
    if (to == nullptr) return;
    questions_.erase(work.reading);  // it was not answered in time
    const auto& place = plan_.place(shard);
    runtime::index_query query;
    query.limit = config_.page_records;
    query.journal = {place.index(), place.epoch(), kinds_, true};
    query.correlation = ++last_number_;
    query.reply_to = caf::actor_cast<caf::actor>(self_);
    work.reading = query.correlation;
    work.read_again = now + config_.patience;
    questions_.emplace(query.correlation, shard);
    self_->send(to, std::move(query));
  }

  void take_page(runtime::shard_id shard, shard_work& work, const runtime::index_page& page) {
    const auto now = config_.clock->steady();
    work.read_again = now + pause_at_end();
    if (!page.available || !page.journal || !plan_.has(shard)) return;
    if (page.journal->lost) return lose(shard, *page.journal);
    try {
      plan_.take(shard, webhook::steps_of(plan_.place(shard), page));
    } catch (const std::exception& error) {
      // Of a later version, most likely: nothing is skipped.
      log::error("events cannot be read for NATS", {{"shard", shard}, {"why", error.what()}});
      work.read_again = now + unreadable_interval;
      return;
    }
    if (page.more) work.read_again = now;
    read_on(shard, work, now);
  }

  /// What was trimmed cannot be published any more; what waits behind it can.
  void lose(runtime::shard_id shard, const runtime::journal_extent& extent) {
    const auto from = plan_.place(shard).index();
    Place first;
    first.set_shard(shard);
    first.set_index(extent.first);
    first.set_epoch(extent.epoch);
    const auto records = plan_.lost(shard, first);
    config_.figures->lost_records += records;
    log::error("records were trimmed before their events were published to NATS",
               {{"shard", shard}, {"from", from}, {"to", extent.first}, {"records", records}});
  }

  // -- publishing ------------------------------------------------------------------------------------

  void publish(nanoseconds now) {
    while (auto next = plan_.next(now))
      post(*std::move(next), now);
  }

  void post(publish_try next, nanoseconds now) {
    auto& event = next.event;
    tries_.emplace(next.number, open_try{event.id, now + config_.try_timeout});
    publication publication{config_.prefix + "." + event.tenant + "." + event.type, std::move(event.id),
                            std::move(event.body)};
    config_.link->publish(std::move(publication), [me = caf::actor_cast<caf::actor>(self_),
                                                   number = next.number](publish_result result) {
      caf::anon_send(me, publish_ended{number, std::move(result)});
    });
  }

  void end(std::uint64_t number, const std::string& id, const publish_result& result) {
    ++config_.figures->tries.at(static_cast<std::size_t>(result.what));
    const auto now = config_.clock->steady();
    if (result.what == publish_result::kind::refused) complain("NATS refuses an event", result.why, id);
    const bool was_away = plan_.away();
    const auto shard = plan_.ended(number, result.what, now, config_.random->next_u64());
    if (plan_.away() && !was_away) log::warn("NATS takes no events", {{"why", result.why}});
    if (!plan_.away() && was_away) log::info("NATS takes events again", {});
    if (shard) step(*shard, works_.at(*shard), now);
    publish(now);
  }

  /// Links may stay silent.
  void end_late(nanoseconds now) {
    std::vector<std::pair<std::uint64_t, std::string>> late;
    for (const auto& [number, one] : tries_)
      if (one.deadline <= now) late.emplace_back(number, one.id);
    for (const auto& [number, id] : late) {
      tries_.erase(number);
      end(number, id, {publish_result::kind::away, "it did not answer in time"});
    }
  }

  // -- for operators ---------------------------------------------------------------------------------

  void complain(std::string_view what, std::string_view why, std::string_view event = {}) {
    const auto now = config_.clock->steady();
    if (now < next_complaint_) return;
    next_complaint_ = now + complaint_interval;
    log::error(what, {{"why", why}, {"event", event}});
  }

  void count() {
    auto& figures = *config_.figures;
    figures.shards = plan_.shards();
    figures.waiting = plan_.waiting();
    figures.away = plan_.away();
    const auto oldest = plan_.oldest_ms();
    const auto now_ms = runtime::to_ms(config_.clock->now());
    figures.behind_ms = oldest ? std::max<std::int64_t>(now_ms - *oldest, 0) : 0;
  }

  struct open_try {
    std::string id;  // of the event
    nanoseconds deadline{};
  };

  caf::event_based_actor* self_;
  publisher_config config_;
  publish_plan plan_;
  std::vector<runtime::kind_id> kinds_;  // whose events are public
  std::map<runtime::shard_id, shard_work> works_;
  std::map<runtime::shard_id, runtime::address> sinks_;  // found once
  std::unordered_map<std::uint64_t, runtime::shard_id> questions_;
  std::map<std::uint64_t, open_try> tries_;  // by the plan's number
  std::uint64_t last_number_ = 0;
  nanoseconds next_look_{};
  nanoseconds next_complaint_{};
};

caf::behavior publisher(caf::stateful_actor<publisher_state>* self, publisher_config config) {
  supervision::handle_failures(self);
  const auto tick = config.tick;
  self->state.desk = std::make_shared<publisher_desk>(self, std::move(config));
  self->delayed_send(self, tick, publisher_tick{});
  return {
      [self](const runtime::index_page& page) { self->state.desk->take(page); },
      [self](const runtime::response& response) { self->state.desk->take(response); },
      [self](const publish_ended& ended) { self->state.desk->take(ended); },
      [self, tick](const publisher_tick&) {
        self->state.desk->tick();
        self->delayed_send(self, tick, publisher_tick{});
      },
  };
}

}  // namespace souk::nats
