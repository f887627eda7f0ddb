#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// Whether what clients were told of one entity can have happened one after the other, each thing at some
/// moment between its question and its answer. Pure: no actor, no clock, no I/O; one thread.
///
/// The entity is a model of a few lines:
///
///     struct model {
///       using state = ...;  // a value with an order (<=>)
///       using call = ...;   // what was asked and, if it is known, the answer; a value with ==
///       /// The state after the call; nothing if in this state it would have been answered otherwise.
///       static std::optional<state> apply(const state& state, const call& call);
///       /// False: neither in this state nor in any later one would it be answered so. Saves much looking.
///       static bool may_come(const state& state, const call& call);
///       static bool only_reads(const call& call);
///       static std::string text(const state& state);
///       static std::string text(const call& call);
///     };
namespace souk::testkit {

/// One thing that a client did. Times are of one clock that never goes back, whichever.
template <class Call>
struct operation {
  using nanoseconds = std::chrono::nanoseconds;
  Call call;
  /// Operations of one key are one thing, asked for again: it happens once, and is answered the same each
  /// time. Empty: it was asked for once.
  std::string key;
  nanoseconds invoked{0};
  /// Empty: nobody knows what became of it. It may happen at any time after `invoked`, or never.
  std::optional<nanoseconds> returned;
};

enum class judgement : std::uint8_t {
  linearizable,
  violated,
  undecided,  ///< There were more possibilities than one may look at.
};

template <class Model>
struct verdict {
  using operation = testkit::operation<typename Model::call>;
  judgement is = judgement::linearizable;
  std::string reason;  ///< In words; empty where all is well.
  /// Not linearizable: the shortest beginning of the history that is not, in order of invocation, and what
  /// the entity can have been before its last answer.
  std::vector<operation> prefix;
  std::vector<typename Model::state> possible;
};

/// So many possibilities are looked at for one answer: some seconds of work, and far more than a real
/// history asks for, where nearly all outcomes are known.
inline constexpr std::size_t possibilities_max = 200'000;

namespace detail {

template <class Operation>
bool by_invocation(const Operation& one, const Operation& other) {
  return one.invoked < other.invoked;
}

/// Operations of one key as one: from the first question to the first answer. What is left of unknown reads,
/// which tell nothing, goes. Returns the key whose answers differ, if there is one.
template <class Model, class Operation>
std::optional<std::string> fold_repeats(std::vector<Operation>& operations) {
  std::stable_sort(operations.begin(), operations.end(), by_invocation<Operation>);
  std::map<std::string, std::size_t> first;
  std::vector<Operation> folded;
  for (auto& operation : operations) {
    const auto [found, is_new] = first.try_emplace(operation.key, folded.size());
    if (operation.key.empty() || is_new) {
      folded.push_back(std::move(operation));
      continue;
    }
    auto& before = folded[found->second];
    if (!operation.returned) continue;
    if (before.returned && !(before.call == operation.call)) return operation.key;
    before.call = std::move(operation.call);
    before.returned = before.returned ? std::min(*before.returned, *operation.returned) : operation.returned;
  }
  std::erase_if(folded, [](const Operation& one) { return !one.returned && Model::only_reads(one.call); });
  operations = std::move(folded);
  return std::nullopt;
}

/// Goes through questions and answers in their order, with all that may have happened so far. What was asked
/// happens as late as possible: when an answer comes that needs it (Lowe, "Testing for linearizability",
/// 2017, calls it just in time). So the first answer that nothing explains ends the shortest bad prefix.
template <class Model>
class linearizer {
 public:
  using state = typename Model::state;
  using operation = testkit::operation<typename Model::call>;

  linearizer(const state& first, std::vector<operation> operations, std::size_t most)
      : operations_(std::move(operations)), most_(most), possible_{{first, {}}} {}

  verdict<Model> run() {
    for (const auto& event : events()) {
      if (!event.answer) {
        invoke(event.operation);
        continue;
      }
      auto before = states();
      if (!answer(event.operation)) return undecided(event.operation);
      if (possible_.empty()) return violated(event.operation, std::move(before));
    }
    return {};
  }

 private:
  struct event {
    std::chrono::nanoseconds at;
    bool answer = false;  // questions of the same moment come first: they may overlap
    std::size_t operation = 0;
    auto operator<=>(const event&) const = default;
  };
  /// One way in which it may have gone.
  struct possibility {
    typename Model::state now;
    std::vector<std::size_t> happened;  // of what is not answered yet, in order of numbers
    auto operator<=>(const possibility&) const = default;

    bool has(std::size_t operation) const {
      return std::binary_search(happened.begin(), happened.end(), operation);
    }
    void add(std::size_t operation) {
      happened.insert(std::lower_bound(happened.begin(), happened.end(), operation), operation);
    }
  };

  std::vector<event> events() const {
    std::vector<event> all;
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      all.push_back({operations_[i].invoked, false, i});
      if (operations_[i].returned) all.push_back({*operations_[i].returned, true, i});
    }
    std::sort(all.begin(), all.end());
    return all;
  }

  void invoke(std::size_t operation) {
    pending_.insert(operation);
    if (!Model::only_reads(operations_[operation].call)) return;
    std::set<possibility> with;
    while (!possible_.empty()) {
      auto one = std::move(possible_.extract(possible_.begin()).value());
      if (Model::apply(one.now, operations_[operation].call)) one.add(operation);
      with.insert(std::move(one));
    }
    possible_ = std::move(with);
  }

  /// A read changes nothing, so it is best made as soon as its answer fits.
  void read_what_fits(possibility& one) const {
    for (const auto waiting : pending_) {
      const auto& call = operations_[waiting].call;
      if (Model::only_reads(call) && !one.has(waiting) && Model::apply(one.now, call)) one.add(waiting);
    }
  }

  /// Of alike things whose outcome nobody knows it does not matter which has happened: say the first.
  bool first_alike(const possibility& one, std::size_t unknown) const {
    return std::none_of(pending_.begin(), pending_.lower_bound(unknown), [&](std::size_t other) {
      const auto& before = operations_[other];
      return !before.returned && !one.has(other) && before.call == operations_[unknown].call;
    });
  }

  bool all_may_come(const possibility& one) const {
    return std::all_of(pending_.begin(), pending_.end(), [&](std::size_t waiting) {
      return one.has(waiting) || Model::may_come(one.now, operations_[waiting].call);
    });
  }

  /// Keeps the ways in which it can have happened by now. False: they are too many.
  bool answer(std::size_t answered) {
    std::set<possibility> seen = possible_;
    std::vector<possibility> work(possible_.begin(), possible_.end());
    std::vector<possibility> explained;
    while (!work.empty()) {
      auto one = std::move(work.back());
      work.pop_back();
      if (one.has(answered)) {
        std::erase(one.happened, answered);
        explained.push_back(std::move(one));
        continue;
      }
      for (const auto waiting : pending_) {
        const auto& candidate = operations_[waiting];
        if (one.has(waiting) || Model::only_reads(candidate.call)) continue;
        if (!candidate.returned && !first_alike(one, waiting)) continue;
        auto after = Model::apply(one.now, candidate.call);
        if (!after || (!candidate.returned && *after == one.now)) continue;
        possibility next{std::move(*after), one.happened};
        next.add(waiting);
        read_what_fits(next);
        if (!all_may_come(next)) continue;
        if (seen.size() >= most_) return false;
        if (seen.insert(next).second) work.push_back(std::move(next));
      }
    }
    pending_.erase(answered);
    keep_best(std::move(explained));
    return true;
  }

  /// What nobody knows the outcome of need never happen: where all else is equal, who used up less of it can
  /// do whatever the other can.
  void keep_best(std::vector<possibility> explained) {
    using sets = std::vector<std::vector<std::size_t>>;
    std::map<possibility, sets> unknown_by_rest;
    for (auto& one : explained) {
      std::vector<std::size_t> unknown;
      for (const auto happened : one.happened)
        if (!operations_[happened].returned) unknown.push_back(happened);
      std::erase_if(one.happened, [this](std::size_t happened) { return !operations_[happened].returned; });
      unknown_by_rest[std::move(one)].push_back(std::move(unknown));
    }
    possible_.clear();
    for (auto& [rest, unknown] : unknown_by_rest) {
      std::sort(unknown.begin(), unknown.end(),
                [](const auto& one, const auto& other) { return one.size() < other.size(); });
      sets kept;
      for (auto& used : unknown) {
        const bool worse = std::any_of(kept.begin(), kept.end(), [&used](const auto& less) {
          return std::includes(used.begin(), used.end(), less.begin(), less.end());
        });
        if (worse) continue;
        possibility one = rest;
        for (const auto happened : used)
          one.add(happened);
        possible_.insert(std::move(one));
        kept.push_back(std::move(used));
      }
    }
  }

  std::vector<state> states() const {
    std::vector<state> all;
    for (const auto& one : possible_)
      if (all.empty() || !(all.back() == one.now)) all.push_back(one.now);
    return all;
  }

  verdict<Model> violated(std::size_t unexplained, std::vector<state> before) const {
    verdict<Model> found;
    found.is = judgement::violated;
    found.possible = std::move(before);
    const auto end = *operations_[unexplained].returned;
    for (const auto& operation : operations_) {
      if (operation.invoked > end) break;
      found.prefix.push_back(operation);
      // Later answers are not of the prefix.
      auto& returned = found.prefix.back().returned;
      if (returned && *returned > end) returned.reset();
    }
    found.reason = "nothing explains the answer to " + Model::text(operations_[unexplained].call) +
                   "; before it the entity was";
    for (std::size_t i = 0; i < found.possible.size(); ++i)
      found.reason += (i == 0 ? " " : " or ") + Model::text(found.possible[i]);
    return found;
  }

  verdict<Model> undecided(std::size_t operation) const {
    verdict<Model> found;
    found.is = judgement::undecided;
    found.reason = "more than " + std::to_string(most_) + " possibilities before the answer to " +
                   Model::text(operations_[operation].call);
    return found;
  }

  std::vector<operation> operations_;  // in order of invocation
  std::size_t most_;
  std::set<std::size_t> pending_;  // asked and not answered
  std::set<possibility> possible_;
};

}  // namespace detail

/// Judges what clients saw of one entity, which was `first` before any of it. In any order.
template <class Model>
verdict<Model> check_history(const typename Model::state& first,
                             std::vector<operation<typename Model::call>> operations,
                             std::size_t most = possibilities_max) {
  if (const auto key = detail::fold_repeats<Model>(operations)) {
    verdict<Model> found;
    found.is = judgement::violated;
    found.reason = "a repeat of " + *key + " was answered otherwise than the first";
    return found;
  }
  return detail::linearizer<Model>(first, std::move(operations), most).run();
}

/// The last `most` operations of a prefix, a line each: when they began and ended, in ms after the first.
template <class Model>
std::vector<std::string> prefix_lines(const verdict<Model>& found, std::size_t most) {
  std::vector<std::string> lines;
  if (found.prefix.empty()) return lines;
  const auto ms = [&](std::chrono::nanoseconds at) {
    return std::to_string((at - found.prefix.front().invoked) / std::chrono::milliseconds{1});
  };
  const auto begin = found.prefix.size() - std::min(most, found.prefix.size());
  for (auto i = begin; i < found.prefix.size(); ++i) {
    const auto& operation = found.prefix[i];
    lines.push_back(ms(operation.invoked) + " to " +
                    (operation.returned ? ms(*operation.returned) : std::string{"?"}) +
                    " ms: " + Model::text(operation.call));
  }
  return lines;
}

/// Why a history is not linearizable, or not decided, with the last of its prefix; empty: it is.
template <class Model>
std::string explanation(const verdict<Model>& found, std::size_t most) {
  if (found.is == judgement::linearizable) return {};
  auto text = found.reason;
  for (const auto& line : prefix_lines(found, most))
    text += "\n  " + line;
  return text;
}

}  // namespace souk::testkit
