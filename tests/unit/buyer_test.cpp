#include "actors/buyer/buyer.hpp"

#include "actors/checkout/checkout.pb.h"
#include "tests/unit/decider_life.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace souk::buyer {
namespace {

using std::chrono::minutes;
using testing::sent_to;

pb::Command claim(const std::string& checkout, runtime::timestamp expires_at, std::uint32_t most = 2) {
  pb::Command command;
  command.mutable_claim()->set_checkout_key(checkout);
  command.mutable_claim()->set_expires_at_ms(runtime::to_ms(expires_at));
  command.mutable_claim()->set_checkouts_max(most);
  return command;
}
pb::Command free(const std::string& checkout) {
  pb::Command command;
  command.mutable_free()->set_checkout_key(checkout);
  return command;
}
pb::Command says(const std::string& checkout, bool live, runtime::timestamp expires_at = {}) {
  pb::Command command;
  command.mutable_owner_says()->set_checkout_key(checkout);
  command.mutable_owner_says()->set_live(live);
  command.mutable_owner_says()->set_expires_at_ms(runtime::to_ms(expires_at));
  return command;
}

class buyer : public ::testing::Test {
 protected:
  void TearDown() override { life_.crash(); }

  bool claims(const std::string& checkout, std::uint32_t most = 2) {
    return is_ok(life_.receive(claim(checkout, life_.now + minutes{15}, most)));
  }
  static bool is_ok(const runtime::decision& decision) {
    const auto answers = sent_to<checkout::pb::Command>(decision, kinds::checkout);
    EXPECT_TRUE(answers.back().has_buyer_claimed());
    return answers.back().buyer_claimed().ok();
  }
  // Which checkouts a claim that finds no place asks.
  std::vector<std::string> asked_by_claim() {
    std::vector<std::string> asked;
    const auto decision = life_.receive(claim("one more", life_.now + minutes{15}));
    EXPECT_FALSE(is_ok(decision));
    EXPECT_TRUE(decision.events.empty());
    for (const auto& effect : decision.effects) {
      const auto& sent = static_cast<const checkout::pb::Command&>(*effect.command);
      if (!sent.has_claim_lives()) continue;
      EXPECT_EQ(sent.claim_lives().buyer_key(), "B");
      asked.push_back(effect.to.key);
    }
    return asked;
  }
  std::vector<std::string> open() const {
    std::vector<std::string> keys;
    for (const auto& [key, expires_at] : life_.state().open)
      keys.push_back(key);
    return keys;
  }

  testing::decider_life<buyer_decider> life_{buyer_decider{}, "B"};
};

TEST_F(buyer, has_as_many_checkouts_open_as_it_may) {
  const auto first = life_.receive(claim("c1", life_.now + minutes{15}));
  EXPECT_EQ(first.effects.at(0).to, (runtime::address{"main", kinds::checkout, "c1"}));
  EXPECT_TRUE(is_ok(first));
  EXPECT_TRUE(claims("c2"));
  EXPECT_FALSE(claims("c3"));
  EXPECT_TRUE(claims("c1")) << "a repeat";
  EXPECT_EQ(open(), (std::vector<std::string>{"c1", "c2"}));
  life_.crash();
  EXPECT_FALSE(claims("c3"));
  EXPECT_EQ(life_.receive(free("c1")).events.size(), 1u);
  EXPECT_EQ(life_.receive(free("c1")).events.size(), 0u);
  EXPECT_EQ(life_.receive(free("c9")).events.size(), 0u);
  EXPECT_TRUE(claims("c3"));
  EXPECT_FALSE(claims("c4"));
  EXPECT_TRUE(claims("c4", 3)) << "whatever the limit is now";
}

TEST_F(buyer, without_anything_open_keeps_no_rows) {
  claims("c1");
  life_.expect_replayable();
  life_.receive(free("c1"));
  testing::rows rows;
  testing::row_map sink{rows};
  auto state = life_.state();
  buyer_decider{}.save_rows(state, sink);
  EXPECT_TRUE(rows.empty());
}

TEST_F(buyer, asks_what_should_have_ended_long_ago_before_it_counts_for_ever) {
  claims("c1");
  life_.now += minutes{10};
  claims("c2");
  EXPECT_TRUE(asked_by_claim().empty());
  life_.now += minutes{5} + ask_grace;
  EXPECT_EQ(asked_by_claim(), (std::vector<std::string>{"c1"}));
  life_.receive(says("c1", true, life_.now + minutes{5}));
  EXPECT_TRUE(asked_by_claim().empty()) << "it lives";
  EXPECT_EQ(life_.receive(says("c1", true, life_.now + minutes{5})).events.size(), 0u);
  life_.now += minutes{10};
  EXPECT_EQ(asked_by_claim(), (std::vector<std::string>{"c1", "c2"}));
  life_.receive(says("c2", false));
  EXPECT_EQ(open(), (std::vector<std::string>{"c1"}));
  EXPECT_TRUE(life_.receive(says("c2", false)).events.empty());
  EXPECT_TRUE(life_.receive(says("c2", true, life_.now)).events.empty());
  EXPECT_TRUE(claims("c3"));
}

TEST_F(buyer, asks_no_more_at_once_than_a_record_holds) {
  for (std::size_t i = 0; i < asks_max + 20; ++i)
    EXPECT_TRUE(claims("c" + std::to_string(i), 1'000));
  life_.now += minutes{60};
  EXPECT_EQ(asked_by_claim().size(), asks_max);
}

TEST_F(buyer, counts_nobody_before_all_nodes_know_of_it) {
  life_.format = formats::hold_limits - 1;
  for (const auto* checkout : {"c1", "c2", "c3"})
    EXPECT_TRUE(claims(checkout));
  EXPECT_TRUE(life_.receive(free("c1")).events.empty());
  EXPECT_EQ(life_.version(), 0u);
}

TEST_F(buyer, refuses_what_is_no_claim) {
  EXPECT_THROW(life_.receive(claim("c1", life_.now, 0)), std::invalid_argument);
  EXPECT_THROW(life_.receive(claim("", life_.now)), std::invalid_argument);
  EXPECT_THROW(life_.receive({}), runtime::undecodable);
}

/// A buyer and checkouts whose messages to and fro take any way: late, overtaking each other; what ends a
/// place comes again and again. A checkout keeps to what it promises: it frees its place as it ends, and once
/// more where it hears of it later.
class unruly_shop {
 public:
  explicit unruly_shop(std::uint64_t seed) : random_(seed) {}

  void run() {
    for (int step = 0; step < 400; ++step) {
      switch (pick(6)) {
        case 0:
          open();
          break;
        case 1:
          end(pick(checkouts_.size() + 1));
          break;
        case 2:
          life_.now += minutes{pick(6)};
          break;
        default:
          deliver_one();
      }
      if (pick(25) == 0) life_.crash();
      ASSERT_LE(life_.state().open.size(), most);
    }
    for (std::size_t i = 0; i < checkouts_.size(); ++i)
      end(i);
    while (!on_the_way_.empty())
      deliver_one();
    EXPECT_TRUE(life_.state().open.empty()) << "all that was counted has ended";
    life_.crash();
  }

 private:
  static constexpr std::uint32_t most = 3;
  struct checkout {
    bool ended = false;
  };
  struct message {
    std::size_t checkout = 0;
    bool to_buyer = true;
    pb::Command command;
    souk::checkout::pb::Command answer;
  };

  std::uint64_t pick(std::uint64_t below) { return random_() % below; }

  void open() {
    const auto key = checkouts_.size();
    checkouts_.emplace_back();
    on_the_way_.push_back({key, true, claim(std::to_string(key), life_.now + minutes{15}, most), {}});
  }
  void end(std::size_t which) {
    if (which >= checkouts_.size() || checkouts_[which].ended) return;
    checkouts_[which].ended = true;
    for (auto times = 1 + pick(3); times > 0; --times)
      on_the_way_.push_back({which, true, free(std::to_string(which)), {}});
  }

  void deliver_one() {
    if (on_the_way_.empty()) return;
    const auto place = on_the_way_.begin() + static_cast<std::ptrdiff_t>(pick(on_the_way_.size()));
    auto message = std::move(*place);
    on_the_way_.erase(place);
    if (message.to_buyer) {
      const auto decision = life_.receive(message.command);
      for (const auto& effect : decision.effects)
        on_the_way_.push_back({std::stoul(effect.to.key),
                               false,
                               {},
                               static_cast<const souk::checkout::pb::Command&>(*effect.command)});
    } else {
      hear(message.checkout, message.answer);
    }
  }

  void hear(std::size_t which, const souk::checkout::pb::Command& answer) {
    auto& checkout = checkouts_[which];
    const auto key = std::to_string(which);
    if (answer.has_claim_lives()) {
      on_the_way_.push_back({which, true, says(key, !checkout.ended, life_.now + minutes{1}), {}});
    } else if (answer.buyer_claimed().ok()) {
      if (checkout.ended) on_the_way_.push_back({which, true, free(key), {}});
    }
  }

  std::mt19937_64 random_;
  testing::decider_life<buyer_decider> life_{buyer_decider{}, "B"};
  std::vector<checkout> checkouts_;
  std::vector<message> on_the_way_;
};

TEST(buyer_property, gets_every_place_back_whatever_comes_late_or_twice) {
  const std::uint64_t seed = std::random_device{}();
  for (std::uint64_t round = 0; round < 100; ++round) {
    SCOPED_TRACE("seed " + std::to_string(seed + round));
    unruly_shop{seed + round}.run();
    if (::testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace souk::buyer
