#include "runtime/shard/shard.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/mutant.hpp"
#include "runtime/shard/projections.hpp"
#include "runtime/shard/records.hpp"
#include "runtime/supervision/failure.hpp"
#include "runtime/supervision/messages.hpp"
#include "runtime/telemetry/log.hpp"
#include "runtime/trace_context.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>

namespace souk::runtime {

namespace rpb = persistence::pb;

namespace {

// While the disk is full the shard asks so often whether it still is.
constexpr std::chrono::seconds full_retry{1};

// What was taken up ends here, and nobody waits for it: a hold that is sold, a cart that is ordered.
bool is_an_end(const rpb::Record& record) {
  return record.has_received() && record.effects().empty() && record.world_calls().empty() &&
         record.answers().empty() && !record.has_in_flight();
}

// Which first answers are kept: those that a decision gave. What was refused before anything was decided is
// not.
bool is_kept(int status) {
  return (status >= 200 && status < 300) || status == 402 || status == 409 || status == 410 || status == 422;
}

void fill_answer(rpb::Answer& out, const command_id& id, const answer& from) {
  out.set_command_id(bytes_of(id));
  out.set_status(static_cast<std::uint32_t>(from.status));
  out.set_etag(from.etag);
  out.set_location(from.location);
  out.set_body(from.body);
  out.set_content_type(from.content_type);
}

std::int64_t microseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

answer answer_of(const pb::KeptAnswer& kept) {
  answer result;
  result.status = static_cast<int>(kept.status());
  result.body = kept.body();
  result.etag = kept.etag();
  result.location = kept.location();
  result.content_type = kept.content_type();
  return result;
}

}  // namespace

caf::behavior shard(shard_actor* self, shard_options options, shard_start start) {
  return self->state.start(std::move(options), std::move(start));
}

shard_life::~shard_life() {
  if (!options_.figures) return;
  options_.figures->entities_active -= active_;
  if (serving_) --options_.figures->serving;
}

// -- start ---------------------------------------------------------------------------------------

caf::behavior shard_life::start(shard_options options, shard_start start) {
  supervision::handle_failures(self_);
  options_ = std::move(options);
  replica_ = std::move(start.replica);
  say_ = std::move(start.say);
  environment_ = std::make_shared<entity_environment>(
      entity_environment{options_.kinds, &options_.storage->state(), options_.time, options_.random,
                         options_.routing, options_.id, options_.format});
  book_.emplace(options_.id, options_.storage->state(), *options_.limits);
  self_->set_exit_handler([this](const caf::exit_msg& exit) {
    if (exit.reason == caf::exit_reason::user_shutdown && serving_) {
      shut_down();
    } else {
      self_->quit(exit.reason);
    }
  });
  epoch_ = start.primary.config.epoch;
  // Named apart from those of earlier lives, of which a message may still be on its way.
  constexpr unsigned tokens_per_epoch_bits = 32;
  next_token_ = (epoch_ << tokens_per_epoch_bits) + 1;
  recover(start.primary.journal);
  primary_.emplace(std::move(start.primary), steady());
  committed_ = primary_->committed();
  for (const auto& member : start.linked)
    primary_->link_up(member, steady());
  self_->send(self_, tick{});
  return {
      // CAF tries them one after the other: what comes often stands first.
      [this](const member_says& said) { hear(said.member, said.content); },
      [this](decided& result) { on_decided(result); },
      [this](const end_of_burst&) { end_burst(); },
      [this](const journalled& done) {
        primary_->locally_durable(done.index, steady());
        act();
      },
      [this](const request& request) { on_request(request); },
      [this](const tick&) { on_tick(); },
      [this](const member_link& link) {
        link.up ? primary_->link_up(link.member, steady()) : primary_->link_lost(link.member, steady());
        act();
      },
      [this](const config_told& told) {
        primary_->config_seen(told.config, steady());
        act();
      },
      [this](const swap_told& told) {
        primary_->swap_answered(told.outcome, told.config, steady());
        act();
      },
      [this](const index_query& query) { on_index_query(query); },
      [this](captured& result) { on_captured(result); },
      [this](const wake_up_failed& failed) {
        auto found = slots_.find(failed.token);
        const auto what =
            (found == slots_.end() ? "an entity"
                                   : to_string(found->second->address, found->second->kind->name())) +
            " cannot be read: " + failed.reason;
        if (failed.damaged) throw persistence::damage(what);
        throw undecodable(what);
      },
      [this](const supervision::entity_down& down) {
        on_entity_down(down.token, down.reason, down.retry_after);
      },
      [this](const retry_entity& retry) {
        auto found = slots_.find(retry.token);
        if (found == slots_.end() || !found->second->backing_off) return;
        auto& slot = *found->second;
        slot.backing_off = false;
        if (!slot.waiting.empty() || slot.capturing) {
          activate(slot);
        } else {
          drop_if_idle(slot);
        }
      },
      [this](const journal_refused& refused) { on_refused(refused.first); },
      [this](const stream_batch& batch) { on_effects(batch); },
      [this](const stream_ack& ack) { book_->acknowledged(ack.from, ack.watermark, ack.above); },
      [this](const world_result& result) { on_world_result(result); },
      [this](const state_written& written) { on_state_written(written.done); },
      [this](const shorten_more&) { shorten_tails(); },
      [this](const storage_fill& fill) { nearly_full_ = fill.nearly_full; },
      [this](const retry_state&) { write_state_out(); },
      [this](const status_query& query) {
        auto answer = status();
        answer.correlation = query.correlation;
        self_->send(query.reply_to, answer);
      },
      [this](const give_to& wish) { on_give_to(wish); },
  };
}

// The state catches up with the journal, so that the next start has nothing to replay.
void shard_life::shut_down() {
  if (stopping_) return;
  stopping_ = true;
  stopping_since_ = steady();
  options_.routing->remove(options_.id, caf::actor{self_});
  if (flush_ == flush_phase::none) begin_flush();
}

// What the journal holds beyond the state is shown to projections only when it is committed.
void shard_life::recover(const replication::history& journal) {
  book_->load();
  check_journal(*book_, journal.first(), journal.last());
  options_.storage->log().read(
      options_.id, book_->applied() + 1, [&](const persistence::journal_entry& entry) {
        const auto record = parse_record(entry);
        book_->apply(entry.index, record, {}, {});
        if (record.kind() == 0 || !leaves_trace(record)) return true;
        auto& slot = slot_of({record.tenant(), static_cast<kind_id>(record.kind()), record.key()});
        if (auto events = events_of(record, *slot.kind); !events.empty()) {
          unreleased gate;
          gate.index = entry.index;
          show_later(gate, slot, record.first_version(), std::move(events));
          unreleased_.push_back(std::move(gate));
        }
        add_to_tail(slot, entry);
        slot.last_index = entry.index;
        slot.dirty = true;
        return true;
      });
}

void shard_life::show_later(unreleased& gate, const slot& slot, std::uint64_t first_version,
                            std::vector<message_ptr> events) const {
  const bool looks = std::ranges::any_of(options_.kinds->projections, [&](const auto& projection) {
    return projection->source() == slot.address.kind;
  });
  if (!looks) return;
  gate.entity_token = slot.token;
  gate.entity = slot.address;
  gate.first_version = first_version;
  gate.events = std::move(events);
}

void shard_life::decide_opening() {
  reached("shard: opens its epoch");
  rpb::Record record;
  record.set_schema(1);
  record.set_opening(true);
  record.set_epoch(epoch_);
  record.set_time_ms(to_ms(options_.time->now()));
  journal(record, {}, {});
}

void shard_life::serve() {
  reached("shard: before it serves");
  if (!book_->open_calls().empty()) reached("shard: takes over a call to the world");
  serving_ = true;
  ++options_.figures->serving;
  options_.figures->serving.notify_all();
  serves_since_ms_ = to_ms(options_.time->now());
  last_flush_ = last_calls_ = options_.time->steady();
  book_->send_again();
  book_->advance_timers(options_.time->now());
  options_.routing->set(options_.id, caf::actor{self_});
  deliver_local_effects();
  send_effects();
  for (const auto& [number, call] : book_->open_calls())
    make_call(number, call);
  log::info("shard serves", {{"shard", options_.id}, {"epoch", epoch_}, {"index", book_->last_index()}});
}

// -- work ----------------------------------------------------------------------------------------

void shard_life::on_request(const request& request) {
  auto refuse = [&](outcome why) {
    self_->send(request.reply_to, response{request.correlation, why, {}, {}});
  };
  if (!serving_ || stopping_ || giving_ != giving::not_at_all) return refuse(outcome::unavailable);
  if (request.fingerprint && answered_before(request)) return;
  if (nearly_full_ && !request.read_only) return refuse(outcome::full);
  if (commits_stand_still() && !request.read_only) return refuse(outcome::unavailable);
  auto& slot = slot_of(request.to);
  if (unanswered_ >= options_.limits->shard_unanswered_max ||
      slot.waiting.size() + slot.sent.size() >= options_.limits->entity_queue_max) {
    ++options_.figures->refused_overloaded;
    drop_if_idle(slot);
    return refuse(outcome::overloaded);
  }
  ++options_.figures->commands;
  ++unanswered_;
  auto item = std::make_shared<work>();
  item->origin = work_origin::client;
  item->command = request.command;
  item->request = std::make_shared<const runtime::request>(request);
  if (options_.spans && is_sampled(request.traceparent)) item->arrived = steady();
  if (request.fingerprint) running_[request.id] = {request.reply_to, request.correlation, true};
  enqueue(slot, std::move(item));
}

bool shard_life::commits_stand_still() const {
  return !unreleased_.empty() && steady() - commits_moved_ > options_.limits->commit_stall_max;
}

bool shard_life::answered_before(const request& request) {
  auto answer_with = [&](outcome outcome, answer answer = {}) {
    release_after(book_->last_index(), request.reply_to,
                  response{request.correlation, outcome, std::move(answer), {}}, true);
    return true;
  };
  if (running_.contains(request.id)) return answer_with(outcome::in_flight);
  auto kept = book_->find_answer(request.id);
  if (!kept || mutated("answers-forgotten")) return false;
  if (kept->quarantined()) return answer_with(outcome::quarantined);
  if (kept->fingerprint() != bytes_of(*request.fingerprint)) return answer_with(outcome::key_reused);
  if (kept->in_flight()) return answer_with(outcome::in_flight);
  reached("shard: a repeat is answered");
  const auto decided_ms = kept->expires_ms() - options_.limits->answers_kept.count();
  if (decided_ms < serves_since_ms_) reached("shard: answers a repeat for an earlier primary");
  return answer_with(outcome::replayed, answer_of(*kept));
}

void shard_life::on_effects(const stream_batch& batch) {
  if (!serving_ || draining()) return;  // the sender repeats itself
  reached("shard: effects arrive");
  bool repeated = false;
  for (const auto& item : batch.items) {
    if (!book_->take_up(batch.from, item.number)) {
      reached("shard: an effect comes again");
      repeated = true;
      continue;
    }
    auto effect = std::make_shared<work>();
    effect->origin = work_origin::effect;
    effect->from = batch.from;
    effect->sender = item.sender;
    effect->number = item.number;
    effect->failed_kind = item.failed_kind;
    effect->failed_key = item.failed_key;
    effect->failure = item.failure;
    effect->traceparent = item.traceparent;
    const auto& kind = options_.kinds->kind(item.failed_kind != 0 ? item.failed_kind : item.to.kind);
    effect->command = item.command ? item.command : kind.parse_command(item.bytes);
    enqueue(slot_of(item.to), std::move(effect));
  }
  // Its acknowledgement may have been lost.
  if (repeated && batch.from != options_.id) {
    const auto& received = book_->received(batch.from);
    if (auto sender = options_.routing->shard(batch.from))
      self_->send(sender, stream_ack{options_.id,
                                     batch.from,
                                     received.watermark(),
                                     {received.above().begin(), received.above().end()}});
  }
}

void shard_life::deliver_local_effects() {
  if (draining()) return;
  auto unsent = book_->take_unsent(options_.id);
  if (unsent.empty()) return;
  stream_batch batch{options_.id, options_.id, {}};
  for (const auto* effect : unsent)
    batch.items.push_back({effect->number, effect->to, effect->sender, effect->command, effect->bytes,
                           effect->failed_kind, effect->failed_key, effect->failure, effect->traceparent});
  on_effects(batch);
}

void shard_life::on_world_result(const world_result& result) {
  // Whoever serves next makes the call again.
  const auto call = book_->open_calls().find(result.number);
  if (!serving_ || draining() || call == book_->open_calls().end()) return;
  if (!results_in_work_.insert(result.number).second) return;
  auto item = std::make_shared<work>();
  item->origin = work_origin::world;
  item->number = result.number;
  item->command = result.command;
  item->traceparent = call->second.traceparent;
  enqueue(slot_of(result.caller), std::move(item));
}

void shard_life::fire_timers() {
  book_->advance_timers(options_.time->now());
  for (auto& timer : book_->take_due(options_.time->now(), options_.limits->timers_firing_max)) {
    auto item = std::make_shared<work>();
    item->origin = work_origin::timer;
    item->timer = timer;
    enqueue(slot_of(timer.entity), std::move(item));
  }
}

shard_life::slot& shard_life::slot_of(const address& address) {
  if (auto found = by_address_.find(address); found != by_address_.end()) return *found->second;
  auto made = std::make_unique<slot>();
  made->token = next_token_++;
  made->address = address;
  made->kind = &options_.kinds->kind(address.kind);
  auto& result = *made;
  by_address_.emplace(address, &result);
  slots_.emplace(made->token, std::move(made));
  return result;
}

void shard_life::enqueue(slot& slot, std::shared_ptr<const work> work) {
  slot.waiting.push_back(std::move(work));
  touch(slot);
  if (slot.leaving || slot.backing_off) return;
  if (slot.actor) {
    send_waiting(slot);
  } else {
    activate(slot);
  }
}

void shard_life::activate(slot& slot) {
  slot.actor = self_->spawn(entity, environment_, slot.address, slot.token, caf::actor{self_});
  self_->send(options_.entity_supervisor(),
              supervision::adopt{slot.token, to_string(slot.address, slot.kind->name()), slot.actor,
                                 caf::actor{self_}});
  self_->send(slot.actor, wake_up{{slot.tail.begin(), slot.tail.end()}});
  ++active_;
  ++options_.figures->entities_active;
  touch(slot);
  send_waiting(slot);
  if (slot.capture_asked) self_->send(slot.actor, capture{});
  if (recency_.size() > active_max()) passivate();
}

void shard_life::send_waiting(slot& slot) {
  if (draining()) return;
  while (!slot.waiting.empty()) {
    self_->send(slot.actor, work_item{slot.waiting.front()});
    slot.sent.splice(slot.sent.end(), slot.waiting, slot.waiting.begin());
  }
}

void shard_life::touch(slot& slot) {
  slot.last_used = options_.time->steady();
  if (!slot.actor) return;
  if (slot.in_recency) {
    recency_.splice(recency_.end(), recency_, slot.recency);
  } else {
    slot.recency = recency_.insert(recency_.end(), slot.token);
    slot.in_recency = true;
  }
}

// -- decisions -----------------------------------------------------------------------------------

void shard_life::on_decided(decided& result) {
  auto found = slots_.find(result.token);
  if (found == slots_.end() || found->second->sent.empty()) return;
  auto& slot = *found->second;
  auto work = std::move(slot.sent.front());
  slot.sent.pop_front();
  if (result.stale_timer) {
    book_->forget_firing(work->timer);
    return;
  }

  unreleased gate;
  if (result.record) {
    auto& record = *result.record;
    if (work->origin == work_origin::effect) {
      record.mutable_received()->set_from_shard(work->from);
      record.mutable_received()->set_number(work->number);
    } else if (work->origin == work_origin::world) {
      record.set_world_done(work->number);
      results_in_work_.erase(work->number);
      calls_made_.erase(work->number);
    }
    add_answers(record, result, *work, gate);
    if (is_substantive(record)) {
      reached("shard: decided");
      // What a client asks under its key comes as far as here once, unless an answer to it was kept.
      gate.index =
          journal(record, result.effect_commands, result.world_requests, work->origin == work_origin::client);
      slot.last_index = gate.index;
      for (const auto& call : record.world_calls())
        gate.world_calls.push_back(call.number());
      if (mutated("charge-before-commit"))
        for (const auto& call : record.world_calls())
          make_call(call.number(), book_->open_calls().at(call.number()));
      if (leaves_trace(record)) {
        slot.dirty = true;
        add_to_tail(slot, burst_.back());
      }
      if (!result.events.empty()) show_later(gate, slot, record.first_version(), std::move(result.events));
    }
  }
  if (work->origin == work_origin::client) {
    const auto& request = *work->request;
    if (result.reply) {
      running_.erase(request.id);
      gate.responses.emplace_back(
          request.reply_to, response{request.correlation, outcome::answered, std::move(*result.reply), {}});
      --unanswered_;
    } else if (result.parked) {
      running_[request.id] = {request.reply_to, request.correlation, request.fingerprint.has_value()};
    } else {
      throw std::logic_error(std::string{slot.kind->name()} + " neither answered nor parked a command");
    }
  }
  if (gate.index == 0) {
    gate.index = slot.last_index;
    gate.read = true;
  }
  if (work->arrived.count() != 0) gate.span = span_of(*work, slot, result.parked);
  hold(std::move(gate));
  deliver_local_effects();
  if (giving_ != giving::not_at_all) go_on_giving();
}

// From its arrival until it was decided; it ends when it is released.
std::unique_ptr<telemetry::span> shard_life::span_of(const work& work, const slot& slot, bool parked) const {
  auto span = std::make_unique<telemetry::span>();
  const auto& above = work.request->traceparent;
  span->traceparent = child_traceparent(above, *options_.random);
  span->parent = span_id_of(above);
  span->name = slot.kind->name();
  span->begun = work.arrived;
  span->ended = steady();
  span->attributes.emplace_back("souk.shard", std::int64_t{options_.id});
  span->attributes.emplace_back("souk.queue_us", microseconds(span->ended - span->begun));
  if (parked) span->attributes.emplace_back("souk.parked", 1);
  return span;
}

void shard_life::hold(unreleased gate) {
  const bool early = mutated("reply-before-commit") || (gate.read && mutated("read-before-commit"));
  if (gate.index <= committed_ || early) return let_out(gate);
  if (unreleased_.empty()) commits_moved_ = steady();
  if (gate.read || !gate.responses.empty()) end_burst_later();  // what it waits for may rest
  // A read waits for what it saw, which may lie before the newest record.
  auto place = unreleased_.end();
  while (place != unreleased_.begin() && std::prev(place)->index > gate.index)
    --place;
  unreleased_.insert(place, std::move(gate));
}

void shard_life::add_answers(rpb::Record& record, decided& result, const work& work, unreleased& gate) {
  if (work.origin == work_origin::client && work.request->fingerprint) {
    const auto& request = *work.request;
    const auto fingerprint = bytes_of(*request.fingerprint);
    if (result.reply && is_kept(result.reply->status)) {
      auto& kept = *record.add_answers();
      fill_answer(kept, request.id, *result.reply);
      kept.set_fingerprint(fingerprint);
    } else if (result.parked) {
      record.mutable_in_flight()->set_command_id(bytes_of(request.id));
      record.mutable_in_flight()->set_fingerprint(fingerprint);
    }
  }
  for (auto& late : result.late_answers) {
    auto waiting = running_.find(late.to);
    const bool own = work.origin == work_origin::client && work.request->id == late.to;
    const bool keyed =
        waiting != running_.end() ? waiting->second.keyed : book_->find_answer(late.to).has_value();
    if (keyed || own) fill_answer(*record.add_answers(), late.to, late.answer);
    if (waiting == running_.end()) continue;
    gate.responses.emplace_back(
        waiting->second.reply_to,
        response{waiting->second.correlation, outcome::answered, std::move(late.answer), {}});
    running_.erase(waiting);
    --unanswered_;
  }
}

bool shard_life::is_substantive(const rpb::Record& record) const {
  return record.events_size() > 0 || record.effects_size() > 0 || record.world_calls_size() > 0 ||
         record.timers_size() > 0 || record.indexes_size() > 0 || record.answers_size() > 0 ||
         record.has_received() || record.world_done() != 0 || record.has_in_flight();
}

std::uint64_t shard_life::journal(rpb::Record& record, const std::vector<message_ptr>& effect_commands,
                                  const std::vector<message_ptr>& world_requests, bool first_answer) {
  book_->number(record);
  const auto index = book_->last_index() + 1;
  book_->apply(index, record, effect_commands, world_requests, first_answer);
  persistence::journal_entry entry{options_.id, index, epoch_, record.SerializeAsString()};
  bytes_since_flush_ += entry.payload.size();
  decided_.push_back({index, epoch_, entry.payload.share()});
  burst_.push_back(std::move(entry));
  ++options_.figures->records;
  if (!is_an_end(record) || burst_.size() >= options_.limits->commit_entries_max) end_burst_later();
  return index;
}

// The records of all decisions that wait in the mailbox go to the writer in one message. Those for which
// nobody waits rest until others go, until somebody reads what they say, or until the next tick: a commit of
// their own would stand in the way of one that is waited for.
void shard_life::end_burst_later() {
  if (burst_pending_ || burst_.empty()) return;
  burst_pending_ = true;
  self_->send(self_, end_of_burst{});
}

// To the disk and to the other members at the same time.
void shard_life::end_burst() {
  burst_pending_ = false;
  if (burst_.empty()) return;
  reached("shard: before an append is sent");
  self_->send(options_.journal_writer(), append{caf::actor{self_}, options_.id, std::move(burst_)});
  burst_.clear();
  reached("shard: an append is sent to its own disk");
  primary_->decided(std::exchange(decided_, {}), steady());
  act();
  reached("shard: an append is sent to all");
  if (giving_ != giving::not_at_all) go_on_giving();
}

void shard_life::release_after(std::uint64_t index, caf::actor to, response response, bool read) {
  unreleased gate;
  gate.index = index;
  gate.read = read;
  gate.responses.emplace_back(std::move(to), std::move(response));
  hold(std::move(gate));
}

// An answer that depends on no record: the request was not decided.
void shard_life::respond(const work& work, outcome outcome, answer answer, std::string detail) {
  if (work.origin != work_origin::client) return;
  running_.erase(work.request->id);
  --unanswered_;
  self_->send(work.request->reply_to,
              response{work.request->correlation, outcome, std::move(answer), std::move(detail)});
}

// -- commit --------------------------------------------------------------------------------------

void shard_life::on_committed(std::uint64_t upto) {
  reached("shard: before it takes up what is committed");
  committed_ = upto;
  commits_moved_ = steady();
  std::set<shard_id> acknowledge;
  book_->committed(committed_, acknowledge);
  const bool begins = !serving_ && !stopping_;
  if (begins) restore_projections(options_.id, *options_.kinds, options_.storage->state());
  while (!unreleased_.empty() && unreleased_.front().index <= committed_) {
    let_out(unreleased_.front());
    unreleased_.pop_front();
  }
  for (auto from : acknowledge) {
    const auto& received = book_->received(from);
    std::vector<std::uint64_t> above{received.above().begin(), received.above().end()};
    if (from == options_.id) {
      book_->acknowledged(from, received.watermark(), above);
    } else if (auto sender = options_.routing->shard(from)) {
      reached("shard: before effects are acknowledged");
      self_->send(sender, stream_ack{options_.id, from, received.watermark(), std::move(above)});
    }
  }
  if (begins) serve();
  send_effects();
  ask_for_rows();
  continue_flush();
}

// What is committed may leave, and what was only read if nobody else can have decided since.
void shard_life::let_out(unreleased& gate) {
  if (gate.read && !primary_->may_read(steady())) {
    reached("shard: a read waits for the lease");
    gate.until = steady() + options_.limits->lease_wait;
    reads_.push_back(std::move(gate));
    return;
  }
  release(gate);
}

void shard_life::let_out_reads() {
  while (!reads_.empty() && primary_->may_read(steady())) {
    release(reads_.front());
    reads_.pop_front();
  }
  while (!reads_.empty() && steady() >= reads_.front().until) {
    reached("shard: a read is refused for the lease");
    refuse(reads_.front(), outcome::unavailable);
    reads_.pop_front();
  }
}

void shard_life::release(unreleased& gate) {
  if (gate.entity_token != 0) {
    auto version = gate.first_version;
    for (const auto& event : gate.events) {
      for (const auto& projection : options_.kinds->projections) {
        if (projection->source() == gate.entity.kind) projection->apply(gate.entity, version, *event);
      }
      ++version;
    }
  }
  if (gate.span) {
    auto& span = *gate.span;
    span.attributes.emplace_back("souk.commit_us", microseconds(steady() - span.ended));
    span.ended = steady();
    options_.spans->record(std::move(span));
  }
  if (!gate.responses.empty()) reached("shard: before an answer leaves");
  for (auto& [to, response] : gate.responses)
    self_->send(to, std::move(response));
  for (auto& [to, page] : gate.pages)
    self_->send(to, std::move(page));
  for (auto number : gate.world_calls) {
    auto found = book_->open_calls().find(number);
    if (found != book_->open_calls().end()) make_call(number, found->second);
  }
}

void shard_life::send_effects() {
  if (!serving_) return;
  for (auto to : book_->destinations_waiting()) {
    auto receiver = options_.routing->shard(to);
    if (!receiver) continue;  // it will be sent when the receiver serves
    stream_batch batch{options_.id, to, {}};
    for (const auto* effect : book_->take_unsent(to))
      batch.items.push_back({effect->number, effect->to, effect->sender, effect->command, effect->bytes,
                             effect->failed_kind, effect->failed_key, effect->failure, effect->traceparent});
    if (to == options_.id) {
      on_effects(batch);
    } else {
      reached("shard: before effects are sent");
      self_->send(receiver, std::move(batch));
    }
  }
}

void shard_life::make_call(std::uint64_t number, const open_call& call) {
  auto worker = options_.world_worker(call.port);
  if (!worker) return;
  reached("shard: before a call to the world");
  calls_made_[number] = options_.time->steady();
  self_->send(worker,
              world_request{call.port, call.caller, number, call.request,
                            call.request ? std::string{} : call.bytes, call.traceparent, caf::actor{self_}});
}

}  // namespace souk::runtime
