#include "runtime/testkit/coordination_model.hpp"

#include "runtime/cluster/messages.hpp"
#include "runtime/supervision/failure.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <functional>
#include <optional>
#include <utility>

namespace souk::runtime::testkit {

namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

coordinator_step step(std::function<void()> work) {
  return {std::make_shared<const std::function<void()>>(std::move(work))};
}

// Gives a connection its place in the node's system and its time. Without an argument besides `self`, CAF's
// header would bind a null reference.
caf::behavior postman(caf::event_based_actor* self, const std::string&) {
  supervision::handle_failures(self);
  return {[](const coordinator_step& work) { (*work.go_on)(); }};
}

}  // namespace

/// What one node has of the store.
class coordination_model::connection final : public coordination_store,
                                             public std::enable_shared_from_this<connection> {
 public:
  connection(coordination_model& model, caf::actor_system& system, std::string name)
      : model_(model), name_(std::move(name)), postman_(system.spawn<caf::hidden>(postman, name_)) {}
  ~connection() override { end(); }

  void end() {
    if (!postman_) return;
    caf::anon_send_exit(postman_, caf::exit_reason::kill);
    postman_ = nullptr;
  }

  void range(std::string prefix, milliseconds deadline, callback<range_result> done) override {
    call<range_result>(deadline, std::move(done), [this, prefix] { return model_.read(prefix); });
  }
  void swap(swap_request request, milliseconds deadline, callback<swap_result> done) override {
    call<swap_result>(deadline, std::move(done), [this, request] { return model_.swap(request); });
  }
  void grant(std::chrono::seconds ttl, milliseconds deadline, callback<lease_result> done) override {
    call<lease_result>(deadline, std::move(done), [this, ttl] {
      const auto id = ++model_.last_lease_;
      model_.leases_[id] = {ttl, model_.time_->steady() + ttl};
      look_again_in(ttl);
      return lease_result{lease_result::outcome::alive, id, ttl, ""};
    });
  }
  void keep_alive(lease_id lease, milliseconds deadline, callback<lease_result> done) override {
    call<lease_result>(deadline, std::move(done), [this, lease] {
      auto found = model_.leases_.find(lease);
      if (found == model_.leases_.end()) return lease_result{lease_result::outcome::gone, lease, {}, ""};
      found->second.ends = model_.time_->steady() + found->second.ttl;
      look_again_in(found->second.ttl);
      return lease_result{lease_result::outcome::alive, lease, found->second.ttl, ""};
    });
  }
  void revoke(lease_id lease, milliseconds deadline, callback<lease_result> done) override {
    call<lease_result>(deadline, std::move(done), [this, lease] {
      model_.end(lease);
      return lease_result{lease_result::outcome::gone, lease, {}, ""};
    });
  }
  std::unique_ptr<watch_handle> watch(std::string prefix, std::int64_t first,
                                      callback<watch_event> told) override {
    auto started = std::make_shared<watching>(watching{std::move(prefix), first, std::move(told)});
    watches_.push_back(started);
    tell_soon();
    return std::make_unique<handle>(std::move(started));
  }

  const std::string& name() const { return name_; }
  void cut(bool is_cut) {
    cut_ = is_cut;
    if (!is_cut) tell_soon();
  }
  void tell_soon() {
    later(delay(), [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->tell();
    });
  }
  void break_watches() {
    for (const auto& weak : std::exchange(watches_, {}))
      if (const auto watch = weak.lock())
        watch->told({.what = watch_event::kind::broken, .revision = watch->next - 1});
  }
  std::size_t watches() const {
    return static_cast<std::size_t>(
        std::count_if(watches_.begin(), watches_.end(), [](const auto& weak) { return !weak.expired(); }));
  }

 private:
  struct watching {
    std::string prefix;
    std::int64_t next = 0;
    callback<watch_event> told;
  };
  class handle final : public watch_handle {
   public:
    explicit handle(std::shared_ptr<watching> watch) : watch_(std::move(watch)) {}

   private:
    std::shared_ptr<watching> watch_;  // it ends with this
  };

  void later(nanoseconds in, std::function<void()> work) {
    if (postman_) caf::delayed_anon_send(postman_, in, step(std::move(work)));
  }
  nanoseconds delay() {
    return nanoseconds{static_cast<std::int64_t>(
        model_.random_() % static_cast<std::uint64_t>(nanoseconds{model_.delay_most_}.count() / 2 + 1))};
  }
  void look_again_in(std::chrono::seconds ttl) {
    later(ttl, [weak = weak_from_this()] {
      if (auto self = weak.lock()) self->model_.end_leases();
    });
  }

  template <class Result>
  void call(milliseconds deadline, callback<Result> done, std::function<Result()> work) {
    // Answered once, by whatever comes first.
    auto answer = std::make_shared<callback<Result>>(std::move(done));
    const auto give = [answer](Result result) {
      if (auto first = std::exchange(*answer, nullptr)) first(std::move(result));
    };
    later(deadline, [give] {
      Result nothing;
      nothing.detail = "no answer in time";
      give(std::move(nothing));
    });
    const bool silent = cut_;
    const bool question_lost = silent ? model_.draw(500) : model_.draw(model_.lose_per_mille_);
    const bool answer_lost = silent || model_.draw(model_.lose_per_mille_);
    if (question_lost) return;
    later(delay(), [weak = weak_from_this(), give, work = std::move(work), answer_lost] {
      auto self = weak.lock();
      if (!self) return;
      self->model_.end_leases();
      auto result = work();
      self->model_.tell_watches();
      if (!answer_lost) self->later(self->delay(), [give, result = std::move(result)] { give(result); });
    });
  }

  void tell() {
    if (cut_) return;
    std::vector<std::weak_ptr<watching>> going_on;
    for (const auto& weak : std::exchange(watches_, {})) {
      const auto watch = weak.lock();
      if (!watch) continue;
      if (watch->next <= model_.compacted_) {
        watch->told({.what = watch_event::kind::compacted, .revision = watch->next - 1});
        continue;
      }
      tell(*watch);
      going_on.push_back(weak);
    }
    watches_.insert(watches_.begin(), going_on.begin(), going_on.end());
  }
  // One event for each revision, as etcd does while it keeps up.
  void tell(watching& watch) {
    std::optional<watch_event> event;
    const auto send = [&] {
      if (event) watch.told(std::move(*event));
      event.reset();
    };
    for (auto at = model_.changes_from(watch.next); at != model_.history_.end(); ++at) {
      const auto& change = *at;
      if (!change.value.key.starts_with(watch.prefix)) continue;
      if (event && event->revision != change.revision) send();
      if (!event) event.emplace(watch_event{.revision = change.revision});
      if (change.removed) {
        event->removed.push_back(change.value.key);
      } else {
        event->puts.push_back(change.value);
      }
    }
    send();
    watch.next = model_.revision_ + 1;
  }

  coordination_model& model_;
  std::string name_;
  caf::actor postman_;
  bool cut_ = false;
  std::vector<std::weak_ptr<watching>> watches_;
};

coordination_model::coordination_model(std::shared_ptr<clock> time, std::uint64_t seed)
    : time_(std::move(time)), random_(seed) {}
coordination_model::~coordination_model() = default;

std::shared_ptr<coordination_store> coordination_model::connect(caf::actor_system& system, std::string name) {
  auto made = std::make_shared<connection>(*this, system, std::move(name));
  connections_.push_back(made);
  return made;
}

void coordination_model::cut(const std::string& name, bool is_cut) {
  for (const auto& weak : connections_)
    if (const auto each = weak.lock(); each && each->name() == name) each->cut(is_cut);
}
void coordination_model::cut_all(bool is_cut) {
  for (const auto& weak : connections_)
    if (const auto each = weak.lock()) each->cut(is_cut);
}
void coordination_model::break_watches(bool forget) {
  if (forget) {
    compacted_ = revision_;
    history_.clear();
  }
  for (const auto& weak : connections_)
    if (const auto each = weak.lock()) each->break_watches();
}
void coordination_model::disconnect(const std::string& name) {
  for (const auto& weak : connections_)
    if (const auto each = weak.lock(); each && each->name() == name) each->end();
}
void coordination_model::end_lease_of(const std::string& key) {
  const auto found = values_.find(key);
  if (found != values_.end()) end(found->second.lease);
  tell_watches();
}

std::string coordination_model::value(const std::string& key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? "" : found->second.value;
}
std::size_t coordination_model::watches() const {
  std::size_t all = 0;
  for (const auto& weak : connections_)
    if (const auto each = weak.lock()) all += each->watches();
  return all;
}

range_result coordination_model::read(const std::string& prefix) const {
  range_result result{.known = true, .revision = revision_};
  for (auto next = values_.lower_bound(prefix); next != values_.end() && next->first.starts_with(prefix);
       ++next)
    result.values.push_back(next->second);
  return result;
}

swap_result coordination_model::swap(const swap_request& request) {
  swap_result result{.what = swap_result::outcome::done};
  for (const auto& [key, wanted] : request.conditions) {
    const auto found = values_.find(key);
    const auto stands = found == values_.end() ? stored_value{.key = key} : found->second;
    if (stands.revision != wanted) result.what = swap_result::outcome::refused;
    result.current.push_back(stands);
  }
  if (result.what == swap_result::outcome::refused) return result;
  result.current.clear();
  for (const auto& change : request.changes)
    if (change.lease != 0 && !leases_.contains(change.lease))
      return {.what = swap_result::outcome::lease_gone};
  ++revision_;
  for (const auto& change : request.changes) {
    if (change.remove) {
      remove(change.key);
    } else {
      put(change.key, change.value, change.lease);
    }
  }
  result.revision = revision_;
  return result;
}

void coordination_model::put(const std::string& key, std::string value, lease_id lease) {
  auto& stands = values_[key];
  stands = {key, std::move(value), revision_, lease};
  history_.push_back({revision_, stands, false});
}
void coordination_model::remove(const std::string& key) {
  if (values_.erase(key) > 0) history_.push_back({revision_, {.key = key}, true});
}

void coordination_model::end(lease_id id) {
  if (leases_.erase(id) == 0) return;
  std::vector<std::string> keys;
  for (const auto& [key, value] : values_)
    if (value.lease == id) keys.push_back(key);
  if (keys.empty()) return;
  ++revision_;
  for (const auto& key : keys)
    remove(key);
}
void coordination_model::end_leases() {
  std::vector<lease_id> over;
  for (const auto& [id, lease] : leases_)
    if (lease.ends <= time_->steady()) over.push_back(id);
  for (const auto id : over)
    end(id);
  if (!over.empty()) tell_watches();
}

std::vector<coordination_model::change>::const_iterator coordination_model::changes_from(
    std::int64_t revision) const {
  return std::lower_bound(history_.begin(), history_.end(), revision,
                          [](const change& one, std::int64_t other) { return one.revision < other; });
}

// Whoever watches hears of each change, and of nothing while there is none.
void coordination_model::tell_watches() {
  if (std::exchange(told_, revision_) == revision_) return;
  for (const auto& weak : connections_)
    if (const auto each = weak.lock()) each->tell_soon();
}

}  // namespace souk::runtime::testkit
