#include "actors/cart/cart.hpp"

#include "actors/cart/line.hpp"
#include "actors/checkout/checkout.pb.h"
#include "actors/values/id.hpp"
#include "tests/unit/decider_life.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <random>
#include <utility>

namespace souk::cart {
namespace {

using testing::says;
using testing::sent_to;
using testing::status_of;

constexpr const char* part = "0123456789ABCDEFGHJK";

values::pb::UnitPrice price_of(std::int64_t amount, const std::string& currency = "USD") {
  values::pb::UnitPrice price;
  price.set_amount(amount);
  price.set_currency(currency);
  return price;
}

class fake_catalogue final : public catalogue::variant_lookup {
 public:
  std::optional<catalogue::variant_view> find(std::string_view, std::string_view sku) const override {
    ++lookups;
    const auto found = variants.find(sku);
    return found == variants.end() ? std::nullopt : std::optional{found->second};
  }
  void offer(const std::string& sku, std::int64_t amount, bool for_sale = true) {
    catalogue::variant_view variant;
    variant.sku = sku;
    variant.title = "The " + sku;
    variant.price = price_of(amount);
    variant.for_sale = for_sale;
    variants[sku] = variant;
  }

  std::map<std::string, catalogue::variant_view, std::less<>> variants;
  mutable int lookups = 0;
};

class cart : public ::testing::Test {
 protected:
  cart() {
    catalogue_->offer("tea", 450);
    catalogue_->offer("cup", 1250);
    catalogue_->offer("old", 100, false);
    catalogue_->offer("yen", 100);
    catalogue_->variants["yen"].price.set_currency("JPY");
  }
  void TearDown() override { life_.crash(); }

  static pb::Command item(const std::string& sku, std::int64_t quantity) {
    pb::Command command;
    command.mutable_add_items()->set_single(true);
    command.mutable_add_items()->set_stocks_asked(true);
    auto& item = *command.mutable_add_items()->add_items();
    item.set_sku(sku);
    item.set_quantity(quantity);
    return command;
  }
  static pb::Command with_price(pb::Command command, std::int64_t amount) {
    *command.mutable_add_items()->mutable_items(0)->mutable_quoted_price() = price_of(amount);
    return command;
  }
  static pb::Command with_attribute(pb::Command command, const std::string& name, const std::string& value) {
    auto& attribute = *command.mutable_add_items()->mutable_items(0)->add_attributes();
    attribute.set_name(name);
    attribute.set_value(value);
    return command;
  }
  static pb::Command quantity(const std::string& line, std::int64_t quantity) {
    pb::Command command;
    command.mutable_set_quantity()->set_line_id(line);
    command.mutable_set_quantity()->set_quantity(quantity);
    return command;
  }
  static pb::Command read() {
    pb::Command command;
    command.mutable_read();
    return command;
  }
  static pb::Command claim(const std::string& checkout, std::uint64_t version) {
    pb::Command command;
    command.mutable_claim()->set_checkout_key(checkout);
    command.mutable_claim()->set_checkout_id("chk_" + checkout);
    command.mutable_claim()->set_cart_version(version);
    return command;
  }
  static pb::Command end_claim(const std::string& checkout, const std::string& order) {
    pb::Command command;
    auto& end = order.empty() ? *command.mutable_free() : *command.mutable_ordered();
    end.set_checkout_key(checkout);
    end.set_order_id(order);
    return command;
  }

  runtime::decision create(const std::string& customer = {}) {
    pb::Command command;
    command.mutable_create()->set_cart_id(values::make_id("crt_", life_.now, part));
    command.mutable_create()->set_currency("USD");
    command.mutable_create()->set_customer_id(customer);
    return life_.tell(command);
  }
  checkout::pb::CartClaimed answer_to(const pb::Command& claim) {
    const auto answers = sent_to<checkout::pb::Command>(life_.receive(claim), kinds::checkout);
    EXPECT_EQ(answers.size(), 1u);
    return answers.front().cart_claimed();
  }

  std::shared_ptr<fake_catalogue> catalogue_ = std::make_shared<fake_catalogue>();
  testing::decider_life<cart_decider> life_{cart_decider{catalogue_}, part};
};

TEST_F(cart, that_was_never_created_is_not_found) {
  for (const auto& command : {read(), item("tea", 1), quantity("ln_1", 1)}) {
    const auto decision = life_.tell(command);
    EXPECT_EQ(status_of(decision), 404);
    EXPECT_TRUE(says(decision, R"("code":"not_found")"));
  }
  EXPECT_EQ(answer_to(claim("A", 1)).refusal(), "not_found");
}

TEST_F(cart, of_a_customer_is_not_there_for_anybody_else) {
  const auto missing = life_.tell(read()).reply->body;
  auto known = read();
  known.mutable_read()->set_if_none_match("*");
  auto snapshot = read();
  snapshot.mutable_read()->set_snapshot(true);
  auto at_version = item("tea", 1);
  at_version.mutable_add_items()->set_if_match("\"9\"");
  auto unheard_of = item("news", 1);
  unheard_of.mutable_add_items()->set_stocks_asked(false);
  life_.caller = "ann";
  EXPECT_TRUE(says(create(), R"("customer_id":"ann")"));
  EXPECT_EQ(status_of(life_.tell(item("tea", 1))), 200);
  for (const auto* other : {"", "eve", "an", "anna", "ANN"}) {
    life_.caller = other;
    for (const auto& command : {read(), known, snapshot, item("tea", 1), at_version, unheard_of,
                                quantity("ln_1", 2), quantity("ln_9", 2)}) {
      const auto decision = life_.tell(command);
      EXPECT_EQ(status_of(decision), 404);
      EXPECT_EQ(decision.reply->body, missing);
      EXPECT_EQ(decision.reply->etag + decision.reply->location, "");
      EXPECT_EQ(decision.reply->value, nullptr);
    }
    EXPECT_EQ(status_of(create()), 404);
    EXPECT_EQ(status_of(life_.tell(read(), true)), 200) << "staff";
  }
  EXPECT_EQ(life_.version(), 2u);
  EXPECT_TRUE(answer_to(claim("A", 2)).ok()) << "a checkout is nobody else";
  life_.caller = "ann";
  EXPECT_EQ(status_of(life_.tell(read())), 200);
}

TEST_F(cart, is_of_who_shows_a_token_and_says_no_other_name) {
  life_.caller = "ann";
  EXPECT_EQ(status_of(create("eve")), 422);
  EXPECT_EQ(life_.version(), 0u);
  EXPECT_EQ(status_of(create("ann")), 201);
  EXPECT_EQ(life_.state().row.owner(), "ann");
}

TEST_F(cart, is_nobodys_where_only_its_text_names_a_customer) {
  create("ann");
  EXPECT_EQ(life_.state().row.owner(), "");
  life_.caller = "eve";
  EXPECT_EQ(status_of(life_.tell(read())), 200);
}

TEST_F(cart, is_nobodys_until_all_nodes_know_of_owners) {
  life_.format = formats::owners - 1;
  life_.caller = "ann";
  const auto decision = create("bob");
  EXPECT_EQ(static_cast<const pb::Event&>(*decision.events.at(0)).schema(), 1u);
  EXPECT_TRUE(says(decision, R"("customer_id":"bob")"));
  life_.caller = "eve";
  EXPECT_EQ(status_of(life_.tell(read())), 200);
}

TEST_F(cart, is_created_open_and_empty_with_a_month_to_live) {
  const auto decision = create();
  EXPECT_EQ(status_of(decision), 201);
  EXPECT_TRUE(says(decision, R"("version":1,"currency":"USD","status":"open","lines":[],)"
                             R"("totals":[{"type":"items_base","amount":0,"currency":"USD"})"));
  EXPECT_EQ(decision.reply->location, "/v1/carts/" + life_.state().row.cart_id());
  EXPECT_EQ(life_.timers.at("expire"), life_.now + std::chrono::hours{720});
  EXPECT_EQ(status_of(create()), 201) << "a repeat meets the first";
  EXPECT_EQ(life_.version(), 1u);
}

TEST_F(cart, of_an_unknown_currency_is_refused) {
  pb::Command command;
  command.mutable_create()->set_cart_id("crt_");
  command.mutable_create()->set_currency("XYY");
  EXPECT_EQ(status_of(life_.tell(command)), 422);
}

TEST_F(cart, adds_to_the_line_of_the_same_sku_and_attributes) {
  create();
  life_.tell(item("tea", 2));
  life_.tell(with_attribute(item("tea", 1), "grind", "fine"));
  life_.tell(item("tea", 3));
  const auto decision = life_.tell(with_attribute(item("tea", 4), "grind", "fine"));
  ASSERT_EQ(life_.state().lines.size(), 2u);
  EXPECT_EQ(life_.state().lines.at(1).quantity(), 5);
  EXPECT_EQ(life_.state().lines.at(2).quantity(), 5);
  EXPECT_TRUE(says(decision, R"("attributes":{"grind":"fine"})"));
  EXPECT_TRUE(says(decision, R"({"type":"total","amount":4500,"currency":"USD"})"));
}

TEST_F(cart, never_merges_a_line_with_a_quoted_price) {
  create();
  EXPECT_EQ(status_of(life_.tell(with_price(item("tea", 2), 1), true)), 200);
  life_.tell(with_price(item("tea", 2), 1), true);
  life_.tell(item("tea", 1));
  life_.tell(item("tea", 1));
  EXPECT_EQ(life_.state().lines.size(), 3u);
  EXPECT_EQ(life_.state().row.items_base(), 2 + 2 + 900);
}

TEST_F(cart, takes_quoted_prices_from_the_shop_only) {
  create();
  const auto decision = life_.tell(with_price(item("tea", 2), 1));
  EXPECT_EQ(status_of(decision), 403);
  EXPECT_TRUE(says(decision, "insufficient_scope"));
}

TEST_F(cart, adds_all_items_or_none) {
  create();
  auto command = item("tea", 2);
  command.mutable_add_items()->set_single(false);
  auto& second = *command.mutable_add_items()->add_items();
  second.set_sku("nothing");
  second.set_quantity(1);
  const auto decision = life_.tell(command);
  EXPECT_EQ(status_of(decision), 422);
  EXPECT_TRUE(says(decision, R"("pointer":"/items/1/sku")"));
  EXPECT_TRUE(life_.state().lines.empty());
}

TEST_F(cart, refuses_items_that_cannot_be_sold) {
  create();
  const std::vector<std::tuple<std::string, std::int64_t, std::string, std::string>> cases = {
      {"nothing", 1, "validation_failed", "/sku"},          {"old", 1, "validation_failed", "/sku"},
      {"tea", 0, "validation_failed", "/quantity"},         {"tea", -1, "validation_failed", "/quantity"},
      {"tea", 1'000'001, "validation_failed", "/quantity"}, {"yen", 1, "currency_mismatch", "/sku"},
  };
  for (const auto& [sku, quantity, code, pointer] : cases) {
    const auto decision = life_.tell(item(sku, quantity));
    EXPECT_EQ(status_of(decision), 422) << sku << quantity;
    EXPECT_TRUE(says(decision, R"("code":")" + code + '"')) << sku << quantity;
    EXPECT_TRUE(says(decision, R"("pointer":")" + pointer + '"')) << sku << quantity;
  }
  EXPECT_EQ(status_of(life_.tell(with_price(item("old", 1), 5), true)), 200) << "but the shop may";
  EXPECT_EQ(status_of(life_.tell(with_price(item("tea", 1), -5), true)), 422);
}

TEST_F(cart, what_its_node_does_not_know_is_asked_of_the_stocks) {
  create();
  auto command = item("tea", 1);
  auto& add = *command.mutable_add_items();
  add.set_stocks_asked(false);
  for (const char* sku : {"new", "new", "old"}) {
    auto& item = *add.add_items();
    item.set_sku(sku);
    item.set_quantity(1);
  }
  const auto asks = life_.tell(command);
  EXPECT_EQ(status_of(asks), 404) << "a status that is not kept under an Idempotency-Key";
  const auto& unknown = dynamic_cast<const pb::UnknownSkus&>(*asks.reply->value);
  EXPECT_EQ((std::vector<std::string>{unknown.skus().begin(), unknown.skus().end()}),
            (std::vector<std::string>{"new", "old"}));
  EXPECT_TRUE(life_.state().lines.empty());

  for (const char* sku : {"new", "old"}) {
    auto& offer = *add.add_offers();
    offer.set_sku(sku);
    offer.set_title(std::string{"From the stock: "} + sku);
    *offer.mutable_price() = price_of(70);
    offer.set_for_sale(true);
  }
  add.set_stocks_asked(true);
  const auto decision = life_.tell(command);
  EXPECT_EQ(status_of(decision), 200);
  EXPECT_TRUE(says(decision, "From the stock: new"));
  EXPECT_EQ(life_.state().row.items_base(), 450 + 3 * 70);
}

TEST_F(cart, refuses_more_units_or_money_than_there_can_be) {
  create();
  life_.tell(item("tea", 1'000'000));
  EXPECT_TRUE(says(life_.tell(item("tea", 1)), "validation_failed"));
  const auto decision = life_.tell(with_price(item("cup", 1'000'000), 9'007'199'255), true);
  EXPECT_EQ(status_of(decision), 422);
  EXPECT_TRUE(says(decision, "money_overflow"));
  EXPECT_EQ(life_.state().lines.size(), 1u);
}

TEST_F(cart, holds_ten_thousand_lines_and_five_hundred_items_a_call) {
  create();
  auto command = with_price(item("tea", 1), 1);
  command.mutable_add_items()->set_minimal(true);
  const auto one = command.add_items().items(0);
  for (int i = 1; i < 500; ++i)
    *command.mutable_add_items()->add_items() = one;
  for (int i = 0; i < 20; ++i)
    ASSERT_EQ(status_of(life_.tell(command, true)), 200);
  EXPECT_EQ(status_of(life_.tell(with_price(item("tea", 1), 1), true)), 422);
  *command.mutable_add_items()->add_items() = one;
  EXPECT_EQ(status_of(life_.tell(command, true)), 422);
  EXPECT_EQ(life_.state().row.items_base(), 10'000);
}

TEST_F(cart, answers_minimally_without_looking_at_other_lines) {
  create();
  for (int i = 0; i < 500; ++i) {
    const auto sku = "sku" + std::to_string(i);
    catalogue_->offer(sku, 100);
    life_.tell(item(sku, 1));
  }
  catalogue_->lookups = 0;
  auto command = item("sku7", 2);
  command.mutable_add_items()->set_minimal(true);
  const auto decision = life_.tell(command);
  EXPECT_EQ(catalogue_->lookups, 1);
  EXPECT_EQ(
      decision.reply->body,
      R"({"id":")" + life_.state().row.cart_id() +
          R"(","version":502,"lines":[)"
          R"({"id":"ln_8","sku":"sku7","title":"The sku7","quantity":3,)"
          R"("unit_price":{"amount":100,"currency":"USD"},"total":{"amount":300,"currency":"USD"}}],)"
          R"("totals":[{"type":"items_base","amount":50200,"currency":"USD"},)"
          R"({"type":"subtotal","amount":50200,"currency":"USD"},{"type":"total","amount":50200,"currency":"USD"}]})");
  testing::rows saved;
  testing::row_map sink{saved};
  auto state = life_.state();
  state.row_changed = false;
  state.lines_changed.clear();
  cart_decider{catalogue_}.evolve(state, static_cast<const pb::Event&>(*decision.events.front()), life_.now,
                                  502);
  cart_decider{catalogue_}.save_rows(state, sink);
  EXPECT_EQ(saved.size(), 2u) << "the main row and the one line";
}

TEST_F(cart, changes_and_removes_lines) {
  create();
  life_.tell(item("tea", 2));
  life_.tell(item("cup", 1));
  EXPECT_TRUE(says(life_.tell(quantity("ln_1", 10)), R"("amount":5750)"));
  EXPECT_TRUE(says(life_.tell(quantity("ln_1", 0)), R"("amount":1250)"));
  EXPECT_EQ(status_of(life_.tell(quantity("ln_1", 1))), 404);
  EXPECT_EQ(status_of(life_.tell(quantity("x", 1))), 404);
  EXPECT_EQ(status_of(life_.tell(quantity("ln_2", -1))), 422);
  EXPECT_EQ(status_of(life_.tell(quantity("ln_2", 1'000'001))), 422);
  const auto version = life_.version();
  EXPECT_EQ(status_of(life_.tell(quantity("ln_2", 1))), 200);
  EXPECT_EQ(life_.version(), version) << "nothing changed";
  life_.tell(item("tea", 1));
  EXPECT_TRUE(life_.state().lines.contains(3)) << "numbers are not used again";
}

TEST_F(cart, is_changed_under_its_version_only_where_one_is_given) {
  create();
  auto command = item("tea", 1);
  command.mutable_add_items()->set_if_match("\"7\"");
  const auto decision = life_.tell(command);
  EXPECT_EQ(status_of(decision), 412);
  EXPECT_TRUE(says(decision, R"("current_version":1)"));
  const std::vector<std::pair<std::string, int>> cases = {{"\"1\"", 200},          {"\"1-0a0b0c0d\"", 412},
                                                          {"\"2-0a0b0c0d\"", 200}, {"W/\"3\"", 412},
                                                          {"\"9\", \"3\"", 200},   {"*", 200}};
  for (const auto& [tag, status] : cases) {
    command.mutable_add_items()->set_if_match(tag);
    EXPECT_EQ(status_of(life_.tell(command)), status) << tag;
  }
}

TEST_F(cart, tells_what_changed_under_it) {
  create();
  life_.tell(item("tea", 1));
  life_.tell(item("cup", 1));
  life_.tell(with_price(item("cup", 1), 1), true);
  const auto before = life_.tell(read());
  EXPECT_TRUE(says(before, R"("messages":[])"));
  catalogue_->offer("tea", 500);
  catalogue_->offer("cup", 1250, false);
  const auto after = life_.tell(read());
  EXPECT_EQ(status_of(after), 200);
  EXPECT_TRUE(says(after, R"({"code":"price_changed","line_id":"ln_1","sku":"tea")"));
  EXPECT_TRUE(says(after, R"({"code":"unavailable","line_id":"ln_2","sku":"cup")"));
  EXPECT_FALSE(says(after, "\"line_id\":\"ln_3\""));
  EXPECT_TRUE(says(after, R"("amount":1701)")) << "the estimate stays as it was";
  EXPECT_NE(before.reply->etag, after.reply->etag);

  auto conditional = read();
  conditional.mutable_read()->set_if_none_match("\"nonsense\", W/" + after.reply->etag);
  const auto unchanged = life_.tell(conditional);
  EXPECT_EQ(status_of(unchanged), 304);
  EXPECT_TRUE(unchanged.reply->body.empty());
  conditional.mutable_read()->set_if_none_match(before.reply->etag);
  EXPECT_EQ(status_of(life_.tell(conditional)), 200);
}

TEST_F(cart, refreshes_the_price_of_a_line_that_is_added_to) {
  create();
  life_.tell(item("tea", 1));
  catalogue_->offer("tea", 500);
  life_.tell(item("tea", 1));
  EXPECT_EQ(life_.state().row.items_base(), 1000);
}

TEST_F(cart, gives_a_checkout_its_snapshot) {
  create();
  life_.tell(item("tea", 1));
  auto command = read();
  command.mutable_read()->set_snapshot(true);
  const auto decision = life_.tell(command);
  const auto& snapshot = dynamic_cast<const pb::Snapshot&>(*decision.reply->value);
  EXPECT_EQ(snapshot.version(), 2u);
  EXPECT_EQ(snapshot.lines_size(), 1);
  EXPECT_EQ(snapshot.status(), "open");
}

TEST_F(cart, belongs_to_one_checkout_at_a_time) {
  create();
  EXPECT_EQ(answer_to(claim("A", 1)).refusal(), "empty");
  life_.tell(item("tea", 1));
  const auto old = answer_to(claim("A", 1));
  EXPECT_EQ(old.refusal(), "version_conflict");
  EXPECT_EQ(old.current_version(), 2u);
  EXPECT_TRUE(answer_to(claim("A", 2)).ok());
  EXPECT_TRUE(answer_to(claim("A", 2)).ok()) << "the same again is answered the same";
  const auto other = answer_to(claim("B", 2));
  EXPECT_EQ(other.refusal(), "invalid_state");
  EXPECT_EQ(other.other_checkout_id(), "chk_A");
  const auto change = life_.tell(item("tea", 1));
  EXPECT_EQ(status_of(change), 409);
  EXPECT_TRUE(says(change, R"("checkout_id":"chk_A")"));
  life_.receive(end_claim("B", ""));
  EXPECT_EQ(status_of(life_.tell(item("tea", 1))), 409) << "another one cannot free it";
  life_.receive(end_claim("A", ""));
  EXPECT_TRUE(answer_to(claim("B", 2)).ok()) << "a claim is no change of the content";
  life_.receive(end_claim("A", "ord_A"));
  EXPECT_EQ(life_.state().row.status(), "open");
  life_.receive(end_claim("B", "ord_B"));
  EXPECT_EQ(life_.state().row.status(), "ordered");
  const auto ordered = answer_to(claim("C", 2));
  EXPECT_EQ(ordered.other_order_id(), "ord_B");
  const auto late = life_.tell(item("tea", 1));
  EXPECT_TRUE(says(late, R"("order_id":"ord_B")"));
  EXPECT_TRUE(life_.timers.empty());
}

TEST_F(cart, expires_a_month_after_its_last_change) {
  create();
  life_.now += std::chrono::hours{700};
  life_.tell(item("tea", 1));
  life_.now += std::chrono::hours{20};
  EXPECT_TRUE(life_.fire("expire").events.empty()) << "it was changed meanwhile";
  life_.now = life_.timers.at("expire");
  EXPECT_EQ(status_of(life_.tell(item("tea", 1))), 410) << "the timer need not be there first";
  EXPECT_EQ(answer_to(claim("A", 2)).refusal(), "expired");
  life_.fire("expire");
  const auto decision = life_.tell(quantity("ln_1", 2));
  EXPECT_EQ(status_of(decision), 410);
  EXPECT_TRUE(says(decision, "\"expired\""));
  EXPECT_TRUE(says(life_.tell(read()), R"("status":"expired")"));
}

TEST_F(cart, does_not_expire_while_it_is_claimed) {
  create();
  life_.tell(item("tea", 1));
  answer_to(claim("A", 2));
  life_.now = life_.timers.at("expire");
  life_.fire("expire");
  EXPECT_EQ(life_.state().row.status(), "open");
  life_.receive(end_claim("A", ""));
  EXPECT_EQ(status_of(life_.tell(item("tea", 1))), 200);
  EXPECT_FALSE(life_.timers.empty());
}

TEST_F(cart, is_the_same_from_its_events_and_from_its_rows) {
  for (const auto seed : {1u, 2u, 3u, 4u, 5u}) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random{seed};
    testing::decider_life<cart_decider> life{cart_decider{catalogue_}, part};
    pb::Command command;
    command.mutable_create()->set_cart_id(values::make_id("crt_", life.now, part));
    command.mutable_create()->set_currency("USD");
    life.tell(command);
    for (int i = 0; i < 200; ++i) {
      const std::string sku = random() % 2 == 0 ? "tea" : "cup";
      auto step = item(sku, static_cast<std::int64_t>(1 + random() % 5));
      if (random() % 3 == 0) step = with_price(step, static_cast<std::int64_t>(random() % 100));
      if (random() % 3 == 0) step = with_attribute(step, "a", std::to_string(random() % 3));
      if (random() % 4 == 0)
        step = quantity("ln_" + std::to_string(random() % 20), static_cast<std::int64_t>(random() % 3));
      life.tell(step, true);
      if (random() % 10 == 0) life.crash();
      std::int64_t sum = 0;
      for (const auto& [number, line] : life.state().lines)
        sum += line.total();
      ASSERT_EQ(sum, life.state().row.items_base());
    }
    life.expect_replayable();
  }
}

TEST(totals, must_be_the_sum_of_their_parts) {
  auto figures = totals_of(100);
  EXPECT_NO_THROW(check_totals(figures, 100));
  EXPECT_THROW(check_totals(figures, 99), std::logic_error);
  figures.Mutable(2)->set_amount(101);
  EXPECT_THROW(check_totals(figures, 100), std::logic_error);
}

}  // namespace
}  // namespace souk::cart
