#include "actors/testkit/simulation.hpp"

#include "actors/kinds.hpp"
#include "actors/testkit/json_text.hpp"
#include "actors/testkit/log_marks.hpp"
#include "actors/testkit/simulated_cluster.hpp"
#include "actors/testkit/simulated_shopper.hpp"
#include "actors/testkit/simulated_watch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <set>
#include <utility>

namespace souk::testkit {

namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using kind = fault::kind;

constexpr std::size_t events_kept = 40;
// Everything that is under way is over so long after all is healed (L1): 30 s for what waits, and the
// purchases that are still to be made.
constexpr milliseconds settle_most = 120s;
// Stock that nobody bought is free again by then, and every state is on disk.
constexpr milliseconds hold_ttl = simulated_shopper::hold_ttl;
constexpr milliseconds quiet = 2 * hold_ttl + 30s;
constexpr milliseconds quiet_look = 5s;

// Of a unit, in thousandths of a dollar.
constexpr std::int64_t even_price = 10'000;
constexpr std::int64_t odd_price = 9'995;

// Where that is limited: a cart may want as much of one sku.
constexpr std::int64_t units_of_one_buyer = 4;

// Whoever lost his power is back no sooner than that; and is looked for so often.
constexpr milliseconds power_cut_least = 3s;
constexpr milliseconds operator_looks = 1s;
// As often as a message may make its entity throw.
constexpr int crashes_to_quarantine = 3;

// A timer may still end something between two looks.
constexpr int copies_looks_max = 5;

cluster_options options_of(const simulation_plan& plan) {
  cluster_options options;
  options.nodes = plan.nodes;
  options.shard_count = plan.shards;
  options.replicas = static_cast<std::uint32_t>(std::min<std::size_t>(3, plan.nodes));
  options.min_in_sync = std::min(2U, options.replicas);
  options.real_disks = plan.real_disks;
  options.keep_records = plan.cramped;  // a long day has too many
  if (plan.cramped) {
    options.limits.entities_active_max = 60;  // entities come and go
    options.limits.flush_interval = 1s;
    options.limits.journal_kept_records = 50;  // who was away long is sent the whole state
  }
  // Nobody reads events here, and records have to be trimmed.
  options.limits.events_kept_records = plan.nodes > 1 ? options.limits.journal_kept_records : 0;
  options.shop.checkout.hold_ttl = hold_ttl;
  if (plan.limited) options.hold_limits.guest = {.units_per_sku = units_of_one_buyer, .checkouts = 2};
  return options;
}

/// One run.
class run {
 public:
  run(const simulation_plan& plan, const std::function<void(const std::string&)>& told)
      : plan_(plan), told_(told), cluster_(plan.seed, options_of(plan)) {
    cluster_.on_event = [this](const std::string& what) { note(what); };
  }

  verdict go() {
    try {
      open_shop();
      trouble();
      heal();
      check();
    } catch (const std::exception& e) {
      find(e.what());
    }
    return conclude();
  }

 private:
  void note(const std::string& what) {
    const auto ms = std::chrono::duration_cast<milliseconds>(cluster_.fleet().now()).count();
    auto line = fmt::format("{:>7} ms  {}", ms, what);
    if (told_) told_(line);
    events_.push_back(std::move(line));
    if (events_.size() > events_kept) events_.pop_front();
  }
  void find(std::string what) {
    note("FOUND: " + what);
    found_.push_back(std::move(what));
  }

  void open_shop() {
    for (std::size_t n = 0; n < plan_.skus; ++n) {
      const auto sku = "SKU" + std::to_string(n);
      // Of every second one half a cent is to be rounded.
      const auto price = n % 2 == 0 ? even_price : odd_price;
      cluster_.stock(sku, plan_.units, price);
      goods_[sku] = {plan_.units, price};
    }
    for (std::size_t n = 0; n < plan_.shoppers; ++n) {
      shoppers_.push_back(std::make_unique<simulated_shopper>(
          cluster_, record_, goods_, "shopper" + std::to_string(n), plan_.seed * 1'000 + n, plan_.habits));
      if (plan_.limited) shoppers_.back()->come_from("192.0.2." + std::to_string(n));
      shoppers_.back()->begin();
    }
    if (plan_.watchers == 0) return;
    watch_.emplace(cluster_, goods_.begin()->first, plan_.seed * 1'000 + plan_.shoppers, plan_.watchers);
    watch_->begin();
  }

  // -- what goes wrong -------------------------------------------------------------------------------

  void trouble() {
    const auto begin = cluster_.fleet().now();
    for (const auto& each : plan_.faults)
      cluster_.fleet().at(begin + each.at, [this, each] { strike(each); });
    cluster_.advance(plan_.trouble);
  }

  const std::string& name(std::size_t node) const { return cluster_.names().at(node); }

  void after(milliseconds in, std::function<void()> what) {
    cluster_.fleet().at(cluster_.fleet().now() + in, [this, what = std::move(what)] {
      if (!healed_) what();
    });
  }

  void strike(const fault& fault) {
    if (healed_) return;
    note(describe(fault));
    ++marks_[std::string{"fault: "} + std::string{name_of(fault.what)}];
    const auto& node = name(fault.node);
    const auto& other = name(fault.other);
    auto& net = cluster_.net();
    auto& store = cluster_.store();
    switch (fault.what) {
      case kind::crash:
        return crash(fault);
      case kind::disk_lost:
        return lose_disk(fault);
      case kind::pause:
        cluster_.pause(node);
        return after(fault.lasting, [this, node] { cluster_.resume(node); });
      case kind::part:
        net.part(node, other);
        return after(fault.lasting, [&net, node, other] { net.join(node, other); });
      case kind::cut:
        net.cut(node, other);
        return after(fault.lasting, [&net, node, other] { net.open(node, other); });
      case kind::isolate:
        return isolate(fault);
      case kind::reset:
        return net.reset(node, other);
      case kind::lag:
        net.delay(node, other, milliseconds{fault.amount});
        return after(fault.lasting,
                     [&net, node, other] { net.delay(node, other, std::chrono::microseconds{100}); });
      case kind::store_cut:
        store.cut(node, true);
        return after(fault.lasting, [&store, node] { store.cut(node, false); });
      case kind::store_gone:
        store.cut_all(true);
        return after(fault.lasting, [&store] { store.cut_all(false); });
      case kind::store_lossy:
        store.lose(100);
        return after(fault.lasting, [&store] { store.lose(0); });
      case kind::watches_break:
        return store.break_watches(true);
      case kind::lease_ends:
        return store.end_lease_of("/souk/simulated/nodes/" + node);
      case kind::disk_slow:
        return cluster_.stall_disk(node, fault.lasting);
      case kind::disk_full:
        return cluster_.fill_disk(node, static_cast<unsigned>(fault.amount));
      case kind::disk_flip:
        return spoil_disk(fault);
      case kind::disk_rollback:
        return roll_disk_back(fault);
      case kind::clock_skew:
        cluster_.skew_clock(node, milliseconds{fault.amount});
        return after(fault.lasting, [this, node] { cluster_.skew_clock(node, 0ms); });
      case kind::entity_crash:
        return crash_entity(node, fault.amount == 0 ? crashes_to_quarantine : 1);
      case kind::crash_at:
        return crash_at(fault);
      case kind::kinds:
        return;
    }
  }

  // While something is under way; every second time when money has just been taken and nobody knows of it.
  void crash(const fault& fault) {
    const auto strike = [this, fault] {
      if (healed_) return;
      cluster_.crash(name(fault.node));
      after(fault.lasting, [this, fault] { bring_back(name(fault.node)); });
    };
    if (fault.amount % 2 == 0) {
      cluster_.at_next_charge(name(fault.node), strike);
    } else {
      cluster_.fleet().in_steps(static_cast<std::uint64_t>(fault.amount), strike);
    }
  }

  void crash_at(const fault& fault) {
    const auto up_again = [this, lasting = fault.lasting](const std::string& node) {
      ++marks_["a node died at a point"];
      after(lasting, [this, node] { bring_back(node); });
    };
    cluster_.crash_at(simulated_cluster::whoever, fault.point, static_cast<std::uint64_t>(fault.amount),
                      up_again);
  }

  void isolate(const fault& fault) {
    const auto& node = name(fault.node);
    auto& net = cluster_.net();
    auto others = cluster_.names();
    std::erase(others, node);
    if (fault.amount != 0) std::erase(others, name(fault.other));
    for (const auto& other : others)
      net.part(node, other);
    after(fault.lasting, [&net, node, others] {
      for (const auto& other : others)
        net.join(node, other);
    });
  }

  // Only where what it had is elsewhere, all of it: a second copy that is gone for the moment counts as none.
  void lose_disk(const fault& fault) {
    const auto& node = name(fault.node);
    if (!cluster_.whole()) return note("not now: copies are missing already");
    cluster_.crash(node);
    cluster_.replace_disk(node);
    ++marks_["a disk was lost"];
    after(fault.lasting, [this, node] { bring_back(node); });
  }

  // The same bound. Whoever reads it notices, some day; the node ends, and its operator gives it a new disk.
  void spoil_disk(const fault& fault) {
    const auto& node = name(fault.node);
    if (!cluster_.whole()) return after(operator_looks, [this, fault] { spoil_disk(fault); });
    const auto what = cluster_.disk(node).spoil(static_cast<std::uint64_t>(fault.amount));
    if (what.empty()) return;
    note("spoilt on the disk of node " + node + ": " + what);
    ++marks_["something on a disk was spoilt"];
    harmed_ = node;
    look_after(node);
  }

  // The same bound. A machine without power is away for longer than its lease, and the others go on without
  // it: until then what it had told them counts, and nobody else may be missing.
  void roll_disk_back(const fault& fault) {
    const auto& node = name(fault.node);
    if (!cluster_.whole()) return after(operator_looks, [this, fault] { roll_disk_back(fault); });
    cluster_.disk(node).lie();
    after(fault.lasting, [this, fault, node] {
      if (!cluster_.whole()) {
        cluster_.disk(node).stop_lying();
        return after(operator_looks, [this, fault] { roll_disk_back(fault); });
      }
      const auto lost = last_commits_of(fault.amount);
      cluster_.crash_losing(node, lost.journal, lost.state);
      ++marks_["a disk went back"];
      harmed_ = node;
      went_back_ = true;
      after(power_cut_least, [this, node] { look_after(node); });
    });
  }

  // What an operator does.
  void look_after(const std::string& node) {
    bring_back(node);
    after(operator_looks, [this, node] { look_after(node); });
  }

  void bring_back(const std::string& node) {
    if (cluster_.up(node)) return;
    if (node == harmed_) {
      if (!cluster_.gave_up_because(node).empty()) {
        note("node " + node + " gets a new disk");
        ++marks_["damage was noticed"];
        cluster_.replace_disk(node);
        harmed_.clear();
        went_back_ = false;
      } else if (went_back_ && cluster_.counted(node)) {
        return;
      }
    }
    cluster_.restart(node);
  }

  // Once, or under one key until the message is set aside.
  void crash_entity(const std::string& node, int times) {
    for (const auto& shopper : shoppers_) {
      if (shopper->cart().empty()) continue;
      auto fields = simulated_cluster::fields{cluster_.staff()};
      if (times > 1) fields.emplace_back("idempotency-key", "crash-" + shopper->cart());
      return make_throw(node, R"({"entity":"cart/)" + shopper->cart() + R"("})", fields, times);
    }
  }

  // It throws, or nobody gets to it; a request that is not understood would be no fault at all.
  void make_throw(const std::string& node, const std::string& body, const simulated_cluster::fields& fields,
                  int times) {
    const auto heard = [=, this](const gateway::http_response& response) {
      const auto code = member_of(response.body, "code");
      if (response.status >= 400 && response.status < 500 && code != "idempotency_in_flight")
        find(fmt::format("a cart that was to throw: {} {}", response.status, response.body));
      if (times > 1) after(milliseconds{10}, [=, this] { make_throw(node, body, fields, times - 1); });
    };
    cluster_.send(node, "POST", "/v1/test/crash", body, fields, heard);
  }

  // -- and is right again ----------------------------------------------------------------------------

  void heal() {
    healed_ = true;
    cluster_.take_snapshots();
    cluster_.heal();
    if (watch_) watch_->end();
    for (const auto& node : cluster_.names())
      bring_back(node);
    // A node that gives up, for its disk was full, say, is started again as an operator's systemd does.
    const auto all_done = [this] {
      for (const auto& node : cluster_.names())
        bring_back(node);
      return (!watch_ || watch_->finished()) &&
             std::all_of(shoppers_.begin(), shoppers_.end(),
                         [](const auto& shopper) { return shopper->finished(); });
    };
    if (!cluster_.run_until(all_done, settle_most)) {
      for (const auto& shopper : shoppers_)
        if (!shopper->finished()) find("not over long after all was healed: " + shopper->waiting_for());
      if (watch_ && !watch_->finished()) find("not over long after all was healed: " + watch_->waiting_for());
    }
    let_holds_end();
    if (!become_whole()) return find("the cluster is not whole long after all was healed");
    replace_spoilt_disks();
  }

  bool become_whole() {
    return cluster_.run_until(
        [this] {
          for (const auto& node : cluster_.names())
            bring_back(node);
          return cluster_.whole();
        },
        60s);
  }

  // What nobody has read in all that time is found by `souk verify` and by comparing the copies.
  void replace_spoilt_disks() {
    for (const auto& node : cluster_.names()) {
      if (!cluster_.disk(node).spoilt()) continue;
      ++marks_["damage was not noticed, for nobody read it"];
      cluster_.crash(node);
      cluster_.replace_disk(node);
      if (!become_whole()) find("the cluster is not whole long after a disk was replaced");
      let_holds_end();
    }
  }

  // The last hold ends when its time is over, by a clock that was ahead too; then nothing may be held, and
  // the money must be where it belongs, soon: what is left of `quiet` is a bound, not a need.
  void let_holds_end() {
    auto until_last = hold_ttl;
    for (const auto& each : plan_.faults)
      if (each.what == kind::clock_skew)
        until_last = std::max(until_last, hold_ttl + milliseconds{each.amount});
    cluster_.advance(until_last + quiet_look);
    for (auto waited = until_last + quiet_look; waited < quiet && !at_rest(); waited += quiet_look)
      cluster_.advance(quiet_look);
  }

  bool at_rest() {
    return member_of(staff(1, "/v1/inventory/audit").body, "open_holds") == "0" &&
           member_of(member_of(cluster_.provider_books(), "summary"), "charged") ==
               std::to_string(orders_standing());
  }

  std::ptrdiff_t orders_standing() const {
    return std::count_if(record_.sales.begin(), record_.sales.end(),
                         [](const auto& sale) { return !sale.canceled; });
  }

  // -- what must be true -----------------------------------------------------------------------------

  void check() {
    if (!found_.empty()) return;
    check_orders();
    check_repeats();
    check_stock();
    check_provider();
    check_histories();
    check_copies();
  }

  // The same everywhere, once the last of it is on every disk (I13, I14).
  void check_copies() {
    std::string differing;
    for (int looks = 0; looks < copies_looks_max; ++looks) {
      cluster_.advance(3s);
      differing = cluster_.difference();
      if (differing.empty()) differing = check_replays();
      if (differing.empty()) return check_buyers();
    }
    find("copies differ: " + differing);
  }

  // Nothing is open any more, so nobody is counted for anything.
  void check_buyers() {
    if (const auto places = cluster_.rows_of(kinds::buyer); places > 0)
      find(fmt::format("{} checkouts that are over count as open", places));
  }

  // What the records amount to, from the first on or from a state in between, is what is there (I14).
  std::string check_replays() {
    std::uint64_t from_empty = 0;
    std::uint64_t from_snapshot = 0;
    auto differing = cluster_.replay_difference(from_empty, from_snapshot);
    marks_["shards replayed from empty"] = from_empty;
    marks_["shards replayed from a snapshot"] = from_snapshot;
    return differing;
  }

  gateway::http_response staff(std::size_t n, const std::string& target) {
    return cluster_.call(name(n % plan_.nodes), "GET", target, "", {cluster_.staff()});
  }

  // Whatever was answered is there, and nothing else (I10, I11).
  void check_orders() {
    std::size_t n = 0;
    for (const auto& sale : record_.sales) {
      const auto order = staff(n++, "/v1/orders/" + sale.order);
      const auto wanted = sale.canceled ? "canceled" : "placed";
      if (order.status != 200 || member_of(order.body, "status") != wanted)
        find("order " + sale.order + " should be " + wanted + ": " + order.body);
      const auto total = fmt::format(R"("type":"total","amount":{},)", sale.total);
      if (order.body.find(total) == std::string::npos)
        find(fmt::format("order {} should cost {}: {}", sale.order, sale.total, order.body));
    }
    std::set<std::string> answered;
    for (const auto& sale : record_.sales)
      if (!answered.insert(sale.order).second) find("two checkouts were answered with order " + sale.order);
    const auto listed = list_orders();
    if (listed != answered)
      find(fmt::format("{} orders were answered, {} are there", answered.size(), listed.size()));
  }

  std::set<std::string> list_orders() {
    std::set<std::string> ids;
    std::string cursor;
    do {
      const auto page =
          staff(ids.size(), "/v1/orders?limit=100" + (cursor.empty() ? "" : "&cursor=" + cursor));
      for (const auto& id : members_of_all(page.body, "data", "id"))
        ids.insert(id);
      cursor = member_of(page.body, "next_cursor");
    } while (!cursor.empty());
    return ids;
  }

  // A repeat gets the first answer, to the byte (I5).
  void check_repeats() {
    std::size_t n = 0;
    for (const auto& sale : record_.sales) {
      const auto again = cluster_.call(name(n++ % plan_.nodes), "POST", sale.target, sale.body,
                                       {{"idempotency-key", sale.key}});
      if (again.body != sale.answer)
        find("a repeat of " + sale.key + " was answered " + again.body + " and first " + sale.answer);
    }
  }

  // Received, less what was sold and not given back, is there; nothing is held (I1 to I4, I9).
  void check_stock() {
    std::map<std::string, std::int64_t> left;
    for (const auto& [sku, goods] : goods_)
      left[sku] = goods.units;
    for (const auto& sale : record_.sales)
      for (const auto& [sku, units] : sale.units)
        if (!sale.canceled) left[sku] -= units;
    for (const auto& [sku, units] : left) {
      const auto audit = staff(0, "/v1/inventory/audit?sku=" + sku).body;
      if (member_of(audit, "on_hand") != std::to_string(units) || member_of(audit, "reserved") != "0" ||
          member_of(audit, "balanced") != "true" || units < 0)
        find(fmt::format("{} units of {} should be there: {}", units, sku, audit));
    }
    const auto audit = staff(1, "/v1/inventory/audit").body;
    if (member_of(audit, "unbalanced") != "0" || member_of(audit, "open_holds") != "0")
      find("the audit: " + audit);
  }

  // The judge of charges: one for each order that stands, none for anything else (I7).
  void check_provider() {
    const auto standing = orders_standing();
    const auto summary = member_of(cluster_.provider_books(), "summary");
    if (member_of(summary, "charged") != std::to_string(standing) || member_of(summary, "duplicates") != "0")
      find(fmt::format("{} orders stand, and the provider says {}", standing, summary));
  }

  // What clients were told of one entity happened in one order (I15).
  void check_histories() {
    if (!watch_) return;
    for (auto& what : watch_->judge())
      find(std::move(what));
    marks_["operations in histories"] += watch_->operations();
    marks_["changes in histories whose outcome was unknown at first"] += watch_->unknown();
  }

  verdict conclude() {
    verdict result;
    for (auto& what : record_.findings)
      found_.push_back(what);
    result.findings = std::move(found_);
    result.last_events.assign(events_.begin(), events_.end());
    result.trace_hash = cluster_.fleet().trace_hash();
    result.steps = cluster_.fleet().steps();
    result.commands = record_.answers;
    result.repeats = record_.repeats;
    result.orders = record_.sales.size();
    result.simulated = std::chrono::duration_cast<milliseconds>(cluster_.fleet().now());
    result.marks = marks_;
    result.marks["answered: a read"] = record_.answers - record_.writes;
    result.marks["answered: a write"] = record_.writes;
    for (const auto& [what, count] : record_.events)
      result.marks[what] += count;
    for (const auto& [node, passes] : cluster_.passes())
      for (const auto& [point, count] : passes)
        result.marks[std::string{point}] += count;
    return result;
  }

  const simulation_plan& plan_;
  const std::function<void(const std::string&)>& told_;
  simulated_cluster cluster_;
  all_goods goods_;
  shopping_record record_;
  std::vector<std::unique_ptr<simulated_shopper>> shoppers_;
  std::optional<simulated_watch> watch_;
  std::deque<std::string> events_;
  std::vector<std::string> found_;
  std::map<std::string, std::uint64_t> marks_;
  bool healed_ = false;
  std::string harmed_;      // the node with a disk that lost something; empty: none
  bool went_back_ = false;  // that disk, by some commits
};

// Nothing throws that was not made to; what supervisors can put right is wrong all the same (I16).
void find_throws(verdict& result) {
  const auto count = [&](const char* mark) {
    const auto found = result.marks.find(mark);
    return found == result.marks.end() ? 0 : found->second;
  };
  if (const auto threw = count("an entity threw"); threw > 0)
    result.findings.push_back(fmt::format("entities threw {} times", threw));
  if (const auto aside = count("a message was set aside"); aside > 0)
    result.findings.push_back(fmt::format("{} messages were set aside", aside));
  // A node that reads what was not written ends.
  const bool damaged = count("fault: disk_flip") + count("fault: disk_rollback") > 0;
  if (const auto failed = count("child failed"); failed > 0 && !damaged)
    result.findings.push_back(fmt::format("actors failed {} times", failed));
}

}  // namespace

verdict simulate(const simulation_plan& plan, const std::function<void(const std::string&)>& told) {
  log_marks marks;
  auto result = run{plan, told}.go();
  for (const auto& [message, count] : marks.take())
    result.marks[message] += count;
  find_throws(result);
  return result;
}

simulation_plan shrink(const simulation_plan& plan, std::size_t runs_max) {
  auto smallest = plan;
  for (bool cut = true; cut;) {
    cut = false;
    for (const auto& less : smaller(smallest)) {
      if (runs_max-- == 0) return smallest;
      if (simulate(less).passed()) continue;
      smallest = less;
      cut = true;
      break;
    }
  }
  return smallest;
}

}  // namespace souk::testkit
