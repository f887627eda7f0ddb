#include "actors/sku/sku.hpp"

#include "actors/product/product.pb.h"
#include "tests/unit/catalogue_entity.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace souk::sku {
namespace {

using entity = test::entity<sku_decider>;

pb::Command claim(const std::string& product, const std::string& attempt) {
  pb::Command command;
  command.mutable_claim()->set_product_key(product);
  command.mutable_claim()->set_attempt(attempt);
  return command;
}

pb::Command give_back(const std::string& product, const std::string& attempt) {
  pb::Command command;
  command.mutable_give_back()->set_product_key(product);
  command.mutable_give_back()->set_attempt(attempt);
  return command;
}

product::pb::SkuClaimed answer_to(const runtime::decision& decision) {
  EXPECT_EQ(decision.effects.size(), 1u);
  return test::command_of<product::pb::Command>(decision, 0).sku_claimed();
}

TEST(sku, the_first_product_owns_it) {
  entity sku{"A-1"};
  const auto decision = sku.run(claim("p1", "1"));
  EXPECT_EQ(decision.effects.at(0).to, (runtime::address{"main", kinds::product, "p1"}));
  const auto answer = answer_to(decision);
  EXPECT_EQ(answer.sku(), "A-1");
  EXPECT_EQ(answer.attempt(), "1");
  EXPECT_TRUE(answer.ok());
  EXPECT_EQ(sku.version, 1u);
}

TEST(sku, a_second_product_is_told_the_owner) {
  entity sku{"A-1"};
  sku.run(claim("p1", "1"));
  const auto answer = answer_to(sku.run(claim("p2", "9")));
  EXPECT_FALSE(answer.ok());
  EXPECT_EQ(answer.owner(), "p1");
  EXPECT_EQ(answer.attempt(), "9");
  EXPECT_EQ(sku.version, 1u);
}

TEST(sku, the_owner_may_claim_again_and_nothing_happens) {
  entity sku{"A-1"};
  sku.run(claim("p1", "1"));
  EXPECT_TRUE(answer_to(sku.run(claim("p1", "5"))).ok());
  EXPECT_EQ(sku.version, 1u);
}

TEST(sku, only_the_claim_of_that_attempt_is_given_back) {
  entity sku{"A-1"};
  sku.run(claim("p1", "1"));
  sku.run(claim("p1", "5"));
  sku.run(give_back("p1", "5"));
  sku.run(give_back("p2", "1"));
  EXPECT_FALSE(answer_to(sku.run(claim("p2", "2"))).ok());
  sku.run(give_back("p1", "1"));
  EXPECT_TRUE(answer_to(sku.run(claim("p2", "3"))).ok());
}

TEST(sku, giving_back_what_nobody_owns_does_nothing) {
  entity sku{"A-1"};
  EXPECT_TRUE(sku.run(give_back("", "")).events.empty());
  EXPECT_TRUE(sku.run(give_back("p1", "1")).effects.empty());
}

TEST(sku, rows_and_events_give_the_same_state) {
  entity sku{"A-1"};
  for (const auto& command : {claim("p1", "1"), give_back("p1", "1"), claim("p2", "2")}) {
    sku.run(command);
    EXPECT_EQ(sku.save(), 1u);
    EXPECT_EQ(sku.save(), 0u);
    EXPECT_EQ(sku.loaded().product_key, sku.replayed().product_key);
    EXPECT_EQ(sku.loaded().attempt, sku.replayed().attempt);
  }
}

TEST(sku, what_cannot_be_a_sku_is_told_apart) {
  for (const std::string& good : {std::string{"85123A"}, std::string{"BANK CHARGES"},
                                  std::string{"gift_0001_20"}, std::string(64, 'x')})
    EXPECT_TRUE(is_sku(good)) << good;
  for (const std::string& bad :
       {std::string{}, std::string{" a"}, std::string{"a "}, std::string{"a\tb"}, std::string{"a@b"},
        std::string{"\xc3\xa9"}, std::string(65, 'x'), std::string(1, '\0')})
    EXPECT_FALSE(is_sku(bad)) << bad;
}

TEST(sku, an_empty_command_is_refused) { EXPECT_THROW(entity{"A-1"}.run({}), std::invalid_argument); }

}  // namespace
}  // namespace souk::sku
