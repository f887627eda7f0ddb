#include "runtime/shard/shard_book.hpp"

#include "runtime/mutant.hpp"

#include <algorithm>
#include <stdexcept>

namespace souk::runtime {

namespace rpb = persistence::pb;

namespace {

command_id to_command_id(std::string_view bytes) {
  command_id id{};
  std::copy_n(bytes.begin(), std::min(bytes.size(), id.size()), reinterpret_cast<char*>(id.data()));
  return id;
}

}  // namespace

void received_numbers::add(std::uint64_t number) {
  if (contains(number)) return;
  above_.insert(number);
  while (!above_.empty() && *above_.begin() == watermark_ + 1) {
    ++watermark_;
    above_.erase(above_.begin());
  }
}

shard_book::shard_book(shard_id self, const persistence::state_store& disk, const limits& limits)
    : self_(self), disk_(disk), limits_(limits), rows_(disk) {}

// -- recovery
// ----------------------------------------------------------------------------------------------------

void shard_book::load() {
  rows_.reset();
  out_.clear();
  in_.clear();
  received_uncommitted_.clear();
  open_calls_.clear();
  claims_.clear();
  near_.clear();
  firing_.clear();
  horizon_ms_ = 0;
  applied_ = 0;
  epoch_ = 0;
  next_call_ = 1;
  flushing_upto_ = 0;

  if (auto bytes = disk_.get(keys::shard_header(self_))) {
    pb::ShardHeader header;
    if (!header.ParseFromString(*bytes))
      throw persistence::damage("state: the header of shard " + std::to_string(self_) + " cannot be read");
    applied_ = header.applied();
    epoch_ = header.epoch();
    next_call_ = header.next_world_call();
    for (const auto& out : header.out()) {
      auto& stream = out_[static_cast<shard_id>(out.to_shard())];
      stream.next = out.next();
      stream.acknowledged = stream.recorded = out.acknowledged();
    }
    for (const auto& in : header.in()) {
      auto& stream = in_[static_cast<shard_id>(in.from_shard())];
      stream.decided = received_numbers{in.watermark(), {in.above().begin(), in.above().end()}};
      if (mutated("received-forgotten")) stream.decided = {};
      stream.committed = stream.decided;
    }
  }
  last_index_ = applied_;
  committed_ = applied_;
  load_effects();
  load_calls();
}

void shard_book::load_effects() {
  if (mutated("effects-lost")) return;
  auto range = keys::starting_with(keys::effects_prefix(self_));
  disk_.scan(range.from, range.to, persistence::scan_order::ascending, [this](auto key, auto value) {
    auto row = keys::parse_effect(key);
    auto& stream = out_[row.to];
    // What this shard sent to itself and has taken up nobody acknowledges again.
    const bool arrived = row.to == self_ && in_[self_].committed.contains(row.number);
    if (row.number <= stream.acknowledged || arrived) {
      rows_.erase(std::string{key});
      return true;
    }
    rpb::Effect effect;
    if (!effect.ParseFromArray(value.data(), static_cast<int>(value.size())))
      throw persistence::damage("state: effect " + std::to_string(row.number) + " of shard " +
                                std::to_string(self_) + " cannot be read");
    outgoing_effect item;
    item.number = row.number;
    item.to = {effect.tenant(), static_cast<kind_id>(effect.kind()), effect.key()};
    item.sender = {effect.tenant(), static_cast<kind_id>(effect.sender_kind()), effect.sender_key()};
    item.bytes = effect.command();
    item.failed_kind = static_cast<kind_id>(effect.failed_kind());
    item.failed_key = effect.failed_key();
    item.failure = effect.failure();
    item.traceparent = effect.traceparent();
    item.on_disk = true;
    stream.items.emplace(row.number, std::move(item));
    return true;
  });
}

void shard_book::load_calls() {
  auto range = keys::starting_with(keys::world_calls_prefix(self_));
  disk_.scan(range.from, range.to, persistence::scan_order::ascending, [this](auto key, auto value) {
    pb::OpenCall row;
    if (!row.ParseFromArray(value.data(), static_cast<int>(value.size())))
      throw persistence::damage("state: a call of shard " + std::to_string(self_) + " cannot be read");
    open_call call;
    call.caller = {row.tenant(), static_cast<kind_id>(row.kind()), row.key()};
    call.port = row.port();
    call.bytes = row.request();
    call.traceparent = row.traceparent();
    call.on_disk = true;
    open_calls_.emplace(keys::parse_world_call(key), std::move(call));
    return true;
  });
}

// -- records
// -----------------------------------------------------------------------------------------------------

void shard_book::number(rpb::Record& record) {
  for (auto& effect : *record.mutable_effects())
    effect.set_number(out_[static_cast<shard_id>(effect.to_shard())].next++);
  for (auto& call : *record.mutable_world_calls())
    call.set_number(next_call_++);
}

void shard_book::apply(std::uint64_t index, const rpb::Record& record,
                       const std::vector<message_ptr>& effect_commands,
                       const std::vector<message_ptr>& world_requests, bool first_answer) {
  if (index != last_index_ + 1)
    throw std::logic_error("shard " + std::to_string(self_) + ": record " + std::to_string(index) +
                           " after " + std::to_string(last_index_));
  last_index_ = index;
  const address entity{record.tenant(), static_cast<kind_id>(record.kind()), record.key()};

  for (int i = 0; i < record.effects_size(); ++i) {
    const auto& effect = record.effects(i);
    auto& stream = out_[static_cast<shard_id>(effect.to_shard())];
    stream.next = std::max(stream.next, effect.number() + 1);
    if (effect.number() <= stream.acknowledged) continue;
    outgoing_effect item;
    item.number = effect.number();
    item.index = index;
    item.to = {effect.tenant(), static_cast<kind_id>(effect.kind()), effect.key()};
    item.sender = entity;
    if (static_cast<std::size_t>(i) < effect_commands.size()) {
      item.command = effect_commands[i];
    } else {
      item.bytes = effect.command();
    }
    item.failed_kind = static_cast<kind_id>(effect.failed_kind());
    item.failed_key = effect.failed_key();
    item.failure = effect.failure();
    item.traceparent = record.traceparent();
    stream.items.insert_or_assign(effect.number(), std::move(item));
  }
  for (int i = 0; i < record.world_calls_size(); ++i) {
    const auto& call = record.world_calls(i);
    next_call_ = std::max(next_call_, call.number() + 1);
    open_call open;
    open.index = index;
    open.caller = entity;
    open.port = call.port();
    if (static_cast<std::size_t>(i) < world_requests.size()) {
      open.request = world_requests[i];
    } else {
      open.bytes = call.request();
    }
    open.traceparent = record.traceparent();
    open_calls_.insert_or_assign(call.number(), std::move(open));
  }
  if (record.world_done() != 0) {
    if (auto found = open_calls_.find(record.world_done()); found != open_calls_.end()) {
      if (found->second.on_disk) rows_.erase(keys::world_call(self_, found->first));
      open_calls_.erase(found);
    }
  }
  if (record.has_received()) {
    auto from = static_cast<shard_id>(record.received().from_shard());
    auto& stream = in_[from];
    stream.decided.add(record.received().number());
    stream.in_work.erase(record.received().number());
    received_uncommitted_.push_back({index, from, record.received().number()});
  }
  for (const auto& change : record.timers())
    apply_timer(entity, change);
  for (const auto& change : record.indexes()) {
    auto key = keys::index_prefix(self_, entity.tenant, change.index()) + change.key();
    if (change.removed()) {
      rows_.erase(std::move(key));
    } else {
      rows_.put(std::move(key), change.value());
    }
  }
  if (record.has_in_flight() && !mutated("request-forgotten"))
    apply_in_flight(record.in_flight(), record.time_ms(), first_answer);
  for (const auto& answer : record.answers())
    apply_answer(answer, record.time_ms(), first_answer);
  for (const auto& news : record.acknowledged()) {
    const auto to = static_cast<shard_id>(news.to_shard());
    acknowledged(to, news.watermark(), {});
    out_[to].recorded = std::max(out_[to].recorded, news.watermark());
  }
  if (record.opening()) epoch_ = std::max(epoch_, record.epoch());
}

void shard_book::committed(std::uint64_t index, std::set<shard_id>& acknowledge) {
  committed_ = std::max(committed_, index);
  while (!received_uncommitted_.empty() && received_uncommitted_.front().index <= index) {
    const auto& received = received_uncommitted_.front();
    in_[received.from].committed.add(received.number);
    acknowledge.insert(received.from);
    received_uncommitted_.pop_front();
  }
}

// -- effects
// -----------------------------------------------------------------------------------------------------

bool shard_book::take_up(shard_id from, std::uint64_t number) {
  auto& stream = in_[from];
  if (stream.decided.contains(number) && !mutated("effect-taken-twice")) return false;
  return stream.in_work.insert(number).second;
}

void shard_book::put_back(shard_id from, std::uint64_t number) { in_[from].in_work.erase(number); }

std::vector<shard_id> shard_book::destinations_waiting() const {
  std::vector<shard_id> waiting;
  for (const auto& [to, stream] : out_) {
    auto next = stream.items.upper_bound(stream.sent);
    if (next != stream.items.end() && next->second.index <= committed_) waiting.push_back(to);
  }
  return waiting;
}

std::vector<const outgoing_effect*> shard_book::take_unsent(shard_id to) {
  std::vector<const outgoing_effect*> unsent;
  auto& stream = out_[to];
  // An effect to an entity of this very shard need not wait: what is decided on top of a lost event is lost
  // with it.
  const auto upto = to == self_ ? last_index_ : committed_;
  for (auto it = stream.items.upper_bound(stream.sent); it != stream.items.end() && it->second.index <= upto;
       ++it) {
    unsent.push_back(&it->second);
    stream.sent = it->first;
  }
  return unsent;
}

void shard_book::send_again() {
  for (auto& [to, stream] : out_)
    stream.sent = 0;
}

void shard_book::send_again_what_rests(std::chrono::nanoseconds now, std::chrono::nanoseconds patience) {
  for (auto& [to, stream] : out_) {
    const auto first = stream.items.empty() ? 0 : stream.items.begin()->first;
    const bool rests = first != 0 && first == stream.first;
    if (rests && now - stream.first_since < patience) continue;
    if (rests) stream.sent = 0;
    stream.first = first;
    stream.first_since = now;
  }
}

void shard_book::acknowledged(shard_id to, std::uint64_t watermark, const std::vector<std::uint64_t>& above) {
  auto& stream = out_[to];
  auto forget = [&](auto it) {
    if (it->second.on_disk) rows_.erase(keys::effect(self_, to, it->first));
    return stream.items.erase(it);
  };
  for (auto it = stream.items.begin();
       it != stream.items.end() && it->first <= watermark + (mutated("one-too-many-forgotten") ? 1 : 0);)
    it = forget(it);
  for (auto number : above) {
    if (auto found = stream.items.find(number); found != stream.items.end()) forget(found);
  }
  stream.acknowledged = std::max(stream.acknowledged, watermark);
}

bool shard_book::add_acknowledged(rpb::Record& record) const {
  for (const auto& [to, stream] : out_) {
    if (to == self_ || stream.acknowledged <= stream.recorded) continue;
    auto& news = *record.add_acknowledged();
    news.set_to_shard(to);
    news.set_watermark(stream.acknowledged);
  }
  return record.acknowledged_size() > 0;
}

std::size_t shard_book::effects_outstanding() const {
  std::size_t count = 0;
  for (const auto& [to, stream] : out_)
    count += stream.items.size();
  return count;
}

// -- timers
// ------------------------------------------------------------------------------------------------------

void shard_book::apply_timer(const address& entity, const rpb::TimerChange& change) {
  if (change.was_due_ms() != 0) {
    due_timer was{change.was_due_ms(), entity, change.name()};
    near_.erase(was);
    firing_.erase(was);
    rows_.erase_unique(keys::timer(self_, was.due_ms, entity, was.name));
  }
  if (change.due_ms() != 0) {
    rows_.put(keys::timer(self_, change.due_ms(), entity, change.name()), {});
    if (change.due_ms() < horizon_ms_) near_.insert({change.due_ms(), entity, change.name()});
  }
}

void shard_book::advance_timers(timestamp now) {
  const auto ahead = limits_.timer_horizon.count();
  // Half a horizon in hand: this scans the disk once per half horizon, not at every tick.
  if (to_ms(now) + ahead / 2 < horizon_ms_) return;
  const auto until = to_ms(now) + ahead;
  rows_.scan(keys::timers_from(self_, mutated("timers-lost") ? to_ms(now) : horizon_ms_),
             keys::timers_from(self_, until), persistence::scan_order::ascending, [this](auto key, auto) {
               if (auto row = keys::parse_timer(key))
                 near_.insert({row->due_ms, std::move(row->address), std::move(row->name)});
               return true;
             });
  horizon_ms_ = until;
}

std::vector<due_timer> shard_book::take_due(timestamp now, std::size_t most) {
  std::vector<due_timer> due;
  while (!near_.empty() && near_.begin()->due_ms <= to_ms(now) && due.size() < most &&
         firing_.size() < most) {
    due.push_back(*near_.begin());
    firing_.insert(*near_.begin());
    near_.erase(near_.begin());
  }
  return due;
}

void shard_book::fire_again(const due_timer& timer) {
  if (firing_.erase(timer) != 0) near_.insert(timer);
}

std::optional<std::int64_t> shard_book::next_due() const {
  if (near_.empty()) return std::nullopt;
  return near_.begin()->due_ms;
}

// -- kept answers
// ------------------------------------------------------------------------------------------------

void shard_book::apply_in_flight(const rpb::InFlight& request, std::int64_t time_ms, bool is_first) {
  const auto id = to_command_id(request.command_id());
  const auto before = is_first ? std::nullopt : claim_of(id);
  pb::KeptAnswer kept;
  kept.set_fingerprint(request.fingerprint());
  kept.set_in_flight(true);
  kept.set_expires_ms(before ? before->expires_ms : keep_until(id, time_ms));
  claims_[id] = {request.fingerprint(), kept.expires_ms()};
  rows_.put(keys::kept_answer(self_, id), kept.SerializeAsString());
}

void shard_book::apply_answer(const rpb::Answer& answer, std::int64_t time_ms, bool is_first) {
  const auto id = to_command_id(answer.command_id());
  const bool own = !answer.fingerprint().empty();
  const auto before = own && is_first ? std::nullopt : claim_of(id);
  pb::KeptAnswer kept;
  if (own) {
    kept.set_fingerprint(answer.fingerprint());
  } else if (before) {
    kept.set_fingerprint(before->fingerprint);
  }
  kept.set_quarantined(answer.status() == 0);
  kept.set_status(answer.status());
  kept.set_etag(answer.etag());
  kept.set_location(answer.location());
  kept.set_body(answer.body());
  kept.set_content_type(answer.content_type());
  kept.set_expires_ms(before ? before->expires_ms : keep_until(id, time_ms));
  claims_.erase(id);
  rows_.put(keys::kept_answer(self_, id), kept.SerializeAsString());
}

std::optional<shard_book::claim> shard_book::claim_of(const command_id& id) {
  if (const auto found = claims_.find(id); found != claims_.end()) return found->second;
  const auto kept = find_answer(id);
  if (!kept) return std::nullopt;
  return claim{kept->fingerprint(), kept->expires_ms()};
}

std::int64_t shard_book::keep_until(const command_id& id, std::int64_t time_ms) {
  const auto expires_ms = time_ms + limits_.answers_kept.count();
  rows_.put(keys::answer_end(self_, expires_ms, id), {});
  return expires_ms;
}

std::optional<pb::KeptAnswer> shard_book::find_answer(const command_id& id) const {
  auto bytes = rows_.get(keys::kept_answer(self_, id));
  if (!bytes) return std::nullopt;
  pb::KeptAnswer kept;
  if (!kept.ParseFromString(*bytes))
    throw persistence::damage("state: the kept answer " + to_string(id) + " cannot be read");
  return kept;
}

void shard_book::purge_answers(timestamp now, std::size_t most) {
  std::vector<std::string> ended;
  rows_.scan(keys::answer_ends_prefix(self_), keys::answer_ends_until(self_, to_ms(now)),
             persistence::scan_order::ascending, [&](auto key, auto) {
               ended.emplace_back(key);
               return ended.size() < most;
             });
  for (auto& key : ended) {
    auto id = keys::parse_answer_end(key);
    auto kept = find_answer(id);
    // A request that is still under way keeps its claim on the key, however long it takes.
    if (kept && kept->in_flight()) continue;
    rows_.erase(keys::kept_answer(self_, id));
    rows_.erase(std::move(key));
  }
}

// -- flush
// -------------------------------------------------------------------------------------------------------

std::string shard_book::header_row() const {
  pb::ShardHeader header;
  header.set_applied(last_index_);
  header.set_epoch(epoch_);
  header.set_next_world_call(next_call_);
  for (const auto& [to, stream] : out_) {
    auto& out = *header.add_out();
    out.set_to_shard(to);
    out.set_next(stream.next);
    out.set_acknowledged(stream.acknowledged);
  }
  for (const auto& [from, stream] : in_) {
    auto& in = *header.add_in();
    in.set_from_shard(from);
    in.set_watermark(stream.decided.watermark());
    for (auto number : stream.decided.above())
      in.add_above(number);
  }
  return header.SerializeAsString();
}

persistence::shared_rows shard_book::begin_flush() {
  for (auto& [to, stream] : out_) {
    for (auto& [number, item] : stream.items) {
      if (item.on_disk) continue;
      rpb::Effect effect;
      effect.set_to_shard(to);
      effect.set_number(number);
      effect.set_tenant(item.to.tenant);
      effect.set_kind(item.to.kind);
      effect.set_key(item.to.key);
      effect.set_command(item.command ? item.command->SerializeAsString() : item.bytes);
      effect.set_failed_kind(item.failed_kind);
      effect.set_failed_key(item.failed_key);
      effect.set_failure(item.failure);
      effect.set_sender_kind(item.sender.kind);
      effect.set_sender_key(item.sender.key);
      effect.set_traceparent(item.traceparent);
      rows_.put(keys::effect(self_, to, number), effect.SerializeAsString());
      item.on_disk = true;
    }
  }
  for (auto& [number, call] : open_calls_) {
    if (call.on_disk) continue;
    pb::OpenCall row;
    row.set_tenant(call.caller.tenant);
    row.set_kind(call.caller.kind);
    row.set_key(call.caller.key);
    row.set_port(call.port);
    row.set_request(call.request ? call.request->SerializeAsString() : call.bytes);
    row.set_traceparent(call.traceparent);
    rows_.put(keys::world_call(self_, number), row.SerializeAsString());
    call.on_disk = true;
  }
  rows_.put(keys::shard_header(self_), header_row());
  flushing_upto_ = last_index_;
  return rows_.begin_flush();
}

void shard_book::end_flush() {
  rows_.end_flush();
  applied_ = flushing_upto_;
}

}  // namespace souk::runtime
