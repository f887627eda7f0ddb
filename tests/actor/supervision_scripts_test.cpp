#include "tests/actor/supervision_workers.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <set>

namespace souk::supervision {
namespace {

using namespace std::chrono_literals;

constexpr auto longest_wait = 200ms;
constexpr auto longest_stop = 500ms;
constexpr std::size_t children_max = 4;

/// What is known of one child, be it a worker or a supervisor, over all its lives.
struct biography {
  restart when = restart::permanent;
  bool alive = false;
  bool failed = false;           ///< Its last life.
  std::uint64_t started_as = 0;  ///< The number of its last start among all starts.
  caf::actor handle;
};

/// One supervisor of the tree and what it is to hold to.
struct family {
  std::string name;
  strategy rule = strategy::one_for_one;
  intensity limit;
  std::vector<std::string> children;
  std::deque<std::pair<duration, std::string>> starts;  ///< When which child began a life under this life.
};

/// A tree of supervisors grown from a seed, and misfortunes that befall it.
class script {
 public:
  explicit script(std::uint64_t seed) : random_(seed), actors_(seed) {
    auto top = grow("top", 0);
    top.on_escalation = [this](const std::string&) { given_up_ = true; };
    top_ = actors_.spawn(supervisor, std::move(top));
    settle();
  }

  void run() {
    for (int i = 0; i < 40 && !given_up_ && !testing::Test::HasFailure(); ++i) {
      misfortune();
      if (one_in(2)) settle();
      if (one_in(2)) {
        actors_.advance(std::chrono::milliseconds(random_() % 3'000));
        check();
      }
    }
    record_->failing_starts.clear();
    record_->failing_initialisers.clear();
    actors_.advance(10min);
    check();
    check_all_is_well();
    caf::anon_send_exit(top_, caf::exit_reason::user_shutdown);
    actors_.advance(10min);
    EXPECT_EQ(actors_.living(), 0U) << "an orphan lives";
  }

 private:
  bool one_in(std::uint64_t n) { return random_() % n == 0; }

  supervisor_spec grow(const std::string& name, int depth) {
    auto& family = families_[name];
    family.name = name;
    family.rule = static_cast<strategy>(random_() % 3);
    family.limit = {.restarts_max = static_cast<std::uint32_t>(random_() % 5), .window = 5s};
    supervisor_spec spec{.name = name,
                         .strategy = family.rule,
                         .intensity = family.limit,
                         .back_off = {.first = 10ms, .max = longest_wait, .quiet = 1min},
                         .children = {},
                         .random = [this] { return random_(); },
                         .on_escalation = nullptr};
    const auto count = 1 + random_() % children_max;
    for (std::size_t i = 0; i < count; ++i) {
      const auto child = name + "." + std::to_string(i);
      const auto when = one_in(4) ? static_cast<restart>(random_() % 3) : restart::permanent;
      families_.at(name).children.push_back(child);
      lives_[child].when = when;
      const bool nested = depth < 2 && one_in(3);
      spec.children.push_back(observed(name, nested ? supervisor_child(grow(child, depth + 1), when)
                                                    : worker_child(record_, child, when)));
    }
    return spec;
  }

  /// Writes the child's lives down.
  child_spec observed(const std::string& parent, child_spec spec) {
    spec.stop_within = longest_stop;
    spec.start = [this, parent, child = spec.name,
                  start = spec.start](caf::event_based_actor* self) -> caf::actor {
      auto& life = lives_.at(child);
      EXPECT_FALSE(life.alive) << child << " lives twice";
      auto handle = start(self);
      life.alive = true;
      life.started_as = ++starts_;
      life.handle = handle;
      families_.at(parent).starts.emplace_back(actors_.now(), child);
      if (auto family = families_.find(child); family != families_.end()) family->second.starts.clear();
      handle->attach_functor(
          [this, child, id = handle.id()](const caf::error& reason) { on_end(child, id, reason); });
      return handle;
    };
    return spec;
  }

  void on_end(const std::string& child, caf::actor_id id, const caf::error& reason) {
    if (doomed_.erase(id) > 0) return;
    auto& life = lives_.at(child);
    life.alive = false;
    life.failed = is_failure(reason);
    life.handle = nullptr;
    for (auto& [name, other] : lives_) {
      if (!other.alive || !name.starts_with(child + ".")) continue;
      // Only one that is killed ends before its children; they were told, and may still be at their last
      // message when the next life of their supervisor begins.
      EXPECT_EQ(reason, caf::exit_reason::kill) << name << " outlives " << child;
      doomed_.insert(other.handle.id());
      other.alive = false;
      other.failed = true;
    }
  }

  void misfortune() {
    std::vector<std::string> alive;
    for (const auto& [name, life] : lives_)
      if (life.alive) alive.push_back(name);
    if (alive.empty()) return;
    const auto& name = alive[random_() % alive.size()];
    const auto& handle = lives_.at(name).handle;
    const bool worker = !families_.contains(name);
    switch (random_() % 8) {
      case 0:
        caf::anon_send_exit(handle, caf::exit_reason::kill);
        break;
      case 1:
        caf::anon_send_exit(handle, caf::exit_reason::user_shutdown);
        break;
      case 2:
        ++record_->failing_starts[name];
        break;
      case 3:
        ++record_->failing_initialisers[name];
        break;
      case 4:
        if (worker) caf::anon_send(handle, std::string{"stubborn"});
        break;
      case 5:
        if (worker) caf::anon_send(handle, std::string{"done"});
        break;
      case 6:
        actors_.ask<tree_node>(top_, 1s, tree_request{});
        break;
      default:
        if (worker) caf::anon_send(handle, std::string{"throw"});
        break;
    }
  }

  void settle() {
    actors_.run();
    check();
  }

  /// What must hold whenever all have done what they could do by now.
  void check() {
    EXPECT_TRUE(doomed_.empty()) << "an orphan lives";
    for (auto& [name, family] : families_) {
      if (name != "top" && !lives_.at(name).alive) continue;
      if (family.rule != strategy::one_for_one) check_order(family);
      check_intensity(family);
    }
  }

  /// Of children that depend on each other, a later one lives only after all earlier ones, and is younger.
  void check_order(const family& family) {
    if (is_being_stopped(family)) return;
    for (std::size_t later = 1; later < family.children.size(); ++later) {
      const auto& mine = lives_.at(family.children[later]);
      if (!mine.alive) continue;
      for (std::size_t earlier = 0; earlier < later; ++earlier) {
        const auto& other = lives_.at(family.children[earlier]);
        const bool may_be_gone =
            other.when == restart::temporary || (other.when == restart::transient && !other.failed);
        EXPECT_TRUE(other.alive || may_be_gone)
            << family.children[later] << " lives without " << family.children[earlier];
        EXPECT_FALSE(other.alive && other.started_as > mine.started_as)
            << family.children[later] << " is older than " << family.children[earlier];
      }
    }
  }

  /// A stubborn child makes all before it wait, in whatever state they are.
  bool is_being_stopped(const family& family) {
    auto outcome = actors_.ask<tree_node>(family.name == "top" ? top_ : lives_.at(family.name).handle, 1s,
                                          tree_request{});
    actors_.run();
    if (!outcome->reply || outcome->reply->state != "running") return true;
    return std::ranges::any_of(outcome->reply->children,
                               [](const tree_node& child) { return child.state == "stopping"; });
  }

  /// A child begins anew at most as often as its supervisor may restart; alone, all children together. It
  /// begins somewhat later than it failed, so the window to look at is somewhat shorter.
  void check_intensity(family& family) {
    std::map<std::string, std::deque<duration>> anew;
    std::set<std::string> known;
    for (const auto& [at, child] : family.starts) {
      if (known.insert(child).second) continue;
      auto& recent = anew[family.rule == strategy::one_for_one ? "" : child];
      recent.push_back(at);
      while (at - recent.front() >= family.limit.window - longest_wait - children_max * longest_stop)
        recent.pop_front();
      EXPECT_LE(recent.size(), family.limit.restarts_max) << child << " was restarted too often";
    }
  }

  void check_all_is_well() {
    if (given_up_) {
      EXPECT_EQ(actors_.living(), 0U);
      return;
    }
    for (const auto& [name, life] : lives_) {
      const auto parent = name.substr(0, name.rfind('.'));
      const bool parent_lives = parent == "top" || lives_.at(parent).alive;
      EXPECT_FALSE(parent_lives && life.when == restart::permanent && !life.alive) << name << " is missing";
      EXPECT_FALSE(!parent_lives && life.alive) << name << " has no parent";
    }
  }

  std::mt19937_64 random_;
  record_ptr record_ = std::make_shared<record>();
  std::map<std::string, family> families_;
  std::map<std::string, biography> lives_;
  std::set<caf::actor_id> doomed_;  ///< Living children of killed supervisors.
  std::uint64_t starts_ = 0;
  bool given_up_ = false;
  testkit::virtual_system actors_;
  caf::actor top_;
};

TEST(supervision_scripts, hold_whatever_happens) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    script{seed}.run();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace souk::supervision
