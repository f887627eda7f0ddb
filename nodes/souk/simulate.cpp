#include "nodes/souk/simulate.hpp"

#include "actors/json/writer.hpp"
#include "actors/testkit/mutants.hpp"
#include "actors/testkit/points.hpp"
#include "actors/testkit/simulation.hpp"
#include "bench/progress.hpp"
#include "runtime/mutant.hpp"

#include <fmt/format.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

namespace souk::cli {

namespace {

using testkit::simulation_plan;
using testkit::verdict;

// A campaign of `storm` that is so long must come past everything that can happen; what it misses is missing
// in the workload.
constexpr std::uint64_t seeds_to_reach_all = 1'000;

/// What a worker tells of one seed, as lines of text: figures, then marks ("m"), findings ("f") and events
/// ("e"), each on a line of its own, then a line with a dot.
struct told {
  std::uint64_t seed = 0;
  verdict result;
};

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string written(std::uint64_t seed, const verdict& result) {
  auto text = fmt::format("{} {} {} {} {} {} {}\n", seed, result.trace_hash, result.steps, result.commands,
                          result.repeats, result.orders, result.simulated.count());
  for (const auto& [mark, count] : result.marks)
    text += fmt::format("m{} {}\n", count, one_line(mark));
  for (const auto& finding : result.findings)
    text += "f" + one_line(finding) + "\n";
  for (const auto& event : result.last_events)
    text += "e" + one_line(event) + "\n";
  return text + ".\n";
}

told read_told(std::FILE* from, char*& line, std::size_t& room) {
  const auto next = [&]() -> std::string {
    const auto size = getline(&line, &room, from);
    if (size <= 0) throw std::runtime_error("a simulation ended before it was told to");
    return {line, static_cast<std::size_t>(size) - 1};
  };
  told read;
  std::istringstream figures{next()};
  auto& result = read.result;
  std::int64_t ms = 0;
  figures >> read.seed >> result.trace_hash >> result.steps >> result.commands >> result.repeats >>
      result.orders >> ms;
  result.simulated = std::chrono::milliseconds{ms};
  for (auto text = next(); text != "."; text = next()) {
    const auto rest = text.substr(1);
    if (text[0] == 'f') result.findings.push_back(rest);
    if (text[0] == 'e') result.last_events.push_back(rest);
    if (text[0] == 'm') {
      const auto space = rest.find(' ');
      result.marks[rest.substr(space + 1)] = std::stoull(rest.substr(0, space));
    }
  }
  return read;
}

testkit::profile named_profile(const std::string& name) {
  auto found = testkit::profile_of(name);
  if (!found) throw std::invalid_argument("there is no profile " + name);
  return *std::move(found);
}

simulation_plan plan_of(std::uint64_t seed, const simulate_options& options) {
  return testkit::draw_plan(seed, named_profile(options.profile), options.nodes);
}

/// A process that runs each `jobs`th seed and tells what came of it.
class worker {
 public:
  worker(const simulate_options& options, unsigned number) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
    pid_ = ::fork();
    if (pid_ < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (pid_ == 0) {
      ::close(ends[0]);
      work(options, number, ::fdopen(ends[1], "w"));
    }
    ::close(ends[1]);
    from_.reset(::fdopen(ends[0], "r"));
  }
  ~worker() {
    from_.reset();
    std::free(line_);
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  }
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  told next() { return read_told(from_.get(), line_, room_); }

 private:
  // Of the processor, from now on: then the process ends.
  static void limit_time(unsigned seconds) {
    const itimerval left{{0, 0}, {static_cast<time_t>(seconds), 0}};
    if (seconds != 0) ::setitimer(ITIMER_PROF, &left, nullptr);
  }

  [[noreturn]] static void work(const simulate_options& options, unsigned number, std::FILE* to) {
    for (auto n = std::uint64_t{number}; n < options.seeds; n += options.jobs) {
      const auto seed = options.seed + n;
      limit_time(options.seconds_per_seed_max);
      std::fputs(written(seed, testkit::simulate(plan_of(seed, options))).c_str(), to);
      if (std::fflush(to) != 0) break;  // nobody listens any more
    }
    ::_exit(0);
  }

  pid_t pid_ = -1;
  struct closing {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, closing> from_;
  char* line_ = nullptr;
  std::size_t room_ = 0;
};

/// All that was told, added up.
struct campaign {
  std::uint64_t seeds = 0;
  std::set<std::uint64_t> traces;
  std::uint64_t steps = 0;
  std::uint64_t commands = 0;
  std::uint64_t repeats = 0;
  std::uint64_t orders = 0;
  std::chrono::milliseconds simulated{0};
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> marks;  // how often, in how many seeds
  std::vector<std::uint64_t> failed;

  void add(const told& each) {
    const auto& result = each.result;
    ++seeds;
    traces.insert(result.trace_hash);
    steps += result.steps;
    commands += result.commands;
    repeats += result.repeats;
    orders += result.orders;
    simulated += result.simulated;
    for (const auto& [mark, count] : result.marks) {
      marks[mark].first += count;
      ++marks[mark].second;
    }
    if (!result.passed()) failed.push_back(each.seed);
  }
};

std::vector<testkit::named> never_reached(const campaign& all) {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& [mark, each] : all.marks)
    counts[mark] = each.first;
  return testkit::never_reached(counts);
}

void explain(const told& each, const simulate_options& options) {
  const auto plan = plan_of(each.seed, options);
  fmt::print(stderr, "{}", describe(plan));
  for (const auto& event : each.result.last_events)
    fmt::print(stderr, "{}\n", event);
  for (const auto& finding : each.result.findings)
    fmt::print(stderr, "found: {}\n", finding);
  fmt::print(stderr, "to repeat it: souk simulate --seed {} --profile {}{}\n", each.seed, options.profile,
             options.nodes == 0 ? "" : fmt::format(" --nodes {}", options.nodes));
  if (!options.shrink) return;
  const auto smallest = testkit::shrink(plan);
  fmt::print(stderr, "cut down to {}", describe(smallest));
  const auto again = testkit::simulate(smallest);
  for (const auto& event : again.last_events)
    fmt::print(stderr, "{}\n", event);
  for (const auto& finding : again.findings)
    fmt::print(stderr, "found: {}\n", finding);
}

void print_table(const campaign& all, double seconds) {
  fmt::print("{} seeds, {} distinct traces, {} failed\n", all.seeds, all.traces.size(), all.failed.size());
  fmt::print("{} requests answered, {} sent again, {} orders\n", all.commands, all.repeats, all.orders);
  fmt::print("{:.0f} simulated seconds in {:.1f}: {:.0f} a second; {:.0f} events a second\n",
             static_cast<double>(all.simulated.count()) / 1000, seconds,
             static_cast<double>(all.simulated.count()) / 1000 / seconds,
             static_cast<double>(all.steps) / seconds);
  fmt::print("\n{:>10}  {:>8}  what happened\n", "times", "in seeds");
  for (const auto& [mark, counts] : all.marks)
    fmt::print("{:>10}  {:>8}  {}\n", counts.first, counts.second, mark);
  for (const auto& each : never_reached(all))
    fmt::print("{:>10}  {:>8}  {} ({})\n", "never", "", each.name, each.what);
}

void print_json(const campaign& all, double seconds) {
  json::writer out;
  const auto number = [](std::uint64_t n) { return static_cast<std::int64_t>(n); };
  out.begin_object().key("seeds").integer(number(all.seeds));
  out.key("distinct_traces").integer(number(all.traces.size()));
  out.key("requests").integer(number(all.commands)).key("repeats").integer(number(all.repeats));
  out.key("orders").integer(number(all.orders)).key("steps").integer(number(all.steps));
  out.key("simulated_ms").integer(all.simulated.count()).key("seconds").raw(fmt::format("{:.3f}", seconds));
  out.key("failed").begin_array();
  for (const auto seed : all.failed)
    out.integer(number(seed));
  out.end_array().key("marks").begin_object();
  for (const auto& [mark, counts] : all.marks)
    out.key(mark).integer(number(counts.first));
  out.end_object().key("seeds_of_marks").begin_object();
  for (const auto& [mark, counts] : all.marks)
    out.key(mark).integer(number(counts.second));
  out.end_object().key("never_reached").begin_array();
  for (const auto& each : never_reached(all))
    out.string(each.name);
  out.end_array().end_object();
  fmt::print("{}\n", std::move(out).take());
}

int trace_one(const simulate_options& options) {
  std::ofstream file{options.trace};
  if (!file) throw std::invalid_argument(options.trace + ": cannot be written");
  const auto plan = plan_of(options.seed, options);
  file << describe(plan);
  const auto result = testkit::simulate(plan, [&file](const std::string& event) { file << event << '\n'; });
  for (const auto& finding : result.findings)
    fmt::print(stderr, "found: {}\n", finding);
  fmt::print("seed {}: {} requests, trace hash {:016x}\n", options.seed, result.commands, result.trace_hash);
  return result.passed() ? exit_fine : exit_found_wrong;
}

}  // namespace

int simulate(const settings& settings, const simulate_options& options) {
  named_profile(options.profile);
  if (!options.trace.empty()) return trace_one(options);
  const auto begun = std::chrono::steady_clock::now();
  campaign all;
  {
    const auto jobs = std::min<std::uint64_t>(options.jobs, options.seeds);
    auto shared = options;
    shared.jobs = static_cast<unsigned>(jobs);
    std::vector<std::unique_ptr<worker>> workers;
    workers.reserve(shared.jobs);
    for (unsigned n = 0; n < shared.jobs; ++n)
      workers.push_back(std::make_unique<worker>(shared, n));
    bench::progress_line progress("simulating", "seeds", options.seeds);
    for (std::uint64_t n = 0; n < options.seeds; ++n) {
      const auto each = workers[n % jobs]->next();
      all.add(each);
      if (!each.result.passed()) explain(each, options);
      progress.done(all.seeds);
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  if (settings.json) {
    print_json(all, took.count());
  } else {
    print_table(all, took.count());
  }
  const bool must_reach_all = options.profile == "storm" && all.seeds >= seeds_to_reach_all;
  if (!all.failed.empty() || (must_reach_all && !never_reached(all).empty())) return exit_found_wrong;
  return exit_fine;
}

#ifdef SOUK_MUTANTS
namespace {

// What a mutant does to a run may be that it never ends.
constexpr unsigned seconds_per_seed_max = 20;

void list_mutants() {
  for (const auto& each : testkit::mutants())
    fmt::print("{}\t{}\n", each.name, each.what);
}

// The first thing that a seed finds, in a process of its own, for it may end badly; empty: nothing.
std::string first_finding(std::uint64_t seed, const simulate_options& options) {
  auto one = options;
  one.seed = seed;
  one.seeds = one.jobs = 1;
  one.seconds_per_seed_max = seconds_per_seed_max;
  try {
    const auto each = worker{one, 0}.next();
    return each.result.passed() ? std::string{} : each.result.findings.front();
  } catch (const std::exception&) {
    return "the run did not come to its end";
  }
}

}  // namespace

int hunt_mutant(const settings& settings, const simulate_options& options) {
  named_profile(options.profile);
  if (options.mutant == "list") {
    list_mutants();
    return exit_fine;
  }
  const auto& all = testkit::mutants();
  if (std::none_of(all.begin(), all.end(), [&](const auto& each) { return each.name == options.mutant; }))
    throw std::invalid_argument("there is no mutant " + options.mutant);
  mutant_at_work = options.mutant;
  std::string finding;
  std::uint64_t tried = 0;
  while (finding.empty() && tried < options.seeds)
    finding = first_finding(options.seed + tried++, options);
  if (settings.json) {
    json::writer out;
    out.begin_object()
        .key("mutant")
        .string(options.mutant)
        .key("seeds")
        .integer(static_cast<std::int64_t>(tried));
    out.key("found").string(finding).end_object();
    fmt::print("{}\n", std::move(out).take());
  } else if (finding.empty()) {
    fmt::print("{}: not found in {} seeds\n", options.mutant, tried);
  } else {
    fmt::print("{}: found after {} seeds: {}\n", options.mutant, tried, finding);
  }
  return finding.empty() ? exit_found_wrong : exit_fine;
}
#endif

}  // namespace souk::cli
