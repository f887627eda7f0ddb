#pragma once

#include "runtime/entity/entity.hpp"
#include "runtime/limits.hpp"
#include "runtime/replica/messages.hpp"
#include "runtime/replication/primary.hpp"
#include "runtime/seams/seams.hpp"
#include "runtime/shard/messages.hpp"
#include "runtime/shard/shard_book.hpp"
#include "runtime/shard/snapshot.hpp"
#include "runtime/telemetry/spans.hpp"

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

namespace souk::runtime {

/// Figures that shards count and telemetry reads. Any thread.
struct shard_figures {
  std::atomic<std::uint64_t> commands{0};
  std::atomic<std::uint64_t> records{0};
  std::atomic<std::uint64_t> entities_active{0};
  std::atomic<std::uint64_t> entity_restarts{0};
  std::atomic<std::uint64_t> quarantined{0};
  std::atomic<std::uint64_t> refused_overloaded{0};
  std::atomic<std::uint64_t> state_flushes{0};
  std::atomic<std::uint64_t> state_rows{0};
  std::atomic<std::int64_t> effects_outstanding{0};
  std::atomic<std::int64_t> serving{0};
};

/// What a shard is given. Everything behind a pointer outlives it.
struct shard_options {
  shard_id id = 0;
  std::string member;  ///< "node/disk" of this node, as in `in_sync`.
  const entity_catalogue* kinds = nullptr;
  persistence::storage* storage = nullptr;
  routing_table* routing = nullptr;
  const runtime::limits* limits = nullptr;
  const std::atomic<std::uint32_t>* format = nullptr;  ///< The level that is written now; null: the first.
  shard_figures* figures = nullptr;
  std::shared_ptr<clock> time;
  std::shared_ptr<random_source> random;
  std::shared_ptr<telemetry::span_sink> spans;  ///< Null: nobody wants them.
  std::uint16_t shards_on_node = 1;             ///< Its part of `entities_active_max`.
  replication::limits replication;
  /// The actors it works with; looked up at each start, for they may have been restarted.
  std::function<caf::actor()> journal_writer;
  std::function<caf::actor()> state_writer;
  std::function<caf::actor()> coordinator;
  std::function<caf::actor()> entity_supervisor;
  std::function<caf::actor(const std::string& port)> world_worker;
};

/// What a shard begins with: its replica has opened an epoch, and no write of either is on its way.
struct shard_start {
  replication::primary_start primary;
  std::vector<replication::member_id> linked;  ///< Members to which there is a link.
  caf::actor replica;
  /// Sends something to another member, as the replica itself does: no hop more than needed, for most of what
  /// a shard sends goes this way. Within the shard's actor.
  std::function<void(const replication::member_id&, replication::message)> say;
};

/// The primary of one shard, for one epoch: puts what its entities decide in one sequence, sees it on the
/// disks of all in sync, and lets out nothing before: replies, effects, calls to the world, what projections
/// and the state environment see. What was only read leaves while the lease holds.
///
/// It owns what must outlive an entity: unanswered work, unreleased replies, and the records that the state
/// does not stand for yet. An entity that ends for whatever reason comes back from the state's rows and these
/// records.
///
/// Messages: `request` (answered by `response`), `index_query` (`index_page`), `stream_batch` and
/// `stream_ack` from other shards, `world_result` from workers, `entity_down` from its entity supervisor,
/// `status_query`; `member_says`, `member_link`, `config_told`, `swap_told` from its replica, which it tells
/// `outward` and, when it is primary no more, `shard_resigned`. Asked to end, it writes out its state first.
class shard_life {
 public:
  static inline const char* name = "shard";

  explicit shard_life(caf::event_based_actor* self) : self_(self) {}
  ~shard_life();

  caf::behavior start(shard_options options, shard_start start);

 private:
  // One entity as the shard sees it: its actor if it is in memory, its work, its records beyond the state.
  struct slot {
    std::uint64_t token = 0;
    runtime::address address;
    const entity_kind* kind = nullptr;
    caf::actor actor;
    bool leaving = false;        // asked to hand out its rows and end
    bool backing_off = false;    // restarted too often: waits
    bool dirty = false;          // has decided since its rows were last captured
    bool capturing = false;      // its rows are wanted for the flush
    bool capture_asked = false;  // and it was asked for them
    // Lists, as most slots wait for nothing most of the time: an empty deque takes half a kilobyte.
    std::list<std::shared_ptr<const work>> waiting;  // not sent to the actor yet
    std::list<std::shared_ptr<const work>> sent;     // undecided, in order
    std::list<persistence::journal_entry> tail;      // what it takes to bring it back beyond the state
    std::uint64_t last_index = 0;
    std::chrono::nanoseconds last_used{0};
    std::list<std::uint64_t>::iterator recency;
    bool in_recency = false;
  };

  // What waits until its record is committed.
  struct unreleased {
    std::uint64_t index = 0;
    bool read = false;                  // it has no record of its own: leaves only while the lease holds
    std::chrono::nanoseconds until{0};  // reads: the lease is not waited for any longer
    std::vector<std::pair<caf::actor, response>> responses;
    std::vector<std::pair<caf::actor, index_page>> pages;
    std::uint64_t entity_token = 0;  // set when events are to be shown to projections
    std::uint64_t first_version = 0;
    runtime::address entity;
    std::vector<message_ptr> events;
    std::vector<std::uint64_t> world_calls;
    std::unique_ptr<telemetry::span> span;  // of the command, until now decided; null: it is not recorded
  };

  struct waiting_client {
    caf::actor reply_to;
    std::uint64_t correlation = 0;
    bool keyed = false;
  };

  // -- start
  // -----------------------------------------------------------------------------------------------------
  void recover(const replication::history& journal);
  void show_later(unreleased& gate, const slot& slot, std::uint64_t first_version,
                  std::vector<message_ptr> events) const;
  void decide_opening();
  void serve();
  void shut_down();
  bool waits_in_vain() const;

  // -- work
  // ------------------------------------------------------------------------------------------------------
  void on_request(const request& request);
  bool commits_stand_still() const;
  bool answered_before(const request& request);
  void on_effects(const stream_batch& batch);
  void on_world_result(const world_result& result);
  void fire_timers();
  slot& slot_of(const address& address);
  void enqueue(slot& slot, std::shared_ptr<const work> work);
  void activate(slot& slot);
  void send_waiting(slot& slot);
  void touch(slot& slot);

  // -- decisions
  // -------------------------------------------------------------------------------------------------
  void on_decided(decided& result);
  void add_answers(persistence::pb::Record& record, decided& result, const work& work, unreleased& gate);
  bool is_substantive(const persistence::pb::Record& record) const;
  std::uint64_t journal(persistence::pb::Record& record, const std::vector<message_ptr>& effect_commands,
                        const std::vector<message_ptr>& world_requests, bool first_answer = false);
  void deliver_local_effects();
  std::unique_ptr<telemetry::span> span_of(const work& work, const slot& slot, bool parked) const;
  void respond(const work& work, outcome outcome, answer answer = {}, std::string detail = {});
  void hold(unreleased gate);
  void release_after(std::uint64_t index, caf::actor to, response response, bool read = false);

  // -- commit
  // ----------------------------------------------------------------------------------------------------
  std::chrono::nanoseconds steady() const { return options_.time->steady(); }
  void act();
  void take(replication::primary_action& action);
  void end_burst();
  void on_committed(std::uint64_t upto);
  void on_refused(std::uint64_t first);
  void let_out(unreleased& gate);
  void let_out_reads();
  void release(unreleased& gate);
  void read_journal(const replication::read_journal& wanted);
  void hear(const replication::member_id& from, const replication::message& message);

  void read_snapshot(const replication::read_snapshot& wanted);
  void go_on_with_snapshots();

  // -- handover
  // ---------------------------------------------------------------------------------------------
  void on_give_to(const give_to& wish);
  void go_on_giving();
  void keep();
  bool draining() const { return giving_ == giving::draining || giving_ == giving::handing; }

  // -- the end
  // -----------------------------------------------------------------------------------------------
  void refuse(unreleased& gate, outcome outcome);
  void tell_clients_that_it_ends(outcome undone, std::uint64_t lost_from);
  void leave_office(const replication::resigned& resigned);
  void send_effects();
  void make_call(std::uint64_t number, const open_call& call);

  // -- failures
  // --------------------------------------------------------------------------------------------------
  void on_entity_down(std::uint64_t token, const std::string& reason, std::chrono::nanoseconds retry_after);
  void blame(slot& slot, const std::string& reason);
  void set_aside(slot& slot, const work& work, const std::string& message, const std::string& reason);
  unsigned strike(const std::string& message);

  // -- state
  // -----------------------------------------------------------------------------------------------------
  void record_acknowledgements();
  void trim();
  void add_to_tail(slot& slot, persistence::journal_entry entry);
  void begin_flush();
  void ask_for_rows();
  void on_captured(captured& result);
  void continue_flush();
  void write_state_out();
  void on_state_written(bool done);
  void shorten_tails();
  void passivate();
  void leave(slot& slot);
  void drop_if_idle(slot& slot);

  void on_tick();
  void on_index_query(const index_query& query);
  void on_journal_query(const index_query& query);
  void read_events(const index_query& query, index_page& page) const;
  bool is_lost(const journal_place& place, std::uint64_t first) const;
  void end_burst_later();
  shard_status status() const;
  std::size_t active_max() const;

  caf::event_based_actor* self_;
  shard_options options_;
  std::shared_ptr<const entity_environment> environment_;
  caf::actor replica_;
  std::function<void(const replication::member_id&, replication::message)> say_;
  std::optional<shard_book> book_;
  std::optional<replication::primary> primary_;
  std::uint64_t epoch_ = 0;
  std::uint64_t committed_ = 0;
  bool serving_ = false;
  std::int64_t serves_since_ms_ = 0;
  bool stopping_ = false;
  std::chrono::nanoseconds stopping_since_{0};
  bool last_flush_done_ = false;  // while stopping: what is decided after it stays for recovery
  bool nearly_full_ = false;
  bool asked_to_look_ = false;  // the controller was told that members are silent
  std::chrono::nanoseconds last_fill_asked_{0};

  std::uint64_t next_token_ = 1;
  std::unordered_map<std::uint64_t, std::unique_ptr<slot>> slots_;
  std::unordered_map<address, slot*> by_address_;
  std::list<std::uint64_t> recency_;  // active entities, least recently used first
  std::size_t active_ = 0;

  std::deque<unreleased> unreleased_;
  std::chrono::nanoseconds commits_moved_{0};  // when one came last, or the first of these began to wait
  std::deque<unreleased> reads_;               // committed what they saw, and the lease is not there
  std::unordered_map<command_id, waiting_client> running_;  // keyed or parked, not answered yet
  std::size_t unanswered_ = 0;
  std::unordered_set<std::uint64_t> results_in_work_;
  std::unordered_map<std::uint64_t, std::chrono::nanoseconds> calls_made_;

  std::vector<persistence::journal_entry> burst_;
  std::vector<replication::entry> decided_;  // the same, for the other members
  bool burst_pending_ = false;

  // Members that are being sent the state; meanwhile it does not change.
  struct snapshot_out {
    std::uint64_t snapshot = 0;
    replication::position at;
    snapshot_reader reader;
    std::chrono::nanoseconds since{0};
  };
  std::map<replication::member_id, snapshot_out> snapshots_;
  std::vector<replication::read_snapshot> snapshots_waiting_;  // for the flush under way

  // Being given away.
  enum class giving : std::uint8_t {
    not_at_all,
    closing,   // no new commands of clients
    draining,  // nothing new to decide
    handing,   // the primary does the rest
  };
  giving giving_ = giving::not_at_all;
  replication::member_id heir_;
  std::chrono::nanoseconds giving_since_{0};
  std::optional<std::chrono::nanoseconds> given_up_at_;

  // The flush under way.
  enum class flush_phase : std::uint8_t { none, capturing, writing };
  flush_phase flush_ = flush_phase::none;
  std::deque<std::uint64_t> captures_wanted_;  // of entities that were not asked yet
  std::size_t captures_awaited_ = 0;
  std::size_t portion_ = 0;        // how many are asked at a time
  std::uint64_t flush_needs_ = 0;  // the highest index in the rows: must be committed first
  std::vector<persistence::row_change> captured_rows_;
  std::vector<persistence::shared_rows> flush_rows_;  // until they are on disk
  // Entities with records beyond the state, each once; and those of which some may be in the state now.
  std::vector<std::uint64_t> tailed_;
  std::deque<std::uint64_t> tails_to_shorten_;
  std::chrono::nanoseconds last_flush_{0};
  std::size_t bytes_since_flush_ = 0;

  std::unordered_map<std::string, unsigned> strikes_;
  std::deque<std::string> strike_order_;
  std::chrono::nanoseconds last_calls_{0};  // open calls were looked at
};

using shard_actor = caf::stateful_actor<shard_life>;

caf::behavior shard(shard_actor* self, shard_options options, shard_start start);

}  // namespace souk::runtime
