#include "actors/testkit/simulation_plan.hpp"

#include "actors/testkit/points.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <random>
#include <utility>

namespace souk::testkit {

namespace {

using std::chrono::milliseconds;
using kind = fault::kind;

constexpr std::size_t kinds_count = static_cast<std::size_t>(kind::kinds);
constexpr std::array<std::string_view, kinds_count> names{
    "crash",     "pause",      "part",          "cut",           "isolate",      "reset",     "lag",
    "store_cut", "store_gone", "store_lossy",   "watches_break", "lease_ends",   "disk_slow", "disk_full",
    "disk_lost", "disk_flip",  "disk_rollback", "clock_skew",    "entity_crash", "crash_at"};

const std::vector<kind> network_kinds{
    kind::part,      kind::cut,        kind::isolate,     kind::reset,         kind::lag,
    kind::store_cut, kind::store_gone, kind::store_lossy, kind::watches_break, kind::lease_ends};
const std::vector<kind> disk_kinds{kind::crash,     kind::disk_slow,     kind::disk_full, kind::disk_lost,
                                   kind::disk_flip, kind::disk_rollback, kind::crash_at};

std::vector<kind> all_kinds() {
  std::vector<kind> all;
  all.reserve(kinds_count);
  for (std::size_t n = 0; n < kinds_count; ++n)
    all.push_back(static_cast<kind>(n));
  return all;
}

// A crash comes so many steps after its moment, when something is under way: some requests take that many.
constexpr std::size_t steps_to_crash = 2'000;
// Some points are passed with each record, others once in many runs: half the crashes come with the next
// pass, the others after up to some dozens.
constexpr std::size_t doublings_to_crash = 7;
// One in so many crashes of an entity goes on until its message is set aside.
constexpr std::size_t crashes_per_quarantine = 3;

// What a disk that lied has lost of its journal, and of its state.
constexpr std::size_t journal_commits_lost_most = 8;
constexpr std::size_t state_commits_lost_most = 3;
// So many places of a disk are told apart where one of them is spoilt.
constexpr std::size_t places = 1 << 20;
// Of so many runs one has real disks.
constexpr std::uint64_t runs_with_real_disks = 16;
// Of so many one limits what a shopper may hold.
constexpr std::uint64_t runs_with_limits = 4;

// A number from 0 to below `end`.
std::size_t below(std::mt19937_64& random, std::size_t end) { return random() % end; }
milliseconds between(std::mt19937_64& random, int least, int most) {
  return milliseconds{least + static_cast<int>(random() % static_cast<std::uint64_t>(most - least + 1))};
}

// How long a fault of this kind lasts: longer than an election where that is what it is about.
milliseconds draw_length(std::mt19937_64& random, kind what) {
  switch (what) {
    case kind::disk_slow:
      return between(random, 20, 4'000);
    case kind::disk_rollback:
      return between(random, 50, 1'500);
    case kind::lag:
    case kind::entity_crash:
      return between(random, 500, 3'000);
    default:
      return between(random, 200, 5'000);
  }
}

std::int64_t draw_amount(std::mt19937_64& random, kind what) {
  switch (what) {
    case kind::lag:
      return between(random, 2, 400).count();
    case kind::crash:
      return static_cast<std::int64_t>(below(random, steps_to_crash));
    case kind::crash_at:
      if (random() % 2 == 0) return 0;
      return static_cast<std::int64_t>(below(random, std::size_t{1} << below(random, doublings_to_crash)));
    case kind::entity_crash:
      return static_cast<std::int64_t>(below(random, crashes_per_quarantine));
    case kind::isolate:
      return static_cast<std::int64_t>(below(random, 2));
    case kind::disk_full:
      return 1 + static_cast<std::int64_t>(below(random, 20));
    case kind::disk_flip:
      return static_cast<std::int64_t>(below(random, places));
    case kind::disk_rollback:
      return static_cast<std::int64_t>(
          below(random, journal_commits_lost_most * (state_commits_lost_most + 1)));
    case kind::clock_skew:
      // Ahead: what is held then is held so much longer.
      return between(random, -3'600'000, 30'000).count();
    default:
      return 0;
  }
}

fault draw_fault(std::mt19937_64& random, kind what, std::size_t nodes, milliseconds within) {
  fault drawn;
  drawn.what = what;
  drawn.at = milliseconds{static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(within.count()))};
  drawn.lasting = draw_length(random, what);
  drawn.amount = draw_amount(random, what);
  drawn.node = below(random, nodes);
  if (what == kind::crash_at) drawn.point = points()[below(random, points().size())].name;
  if (nodes > 1) drawn.other = (drawn.node + 1 + below(random, nodes - 1)) % nodes;
  return drawn;
}

bool harms_a_copy(kind what) {
  return what == kind::disk_lost || what == kind::disk_flip || what == kind::disk_rollback;
}

bool needs_another(kind what) {
  return what == kind::part || what == kind::cut || what == kind::isolate || what == kind::reset ||
         what == kind::lag || harms_a_copy(what);
}

// The kinds of fault that a run has: a random half, or all where that would be none.
std::vector<kind> draw_kinds(std::mt19937_64& random, const std::vector<kind>& all) {
  std::vector<kind> on;
  for (const auto each : all)
    if (random() % 2 == 0) on.push_back(each);
  return on.empty() ? all : on;
}

bool draw_real_disks(std::uint64_t seed) {
  std::mt19937_64 random{seed ^ 0xd15c};
  return random() % runs_with_real_disks == 0;
}

// Some 20,000 requests from people who look around, think, buy now and then, and come again.
void fill_day(simulation_plan& plan) {
  plan.shards = 3;  // each node leads one
  plan.shoppers = 100;
  plan.habits = {.purchases = 25, .pages = 4, .click = milliseconds{5'300}, .rest = milliseconds{10'600}};
  plan.watchers = 0;
  plan.units = 5'000;
  plan.cramped = false;
  plan.real_disks = false;
  plan.trouble = std::chrono::minutes{10};
}

}  // namespace

last_commits last_commits_of(std::int64_t amount) {
  const auto number = static_cast<std::size_t>(amount);
  return {1 + number % journal_commits_lost_most, number / journal_commits_lost_most};
}

std::string_view name_of(fault::kind kind) { return names.at(static_cast<std::size_t>(kind)); }

std::string describe(const fault& fault) {
  const auto node = [](std::size_t n) { return static_cast<char>('a' + n); };
  return fmt::format("at {} ms for {} ms: {} of {} ({}, {}{}{})", fault.at.count(), fault.lasting.count(),
                     name_of(fault.what), node(fault.node), node(fault.other), fault.amount,
                     fault.point.empty() ? "" : ", ", fault.point);
}

std::optional<profile> profile_of(std::string_view name) {
  profile found;
  found.name = name;
  if (name == "calm") {
    found.faults_min = found.faults_max = 0;
  } else if (name == "storm") {
    found.kinds = all_kinds();
  } else if (name == "network") {
    found.kinds = network_kinds;
  } else if (name == "disk") {
    found.kinds = disk_kinds;
  } else if (name == "hot") {
    found.kinds = {kind::crash, kind::pause, kind::reset, kind::disk_slow, kind::crash_at};
    found.hot = true;
  } else if (name == "day") {
    found.faults_min = found.faults_max = 0;
    found.day = true;
  } else {
    return std::nullopt;
  }
  return found;
}

simulation_plan draw_plan(std::uint64_t seed, const profile& profile, std::size_t nodes) {
  std::mt19937_64 random{seed * 0x9e3779b97f4a7c15ULL + 1};
  simulation_plan plan;
  plan.seed = seed;
  plan.nodes = nodes != 0 ? nodes : 3 + below(random, profile.day ? 1 : 3);
  plan.shards = static_cast<std::uint16_t>(2 + below(random, 5));
  plan.skus = profile.hot ? 1 : 3 + below(random, 6);
  plan.units = profile.hot ? 30 : 20 + static_cast<std::int64_t>(below(random, 200));
  plan.real_disks = draw_real_disks(seed);
  plan.limited = seed % runs_with_limits == 0 && !profile.day;
  plan.trouble = between(random, 12'000, 25'000);
  if (profile.day) fill_day(plan);
  auto possible = profile.kinds;
  if (plan.nodes == 1) std::erase_if(possible, needs_another);
  // What a disk in a folder has written it has written.
  if (plan.real_disks) std::erase(possible, kind::disk_rollback);
  auto on = draw_kinds(random, possible);
  if (on.empty()) return plan;
  const auto count = profile.faults_min + below(random, profile.faults_max - profile.faults_min + 1);
  for (std::size_t n = 0; n < count && !on.empty(); ++n) {
    plan.faults.push_back(draw_fault(random, on[below(random, on.size())], plan.nodes, plan.trouble));
    if (!harms_a_copy(plan.faults.back().what)) continue;
    // A copy that is lost or spoilt is made anew before the next one is: the bounds of what the cluster
    // promises (see docs/testers.md).
    std::erase_if(possible, harms_a_copy);
    std::erase_if(on, harms_a_copy);
    if (on.empty()) on = draw_kinds(random, possible);
  }
  std::sort(plan.faults.begin(), plan.faults.end(),
            [](const auto& one, const auto& other) { return one.at < other.at; });
  return plan;
}

std::vector<simulation_plan> smaller(const simulation_plan& plan) {
  std::vector<simulation_plan> found;
  const auto with = [&](auto change) {
    found.push_back(plan);
    change(found.back());
  };
  const auto without = [&](std::size_t from, std::size_t to) {
    with([=](simulation_plan& less) {
      const auto begin = less.faults.begin();
      less.faults.erase(begin + static_cast<std::ptrdiff_t>(from), begin + static_cast<std::ptrdiff_t>(to));
    });
  };
  const auto faults = plan.faults.size();
  if (faults > 3) {
    without(0, faults / 2);
    without(faults / 2, faults);
  }
  for (std::size_t n = faults; n > 0; --n)
    without(n - 1, n);
  if (plan.shoppers > 1) with([](simulation_plan& less) { less.shoppers /= 2; });
  if (plan.habits.purchases > 1) with([](simulation_plan& less) { less.habits.purchases /= 2; });
  if (plan.real_disks) with([](simulation_plan& less) { less.real_disks = false; });
  if (plan.limited) with([](simulation_plan& less) { less.limited = false; });
  if (plan.watchers > 0) with([](simulation_plan& less) { less.watchers = 0; });
  if (plan.skus > 1) with([](simulation_plan& less) { less.skus = 1; });
  if (plan.shards > 1) with([](simulation_plan& less) { less.shards = 1; });
  const bool named = std::any_of(plan.faults.begin(), plan.faults.end(), [&](const fault& each) {
    return each.node + 1 == plan.nodes || each.other + 1 == plan.nodes;
  });
  if (plan.nodes > 3 && !named) with([](simulation_plan& less) { --less.nodes; });
  return found;
}

std::string describe(const simulation_plan& plan) {
  auto text = fmt::format(
      "seed {}: {} nodes, {} shards, {} shoppers with {} purchases each of {} skus with {} units, {} "
      "watchers{}{}\n",
      plan.seed, plan.nodes, plan.shards, plan.shoppers, plan.habits.purchases, plan.skus, plan.units,
      plan.watchers, plan.real_disks ? ", on real disks" : "", plan.limited ? ", limited" : "");
  for (const auto& each : plan.faults)
    text += "  " + describe(each) + "\n";
  return text;
}

}  // namespace souk::testkit
