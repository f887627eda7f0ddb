#include "runtime/replica/replica.hpp"

#include "runtime/fault_point.hpp"
#include "runtime/shard/flush_turn.hpp"
#include "runtime/shard/records.hpp"
#include "runtime/supervision/failure.hpp"
#include "runtime/telemetry/log.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

namespace souk::runtime {

namespace {

// What a full disk refused is offered again after so long.
constexpr std::chrono::seconds full_retry{1};
// The coordinator may have been restarted and forgotten who listens.
constexpr std::chrono::seconds subscribe_interval{2};
// A coordinator that was restarted has forgotten who wants to open an epoch.
constexpr std::chrono::seconds open_retry{5};
// How often a replica looks after itself.
constexpr std::chrono::seconds tick_interval{1};

std::uint64_t seen_epoch(shard_id shard, const persistence::state_store& state) {
  const auto row = state.get(keys::seen_epoch(shard));
  if (!row) return 0;
  std::uint64_t epoch = 0;
  const auto read = std::from_chars(row->data(), row->data() + row->size(), epoch);
  if (read.ec != std::errc{} || read.ptr != row->data() + row->size())
    throw persistence::damage("state: the highest epoch of shard " + std::to_string(shard) +
                              " cannot be read");
  return epoch;
}

replication::history history_of(shard_id shard, const persistence::journal& log,
                                const persistence::journal_bounds& bounds) {
  return replication::history::read(bounds.first, bounds.last, bounds.last_epoch, [&](std::uint64_t index) {
    std::uint64_t epoch = 0;
    log.read(shard, index, [&](const persistence::journal_entry& entry) {
      epoch = entry.epoch;
      return false;
    });
    return epoch;
  });
}

void pass_points(replication::append_result answer) {
  if (answer == replication::append_result::accepted) reached("replica: before it acknowledges");
  if (answer == replication::append_result::superseded) reached("replica: refuses an epoch that is over");
}

replication::swap_outcome translated(swap_outcome outcome) {
  switch (outcome) {
    case swap_outcome::done:
      return replication::swap_outcome::done;
    case swap_outcome::refused:
      return replication::swap_outcome::refused;
    case swap_outcome::unknown:
      return replication::swap_outcome::unknown;
  }
  return replication::swap_outcome::unknown;
}

// Puts a letter on the link to a member's node; lost if there is none.
void post(const std::function<caf::actor(const std::string& node)>& link_to, shard_id shard,
          const replication::member_id& from, const replication::member_id& to,
          replication::message content) {
  if (!link_to) return;
  std::string node{node_of_member(to)};
  const auto link = link_to(node);
  if (!link) return;
  auto bytes = replication::to_bytes(shard, {from, to, std::move(content)});
  caf::anon_send(link, links::replica_message{shard, std::move(node), std::move(bytes)});
}

}  // namespace

caf::behavior replica(replica_actor* self, replica_options options) {
  supervision::handle_failures(self);
  return self->state.start(std::move(options));
}

replica_life::~replica_life() { forget_shard(); }

caf::behavior replica_life::start(replica_options options) {
  options_ = std::move(options);
  node_ = node_of_member(self_member());
  self_->set_exit_handler([this](const caf::exit_msg& exit) { on_exit(exit); });
  self_->set_down_handler([this](const caf::down_msg& down) { on_down(down); });
  start_from_disk();
  on_tick();
  return {
      // CAF tries them one after the other: what comes often stands first.
      [this](const links::replica_message& message) { on_message(message); },
      [this](const journalled& done) {
        if (done.ticket == restart_ticket) return installing_ ? clear_rows() : void();
        if (!follower_) return;
        reached("replica: an append is on its disk");
        follower_->stored(done.ticket, steady());
        act();
      },
      [this](const tick&) { on_tick(); },
      [this](const replay_on&) { replay_some(); },
      [this](const state_written& written) { on_state_written(written.done); },
      [this](const bounds_are& known) {
        if (stage_ != stage::starting) return;
        bounds_ = known.bounds;
        load();
      },
      [this](const retry_state&) {
        while (!state_writes_.empty() && state_writes_.front().life != life_)
          state_writes_.pop_front();
        write_next_rows();
      },
      [this](const journal_refused&) {
        if (follower_ || installing_) start_later();
      },
      [this](const begin_again&) { start_from_disk(); },
      [this](const link_news& news) { on_link(news); },
      [this](const view_changed& changed) { on_view(changed.view); },
      [this](const registration_changed& now) {
        if (shard_ && !now.registered) reached("replica: its node's lease ended while it leads");
      },
      [this](const storage_fill& fill) {
        fill_ = fill;
        if (shard_) self_->send(shard_, fill);
      },
      [this](const epoch_opened& opened) { on_opened(opened); },
      [this](const epoch_refused&) { asked_to_open_.reset(); },
      [this](const in_sync_changed& answer) { tell_swap(answer.outcome, answer.record); },
      [this](const handed_over& answer) { tell_swap(answer.outcome, answer.record); },
      [this](const outward& wish) { ask_coordinator(wish.action); },
      [this](const shard_resigned& resigned) { on_resigned(resigned); },
      [this](const ask_position& question) { tell_position(question); },
      [this](const status_query& query) {
        if (shard_) return self_->send(shard_, query);
        shard_status status;
        status.correlation = query.correlation;
        status.shard = id();
        if (follower_) {
          status.epoch = follower_->highest_epoch();
          status.last_index = follower_->on_disk().index;
          status.committed = follower_->committed();
        }
        self_->send(query.reply_to, status);
      },
  };
}

// -- beginnings and ends
// ----------------------------------------------------------------------------------------------

// Whoever wrote before has nothing on its way when these two are answered.
void replica_life::start_from_disk() {
  stage_ = stage::starting;
  ++life_;
  installing_.reset();
  bounds_.reset();
  state_is_still_ = false;
  self_->send(options_.shard.journal_writer(), ask_bounds{caf::actor{self_}, id()});
  write_state_rows(std::vector<persistence::row_change>{}, [this] {
    state_is_still_ = true;
    load();
  });
}

void replica_life::start_later() {
  stage_ = stage::starting;
  ++life_;
  if (follower_) promised_until_ = follower_->promised_until();
  follower_.reset();
  replay_.reset();
  installing_.reset();
  self_->delayed_send(self_, full_retry, begin_again{});
}

void replica_life::load() {
  if (stage_ != stage::starting || !bounds_ || !state_is_still_ || resume_installation()) return;
  replay_.emplace(id(), *options_.shard.kinds, *options_.shard.storage, *options_.shard.limits);
  replay_->load();
  check_journal(replay_->book(), bounds_->first, bounds_->last);
  replaying_ = opened_ = false;
  last_flush_ = steady();
  replication::follower_start start;
  start.journal = history_of(id(), options_.shard.storage->log(), *bounds_);
  start.epoch =
      std::max({replay_->epoch(), bounds_->last_epoch, seen_epoch(id(), options_.shard.storage->state())});
  start.committed = replay_->applied();
  // A process that just started does not know what it promised before.
  start.promised_until = promised_until_.value_or(steady() + options_.shard.replication.promise);
  start.limits = options_.shard.replication;
  follower_.emplace(std::move(start));
  stage_ = stage::following;
  act();
  ask_to_open();
}

// The shard begins from the state on disk, on which nothing may be on its way.
void replica_life::lead_when_still() {
  opened_ = true;
  if (!replay_->flushing()) lead();
}

void replica_life::lead() {
  reached("replica: before it leads");
  const auto* now = record();
  config_ = now && now->epoch == opening_->epoch ? config_of(*view_, *now) : *opening_;
  shard_start start;
  auto& primary = start.primary;
  primary.self = self_member();
  primary.config = config_;
  primary.journal = follower_->journal();
  primary.committed = follower_->committed();
  primary.not_before = replication::wait_until(before_, config_, self_member(), follower_->on_disk(),
                                               follower_->promised_until());
  primary.limits = options_.shard.replication;
  start.linked = linked_members();
  start.replica = caf::actor{self_};
  start.say = [link = options_.link, id = id(), self = self_member()](const replication::member_id& member,
                                                                      replication::message content) {
    post(link, id, self, member, std::move(content));
  };
  promised_until_ = follower_->promised_until();
  follower_.reset();
  replay_.reset();
  opening_.reset();
  epoch_ = primary.config.epoch;
  giving_ = false;
  stage_ = stage::leading;
  shard_ = self_->spawn<caf::monitored + caf::linked>(shard, options_.shard, std::move(start));
  self_->send(shard_, fill_);
}

void replica_life::on_resigned(const shard_resigned& resigned) {
  forget_shard();
  if (stage_ == stage::ending) return self_->quit();
  if (resigned.why == replication::resignation::write_refused) return start_later();
  start_from_disk();
}

void replica_life::on_exit(const caf::exit_msg& exit) {
  // Of a shard that ended `on_down` knows more.
  if (!exit.reason || (shard_ && exit.source == shard_.address())) return;
  if (exit.reason == caf::exit_reason::user_shutdown && shard_) {
    stage_ = stage::ending;
    self_->send_exit(shard_, caf::exit_reason::user_shutdown);
  } else {
    self_->quit(exit.reason);
  }
}

// However it ended, nobody is sent to it any more.
void replica_life::forget_shard() {
  if (shard_) options_.shard.routing->remove(id(), shard_);
  shard_ = nullptr;
}

void replica_life::on_down(const caf::down_msg& down) {
  if (supervision::is_failure(down.reason)) return self_->quit(down.reason);
  if (stage_ == stage::ending) self_->quit();
}

// -- following
// ------------------------------------------------------------------------------------------------

void replica_life::act() {
  while (follower_) {
    auto actions = follower_->take();
    if (actions.empty()) return;
    for (auto& action : actions)
      take(action);
  }
}

void replica_life::take(replication::follower_action& action) {
  if (auto* epoch = std::get_if<replication::store_epoch>(&action)) {
    reached("replica: before an epoch is stored");
    write_state_rows({{keys::seen_epoch(id()), std::to_string(epoch->epoch)}}, [this, epoch = epoch->epoch] {
      if (!follower_) return;
      reached("replica: an epoch is stored");
      follower_->epoch_stored(epoch, steady());
      act();
    });
  } else if (auto* cut = std::get_if<replication::cut_journal>(&action)) {
    reached("replica: before its tail is cut");
    self_->send(options_.shard.journal_writer(), cut_after{caf::actor{self_}, id(), cut->last, cut->ticket});
  } else if (auto* write = std::get_if<replication::write_entries>(&action)) {
    store_entries(*write);
  } else if (auto* answer = std::get_if<replication::send_appended>(&action)) {
    pass_points(answer->message.result);
    tell(answer->to, answer->message);
  } else if (auto* received = std::get_if<replication::send_snapshot_received>(&action)) {
    tell(received->to, received->message);
  } else if (std::holds_alternative<replication::begin_snapshot>(action)) {
    begin_snapshot();
  } else if (auto* piece = std::get_if<replication::store_chunk>(&action)) {
    store_piece(*piece);
  } else if (auto* wanted = std::get_if<replication::install_snapshot>(&action)) {
    install(*wanted);
  } else if (std::holds_alternative<replication::epoch_open>(action)) {
    lead_when_still();
  }
}

void replica_life::store_entries(const replication::write_entries& write) {
  reached("replica: before an append");
  append append{caf::actor{self_}, id(), {}, write.ticket};
  append.entries.reserve(write.entries.size());
  for (const auto& entry : write.entries)
    append.entries.push_back({id(), entry.index, entry.epoch, entry.payload});
  self_->send(options_.shard.journal_writer(), std::move(append));
}

// -- the state follows
// ----------------------------------------------------------------------------------------

// At leisure: what is written with each flush is what changed since the last, so seldom is cheap.
void replica_life::follow_with_state() {
  if (!follower_ || replaying_ || installing_ || replay_->flushing()) return;
  follower_->trimmed(options_.shard.storage->log().bounds(id()).first);
  const bool due = flush_due(id(), last_flush_, steady(), options_.shard.limits->flush_interval);
  if (!due || follower_->committed() <= replay_->applied()) return;
  replaying_ = true;
  replay_some();
}

// In small pieces, so that the primary's messages do not wait.
void replica_life::replay_some() {
  if (!follower_ || !replaying_ || opened_ || installing_) return;
  const auto before = replay_->replayed();
  replay_->replay(follower_->committed(), options_.shard.limits->replay_records_max);
  const bool more = replay_->replayed() < follower_->committed() && replay_->replayed() > before &&
                    replay_->pending_bytes() < options_.shard.limits->flush_bytes;
  if (more) return self_->send(self_, replay_on{});
  flush();
}

void replica_life::flush() {
  replaying_ = false;
  last_flush_ = steady();
  replay_->purge_answers(options_.shard.time->now());
  reached("replica: before its state is written");
  auto rows = replay_->begin_flush();
  options_.shard.figures->state_rows += rows->size();
  write_state_rows(std::move(rows), [this] {
    ++options_.shard.figures->state_flushes;
    if (!replay_) return;
    replay_->end_flush();
    if (opened_) return lead();
    if (installing_) return mark_installation();
    const auto last = follower_->on_disk().index;
    const auto keep_from = keep_for_others(replay_->applied() + 1, last, *options_.shard.limits);
    const auto spared_from = keep_for_readers(keep_from, last, *options_.shard.limits);
    self_->send(options_.shard.journal_writer(), trim_journal{id(), keep_from, spared_from});
  });
}

// -- the disk
// -------------------------------------------------------------------------------------------------

// One after the other: what a full disk refused must not come after what was written later.
void replica_life::write_state_rows(std::vector<persistence::row_change> rows, std::function<void()> then) {
  write_state_rows(std::make_shared<const std::vector<persistence::row_change>>(std::move(rows)),
                   std::move(then));
}

void replica_life::write_state_rows(persistence::shared_rows rows, std::function<void()> then) {
  state_writes_.push_back({std::move(rows), std::move(then), life_});
  if (state_writes_.size() == 1) write_next_rows();
}

void replica_life::write_next_rows() {
  if (state_writes_.empty()) return;
  self_->send(options_.shard.state_writer(), write_state{caf::actor{self_}, {state_writes_.front().rows}});
}

void replica_life::on_state_written(bool done) {
  const bool of_this_life = state_writes_.front().life == life_;
  if (!done && of_this_life) return self_->delayed_send(self_, full_retry, retry_state{});
  const auto then = std::move(state_writes_.front().then);
  state_writes_.pop_front();
  write_next_rows();
  if (of_this_life) then();
}

// -- other members
// --------------------------------------------------------------------------------------------

void replica_life::on_message(const links::replica_message& message) {
  auto letter = replication::letter_of(message.content);
  if (!letter || letter->to != self_member() || node_of_member(letter->from) != message.node) return;
  if (shard_) return self_->send(shard_, member_says{std::move(letter->from), std::move(letter->content)});
  if (!follower_) return;
  if (const auto* batch = std::get_if<replication::append>(&letter->content)) {
    follower_->receive(letter->from, *batch, steady());
  } else if (const auto* chunk = std::get_if<replication::snapshot_chunk>(&letter->content)) {
    follower_->receive(letter->from, *chunk, steady());
  }
  act();
}

void replica_life::tell(const replication::member_id& member, replication::message content) {
  post(options_.link, id(), self_member(), member, std::move(content));
}

bool replica_life::is_linked(std::string_view node) const {
  return options_.linked && options_.linked(std::string{node});
}

std::vector<replication::member_id> replica_life::linked_members() const {
  std::vector<replication::member_id> linked;
  for (const auto* set : {&config_.replicas, &config_.in_sync}) {
    for (const auto& member : *set) {
      const bool known = member == self_member() || replication::contains(linked, member);
      if (!known && is_linked(node_of_member(member))) linked.push_back(member);
    }
  }
  return linked;
}

void replica_life::on_link(const link_news& news) {
  if (news.up) {
    lost_.erase(news.node);
  } else {
    lost_.insert(news.node);
  }
  if (shard_) {
    for (const auto* set : {&config_.replicas, &config_.in_sync})
      for (const auto& member : *set)
        if (node_of_member(member) == news.node) self_->send(shard_, member_link{member, news.up});
  }
  report_primary();
}

// A member in sync that lost its link to the primary says so: nobody has to wait for a lease to end.
void replica_life::report_primary() {
  const auto* now = record();
  if (!now) return;
  ask_controller_to_look report{id(), now->epoch, {}};
  const auto primary = view_->in_sync_member(*now, now->primary);
  if (follower_ && now->has_in_sync(self_member()) && lost_.contains(now->primary) && !primary.empty())
    report.unreachable.push_back(primary);
  // What a shard that leads reports is its own.
  const bool news = report.unreachable != reported_.unreachable || report.epoch != reported_.epoch;
  if (shard_ || !news || (report.unreachable.empty() && reported_.unreachable.empty())) return;
  reported_ = report;
  self_->send(options_.shard.coordinator(), std::move(report));
}

void replica_life::tell_position(const ask_position& question) {
  if (question.member != self_member() || stage_ == stage::starting) return;
  const auto bounds = options_.shard.storage->log().bounds(id());
  replication::position_answer answer;
  answer.member = self_member();
  answer.epoch = follower_ ? follower_->highest_epoch() : epoch_;
  answer.last = {bounds.last, bounds.last_epoch};
  if (const auto* now = record()) {
    const auto config = config_of(*view_, *now);
    for (const auto* set : {&config.in_sync, &config.replicas})
      for (const auto& member : *set)
        if (is_linked(node_of_member(member)) && !replication::contains(answer.reaches, member))
          answer.reaches.push_back(member);
  }
  self_->send(question.reply_to, position_told{id(), std::move(answer)});
}

// -- the coordinator
// ------------------------------------------------------------------------------------------

void replica_life::on_tick() {
  self_->delayed_send(self_, tick_interval, tick{});
  const auto coordinator = options_.shard.coordinator();
  if (coordinator && (!view_ || steady() - last_subscribed_ >= subscribe_interval)) {
    last_subscribed_ = steady();
    self_->send(coordinator, subscribe{caf::actor{self_}});
  }
  if (asked_to_open_ && steady() - *asked_to_open_ >= open_retry) asked_to_open_.reset();
  ask_to_open();
  follow_with_state();
  give_away_if_asked();
}

const shard_record* replica_life::record() const {
  return view_ && id() < view_->shards.size() ? &view_->shards[id()] : nullptr;
}

void replica_life::on_view(const std::shared_ptr<const cluster_view>& view) {
  view_ = view;
  report_primary();
  ask_to_open();
  give_away_if_asked();
  const auto* now = record();
  if (!shard_ || !now) return;
  auto config = config_of(*view_, *now);
  if (config == config_) return;
  // A member may be linked already when it becomes one.
  const auto before = std::exchange(config_, std::move(config));
  if (config_.in_sync.size() > before.in_sync.size()) reached("replica: a learner is in sync");
  if (config_.in_sync.size() < before.in_sync.size()) reached("replica: a member is in sync no more");
  for (const auto& member : linked_members())
    if (!replication::contains(before.replicas, member) && !replication::contains(before.in_sync, member))
      self_->send(shard_, member_link{member, true});
  self_->send(shard_, config_told{config_});
}

void replica_life::ask_to_open() {
  const auto* now = record();
  if (!now || !follower_ || asked_to_open_ || follower_->opening() != 0) return;
  if (now->primary != node_ || !now->has_in_sync(self_member())) return;
  asked_to_open_ = steady();
  before_ = config_of(*view_, *now);
  self_->send(options_.shard.coordinator(), open_epoch{id(), follower_->highest_epoch(), caf::actor{self_}});
}

void replica_life::on_opened(const epoch_opened& opened) {
  asked_to_open_.reset();
  const auto* now = record();
  // What was asked for in an earlier life, or is known better by now, is asked for again.
  if (!now || !follower_ || follower_->opening() != 0 || now->epoch != opened.epoch) return;
  const auto config = config_of(*view_, *now);
  if (may_open(config, self_member(), follower_->highest_epoch()) != replication::opening::may_open) return;
  reached("replica: an epoch is opened for it");
  opening_ = config;
  follower_->open(config.epoch);
  act();
}

void replica_life::ask_coordinator(const replication::primary_action& action) {
  const auto coordinator = options_.shard.coordinator();
  if (!coordinator || !shard_) return;
  if (const auto* swap = std::get_if<replication::swap_in_sync>(&action)) {
    reached("replica: before who is in sync is changed");
    self_->send(coordinator, change_in_sync{id(), epoch_, swap->revision, swap->in_sync, caf::actor{self_}});
  } else if (const auto* away = std::get_if<replication::swap_primary>(&action)) {
    self_->send(coordinator, hand_over{id(), epoch_, away->revision, away->to, caf::actor{self_}});
  } else if (const auto* look = std::get_if<replication::ask_controller>(&action)) {
    reported_ = {id(), epoch_, look->silent};
    self_->send(coordinator, reported_);
  }
}

// The controller, or an operator, wants another member in sync to be primary.
void replica_life::give_away_if_asked() {
  const auto* now = record();
  if (!shard_ || !now || now->epoch != epoch_ || now->primary != node_) return;
  const auto heir = view_->in_sync_member(*now, now->move_to);
  if (!now->move_to.empty() && now->move_to != node_ && !heir.empty() && is_linked(now->move_to)) {
    giving_ = true;
    self_->send(shard_, give_to{heir});
  } else if (std::exchange(giving_, false)) {
    self_->send(shard_, give_to{});
  }
}

void replica_life::tell_swap(swap_outcome outcome, const shard_record& record) {
  if (!shard_) return;
  swap_told told{translated(outcome), std::nullopt};
  if (record.epoch != 0) told.config = config_of(*view_, record);
  self_->send(shard_, std::move(told));
}

}  // namespace souk::runtime
