#include "bench/scenarios.hpp"
#include "bench/shopper.hpp"
#include "bench/watched.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <stdexcept>

namespace souk::bench {
namespace {

using std::chrono::milliseconds;
using steady_clock = std::chrono::steady_clock;

// A client that changes things goes elsewhere after so long a silence, and asks again.
constexpr milliseconds silence_max{3'000};
// It asks until it is told; longer than any node is away.
constexpr std::chrono::seconds ask_again_for{60};
constexpr milliseconds first_pause{50};
constexpr milliseconds pause_most{1'000};
// Between two things that a client does: it is order that this is about, not speed.
constexpr std::size_t idle_ms_most = 20;
// A visitor waits for its node however long that hangs, and looks so seldom that some look begins while it
// hangs: what it answers when it wakes is what a node says that does not know it is primary no more.
constexpr std::size_t visit_ms_most = 6'000;
constexpr std::size_t percent = 100;
constexpr std::size_t looks_percent = 40;
constexpr std::size_t repeats_percent = 10;
constexpr std::size_t let_go_percent = 50;

// What all clients count together.
struct history_tally {
  shopping_tally answers;  // of it the errors alone
  std::uint64_t changes = 0;
  std::uint64_t looks = 0;
  std::uint64_t repeats = 0;        // of what was answered, under the same key
  std::uint64_t refused = 0;        // changes that were surely not made, and let be
  std::uint64_t unknown = 0;        // changes without an answer at first; of them:
  std::uint64_t had_been_done = 0;  // the repeat got the first answer
  std::uint64_t was_not_done = 0;   // the repeat did it
  std::uint64_t still_unknown = 0;
};

std::chrono::nanoseconds now() { return steady_clock::now().time_since_epoch(); }

// The entity has decided: it was done, or refused for good.
bool is_decision(const http_answer& answer) {
  return answer.ok() || (answer.status == 409 && read_problem(answer).code == "insufficient_stock");
}

// Nothing was done: it never arrived, or nobody took it up.
bool is_surely_not_done(const http_answer& answer) {
  const bool turned_away = answer.status == 503 || answer.status == 429;
  return answer.sendings == 0 || (turned_away && answer.sendings == 1);
}

// One client with a connection to each node.
class watcher {
 public:
  using entities = std::vector<std::unique_ptr<watched_entity>>;

  watcher(event_loop& loop, const std::vector<endpoint>& nodes, const std::string& key, entities& entities,
          history_tally& tally, std::size_t at, milliseconds patience)
      : loop_(loop), entities_(entities), tally_(tally), at_(at) {
    for (const endpoint& node : nodes) {
      links_.push_back(std::make_unique<connection>(loop, node, patience));
      texts_.emplace_back(node, key);
    }
  }

  // Changes and reads, at any node.
  task<void> work_until(const closing_time& closing) {
    while (!closing.reached() && !loop_.failed()) {
      watched_entity& entity = *entities_[keys_.number(entities_.size())];
      if (keys_.number(percent) < looks_percent) {
        co_await look(entity);
      } else {
        co_await change(entity);
      }
      co_await loop_.sleep(milliseconds(keys_.number(idle_ms_most)));
    }
  }

  // Looks now and then, always at the same node.
  task<void> visit_until(const closing_time& closing, steady_clock::time_point end) {
    while (!closing.reached() && !loop_.failed()) {
      const auto left = std::chrono::ceil<milliseconds>(end - steady_clock::now());
      co_await loop_.sleep(std::min(left, milliseconds(keys_.number(visit_ms_most))));
      watched_entity& entity = *entities_[keys_.number(entities_.size())];
      co_await look(entity);
    }
  }

  // Looks at everything, until each has answered.
  task<void> look_at_all() {
    for (const auto& entity : entities_) {
      const auto end = steady_clock::now() + ask_again_for;
      bool seen = false;
      while (!seen && steady_clock::now() < end && !loop_.failed()) {
        seen = co_await look(*entity);
        if (!seen) {
          co_await loop_.sleep(first_pause);
        }
      }
      if (!seen) tally_.answers.note_wrong("an entity that cannot be read in the end");
    }
  }

 private:
  task<bool> look(watched_entity& entity) {
    const question question = entity.look();
    asked_times times{now(), {}};
    const http_answer& answer = co_await links_[at_]->send(text_of(question, {}));
    times.returned = now();
    ++tally_.looks;
    if (answer.ok()) {
      note(entity, question, {}, times, &answer);
    } else if (is_passing(answer)) {
      move_on();
    } else {
      tally_.answers.note_error(answer);
    }
    co_return answer.ok();
  }

  task<void> change(watched_entity& entity) {
    const question question = entity.draw_change(keys_);
    const std::string key(keys_.next());
    ++tally_.changes;
    const bool decided = co_await ask_until_known(entity, question, key);
    if (decided && keys_.number(percent) < repeats_percent) {
      ++tally_.repeats;
      move_on();
      co_await repeat(entity, question, key);
    }
  }

  // Whether something was decided.
  task<bool> ask_until_known(watched_entity& entity, const question& question, const std::string& key) {
    const auto end = steady_clock::now() + ask_again_for;
    bool unknown = false;
    for (auto pause = first_pause;; pause = std::min(pause * 2, pause_most)) {
      asked_times times{now(), {}};
      const http_answer& answer = co_await links_[at_]->send(text_of(question, key));
      if (is_decision(answer)) {
        times.returned = now();
        note(entity, question, key, times, &answer);
        if (unknown) ++(answer.replayed ? tally_.had_been_done : tally_.was_not_done);
        decision_ = answer.body;
        co_return true;
      }
      if (!is_surely_not_done(answer)) {
        if (!is_passing(answer)) tally_.answers.note_error(answer);
        note(entity, question, key, times, nullptr);
        if (!unknown) ++tally_.unknown;
        unknown = true;
      } else if (!unknown && keys_.number(percent) < let_go_percent) {
        ++tally_.refused;
        co_return false;
      }
      if (steady_clock::now() >= end || loop_.failed()) break;
      move_on();
      co_await loop_.sleep(pause);
    }
    ++(unknown ? tally_.still_unknown : tally_.refused);
    co_return false;
  }

  // What was decided is answered again, the same, by any node.
  task<void> repeat(watched_entity& entity, const question& question, const std::string& key) {
    asked_times times{now(), {}};
    const http_answer& answer = co_await links_[at_]->send(text_of(question, key));
    times.returned = now();
    if (is_passing(answer)) co_return;
    if (!is_decision(answer)) {
      tally_.answers.note_error(answer);
      co_return;
    }
    note(entity, question, key, times, &answer);
    // That it is replayed is not always said: a gateway that asked again itself takes it for its own answer.
    if (answer.body != decision_)
      tally_.answers.note_wrong("a repeat that is not the first answer: " + answer.body);
  }

  void note(watched_entity& entity, const question& question, std::string_view key, const asked_times& times,
            const http_answer* answer) {
    if (!entity.note(question, key, times, answer, reader_))
      tally_.answers.note_wrong(question.method + " " + question.target + ": " + answer->body);
  }

  std::string_view text_of(const question& question, std::string_view key) {
    return texts_[at_].make(question.method, question.target, key, question.type, question.body, {});
  }

  void move_on() { at_ = (at_ + 1) % links_.size(); }

  event_loop& loop_;
  entities& entities_;
  history_tally& tally_;
  std::size_t at_;  // the node that is asked
  std::vector<std::unique_ptr<connection>> links_;
  std::vector<request_text> texts_;
  random_keys keys_;
  answer_reader reader_;
  std::string decision_;  // the body of the last one
};

struct history_findings {
  std::size_t operations = 0;
  std::size_t violated = 0;
  std::size_t undecided = 0;
  std::vector<std::string> texts;
};

history_findings judge(const watcher::entities& entities) {
  history_findings findings;
  for (const auto& entity : entities) {
    const finding found = entity->judge();
    findings.operations += entity->operations();
    findings.violated += !found.linearizable;
    findings.undecided += !found.decided;
    if (!found.text.empty()) findings.texts.push_back(found.text);
  }
  return findings;
}

void print_json(const history_tally& tally, std::size_t entities, const history_findings& findings) {
  souk::json::writer out;
  const auto count = [&out](std::string_view name, std::uint64_t value) {
    out.key(name).integer(static_cast<std::int64_t>(value));
  };
  out.begin_object().key("scenario").string("histories");
  count("entities", entities);
  count("operations", findings.operations);
  count("changes", tally.changes);
  count("looks", tally.looks);
  count("repeats", tally.repeats);
  count("refused", tally.refused);
  out.key("unknown").begin_object();
  count("outcomes", tally.unknown);
  count("had_been_done", tally.had_been_done);
  count("was_not_done", tally.was_not_done);
  count("still_unknown", tally.still_unknown);
  out.end_object();
  write_errors(out, tally.answers);
  count("violated", findings.violated);
  count("undecided", findings.undecided);
  out.key("linearizable").boolean(findings.violated == 0 && findings.undecided == 0).end_object();
  fmt::print("{}\n", std::move(out).take());
}

void print_table(const history_tally& tally, std::size_t entities, const history_findings& findings) {
  fmt::print("{} operations on {} entities: {} changes, {} looks, {} repeats, {} turned away\n",
             findings.operations, entities, tally.changes, tally.looks, tally.repeats, tally.refused);
  fmt::print("{} outcomes unknown at first: {} had been done, {} had not, {} are still unknown\n",
             tally.unknown, tally.had_been_done, tally.was_not_done, tally.still_unknown);
  print_errors(tally.answers);
  fmt::print("histories: {} not linearizable, {} undecided\n", findings.violated, findings.undecided);
}

}  // namespace

bool run_histories(const stage& stage, const histories_options& options) {
  std::vector<endpoint> nodes;
  nodes.reserve(std::max<std::size_t>(options.nodes.size(), 1));
  for (const std::string& url : options.nodes)
    nodes.push_back(parse_url(url));
  if (nodes.empty()) nodes.push_back(stage.with_key.server);
  auto entities = make_watched(stage.with_key, options.carts, options.stocks);
  if (entities.empty()) throw std::invalid_argument("there is nothing to watch: neither carts nor stocks");

  event_loop loop;
  history_tally tally;
  const std::chrono::seconds length(options.seconds);
  const closing_time closing(length);
  const auto end = steady_clock::now() + length;
  std::vector<std::unique_ptr<watcher>> watchers;
  const auto add = [&](const std::vector<endpoint>& asked, milliseconds patience) -> watcher& {
    const std::size_t at = watchers.size() % asked.size();
    watchers.push_back(
        std::make_unique<watcher>(loop, asked, stage.with_key.key, entities, tally, at, patience));
    return *watchers.back();
  };
  for (int i = 0; i < options.clients; ++i)
    loop.spawn(add(nodes, silence_max).work_until(closing));
  for (const endpoint& node : nodes) {
    const std::vector<endpoint> alone{node};
    for (int i = 0; i < options.visitors; ++i)
      loop.spawn(add(alone, connection::answer_timeout).visit_until(closing, end));
  }
  loop.run();
  loop.spawn(add(nodes, silence_max).look_at_all());
  loop.run();

  const history_findings findings = judge(entities);
  for (const std::string& text : findings.texts)
    fmt::print(stderr, "{}\n", text);
  for (const std::string& text : tally.answers.wrong)
    fmt::print(stderr, "wrong: {}\n", text);
  stage.json ? print_json(tally, entities.size(), findings) : print_table(tally, entities.size(), findings);
  return findings.violated == 0 && findings.undecided == 0 && tally.answers.errors.empty();
}

}  // namespace souk::bench
