#include "actors/testkit/histories.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <optional>
#include <random>
#include <vector>

namespace souk::testkit {
namespace {

using std::chrono::nanoseconds;
using cart_operation = operation<cart_line::call>;
using stock_operation = operation<stock_level::call>;

constexpr cart_line::state new_cart{1, 1};
constexpr stock_level::state full_stock{1, 10};

cart_operation set(int from, int to, std::int64_t quantity, std::int64_t version, std::string key = {}) {
  return {
      {quantity, cart_line::state{version, quantity}}, std::move(key), nanoseconds{from}, nanoseconds{to}};
}
cart_operation set_unknown(int from, std::int64_t quantity, std::string key = {}) {
  return {{quantity, std::nullopt}, std::move(key), nanoseconds{from}, std::nullopt};
}
cart_operation read(int from, int to, std::int64_t quantity, std::int64_t version) {
  return {{std::nullopt, cart_line::state{version, quantity}}, {}, nanoseconds{from}, nanoseconds{to}};
}
stock_operation adjust(int from, int to, std::int64_t delta, std::int64_t on_hand, std::int64_t version) {
  return {{delta, stock_level::reply{false, {version, on_hand}}}, {}, nanoseconds{from}, nanoseconds{to}};
}
stock_operation adjust_refused(int from, int to, std::int64_t delta) {
  return {{delta, stock_level::reply{true, {}}}, {}, nanoseconds{from}, nanoseconds{to}};
}
stock_operation level(int from, int to, std::int64_t on_hand, std::int64_t version) {
  return {
      {std::nullopt, stock_level::reply{false, {version, on_hand}}}, {}, nanoseconds{from}, nanoseconds{to}};
}

judgement of_cart(std::vector<cart_operation> history) {
  return check_history<cart_line>(new_cart, std::move(history)).is;
}
judgement of_stock(std::vector<stock_operation> history) {
  return check_history<stock_level>(full_stock, std::move(history)).is;
}

TEST(Histories, WhatHappensOneAfterTheOtherIsFine) {
  EXPECT_EQ(of_cart({}), judgement::linearizable);
  EXPECT_EQ(of_cart({set(0, 1, 5, 2), read(2, 3, 5, 2), set(4, 5, 5, 2), set(6, 7, 7, 3), read(8, 9, 7, 3)}),
            judgement::linearizable);
  EXPECT_EQ(
      of_stock({adjust(0, 1, -3, 7, 2), level(2, 3, 7, 2), adjust_refused(4, 5, -8), level(6, 7, 7, 2)}),
      judgement::linearizable);
}

TEST(Histories, WhatOverlapsMayHaveHappenedEitherWay) {
  EXPECT_EQ(of_cart({set(0, 10, 5, 3), set(1, 9, 7, 2), read(11, 12, 5, 3)}), judgement::linearizable);
  // Two readers that both overlap a write: the earlier answer may be the newer one only if they overlap too.
  EXPECT_EQ(of_cart({set(0, 10, 5, 2), read(1, 4, 5, 2), read(3, 6, 1, 1)}), judgement::linearizable);
  EXPECT_EQ(of_cart({set(0, 10, 5, 2), read(1, 2, 5, 2), read(3, 6, 1, 1)}), judgement::violated);
}

TEST(Histories, AReadThatIsStaleIsFound) {
  const auto found = check_history<cart_line>(
      new_cart, {set(0, 1, 5, 2), read(2, 3, 5, 2), read(4, 5, 1, 1), set(6, 7, 9, 3)});
  EXPECT_EQ(found.is, judgement::violated);
  ASSERT_EQ(found.prefix.size(), 3u);
  EXPECT_EQ(found.prefix.back().call, read(4, 5, 1, 1).call);
  EXPECT_THAT(found.possible, testing::ElementsAre(cart_line::state{2, 5}));
  EXPECT_THAT(found.reason, testing::HasSubstr("read: quantity 1 in version 1"));
  EXPECT_THAT(prefix_lines(found, 1), testing::ElementsAre("0 to 0 ms: read: quantity 1 in version 1"));
}

TEST(Histories, AnAcknowledgedWriteThatIsLostIsFound) {
  EXPECT_EQ(of_cart({set(0, 1, 5, 2), set(2, 3, 7, 2)}), judgement::violated);
  EXPECT_EQ(of_stock({adjust(0, 1, 2, 12, 2), adjust(2, 3, 3, 13, 2)}), judgement::violated);
  EXPECT_EQ(of_stock({adjust(0, 1, 2, 12, 2), level(2, 3, 14, 3)}), judgement::violated);  // twice
}

TEST(Histories, ARefusalNeedsAReason) {
  EXPECT_EQ(of_stock({adjust_refused(0, 1, -5)}), judgement::violated);
  EXPECT_EQ(of_stock({adjust(0, 4, -6, 4, 2), adjust_refused(1, 3, -5)}), judgement::linearizable);
}

TEST(Histories, WhatIsUnknownMayHappenLaterOrNever) {
  EXPECT_EQ(of_cart({set_unknown(0, 5), read(1, 2, 1, 1), read(3, 4, 1, 1)}), judgement::linearizable);
  EXPECT_EQ(of_cart({set_unknown(0, 5), read(1, 2, 1, 1), read(3, 4, 5, 2)}), judgement::linearizable);
  EXPECT_EQ(of_cart({set_unknown(0, 5), read(1, 2, 5, 2), read(3, 4, 1, 1)}), judgement::violated);
  EXPECT_EQ(of_cart({read(0, 1, 5, 2), set_unknown(2, 5)}),
            judgement::violated);  // not before it was asked for
}

TEST(Histories, AllWaysInWhichTheUnknownMayHaveHappenedAreKept) {
  const auto with_then = [](std::int64_t last) {
    std::vector<stock_operation> history;
    for (int i = 0; i < 4; ++i)
      history.push_back({{i + 1, std::nullopt}, {}, nanoseconds{i}, std::nullopt});
    history.push_back(level(10, 11, 15, 3));  // 1 and 4, or 2 and 3
    history.push_back(level(12, 13, 15 + last, 4));
    return history;
  };
  for (int last = 1; last <= 4; ++last)
    EXPECT_EQ(of_stock(with_then(last)), judgement::linearizable) << last;
  EXPECT_EQ(of_stock(with_then(5)), judgement::violated);
}

TEST(Histories, RepeatsAreOneThing) {
  EXPECT_EQ(of_cart({set_unknown(0, 5, "k"), read(1, 2, 5, 2), set(3, 4, 5, 2, "k")}),
            judgement::linearizable);
  // Done twice, under one key.
  EXPECT_EQ(of_cart({set(0, 1, 5, 2, "k"), set(2, 3, 7, 3), set(4, 5, 5, 4, "k")}), judgement::violated);
  // The same answer again, although there is something else by now.
  EXPECT_EQ(of_cart({set(0, 1, 5, 2, "k"), set(2, 3, 7, 3), set(4, 5, 5, 2, "k"), read(6, 7, 7, 3)}),
            judgement::linearizable);
}

TEST(Histories, TooManyPossibilitiesAreNoVerdict) {
  std::vector<stock_operation> history;
  for (int i = 0; i < 24; ++i)
    history.push_back({{std::int64_t{1} << i, std::nullopt}, {}, nanoseconds{i}, std::nullopt});
  history.push_back(level(100, 101, 3, 99));
  const auto found = check_history<stock_level>(full_stock, history, 1'000);
  EXPECT_EQ(found.is, judgement::undecided);
  EXPECT_THAT(found.reason, testing::HasSubstr("1000 possibilities"));
}

// What a shop does with one stock while several clients ask: each thing happens at a moment of its own.
class random_history {
 public:
  explicit random_history(std::uint64_t seed, int length) : random_(seed) {
    auto now = full_stock;
    for (int i = 0; i < length; ++i) {
      stock_operation made;
      const bool reads = number(0, 2) == 0;
      if (!reads) made.call.delta = number(0, 1) == 0 ? number(1, 5) : -number(1, 5);
      const bool unknown = number(0, 9) == 0;
      const bool never = unknown && number(0, 1) == 0;
      if (!never) happen(made.call, now);
      const int at = i * 10;
      made.invoked = nanoseconds{at - number(0, spread)};
      if (unknown) {
        made.call.answer.reset();
      } else {
        made.returned = nanoseconds{at + number(0, spread)};
      }
      operations.push_back(std::move(made));
    }
  }

  // A read, asked for when something was acknowledged already, is answered as if nothing had happened yet.
  bool spoil() {
    for (auto& late : operations) {
      if (late.call.delta || !late.returned) continue;
      const bool follows = std::any_of(operations.begin(), operations.end(), [&](const auto& one) {
        return one.returned && *one.returned < late.invoked && one.call.answer->after.version > 1;
      });
      if (!follows) continue;
      late.call.answer = stock_level::reply{false, full_stock};
      return true;
    }
    return false;
  }

  std::vector<stock_operation> operations;

 private:
  static constexpr int spread = 40;

  int number(int least, int most) { return std::uniform_int_distribution<int>{least, most}(random_); }
  static void happen(stock_level::call& call, stock_level::state& now) {
    const auto after = stock_level::apply(now, call);
    const bool refused = now.on_hand + call.delta.value_or(0) < 0;
    call.answer = refused ? stock_level::reply{true, {}} : stock_level::reply{false, *after};
    now = *after;
  }

  std::mt19937_64 random_;
};

// -- a cart that is filled by several

using shared_operation = operation<shared_cart::call>;
using deed = shared_cart::deed;
using refusal = shared_cart::refusal;

constexpr shared_cart::state empty_cart{{.version = 1, .lines = {}}, 1};

shared_operation of_shared(int from, int to, shared_cart::call call) {
  return {std::move(call), {}, nanoseconds{from}, nanoseconds{to}};
}
shared_cart::reply shows(std::int64_t version, shared_cart::line first, shared_cart::line second = {}) {
  return {refusal::none, {version, {first, second}}};
}
shared_cart::call added(std::size_t which, std::int64_t quantity,
                        std::optional<shared_cart::reply> answer = {}) {
  return {.what = deed::add, .which = which, .quantity = quantity, .if_version = {}, .answer = answer};
}
shared_cart::call line_set(std::int64_t line, std::int64_t quantity,
                           std::optional<shared_cart::reply> answer = {}) {
  return {.what = deed::set, .line = line, .quantity = quantity, .if_version = {}, .answer = answer};
}
shared_cart::call looked(shared_cart::reply answer) {
  return {.what = deed::read, .if_version = {}, .answer = answer};
}
shared_cart::call if_at(std::int64_t version, shared_cart::call call) {
  call.if_version = version;
  return call;
}
judgement of_shared_cart(std::vector<shared_operation> history) {
  return check_history<shared_cart>(empty_cart, std::move(history)).is;
}

TEST(Histories, ASharedCartIsFilledSetAndEmptied) {
  EXPECT_EQ(of_shared_cart({of_shared(0, 1, added(1, 2, shows(2, {}, {1, 2}))),
                            of_shared(2, 3, added(0, 3, shows(3, {2, 3}, {1, 2}))),
                            of_shared(4, 5, added(1, 1, shows(4, {2, 3}, {1, 3}))),
                            of_shared(6, 7, line_set(1, 3, shows(4, {2, 3}, {1, 3}))),  // it is so already
                            of_shared(8, 9, line_set(1, 0, shows(5, {2, 3}))),
                            of_shared(10, 11, line_set(1, 4, shared_cart::reply{refusal::no_such_line, {}})),
                            of_shared(12, 13, added(1, 1, shows(6, {2, 3}, {3, 1}))),  // a line of its own
                            of_shared(14, 15, looked(shows(6, {2, 3}, {3, 1})))}),
            judgement::linearizable);
}

TEST(Histories, ALostAdditionIsFound) {
  EXPECT_EQ(
      of_shared_cart({of_shared(0, 1, added(0, 2, shows(2, {1, 2}))), of_shared(2, 3, looked(shows(1, {})))}),
      judgement::violated);
  // Nobody knows whether the first one came through; when one answer counts it, it has.
  const shared_operation unknown{added(0, 5), {}, nanoseconds{0}, std::nullopt};
  EXPECT_EQ(of_shared_cart({unknown, of_shared(1, 2, added(0, 2, shows(3, {1, 7})))}),
            judgement::linearizable);
  EXPECT_EQ(of_shared_cart({unknown, of_shared(1, 2, added(0, 2, shows(2, {1, 2})))}),
            judgement::linearizable);
  const auto found = check_history<shared_cart>(
      empty_cart,
      {unknown, of_shared(1, 2, added(0, 2, shows(3, {1, 7}))), of_shared(3, 4, looked(shows(2, {1, 2})))});
  EXPECT_EQ(found.is, judgement::violated);
  EXPECT_EQ(
      explanation(found, 1),
      "nothing explains the answer to read: 2 in line 1 and nothing in version 2; before it the entity "
      "was 7 in line 1 and nothing in version 3\n  0 to 0 ms: read: 2 in line 1 and nothing in version 2");
}

TEST(Histories, AConditionalChangeIsMadeOnTopOfWhatItNamesAlone) {
  const auto other_version = shared_cart::reply{refusal::other_version, {}};
  EXPECT_EQ(of_shared_cart({of_shared(0, 1, if_at(1, added(0, 2, shows(2, {1, 2})))),
                            of_shared(2, 3, if_at(1, line_set(1, 5, other_version)))}),
            judgement::linearizable);
  EXPECT_EQ(of_shared_cart({of_shared(0, 1, added(0, 2, shows(2, {1, 2}))),
                            of_shared(2, 3, if_at(1, line_set(1, 5, shows(3, {1, 5}))))}),
            judgement::violated);
  EXPECT_EQ(of_shared_cart({of_shared(0, 1, if_at(1, added(0, 2, other_version)))}), judgement::violated);
}

TEST(Histories, SequencesMadeConcurrentAreAcceptedAndSpoiltOnesFound) {
  int spoilt = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    random_history history{seed, 300};
    const auto found = check_history<stock_level>(full_stock, history.operations);
    ASSERT_EQ(found.is, judgement::linearizable) << "seed " << seed << ": " << found.reason;
    if (!history.spoil()) continue;
    ++spoilt;
    ASSERT_EQ(of_stock(history.operations), judgement::violated) << "seed " << seed;
  }
  EXPECT_GT(spoilt, 100);
}

// The definition itself: some order of some of them, with all that were answered, agrees with all answers and
// with what ended before what began.
bool some_order_explains(const std::vector<stock_operation>& all, const stock_level::state& now,
                         std::vector<bool>& taken) {
  const auto must = [&](std::size_t i) { return all[i].returned && !taken[i]; };
  bool done = true;
  for (std::size_t i = 0; i < all.size(); ++i)
    done = done && !must(i);
  if (done) return true;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (taken[i]) continue;
    bool first = true;
    for (std::size_t j = 0; j < all.size(); ++j)
      first = first && !(must(j) && *all[j].returned < all[i].invoked);
    const auto after = first ? stock_level::apply(now, all[i].call) : std::nullopt;
    if (!after) continue;
    taken[i] = true;
    if (some_order_explains(all, *after, taken)) return true;
    taken[i] = false;
  }
  return false;
}

TEST(Histories, SmallOnesAreJudgedAsTheDefinitionDoes) {
  int bad = 0;
  for (std::uint64_t seed = 1; seed <= 3'000; ++seed) {
    random_history history{seed, 6};
    std::mt19937_64 random{seed};
    auto& changed = history.operations[random() % history.operations.size()];
    if (changed.call.answer) {
      changed.call.answer->after.version += static_cast<std::int64_t>(random() % 3) - 1;
      changed.call.answer->after.on_hand += static_cast<std::int64_t>(random() % 3) - 1;
    }
    std::vector<bool> taken(history.operations.size());
    const bool fine = some_order_explains(history.operations, full_stock, taken);
    bad += !fine;
    ASSERT_EQ(of_stock(history.operations), fine ? judgement::linearizable : judgement::violated)
        << "seed " << seed;
  }
  EXPECT_GT(bad, 300);
  EXPECT_LT(bad, 2'700);
}

}  // namespace
}  // namespace souk::testkit
