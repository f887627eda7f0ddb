#pragma once

#include "actors/catalogue/catalogue.hpp"
#include "actors/payment/payment.pb.h"
#include "runtime/entity/kind.hpp"
#include "tests/unit/decider_life.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A shop in memory for tests of the saga: deciders, their messages and timers, a payment provider and the
/// catalogue, in one thread and from one seed. Each decision is atomic and durable, with all that it brings
/// about, as the runtime promises; everything else may happen in any order, late, or twice.
namespace souk::testing {

/// What the catalogue says; the stocks' offers may lag behind it.
class price_list final : public catalogue::variant_lookup {
 public:
  std::optional<catalogue::variant_view> find(std::string_view tenant, std::string_view sku) const override;
  void set(const std::string& sku, std::int64_t amount);

 private:
  std::map<std::string, catalogue::variant_view, std::less<>> variants_;
};

/// A payment provider whose manners depend on the token. It knows repeats by their key.
class fake_provider {
 public:
  struct account {
    std::string payment_id;
    std::string status;  ///< charged, declined, pending, canceled; empty: nothing happened yet
    std::int64_t amount = 0;
    int charges = 0;  ///< Money taken so often.
    bool given_back = false;
    int errors = 0;
    bool on_the_way = false;  ///< Will be charged later, unless its key is cancelled first.
  };

  explicit fake_provider(std::mt19937_64& random) : random_(random) {}

  payment::pb::ProviderResult take(const payment::pb::ProviderCall& call);
  /// Charges what was on its way all the time.
  void land_late_charges();

  const std::map<std::string, account>& accounts() const { return accounts_; }
  bool behaves = false;  ///< No more silence and errors, where there is a choice.

 private:
  bool misbehaves() { return !behaves && random_() % 4 == 0; }
  std::string charge(account& account, const payment::pb::ProviderCall& call);
  std::string find(account& account) const;
  std::string cancel(account& account);
  std::string authenticate(account& account);
  std::string refund(const std::string& payment_id);

  std::mt19937_64& random_;
  std::map<std::string, account> accounts_;
};

/// All tokens that the provider knows manners for.
inline constexpr std::array provider_tokens = {"ok",    "ok",     "declined", "silent_after", "silent_before",
                                               "flaky", "broken", "3ds",      "3ds",          "late"};

class saga_world {
 public:
  explicit saga_world(std::uint64_t seed);

  /// A client's command. The answer may come later: see `answer_to`.
  std::uint64_t tell(const runtime::address& to, runtime::message_ptr command);
  /// Nothing: none yet, or the client was gone when it came.
  const runtime::answer* answer_to(std::uint64_t command) const;
  bool waits_for_answers() const { return !waiting_.empty(); }
  /// From nobody: not answered.
  void send(const runtime::address& to, runtime::message_ptr command);

  /// One thing that can happen now, at random; false: nothing can without time passing.
  bool step();
  /// Time passes; what is due fires at some later step.
  void pass(std::chrono::milliseconds time) { now_ += time; }
  /// The process ends and comes back with what was decided: clients, calls under way and memory are gone.
  void crash();
  /// Lets everything happen that will, with time passing as long as timers below `horizon` are set.
  void settle(std::chrono::milliseconds horizon);

  /// Every entity must be the same from its events and from its rows.
  void expect_replayable();

  template <class Decider>
  const typename Decider::state* state_of(const std::string& key) const {
    const auto found = entities_.find({"main", Decider::id, key});
    if (found == entities_.end()) return nullptr;
    const runtime::entity_state& state = *found->second.state;
    return &runtime::kind_of<Decider>::open(state);
  }
  template <class Decider>
  std::vector<std::string> keys_of() const {
    std::vector<std::string> keys;
    for (const auto& [address, entity] : entities_) {
      if (address.kind == Decider::id) keys.push_back(address.key);
    }
    return keys;
  }
  /// All events of an entity, from the first.
  std::vector<runtime::message_ptr> events_of(const runtime::address& address) const;

  std::mt19937_64 random;
  fake_provider provider{random};
  std::shared_ptr<price_list> prices = std::make_shared<price_list>();
  counting_ids ids;
  unsigned quarantine_one_in = 0;  ///< So many effects are set aside by their receivers; 0: none.

 private:
  struct fact {
    runtime::message_ptr event;
    runtime::timestamp at;
  };
  struct life {
    const runtime::entity_kind* kind = nullptr;
    std::unique_ptr<runtime::entity_state> state;
    std::vector<fact> facts;
    std::map<std::string, runtime::timestamp> timers;
    rows saved;
    std::size_t saved_facts = 0;
  };
  struct message {
    runtime::message_ptr command;
    std::string failure;  ///< Set: this is the news that `command`, sent by the receiver, failed.
  };
  struct provider_call {
    runtime::address caller;
    std::shared_ptr<const payment::pb::ProviderCall> call;
    std::shared_ptr<const payment::pb::Command> result;
  };
  using way = std::pair<runtime::address, runtime::address>;  // from, to

  life* find(const runtime::address& address);
  runtime::context context_of(const runtime::address& self, const life& entity, std::uint64_t command);
  void apply(const runtime::address& self, life& entity, runtime::decision decision, std::uint64_t command);
  void deliver(const way& way, message message);
  bool deliver_some();
  bool fire_some();
  bool call_some();
  void save(life& entity);
  std::unique_ptr<runtime::entity_state> load(const life& entity) const;

  std::map<runtime::kind_id, std::unique_ptr<runtime::entity_kind>> kinds_;
  std::map<runtime::address, life> entities_;
  std::map<way, std::deque<message>> ways_;
  std::vector<provider_call> calls_;
  std::map<std::uint64_t, runtime::answer> answers_;
  std::set<std::uint64_t> waiting_;
  std::uint64_t last_command_ = 0;
  bool crashed_ = false;
  runtime::timestamp now_ = runtime::from_ms(1'700'000'000'000);
};

}  // namespace souk::testing
