#include "actors/product/product.hpp"

#include "actors/product/product_json.hpp"
#include "actors/sku/sku.hpp"
#include "actors/stock/stock.hpp"
#include "tests/unit/catalogue_entity.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace souk::product {
namespace {

using entity = test::entity<product_decider>;
using testing::Test;

pb::Product tea(const std::vector<std::string>& skus = {"TEA-1", "TEA-2"}) {
  pb::Product product;
  product.set_id("prd_1");
  product.set_title("Tea");
  product.set_description("Green");
  product.add_categories("drinks");
  product.set_attributes_json(R"({"organic":true})");
  product.set_status("active");
  for (const auto& sku : skus) {
    auto& variant = *product.add_variants();
    variant.set_sku(sku);
    variant.set_title("No. " + sku.substr(sku.size() - 1));
    variant.set_options_json(R"({"size":"S"})");
    variant.mutable_price()->set_amount(499);
    variant.mutable_price()->set_currency("USD");
  }
  return product;
}

pb::Command create(const pb::Product& product) {
  pb::Command command;
  *command.mutable_create()->mutable_product() = product;
  return command;
}

pb::Command replace(const pb::Product& product, const std::string& if_match) {
  pb::Command command;
  *command.mutable_replace()->mutable_product() = product;
  command.mutable_replace()->set_if_match(if_match);
  return command;
}

pb::Command read(const std::string& if_none_match = "") {
  pb::Command command;
  command.mutable_read()->set_if_none_match(if_none_match);
  return command;
}

pb::Command claimed(const std::string& sku, const std::string& attempt, const std::string& owner = "") {
  pb::Command command;
  command.mutable_sku_claimed()->set_sku(sku);
  command.mutable_sku_claimed()->set_attempt(attempt);
  command.mutable_sku_claimed()->set_ok(owner.empty());
  command.mutable_sku_claimed()->set_owner(owner);
  return command;
}

pb::Command offered(const std::string& sku, const std::string& attempt) {
  pb::Command command;
  command.mutable_offered()->set_sku(sku);
  command.mutable_offered()->set_attempt(attempt);
  return command;
}

// Plays the skus and stocks, all willing, until nothing is left to say; returns the last decision.
runtime::decision settle(entity& product, runtime::decision decision) {
  while (!decision.effects.empty()) {
    runtime::decision last;
    for (const auto& effect : decision.effects) {
      if (effect.to.kind == kinds::sku) {
        const auto& command = dynamic_cast<const sku::pb::Command&>(*effect.command);
        last = product.run(claimed(effect.to.key, command.claim().attempt()));
      } else {
        const auto& command = dynamic_cast<const stock::pb::Command&>(*effect.command);
        last = product.run(offered(effect.to.key, command.offer().attempt()));
      }
    }
    decision = std::move(last);
  }
  return decision;
}

bool has(const runtime::answer& answer, std::string_view text) {
  return answer.body.find(text) != std::string::npos;
}

TEST(product, a_creation_claims_then_offers_then_is_published) {
  entity product{"prd_1"};
  const auto proposed = product.run(create(tea()));
  EXPECT_TRUE(proposed.parked);
  EXPECT_FALSE(proposed.reply);
  ASSERT_EQ(proposed.effects.size(), 2u);
  EXPECT_EQ(proposed.effects[0].to, sku::address_of("main", "TEA-1"));
  EXPECT_EQ(test::command_of<sku::pb::Command>(proposed, 1).claim().product_key(), "prd_1");
  const auto attempt = test::command_of<sku::pb::Command>(proposed, 0).claim().attempt();

  EXPECT_TRUE(product.run(claimed("TEA-2", attempt)).effects.empty());
  const auto claims_done = product.run(claimed("TEA-1", attempt));
  ASSERT_EQ(claims_done.effects.size(), 2u);
  EXPECT_EQ(claims_done.effects[1].to, stock::address_of("main", "TEA-2"));
  const auto& offer = test::command_of<stock::pb::Command>(claims_done, 1).offer();
  EXPECT_EQ(offer.title(), "Tea, No. 2");
  EXPECT_EQ(offer.price().amount(), 499);
  EXPECT_TRUE(offer.for_sale());
  EXPECT_EQ(offer.product_version(), 1u);

  EXPECT_EQ(product.run(read()).reply->status, 404);
  EXPECT_TRUE(product.run(offered("TEA-1", attempt)).late_answers.empty());
  const auto published = product.run(offered("TEA-2", attempt));
  ASSERT_EQ(published.late_answers.size(), 1u);
  const auto& answer = published.late_answers[0].answer;
  EXPECT_EQ(published.late_answers[0].to, product.command_id);
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.location, "/v1/products/prd_1");
  EXPECT_EQ(answer.etag, '"' + std::to_string(product.version) + '"');
  EXPECT_EQ(
      answer.body,
      R"({"id":"prd_1","version":6,"status":"active","title":"Tea","description":"Green",)"
      R"("categories":["drinks"],"attributes":{"organic":true},"variants":[)"
      R"({"sku":"TEA-1","title":"No. 1","options":{"size":"S"},"price":{"amount":499,"currency":"USD"}},)"
      R"({"sku":"TEA-2","title":"No. 2","options":{"size":"S"},"price":{"amount":499,"currency":"USD"}}],)"
      R"("created_at":"2026-11-25T10:00:00.000Z","updated_at":"2026-11-25T10:00:00.000Z"})");
  EXPECT_EQ(product.run(read()).reply->body, answer.body);
}

TEST(product, a_taken_sku_refuses_the_creation_and_gives_back_the_others) {
  entity product{"prd_1"};
  product.run(create(tea({"A", "B", "C"})));
  product.run(claimed("A", "1"));
  const auto refused = product.run(claimed("B", "1", "prd_9"));
  ASSERT_EQ(refused.effects.size(), 2u);
  EXPECT_EQ(refused.effects[0].to, sku::address_of("main", "A"));
  EXPECT_EQ(refused.effects[1].to, sku::address_of("main", "C"));
  EXPECT_EQ(test::command_of<sku::pb::Command>(refused, 1).give_back().attempt(), "1");
  ASSERT_EQ(refused.late_answers.size(), 1u);
  const auto& answer = refused.late_answers[0].answer;
  EXPECT_EQ(answer.status, 422);
  EXPECT_TRUE(has(answer, R"("code":"sku_taken")"));
  EXPECT_TRUE(has(answer, R"("pointer":"/variants/1/sku")"));
  EXPECT_TRUE(has(answer, R"("request_id":"req-1")"));

  EXPECT_TRUE(product.run(claimed("C", "1")).events.empty());
  EXPECT_EQ(product.run(read()).reply->status, 404);
  const auto published = settle(product, product.run(create(tea({"A"}))));
  EXPECT_EQ(published.late_answers.at(0).answer.status, 201);
}

TEST(product, a_replacement_claims_what_is_new_and_withdraws_what_is_gone) {
  entity product{"prd_1"};
  settle(product, product.run(create(tea({"A", "B"}))));
  const auto created_at = product.state.published->created_at_ms();
  product.now += std::chrono::hours{1};
  const std::string etag = product.run(read()).reply->etag;
  auto next = tea({"B", "C"});
  next.set_title("Better tea");
  const auto proposed = product.run(replace(next, etag));
  ASSERT_EQ(proposed.effects.size(), 1u);
  EXPECT_EQ(proposed.effects[0].to, sku::address_of("main", "C"));
  EXPECT_TRUE(has(*product.run(read()).reply, R"("title":"Tea")"));

  const auto attempt = test::command_of<sku::pb::Command>(proposed, 0).claim().attempt();
  const auto offers = product.run(claimed("C", attempt));
  ASSERT_EQ(offers.effects.size(), 3u);
  EXPECT_EQ(offers.effects[2].to, stock::address_of("main", "A"));
  EXPECT_FALSE(test::command_of<stock::pb::Command>(offers, 2).offer().for_sale());
  EXPECT_TRUE(test::command_of<stock::pb::Command>(offers, 0).offer().for_sale());

  const auto published = settle(product, offers);
  EXPECT_EQ(published.late_answers.at(0).answer.status, 200);
  EXPECT_TRUE(published.late_answers[0].answer.location.empty());
  EXPECT_TRUE(has(*product.run(read()).reply, R"("title":"Better tea")"));
  EXPECT_EQ(product.state.published->created_at_ms(), created_at);
  EXPECT_GT(product.state.published->updated_at_ms(), created_at);
  EXPECT_EQ(product.state.published->version(), product.version);
}

TEST(product, a_replacement_without_new_skus_offers_at_once) {
  entity product{"prd_1"};
  settle(product, product.run(create(tea())));
  const auto proposed = product.run(replace(tea(), product.run(read()).reply->etag));
  ASSERT_EQ(proposed.effects.size(), 2u);
  EXPECT_EQ(proposed.effects[0].to.kind, kinds::stock);
  const auto version_before = product.version;
  EXPECT_EQ(test::command_of<stock::pb::Command>(proposed, 0).offer().product_version(), version_before);
}

TEST(product, what_is_not_active_is_not_for_sale) {
  for (const char* status : {"draft", "archived"}) {
    entity product{"prd_1"};
    auto draft = tea({"A"});
    draft.set_status(status);
    product.run(create(draft));
    const auto offers = product.run(claimed("A", "1"));
    ASSERT_EQ(offers.effects.size(), 1u);
    EXPECT_FALSE(test::command_of<stock::pb::Command>(offers, 0).offer().for_sale());
  }
}

TEST(product, a_replacement_needs_the_version_it_replaces) {
  entity product{"prd_1"};
  EXPECT_EQ(product.run(replace(tea(), "\"1\"")).reply->status, 404);
  settle(product, product.run(create(tea())));
  const auto version = std::to_string(product.version);
  const auto missing = product.run(replace(tea(), ""));
  EXPECT_EQ(missing.reply->status, 428);
  EXPECT_TRUE(has(*missing.reply, "\"current_version\":" + version));
  const auto old = product.run(replace(tea(), "\"1\""));
  EXPECT_EQ(old.reply->status, 412);
  EXPECT_TRUE(has(*old.reply, "\"current_version\":" + version));
  EXPECT_TRUE(product.run(replace(tea(), '"' + version + "-abcd\"")).parked);
}

TEST(product, one_proposal_at_a_time) {
  entity product{"prd_1"};
  product.run(create(tea()));
  EXPECT_EQ(product.run(create(tea())).reply->status, 409);
  entity other{"prd_1"};
  settle(other, other.run(create(tea())));
  EXPECT_EQ(other.run(create(tea())).reply->status, 409);
  const auto etag = other.run(read()).reply->etag;
  other.run(replace(tea(), etag));
  const auto second = other.run(replace(tea(), etag));
  EXPECT_EQ(second.reply->status, 409);
  EXPECT_TRUE(has(*second.reply, R"("code":"invalid_state")"));
}

TEST(product, a_proposal_that_nobody_finishes_gives_way) {
  entity product{"prd_1"};
  product.run(create(tea({"A", "B"})));
  product.run(claimed("A", "1"));
  product.now += proposal_patience;
  product.command_id[0] = 8;
  const auto second = product.run(create(tea({"C"})));
  EXPECT_TRUE(second.parked);
  ASSERT_EQ(second.late_answers.size(), 1u);
  EXPECT_EQ(second.late_answers[0].to[0], 7);
  EXPECT_EQ(second.late_answers[0].answer.status, 500);
  ASSERT_EQ(second.effects.size(), 3u);
  EXPECT_TRUE(test::command_of<sku::pb::Command>(second, 0).has_give_back());
  EXPECT_TRUE(test::command_of<sku::pb::Command>(second, 2).has_claim());
  const auto attempt = test::command_of<sku::pb::Command>(second, 2).claim().attempt();
  EXPECT_NE(attempt, "1");
  const auto offers = product.run(claimed("C", attempt));
  EXPECT_EQ(settle(product, offers).late_answers.at(0).answer.status, 201);
}

TEST(product, offers_of_a_proposal_that_gave_way_are_withdrawn) {
  entity product{"prd_1"};
  product.run(create(tea({"A", "B"})));
  product.run(claimed("A", "1"));
  product.run(claimed("B", "1"));
  product.run(offered("A", "1"));
  product.now += proposal_patience;
  const auto second = product.run(create(tea({"A"})));
  const auto offers =
      product.run(claimed("A", test::command_of<sku::pb::Command>(second, 0).claim().attempt()));
  ASSERT_EQ(offers.effects.size(), 2u);
  EXPECT_EQ(offers.effects[1].to, stock::address_of("main", "B"));
  EXPECT_FALSE(test::command_of<stock::pb::Command>(offers, 1).offer().for_sale());
}

TEST(product, answers_to_other_attempts_are_ignored) {
  entity product{"prd_1"};
  product.run(create(tea({"A"})));
  for (const auto& stray :
       {claimed("A", "0"), claimed("B", "1"), claimed("A", "0", "prd_9"), offered("A", "0")}) {
    const auto decision = product.run(stray);
    EXPECT_TRUE(decision.events.empty() && decision.effects.empty() && decision.late_answers.empty());
  }
}

TEST(product, a_claim_that_cannot_be_delivered_refuses_the_proposal) {
  entity product{"prd_1"};
  const auto proposed = product.run(create(tea({"A", "B"})));
  const auto failed = product.fail(proposed.effects[0].to, *proposed.effects[0].command);
  ASSERT_EQ(failed.late_answers.size(), 1u);
  EXPECT_EQ(failed.late_answers[0].answer.status, 500);
  EXPECT_EQ(failed.effects.size(), 2u);
  EXPECT_TRUE(product.run(create(tea({"A", "B"}))).parked);
}

TEST(product, an_offer_that_cannot_be_delivered_holds_nothing_up) {
  entity product{"prd_1"};
  product.run(create(tea({"A"})));
  const auto offers = product.run(claimed("A", "1"));
  const auto failed = product.fail(offers.effects[0].to, *offers.effects[0].command);
  ASSERT_EQ(failed.late_answers.size(), 1u);
  EXPECT_EQ(failed.late_answers[0].answer.status, 201);
}

TEST(product, an_unchanged_product_is_not_sent_again) {
  entity product{"prd_1"};
  settle(product, product.run(create(tea())));
  const auto etag = product.run(read()).reply->etag;
  const auto unchanged = product.run(read(etag));
  EXPECT_EQ(unchanged.reply->status, 304);
  EXPECT_EQ(unchanged.reply->etag, etag);
  EXPECT_TRUE(unchanged.reply->body.empty());
  EXPECT_EQ(product.run(read("\"1\"")).reply->status, 200);
}

struct bad_product {
  const char* pointer;
  std::function<void(pb::Product&)> spoil;
};

TEST(product, what_is_out_of_range_is_refused_where_it_stands) {
  const std::vector<bad_product> cases = {
      {"/title", [](pb::Product& p) { p.clear_title(); }},
      {"/title", [](pb::Product& p) { p.set_title(std::string(256, 'x')); }},
      {"/description", [](pb::Product& p) { p.set_description(std::string(20'001, 'x')); }},
      {"/status", [](pb::Product& p) { p.set_status("gone"); }},
      {"/image_url", [](pb::Product& p) { p.set_image_url(std::string(2049, 'x')); }},
      {"/categories",
       [](pb::Product& p) {
         for (int i = 0; i < 20; ++i)
           p.add_categories("c");
       }},
      {"/categories/0", [](pb::Product& p) { p.set_categories(0, ""); }},
      {"/attributes", [](pb::Product& p) { p.set_attributes_json(std::string(16 * 1024 + 1, ' ')); }},
      {"/variants", [](pb::Product& p) { p.clear_variants(); }},
      {"/variants",
       [](pb::Product& p) {
         for (int i = 0; i < 99; ++i)
           *p.add_variants() = p.variants(0);
       }},
      {"/variants/1/sku", [](pb::Product& p) { p.mutable_variants(1)->set_sku("TEA-1"); }},
      {"/variants/0/sku", [](pb::Product& p) { p.mutable_variants(0)->set_sku(""); }},
      {"/variants/1/title", [](pb::Product& p) { p.mutable_variants(1)->set_title(std::string(256, 'x')); }},
      {"/variants/0/price/currency",
       [](pb::Product& p) { p.mutable_variants(0)->mutable_price()->set_currency("XXX"); }},
      {"/variants/0/price/amount",
       [](pb::Product& p) { p.mutable_variants(0)->mutable_price()->set_amount(-1); }},
      {"/variants/0/price/amount",
       [](pb::Product& p) { p.mutable_variants(0)->mutable_price()->set_amount(std::int64_t{1} << 53); }},
  };
  for (const auto& c : cases) {
    entity product{"prd_1"};
    auto spoilt = tea();
    c.spoil(spoilt);
    const auto decision = product.run(create(spoilt));
    ASSERT_TRUE(decision.reply) << c.pointer;
    EXPECT_EQ(decision.reply->status, 422) << c.pointer;
    EXPECT_TRUE(has(*decision.reply, std::string{R"("pointer":")"} + c.pointer + '"'))
        << decision.reply->body;
    EXPECT_TRUE(decision.events.empty() && decision.effects.empty());
  }
}

TEST(product, a_title_is_measured_in_characters) {
  entity product{"prd_1"};
  auto long_title = tea();
  std::string title;
  for (int i = 0; i < 255; ++i)
    title += "\xc3\xa9";
  long_title.set_title(title);
  EXPECT_TRUE(product.run(create(long_title)).parked);
}

TEST(product, what_is_left_out_has_its_default) {
  entity product{"prd_1"};
  auto bare = tea({"A"});
  bare.clear_status();
  bare.clear_attributes_json();
  bare.mutable_variants(0)->clear_options_json();
  bare.mutable_variants(0)->clear_title();
  const auto published = settle(product, product.run(create(bare)));
  const auto& answer = published.late_answers.at(0).answer;
  EXPECT_TRUE(has(answer, R"("status":"active")"));
  EXPECT_TRUE(has(answer, R"("attributes":{})"));
  EXPECT_TRUE(has(answer, R"([{"sku":"A","options":{},)"));
  EXPECT_EQ(variant_title(*product.state.published, product.state.published->variants(0)), "Tea");
}

bool same(const product_state& a, const product_state& b) {
  if (!a.published != !b.published || !a.proposal != !b.proposal) return false;
  if (a.published && a.published->SerializeAsString() != b.published->SerializeAsString()) return false;
  return !a.proposal ||
         (a.proposal->content->SerializeAsString() == b.proposal->content->SerializeAsString() &&
          a.proposal->version == b.proposal->version && a.proposal->unclaimed == b.proposal->unclaimed &&
          a.proposal->unoffered == b.proposal->unoffered);
}

TEST(product, rows_and_events_give_the_same_state_after_every_command) {
  entity product{"prd_1"};
  const std::vector<pb::Command> commands = {
      create(tea({"A", "B"})), claimed("A", "1"),  claimed("B", "1", "prd_9"),
      create(tea({"A", "C"})), claimed("C", "4"),  claimed("A", "4"),
      offered("A", "4"),       offered("C", "4"),  replace(tea({"D"}), "\"9\""),
      claimed("D", "10"),      offered("D", "10"), offered("A", "10"),
      offered("C", "10")};
  for (const auto& command : commands) {
    product.run(command);
    EXPECT_EQ(product.save(), 1u) << command.ShortDebugString();
    EXPECT_EQ(product.save(), 0u);
    ASSERT_TRUE(same(product.loaded(), product.replayed())) << command.ShortDebugString();
    ASSERT_TRUE(same(product.loaded(), product.state));
  }
  ASSERT_TRUE(product.state.published);
  EXPECT_EQ(product.state.published->variants(0).sku(), "D");
}

}  // namespace
}  // namespace souk::product
