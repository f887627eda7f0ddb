#include "tests/unit/replication_world.hpp"

#include <algorithm>
#include <sstream>

namespace souk::replication {
namespace {

using namespace std::chrono_literals;

template <class... Handlers>
struct overloaded : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
overloaded(Handlers...) -> overloaded<Handlers...>;

// Tighter than in production, so that the bounds are met.
limits small_limits() {
  limits small;
  small.batch_records_max = 7;
  small.batch_bytes_max = 60;
  small.window_records_max = 20;
  small.window_bytes_max = 200;
  small.recent_records_max = 15;
  small.recent_bytes_max = 150;
  small.return_after = 3s;
  return small;
}

constexpr std::size_t snapshot_piece = 64;

}  // namespace

void world_figures::add(const world_figures& other) {
  acknowledged += other.acknowledged;
  epochs += other.epochs;
  crashes += other.crashes;
  living_deposed += other.living_deposed;
  shrunk += other.shrunk;
  grown += other.grown;
  unknown_swaps += other.unknown_swaps;
  cuts += other.cuts;
  snapshots += other.snapshots;
  handovers += other.handovers;
  writes_refused += other.writes_refused;
  disks_emptied += other.disks_emptied;
  reads += other.reads;
  reads_held_back += other.reads_held_back;
}

world::world(std::uint64_t seed, world_options options) : seed_{seed}, options_{options}, random_{seed} {
  nodes_.resize(options_.nodes);
  const double drift = options_.broken == breakage::clocks_run_wild ? 0.9 : 0.1;
  for (unsigned i = 0; i < options_.nodes; ++i) {
    auto& node = nodes_[i];
    node.name = std::string{"n"} + std::to_string(i);
    node.number = i;
    node.on_disk.id = std::string{"d"} + std::to_string(disks_++);
    node.rate = 1 + drift * (2 * std::uniform_real_distribution<>{}(random_)-1);
    node.offset = between(0s, 1000s);
    config_.replicas.push_back(node.member());
  }
  config_.revision = 1;
  config_.epoch = 1;
  config_.primary = config_.replicas[0];
  config_.in_sync = config_.replicas;
  config_.min_in_sync = options_.min_in_sync;
  for (auto& node : nodes_)
    boot(node);
}

void world::fail(const std::string& what) const {
  std::ostringstream text;
  text << "seed " << seed_ << " at " << std::chrono::duration<double>(now_).count() << " s: " << what;
  throw violation{text.str()};
}

// -- time and chance --------------------------------------------------------------------------------------

void world::at(time delay, std::function<void()> what) { events_.emplace(now_ + delay, std::move(what)); }

void world::for_process(node& node, time delay, std::function<void()> what) {
  at(delay, [this, &node, life = node.life, what = std::move(what)]() mutable {
    if (!node.up || node.life != life) return;
    if (now_ < node.paused_until) return for_process(node, node.paused_until - now_, std::move(what));
    what();
    act(node);
  });
}

bool world::chance(double probability) { return std::uniform_real_distribution<>{}(random_) < probability; }

world::time world::between(time low, time high) {
  return time{std::uniform_int_distribution<time::rep>{low.count(), high.count()}(random_)};
}

world::time world::local(const node& node) const {
  return node.offset + time{static_cast<time::rep>(static_cast<double>(now_.count()) * node.rate)};
}

world::node* world::find(const member_id& member) {
  for (auto& node : nodes_)
    if (node.member() == member) return &node;
  return nullptr;
}

// -- processes --------------------------------------------------------------------------------------------

history world::journal_of(const disk& disk) const {
  const auto last = disk.records.size();
  return history::read(disk.first, last, last == 0 ? 0 : disk.records.back().epoch,
                       [&](std::uint64_t index) { return disk.records.at(index - 1).epoch; });
}

void world::boot(node& node) {
  node.up = true;
  node.down_since.reset();
  node.life += 1;
  node.promised_until = local(node) + small_limits().promise;
  if (now_ == time{0}) node.promised_until = time{0};  // the shard's very first start
  node.seen.reset();
  node.opened_from.reset();
  node.asking_epoch = node.rebuilding = false;
  start_follower(node);
  tick(node);
  for (auto& other : nodes_)
    if (other.number != node.number && !cut_.contains({other.number, node.number})) tell_link(other, node);
}

void world::crash(node& node) {
  figures_.crashes += 1;
  node.up = false;
  node.down_since = now_;
  node.paused_until = time{0};
  // Of what was on its way to the disk, some beginning got there.
  for (auto& write : node.writes) {
    if (chance(0.5)) break;
    write.apply(node.on_disk);
  }
  node.writes.clear();
  node.writing = false;
  node.follows.reset();
  node.leads.reset();
  for (auto& other : nodes_)
    if (other.number != node.number && chance(0.8)) tell_link(other, node);
}

void world::start_follower(node& node) {
  node.leads.reset();
  node.snapshots.clear();
  node.follows = std::make_unique<follower>(follower_start{.journal = journal_of(node.on_disk),
                                                           .epoch = node.on_disk.epoch,
                                                           .committed = node.on_disk.applied,
                                                           .promised_until = node.promised_until,
                                                           .limits = small_limits()});
}

// The object of before is of no use: another starts from the disk when no write is on its way.
void world::rebuild(node& node) {
  if (node.follows) node.promised_until = std::max(node.promised_until, node.follows->promised_until());
  node.leads.reset();
  node.follows.reset();
  if (node.rebuilding) return;
  node.rebuilding = true;
  write(
      node, [](disk&) { return true; },
      [this, &node](bool) {
        node.rebuilding = false;
        start_follower(node);
      });
}

void world::start_primary(node& node) {
  const auto config = *node.seen;
  const auto committed = node.follows->committed();
  node.promised_until = node.follows->promised_until();
  auto journal = node.follows->journal();
  auto wait = wait_until(node.opened_from, config, node.member(), journal.end(), node.promised_until);
  if (options_.broken == breakage::promise_not_kept) wait = time{0};
  node.opened_from.reset();
  node.follows.reset();
  node.decided = node.on_disk.records;

  figures_.epochs += 1;
  const auto owner = epoch_owner_.emplace(config.epoch, node.number);
  if (!owner.second && owner.first->second != node.number) fail("two primaries of one epoch");
  // Who wakes late may open an epoch that is over; it can commit nothing.
  const bool current = config.epoch == config_.epoch;
  for (std::size_t i = 0; current && i < acknowledged_.size(); ++i)
    if (i >= node.decided.size() || !(node.decided[i] == acknowledged_[i]))
      fail(node.member() + " opens epoch " + std::to_string(config.epoch) + " without acknowledged record " +
           std::to_string(i + 1));

  node.leads = std::make_unique<primary>(primary_start{.self = node.member(),
                                                       .config = config,
                                                       .journal = std::move(journal),
                                                       .committed = committed,
                                                       .not_before = wait,
                                                       .limits = small_limits()},
                                         local(node));
  for (auto& other : nodes_)
    if (other.number != node.number && other.up && !cut_.contains({node.number, other.number}))
      node.leads->link_up(other.member(), local(node));
}

// -- actions ----------------------------------------------------------------------------------------------

void world::act(node& node) {
  while (true) {
    if (node.follows) {
      auto actions = node.follows->take();
      if (actions.empty()) return;
      for (auto& action : actions)
        if (node.follows) act(node, action);
    } else if (node.leads) {
      auto actions = node.leads->take(local(node));
      if (actions.empty()) return;
      for (auto& action : actions)
        if (node.leads) act(node, action);
    } else {
      return;
    }
  }
}

void world::act(node& node, follower_action& action) {
  std::visit(overloaded{
                 [&](store_epoch& what) {
                   write(
                       node,
                       [epoch = what.epoch](disk& disk) {
                         disk.epoch = std::max(disk.epoch, epoch);
                         return true;
                       },
                       [this, &node, epoch = what.epoch](bool) {
                         if (node.follows) node.follows->epoch_stored(epoch, local(node));
                       });
                 },
                 [&](cut_journal& what) {
                   figures_.cuts += 1;
                   write(
                       node,
                       [this, last = what.last](disk& disk) {
                         if (disk.applied > last) fail("a cut below the state");
                         disk.records.resize(last);
                         return true;
                       },
                       [this, &node, ticket = what.ticket](bool) {
                         if (node.follows) node.follows->stored(ticket, local(node));
                       });
                 },
                 [&](write_entries& what) {
                   const bool refused = faulty_ && chance(0.0005);
                   write(
                       node,
                       [entries = std::move(what.entries), refused](disk& disk) {
                         if (refused || entries.front().index != disk.records.size() + 1) return false;
                         for (const auto& entry : entries)
                           disk.records.push_back({entry.epoch, entry.payload});
                         return true;
                       },
                       [this, &node, ticket = what.ticket](bool done) {
                         if (!done) return rebuild(node);
                         if (node.follows) node.follows->stored(ticket, local(node));
                       });
                 },
                 [&](send_appended& what) { send(node, what.to, what.message); },
                 [&](send_snapshot_received& what) { send(node, what.to, what.message); },
                 [&](begin_snapshot&) {
                   write(
                       node,
                       [](disk& disk) {
                         disk.staged.clear();
                         return true;
                       },
                       [](bool) {});
                 },
                 [&](store_chunk& what) {
                   write(
                       node,
                       [data = what.data](disk& disk) {
                         disk.staged += *data;
                         return true;
                       },
                       [this, &node, id = what.snapshot, sequence = what.sequence](bool) {
                         if (node.follows) node.follows->chunk_stored(id, sequence, local(node));
                       });
                 },
                 [&](install_snapshot& what) {
                   figures_.snapshots += 1;
                   write(
                       node,
                       [this, at = what.at](disk& disk) {
                         std::istringstream rows{disk.staged};
                         disk.records.clear();
                         std::uint64_t epoch = 0;
                         std::string value;
                         while (rows >> epoch >> value)
                           disk.records.push_back({epoch, std::make_shared<const std::string>(value)});
                         if (disk.records.size() != at.index || disk.records.back().epoch != at.epoch)
                           fail("a snapshot is not what it says");
                         disk.first = at.index + 1;
                         disk.applied = at.index;
                         return true;
                       },
                       [this, &node, id = what.snapshot](bool) {
                         if (node.follows) node.follows->snapshot_installed(id, local(node));
                       });
                 },
                 [&](follower_committed& what) {
                   check_committed(node, node.on_disk.records, what.upto);
                   if (!chance(0.1)) return;
                   write(
                       node,
                       [upto = what.upto, trim = chance(0.5)](disk& disk) {
                         disk.applied = std::max(disk.applied, upto);
                         if (trim)
                           disk.first = std::max(disk.first, upto - std::min<std::uint64_t>(upto, 5) + 1);
                         return true;
                       },
                       [this, &node](bool) {
                         if (node.follows) node.follows->trimmed(node.on_disk.first);
                       });
                 },
                 [&](epoch_open& what) {
                   if (node.seen && node.seen->epoch == what.epoch && node.seen->primary == node.member())
                     start_primary(node);
                   else
                     rebuild(node);
                 },
             },
             action);
}

void world::act(node& node, primary_action& action) {
  std::visit(
      overloaded{
          [&](send_append& what) { send(node, what.to, std::move(what.message)); },
          [&](send_snapshot_chunk& what) { send(node, what.to, std::move(what.message)); },
          [&](read_journal& what) {
            for_process(node, between(100us, 2ms), [this, &node, what] {
              if (!node.leads) return;
              std::vector<entry> found;
              const auto& disk = node.on_disk;
              for (auto i = what.from; i >= disk.first && i <= disk.records.size(); ++i) {
                if (found.size() == what.records_max) break;
                found.push_back({i, disk.records[i - 1].epoch, disk.records[i - 1].payload});
              }
              node.leads->journal_read(what.member, what.from, std::move(found));
            });
          },
          [&](read_snapshot& what) {
            for_process(node, between(100us, 5ms), [this, &node, what] {
              if (!node.leads) return;
              auto& text = node.snapshots[what.member];
              const auto upto = node.on_disk.applied;
              if (what.sequence == 0) {
                std::ostringstream rows;
                for (std::uint64_t i = 0; i < upto; ++i)
                  rows << node.on_disk.records[i].epoch << ' ' << *node.on_disk.records[i].payload << '\n';
                text = std::to_string(upto) + '\n' + rows.str();
              }
              const auto header = text.find('\n');
              const std::uint64_t index = std::stoull(text.substr(0, header));
              const auto from = std::min(header + 1 + what.sequence * snapshot_piece * 8, text.size());
              const auto piece = text.substr(from, snapshot_piece * 8);
              node.leads->snapshot_read(
                  what.member, what.snapshot, what.sequence, {index, node.on_disk.records[index - 1].epoch},
                  std::make_shared<const std::string>(piece), from + piece.size() == text.size());
            });
          },
          [&](end_snapshot&) {},
          // An answer that comes very late may look so; what the member has it says again.
          [&](records_lost&) {},
          [&](decide_opening&) { decide(node); },
          [&](primary_committed& what) {
            check_committed(node, node.decided, what.upto);
            for (auto i = acknowledged_.size(); i < what.upto; ++i) {
              acknowledged_.push_back(node.decided[i]);
              figures_.acknowledged += 1;
            }
            const auto own = std::min<std::uint64_t>(what.upto, node.on_disk.records.size());
            if (!chance(0.1)) return;
            node.on_disk.applied = std::max(node.on_disk.applied, own);
            // Learners are not waited for: they need snapshots then.
            node.on_disk.first =
                std::max(node.on_disk.first, std::min(node.leads->keep_from(), node.on_disk.applied + 1));
            node.leads->trimmed(node.on_disk.first);
          },
          [&](swap_in_sync& what) {
            const auto life = node.life;
            swap(
                what.revision, [members = what.in_sync](shard_config& config) { config.in_sync = members; },
                [this, &node, life](swap_outcome outcome, std::optional<shard_config> config) {
                  if (node.life != life) return;
                  for_process(node, 0ns, [this, &node, outcome, config] {
                    if (node.leads) node.leads->swap_answered(outcome, config, local(node));
                  });
                });
          },
          [&](swap_primary& what) {
            const auto life = node.life;
            swap(
                what.revision,
                [what](shard_config& config) {
                  config.epoch = what.epoch;
                  config.primary = what.to;
                  config.handed_over = true;
                },
                [this, &node, life](swap_outcome outcome, std::optional<shard_config> config) {
                  if (node.life != life) return;
                  for_process(node, 0ns, [this, &node, outcome, config] {
                    if (node.leads) node.leads->swap_answered(outcome, config, local(node));
                  });
                });
          },
          [&](ask_controller&) { look_ = true; },
          [&](resigned& what) {
            if (what.why == resignation::handed_over) figures_.handovers += 1;
            if (what.why == resignation::superseded) figures_.living_deposed += 1;
            if (what.why == resignation::write_refused) figures_.writes_refused += 1;
            rebuild(node);
          },
      },
      action);
}

// -- disk and network -------------------------------------------------------------------------------------

void world::write(node& node, std::function<bool(disk&)> apply, std::function<void(bool)> done) {
  node.writes.push_back({std::move(apply), std::move(done)});
  if (!node.writing) next_write(node);
}

void world::next_write(node& node) {
  node.writing = true;
  const auto delay = faulty_ && chance(0.002) ? between(100ms, 2500ms) : between(200us, 4ms);
  for_process(node, delay, [this, &node] {
    auto write = std::move(node.writes.front());
    node.writes.pop_front();
    const bool done = write.apply(node.on_disk);
    node.writing = false;
    write.done(done);
    if (!node.writes.empty() && !node.writing) next_write(node);
  });
}

void world::send(node& from, const member_id& to, wire message) {
  auto* receiver = find(to);
  if (!receiver || cut_.contains({from.number, receiver->number})) return;
  if (faulty_ && chance(0.03)) return;
  const unsigned copies = faulty_ && chance(0.03) ? 2 : 1;
  for (unsigned i = 0; i < copies; ++i) {
    const auto delay = faulty_ && chance(0.03) ? between(10ms, 1500ms) : between(100us, 5ms);
    at(delay, [this, receiver, sender = from.member(), message] {
      for_process(*receiver, 0ns, [this, receiver, sender, message] { deliver(*receiver, sender, message); });
    });
  }
}

void world::deliver(node& to, const member_id& from, const wire& message) {
  if (const auto* sender = find(from); !sender || cut_.contains({sender->number, to.number})) return;
  const auto now = local(to);
  if (to.follows) {
    if (const auto* m = std::get_if<append>(&message)) {
      auto taken = *m;
      if (options_.broken == breakage::no_epoch_check)
        taken.epoch = std::max(taken.epoch, to.follows->highest_epoch());
      to.follows->receive(from, taken, now);
    }
    if (const auto* m = std::get_if<snapshot_chunk>(&message)) to.follows->receive(from, *m, now);
  } else if (to.leads) {
    if (const auto* m = std::get_if<appended>(&message)) to.leads->receive(from, *m, now);
    if (const auto* m = std::get_if<snapshot_received>(&message)) to.leads->receive(from, *m, now);
    if (const auto* m = std::get_if<append>(&message))
      if (const auto answer = to.leads->receive(*m)) send(to, from, *answer);
    if (const auto* m = std::get_if<snapshot_chunk>(&message))
      if (const auto answer = to.leads->receive(*m)) send(to, from, *answer);
  }
}

// Cuts a link both ways or makes it whole, and tells both ends.
void world::set_link(unsigned a, unsigned b, bool whole) {
  if (whole) {
    cut_.erase({a, b});
    cut_.erase({b, a});
  } else {
    cut_.insert({a, b});
    cut_.insert({b, a});
  }
  tell_link(nodes_[a], nodes_[b]);
  tell_link(nodes_[b], nodes_[a]);
}

// A link broke, or is there anew: its end learns how it stands.
void world::tell_link(node& to, node& about) {
  for_process(to, between(100us, 5ms), [this, &to, &about, was = about.member()] {
    if (!to.leads) return;
    to.leads->link_lost(was, local(to));
    if (about.up && !cut_.contains({to.number, about.number})) to.leads->link_up(about.member(), local(to));
  });
}

// -- coordinator and controller ---------------------------------------------------------------------------

void world::swap(std::int64_t revision, change change,
                 std::function<void(swap_outcome, std::optional<shard_config>)> answer) {
  const bool unknown = faulty_ && chance(0.2);
  const bool never = unknown && chance(0.3);
  auto done = std::make_shared<bool>(false);
  const auto delay = unknown ? between(1ms, 1500ms) : between(1ms, 20ms);
  at(delay, [this, revision, change = std::move(change), done, never] {
    if (never || (config_.revision != revision && options_.broken != breakage::swap_without_compare)) return;
    const auto before = config_.in_sync.size();
    change(config_);
    if (config_.in_sync.size() < before) figures_.shrunk += 1;
    if (config_.in_sync.size() > before) figures_.grown += 1;
    config_.revision += 1;
    *done = true;
  });
  if (unknown) figures_.unknown_swaps += 1;
  const auto answer_after = unknown ? between(1ms, 1000ms) : delay + between(1ms, 10ms);
  at(answer_after, [this, done, unknown, answer = std::move(answer)] {
    if (unknown) return answer(swap_outcome::unknown, chance(0.5) ? std::optional{config_} : std::nullopt);
    answer(*done ? swap_outcome::done : swap_outcome::refused, config_);
  });
}

void world::look_at_coordinator(node& node) {
  if (faulty_ && chance(0.2)) return;
  at(between(1ms, 10ms), [this, &node] {
    for_process(node, between(1ms, 10ms), [this, &node, config = config_] { on_config(node, config); });
  });
}

void world::on_config(node& node, const shard_config& config) {
  if (node.seen && config.revision < node.seen->revision) return;
  node.seen = config;
  if (node.leads) return node.leads->config_seen(config, local(node));
  if (!node.follows || node.follows->opening() > 0 || node.asking_epoch) return;
  auto highest = node.follows->highest_epoch();
  if (options_.broken == breakage::epoch_reused && highest == config.epoch) highest -= 1;
  switch (may_open(config, node.member(), highest)) {
    case opening::not_ours:
      break;
    case opening::may_open:
      if (options_.broken == breakage::epoch_reused && node.follows->highest_epoch() == config.epoch)
        return start_primary(node);
      node.follows->open(config.epoch);
      break;
    case opening::ask_for_next_epoch:
      node.asking_epoch = true;
      const auto life = node.life;
      swap(
          config.revision,
          [](shard_config& next) {
            next.epoch += 1;
            next.handed_over = false;
          },
          [this, &node, life, config](swap_outcome outcome, std::optional<shard_config>) {
            if (node.life != life) return;
            for_process(node, 0ns, [&node, outcome, config] {
              node.asking_epoch = false;
              if (outcome == swap_outcome::done) node.opened_from = config;
            });
          });
  }
}

// The controller names the disks of living nodes as replicas; an emptied disk is another member.
void world::keep_replicas_current() {
  members current;
  for (const auto& node : nodes_)
    current.push_back(node.member());
  if (config_.replicas == current) return;
  swap(
      config_.revision, [current](shard_config& config) { config.replicas = current; },
      [](swap_outcome, std::optional<shard_config>) {});
}

void world::control() {
  at(200ms, [this] { control(); });
  keep_replicas_current();
  const auto* leader = find(config_.primary);
  const bool dead = !leader || (!leader->up && now_ - leader->down_since.value_or(now_) > 800ms) ||
                    (leader->paused_until > now_ && chance(0.2));
  const bool suspected = faulty_ && chance(0.01);
  if (failing_over_ || !(dead || suspected || std::exchange(look_, false))) return;

  auto config = config_;
  std::vector<position_answer> answers;
  auto asked = config.in_sync;
  if (options_.broken == breakage::failover_out_of_sync) asked = config.in_sync = config.replicas;
  for (const auto& member : asked) {
    auto* node = find(member);
    if (!node || !node->up || !(node->follows || node->leads) || now_ < node->paused_until) continue;
    if (suspected && member == config.primary) continue;
    if (faulty_ && chance(0.1)) continue;
    position_answer answer{.member = member};
    const auto& records = node->on_disk.records;
    answer.last = {records.size(), records.empty() ? 0 : records.back().epoch};
    for (auto& other : nodes_)
      if (other.up && other.number != node->number && !cut_.contains({node->number, other.number}))
        answer.reaches.push_back(other.member());
    answers.push_back(std::move(answer));
  }
  const auto elected = elect(config, answers);
  const auto* chosen = std::get_if<new_primary>(&elected);
  if (!chosen) return;
  failing_over_ = true;
  swap(
      config.revision,
      [chosen = *chosen](shard_config& next) {
        next.epoch = chosen.epoch;
        next.primary = chosen.primary;
        next.in_sync = chosen.in_sync;
        next.handed_over = false;
      },
      [this](swap_outcome, std::optional<shard_config>) { failing_over_ = false; });
}

// -- work and faults --------------------------------------------------------------------------------------

void world::tick(node& node) {
  for_process(node, between(50ms, 110ms), [this, &node] {
    tick(node);
    if (node.leads) node.leads->tick(local(node));
    look_at_coordinator(node);
  });
}

void world::decide(node& node) {
  const auto value = std::string{"v"} + std::to_string(++values_);
  auto payload = std::make_shared<const std::string>(value);
  const entry decided{node.leads->last() + 1, node.leads->epoch(), payload};
  node.decided.resize(decided.index - 1);
  node.decided.push_back({decided.epoch, payload});
  node.leads->decided({decided}, local(node));
  const auto epoch = decided.epoch;
  const bool refused = faulty_ && chance(0.0005);
  if (options_.broken == breakage::own_disk_not_counted)
    node.leads->locally_durable(decided.index, local(node));
  write(
      node,
      [&node, decided, refused, refusals = node.refusals](disk& disk) {
        if (refused || refusals != node.refusals || decided.index != disk.records.size() + 1) return false;
        disk.records.push_back({decided.epoch, decided.payload});
        return true;
      },
      [this, &node, epoch, index = decided.index, refusals = node.refusals](bool done) {
        if (!node.leads || node.leads->epoch() != epoch || refusals != node.refusals) return;
        if (done) return node.leads->locally_durable(index, local(node));
        node.refusals += 1;
        node.leads->locally_refused(index, local(node));
      });
}

void world::fault() {
  if (!faulty_) return;
  at(between(50ms, 900ms), [this] { fault(); });
  auto& node = nodes_[random_() % nodes_.size()];
  const auto other = (node.number + 1 + random_() % (nodes_.size() - 1)) % nodes_.size();
  const auto what = random_() % 100;
  if (what < 20) {
    if (!node.up) return;
    crash(node);
    // Who lost its disk comes back as another member. The last copy in sync is never lost: not the primary's.
    const bool emptied = chance(0.3);
    at(between(10ms, 6s), [this, &node, emptied] {
      const auto* leader = find(config_.primary);
      if (emptied && leader && leader != &node && !failing_over_) {
        figures_.disks_emptied += 1;
        const auto id = options_.broken == breakage::empty_disk_elected
                            ? node.on_disk.id
                            : std::string{"d"} + std::to_string(disks_++);
        node.on_disk = {};
        node.on_disk.id = id;
      }
      boot(node);
    });
  } else if (what < 40) {
    set_link(node.number, static_cast<unsigned>(other), false);
    at(between(10ms, 4s),
       [this, a = node.number, b = static_cast<unsigned>(other)] { set_link(a, b, true); });
  } else if (what < 60) {  // nobody notices, and one way only
    cut_.insert({node.number, static_cast<unsigned>(other)});
    at(between(10ms, 4s), [this, a = node.number, b = static_cast<unsigned>(other)] { cut_.erase({a, b}); });
  } else if (what < 80) {
    if (node.up) node.paused_until = now_ + between(10ms, 5s);
  } else if (what < 90) {
    if (!node.leads) return;
    node.leads->hand_over(nodes_[other].member());
    for_process(node, between(100ms, 1s), [&node] {
      if (node.leads) node.leads->keep();
    });
  }
}

void world::heal() {
  faulty_ = false;
  cut_.clear();
  for (auto& node : nodes_) {
    node.paused_until = time{0};
    for (auto& other : nodes_)
      if (other.number < node.number) set_link(node.number, other.number, true);
  }
}

// -- what must hold ---------------------------------------------------------------------------------------

void world::check_committed(const node& node, const std::vector<record>& records, std::uint64_t upto) {
  if (upto > records.size()) fail(node.member() + " says that more is committed than it has");
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(upto, acknowledged_.size()); ++i)
    if (!(records[i] == acknowledged_[i]))
      fail(node.member() + " has another record " + std::to_string(i + 1));
  if (node.follows && upto > acknowledged_.size()) fail(node.member() + " takes for committed what is not");
}

// Whoever would answer a read now must know everything that anyone was told.
void world::check_reads() {
  for (auto& node : nodes_) {
    if (!node.up || !node.leads || !node.leads->serves() || now_ < node.paused_until) continue;
    if (!node.leads->may_read(local(node)) && options_.broken != breakage::read_without_lease) {
      figures_.reads_held_back += 1;
      continue;
    }
    figures_.reads += 1;
    if (node.leads->last() < acknowledged_.size() ||
        !(node.decided[acknowledged_.size() - 1] == acknowledged_.back()))
      fail(node.member() + " reads under epoch " + std::to_string(node.leads->epoch()) +
           " what is not true any more");
  }
}

bool world::converged() const {
  if (config_.in_sync.size() != nodes_.size()) return false;
  return std::all_of(nodes_.begin(), nodes_.end(),
                     [&](const node& node) { return node.on_disk.records == nodes_[0].on_disk.records; });
}

// Where everyone stands, for whoever looks into a failure.
std::string world::describe() const {
  std::ostringstream text;
  text << "; epoch " << config_.epoch << " of " << config_.primary << ", in sync";
  for (const auto& member : config_.in_sync)
    text << ' ' << member;
  for (const auto& node : nodes_) {
    text << "\n  " << node.member()
         << (node.leads     ? " leads"
             : node.follows ? " follows"
                            : " is down")
         << ", epoch " << node.on_disk.epoch << ", disk " << node.on_disk.first << " to "
         << node.on_disk.records.size();
    if (!node.leads) continue;
    text << ", sequence to " << node.leads->last() << ", committed " << node.leads->committed()
         << " under epoch " << node.leads->epoch();
    for (const auto& status : node.leads->status())
      text << "; " << status.member << (status.linked ? " linked" : "")
           << (status.snapshot ? " snapshot" : "") << ' ' << status.durable;
  }
  return text.str();
}

void world::run() {
  at(100ms, [this] { control(); });
  at(500ms, [this] { fault(); });
  at(options_.faults_for, [this] { heal(); });
  bool writing = true;
  std::function<void()> clients = [&] {
    if (!writing) return;
    at(between(1ms, 60ms), clients);
    for (auto& node : nodes_) {
      if (!node.up || !node.leads || now_ < node.paused_until || !node.leads->takes_decisions()) continue;
      for (auto burst = random_() % 4; burst > 0; --burst)
        decide(node);
      act(node);
    }
  };
  at(200ms, clients);

  const auto run_until = [&](time end, const std::function<bool()>& enough) {
    while (!events_.empty() && events_.begin()->first <= end) {
      auto event = std::move(events_.extract(events_.begin()));
      now_ = event.key();
      event.mapped()();
      check_reads();
      if (enough && enough()) return true;
    }
    return false;
  };
  run_until(options_.faults_for + 1s, {});
  // Everyone comes back; then all are in sync and equal, and the shard takes writes again.
  const auto before = acknowledged_.size();
  run_until(options_.faults_for + 25s, {});
  writing = false;
  if (acknowledged_.size() <= before) fail("nothing was acknowledged after all was well again" + describe());
  if (!run_until(options_.faults_for + 40s, [this] { return converged(); }))
    fail("the replicas are not equal again" + describe());
}

}  // namespace souk::replication
