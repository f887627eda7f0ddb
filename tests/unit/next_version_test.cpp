#include "actors/formats.hpp"
#include "actors/order/order.hpp"
#include "nodes/soukd/version.hpp"
#include "runtime/links/codec.hpp"
#include "runtime/links/envelope.pb.h"
#include "tests/unit/decider_life.hpp"

#include <gtest/gtest.h>

#include <memory>

/// What the version after this one does, and what of it the cluster's format holds back. Compiled with
/// SOUK_NEXT_VERSION.
namespace souk {
namespace {

using order::order_decider;
namespace pb = order::pb;

class next_version : public ::testing::Test {
 protected:
  pb::Event place(std::uint32_t format) {
    pb::Command command;
    auto& line = *command.mutable_place()->add_lines();
    line.set_sku("tea");
    line.set_quantity(3);
    for (const auto* type : {"items_base", "subtotal", "total"})
      command.mutable_place()->add_totals()->set_type(type);
    const auto decision = decider_.decide(state_, command, context_of(format));
    const auto& event = static_cast<const pb::Event&>(*decision.events.at(0));
    decider_.evolve(state_, event, {}, 1);
    return event;
  }
  std::string count() {
    pb::Command command;
    command.mutable_count_units();
    return decider_.decide(state_, command, context_of(1)).reply->body;
  }

 private:
  runtime::context context_of(std::uint32_t format) {
    runtime::context context{self_, {}, 0, ids_, {}, {}, false};
    context.format = format;
    return context;
  }

  order_decider decider_;
  order::order_state state_;
  runtime::address self_{"main", order_decider::id, "sale"};
  testing::counting_ids ids_;
};

TEST_F(next_version, writes_what_the_version_before_reads_until_the_format_is_raised) {
  const auto event = place(1);
  EXPECT_EQ(event.schema(), 1u);
  EXPECT_EQ(event.placed().units(), 0);
  EXPECT_EQ(count(), R"({"units":3,"recorded":false})");
}

TEST_F(next_version, writes_its_own_schema_in_its_own_format) {
  const auto event = place(formats::newest + 1);
  EXPECT_EQ(event.schema(), order_decider::schema);
  EXPECT_EQ(event.placed().units(), 3);
  EXPECT_EQ(count(), R"({"units":3,"recorded":true})");
}

TEST_F(next_version, reads_both_formats_and_says_so) {
  const runtime::kind_of<order_decider> kind{order_decider{}};
  for (std::uint32_t schema = 1; schema <= order_decider::schema; ++schema) {
    pb::Event event;
    event.set_schema(schema);
    EXPECT_NO_THROW((void)kind.parse_event(event.SerializeAsString()));
  }
  for (std::uint32_t format = 1; format <= formats::newest + 1; ++format)
    EXPECT_TRUE(nodes::known_formats().contains(format));
  EXPECT_FALSE(nodes::known_formats().contains(formats::newest + 2));
}

TEST_F(next_version, says_more_in_its_envelopes) {
  links::pb::Envelope envelope;
  ASSERT_TRUE(envelope.ParseFromString(links::stamped({1, "a", 2, 3})));
  EXPECT_EQ(envelope.newest_format(), formats::newest + 1);
}

}  // namespace
}  // namespace souk
