#include "actors/webhook/sender.hpp"

#include "actors/gateway/event_merge.hpp"
#include "actors/kinds.hpp"
#include "actors/webhook/endpoint.hpp"
#include "actors/webhook/feed_page.hpp"
#include "actors/webhook/retry_after.hpp"
#include "actors/webhook/signature.hpp"
#include "runtime/supervision/failure.hpp"
#include "runtime/telemetry/log.hpp"

#include <caf/actor_cast.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <charconv>
#include <exception>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace souk::webhook {

namespace {

using nanoseconds = std::chrono::nanoseconds;

/// Endpoints of one shard: `endpoints_max`, and what a race of their makers may add.
constexpr std::uint32_t index_rows_max = 1'000;
/// A shard that has what this version cannot read is asked again so often.
constexpr std::chrono::minutes unreadable_interval{1};

/// A number without anything else; 0 for what is none.
std::uint64_t number_in(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? number : 0;
}

struct judged {
  sender_figures::result figure;
  try_outcome outcome;
};

/// What the answer of a receiver means.
judged judge(const post_result& result, runtime::timestamp now) {
  using kind = try_outcome::kind;
  using figure = sender_figures::result;
  if (result.status >= 200 && result.status < 300) return {figure::taken, {kind::taken, {}, {}}};
  if (result.status == 0) return {figure::no_answer, {kind::failed, result.failure, {}}};
  auto detail = "it answered " + std::to_string(result.status);
  if (result.status == 410) return {figure::gone, {kind::gone, std::move(detail), {}}};
  const bool busy = result.status == 429 || result.status == 503;
  if (const auto asked = pause_asked_for(result.retry_after, now); busy && asked.count() > 0)
    return {figure::paused, {kind::paused, std::move(detail), asked}};
  return {figure::status, {kind::failed, std::move(detail), {}}};
}

/// How a shard's journal is being read for one endpoint.
struct reading {
  std::uint64_t question = 0;  // under way; 0: none
  nanoseconds again{};         // ask not before, or again after
};

/// One endpoint.
struct endpoint_work {
  runtime::shard_id home = 0;
  std::string run;
  pb::Endpoint endpoint;
  std::optional<delivery_plan> plan;  // nothing: it is being claimed
  std::map<runtime::shard_id, reading> readings;
  std::optional<pb::Command> asked;  // of the endpoint, and not answered
  std::uint64_t question = 0;
  nanoseconds ask_again{};
  bool endpoint_told = false;  // that it is disabled
  bool outdated = false;       // it changed: to be claimed anew when nothing is under way
};

/// A try under way.
struct open_try {
  runtime::address endpoint;
  std::string run;
  std::string event;
  nanoseconds deadline{};
};

/// What a page or an answer is for.
struct open_question {
  runtime::address endpoint;  // its key empty: a tenant's endpoints in the shard are asked for
  runtime::shard_id shard = 0;
};

}  // namespace

class sender_desk {
 public:
  sender_desk(caf::event_based_actor* self, sender_config config) : self_(self), config_(std::move(config)) {
    const gateway::event_filter all;
    kinds_ = all.kinds();
  }

  void tick() {
    const auto now = config_.clock->steady();
    if (now >= next_look_) look_for_endpoints(now);
    end_late(now);
    for (auto at = works_.begin(); at != works_.end();) {
      auto& [endpoint, work] = *at;
      const bool over = step(endpoint, work, now);
      at = over ? works_.erase(at) : std::next(at);
    }
    count();
  }

  void take(const runtime::index_page& page) {
    const auto found = questions_.find(page.correlation);
    if (found == questions_.end()) return;
    const auto question = found->second;
    questions_.erase(found);
    if (question.endpoint.key.empty()) {
      if (page.available) take_endpoints(question.endpoint.tenant, question.shard, page);
      return;
    }
    const auto work = works_.find(question.endpoint);
    if (work == works_.end()) return;
    auto& reading = work->second.readings[question.shard];
    if (reading.question != page.correlation) return;
    reading.question = 0;
    take_page(work->first, work->second, question.shard, page);
    pump(work->first, work->second, config_.clock->steady());
  }

  void take(const runtime::response& response) {
    const auto found = questions_.find(response.correlation);
    if (found == questions_.end()) return;
    const auto endpoint = found->second.endpoint;
    questions_.erase(found);
    const auto at = works_.find(endpoint);
    if (at == works_.end() || at->second.question != response.correlation) return;
    auto& work = at->second;
    // Where nothing is known it is asked again, and a repeat changes nothing.
    if (response.outcome != runtime::outcome::answered) return;
    work.question = 0;
    const auto asked = std::exchange(work.asked, std::nullopt);
    if (response.answer.status != 200) {
      works_.erase(at);  // removed, or another sender's
      return;
    }
    const auto* claimed = dynamic_cast<const pb::Claimed*>(response.answer.value.get());
    if (asked && asked->has_claim() && claimed != nullptr) begin(work, *claimed);
  }

  void take(const post_ended& ended) {
    const auto found = tries_.find(ended.number);
    if (found == tries_.end()) return;
    const auto one = std::move(found->second);
    tries_.erase(found);
    end(one, ended.result);
  }

 private:
  // -- which endpoints -------------------------------------------------------------------------------

  void look_for_endpoints(nanoseconds now) {
    std::erase_if(works_,
                  [this](const auto& each) { return config_.routing->local(each.second.home) == nullptr; });
    // What was asked for the last time, and of endpoints that are gone, is of no use any more.
    std::erase_if(questions_, [this](const auto& each) {
      const auto& endpoint = each.second.endpoint;
      return endpoint.key.empty() || !works_.contains(endpoint);
    });
    std::uint64_t asked = 0;
    for (const auto& tenant : config_.tenants())
      for (runtime::shard_id shard = 0; shard < config_.routing->shard_count(); ++shard) {
        const auto to = config_.routing->local(shard);
        if (to == nullptr) continue;
        ++asked;
        runtime::index_query query;
        query.tenant = tenant;
        query.index = endpoint_index;
        query.limit = index_rows_max;
        ask(to, std::move(query), {{tenant, kinds::webhook, {}}, shard});
      }
    next_look_ = now + at_most_so_often(config_.look_interval, asked);
  }

  void take_endpoints(const std::string& tenant, runtime::shard_id shard, const runtime::index_page& page) {
    std::set<std::string, std::less<>> there;
    for (const auto& [key, value] : page.rows) {
      const auto revision = number_in(value);
      const runtime::address endpoint{tenant, kinds::webhook, key};
      there.insert(key);
      const auto known = works_.find(endpoint);
      if (known == works_.end()) {
        if (revision != 0) claim(endpoint, shard);
      } else if (known->second.plan && known->second.endpoint.revision() != revision) {
        known->second.outdated = true;
      }
    }
    std::erase_if(works_, [&](const auto& each) {
      const auto& [endpoint, work] = each;
      return work.home == shard && endpoint.tenant == tenant && work.plan && !there.contains(endpoint.key);
    });
  }

  void claim(const runtime::address& endpoint, runtime::shard_id home) {
    auto& work = works_[endpoint];
    work.home = home;
    work.run = config_.random->next_part();
    pb::Command command;
    command.mutable_claim()->set_run(work.run);
    ask(endpoint, work, std::move(command));
  }

  void begin(endpoint_work& work, const pb::Claimed& claimed) {
    work.endpoint = claimed.endpoint();
    work.plan.emplace(claimed, config_.limits);
    for (const auto& place : work.endpoint.places())
      work.readings[static_cast<runtime::shard_id>(place.shard())] = {};
    // It may have been disabled just before.
    if (!work.endpoint.disabled().empty()) work.outdated = true;
  }

  // -- questions -------------------------------------------------------------------------------------

  void ask(const caf::actor& to, runtime::index_query query, open_question question) {
    query.correlation = ++last_number_;
    query.reply_to = caf::actor_cast<caf::actor>(self_);
    questions_.emplace(query.correlation, std::move(question));
    self_->send(to, std::move(query));
  }

  void ask(const runtime::address& endpoint, endpoint_work& work, pb::Command command) {
    work.asked = std::move(command);
    put(endpoint, work);
  }

  /// Puts the question to the endpoint, or puts it again.
  void put(const runtime::address& endpoint, endpoint_work& work) {
    work.ask_again = config_.clock->steady() + config_.patience;
    const auto shard = config_.routing->local(work.home);
    if (shard == nullptr) return;
    questions_.erase(work.question);
    work.question = ++last_number_;
    questions_.emplace(work.question, open_question{endpoint, work.home});
    runtime::request request;
    request.to = endpoint;
    request.command = std::make_shared<const pb::Command>(*work.asked);
    config_.random->fill(request.id);
    request.admin = true;
    request.correlation = work.question;
    request.reply_to = caf::actor_cast<caf::actor>(self_);
    self_->send(shard, std::move(request));
  }

  // -- the feed --------------------------------------------------------------------------------------

  /// So long, or longer where too many things are done each time.
  nanoseconds at_most_so_often(nanoseconds interval, std::uint64_t things) const {
    const std::chrono::milliseconds spread{things * 1'000 / config_.idle_reads_per_second};
    return std::max<nanoseconds>(interval, spread);
  }

  /// How long a shard that was read to its end is left alone.
  nanoseconds pause_at_end() const {
    return at_most_so_often(config_.read_interval, works_.size() * config_.routing->shard_count());
  }

  void read_on(const runtime::address& endpoint, endpoint_work& work, nanoseconds now) {
    for (auto& [shard, reading] : work.readings) {
      if (!work.plan->wants_more()) return;
      if (now < reading.again) continue;
      const auto to = config_.routing->shard(shard);
      if (to == nullptr) continue;
      questions_.erase(reading.question);  // it was not answered in time
      const auto& place = work.plan->place(shard);
      runtime::index_query query;
      query.tenant = endpoint.tenant;
      query.limit = config_.page_records;
      query.journal = {place.index(), place.epoch(), kinds_};
      reading.question = last_number_ + 1;
      reading.again = now + config_.patience;
      ask(to, std::move(query), {endpoint, shard});
    }
  }

  void take_page(const runtime::address& endpoint, endpoint_work& work, runtime::shard_id shard,
                 const runtime::index_page& page) {
    const auto now = config_.clock->steady();
    auto& reading = work.readings[shard];
    reading.again = now + pause_at_end();
    if (!page.available || !page.journal || !work.plan) return;
    if (page.journal->lost) {
      pb::Place first;
      first.set_shard(shard);
      first.set_index(page.journal->first);
      first.set_epoch(page.journal->epoch);
      work.plan->lost(shard, first);
      return;
    }
    try {
      work.plan->take(shard, steps_of(work.plan->place(shard), page));
      if (page.more) reading.again = now;
    } catch (const std::exception& error) {
      // Of a later version, most likely: nothing is skipped.
      log::error("events cannot be read for a webhook endpoint",
                 {{"tenant", endpoint.tenant}, {"endpoint", endpoint.key}, {"why", error.what()}});
      reading.again = now + unreadable_interval;
    }
  }

  // -- deliveries ------------------------------------------------------------------------------------

  /// Reads and sends what can be read and sent now.
  void pump(const runtime::address& endpoint, endpoint_work& work, nanoseconds now) {
    if (!work.plan || work.outdated) return;
    read_on(endpoint, work, now);
    while (auto next = work.plan->next(config_.clock->now()))
      post(endpoint, work, *std::move(next));
  }

  void post(const runtime::address& endpoint, const endpoint_work& work, delivery_try next) {
    const auto number = ++last_number_;
    tries_.emplace(number,
                   open_try{endpoint, work.run, next.id, config_.clock->steady() + config_.try_timeout});
    const auto now = config_.clock->now();
    const auto& known = work.endpoint;
    const bool two = runtime::to_ms(now) < known.previous_until_ms();
    posting posting;
    posting.url = known.url();
    posting.fields =
        signed_fields(next.id, std::chrono::floor<std::chrono::seconds>(now).time_since_epoch(), next.body,
                      known.secret(), two ? std::string_view{known.previous_secret()} : std::string_view{});
    posting.body = std::move(next.body);
    config_.courier->post(std::move(posting),
                          [me = caf::actor_cast<caf::actor>(self_), number](post_result result) {
                            caf::anon_send(me, post_ended{number, std::move(result)});
                          });
  }

  void end(const open_try& one, const post_result& result) {
    const auto now = config_.clock->now();
    const auto judged = judge(result, now);
    ++config_.figures->tries.at(static_cast<std::size_t>(judged.figure));
    const auto found = works_.find(one.endpoint);
    // Of an earlier claim nothing counts: it will be delivered again.
    if (found == works_.end() || found->second.run != one.run || !found->second.plan) return;
    auto& [endpoint, work] = *found;
    work.plan->ended(one.event, judged.outcome, now, config_.random->next_u64());
    pump(endpoint, work, config_.clock->steady());
  }

  /// Couriers may stay silent.
  void end_late(nanoseconds now) {
    std::vector<std::uint64_t> late;
    for (const auto& [number, one] : tries_)
      if (one.deadline <= now) late.push_back(number);
    for (const auto number : late) {
      const auto one = std::move(tries_.at(number));
      tries_.erase(number);
      end(one, {.status = 0, .failure = "it did not answer in time", .retry_after = {}});
    }
  }

  /// One endpoint's share of a tick. True: it is done with.
  bool step(const runtime::address& endpoint, endpoint_work& work, nanoseconds now) {
    if (work.asked) {
      if (now >= work.ask_again) put(endpoint, work);
      if (work.plan) pump(endpoint, work, now);
      return false;
    }
    if (!work.plan) return false;
    const bool ending = work.outdated || !work.plan->disabled().empty();
    if (!ending) pump(endpoint, work, now);
    if (ending && work.plan->under_way() > 0) return false;
    // What disabled it is committed once.
    const bool last = std::exchange(work.endpoint_told, !work.plan->disabled().empty());
    if (auto progress = last ? std::nullopt : work.plan->progress()) {
      tell_of(endpoint, *progress);
      progress->set_run(work.run);
      pb::Command command;
      *command.mutable_progress() = *std::move(progress);
      ask(endpoint, work, std::move(command));
      return false;
    }
    if (ending) next_look_ = now;
    return ending;
  }

  void tell_of(const runtime::address& endpoint, const pb::Progress& progress) {
    if (progress.disable().empty()) return;
    ++config_.figures->disabled;
    log::warn("a webhook endpoint is disabled", {{"tenant", endpoint.tenant},
                                                 {"endpoint", endpoint.key},
                                                 {"reason", progress.disable()},
                                                 {"failure", progress.failure()}});
  }

  void count() {
    std::uint64_t outages = 0;
    std::uint64_t parked = 0;
    for (const auto& [endpoint, work] : works_) {
      if (!work.plan) continue;
      outages += work.plan->in_outage() ? 1 : 0;
      parked += work.plan->parked();
    }
    config_.figures->endpoints = works_.size();
    config_.figures->outages = outages;
    config_.figures->parked = parked;
  }

  caf::event_based_actor* self_;
  sender_config config_;
  std::vector<runtime::kind_id> kinds_;  // whose events are public
  std::map<runtime::address, endpoint_work> works_;
  std::unordered_map<std::uint64_t, open_question> questions_;
  std::map<std::uint64_t, open_try> tries_;
  std::uint64_t last_number_ = 0;
  nanoseconds next_look_{};
};

caf::behavior sender(caf::stateful_actor<sender_state>* self, sender_config config) {
  supervision::handle_failures(self);
  const auto tick = config.tick;
  self->state.desk = std::make_shared<sender_desk>(self, std::move(config));
  self->delayed_send(self, tick, sender_tick{});
  return {
      [self](const runtime::index_page& page) { self->state.desk->take(page); },
      [self](const runtime::response& response) { self->state.desk->take(response); },
      [self](const post_ended& ended) { self->state.desk->take(ended); },
      [self, tick](const sender_tick&) {
        self->state.desk->tick();
        self->delayed_send(self, tick, sender_tick{});
      },
  };
}

}  // namespace souk::webhook
