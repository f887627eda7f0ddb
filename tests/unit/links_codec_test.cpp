#include "runtime/links/codec.hpp"
#include "runtime/links/envelope.pb.h"
#include "runtime/links/limits.hpp"
#include "tests/actor/tally.hpp"

#include <gmock/gmock.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/wrappers.pb.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <variant>
#include <vector>

namespace souk::links {
namespace {

using testing::HasSubstr;

/// Bytes that are no text.
const std::string odd{"\0\xff\xfe\x80 x", 6};

runtime::entity_catalogue kinds() {
  runtime::entity_catalogue catalogue;
  catalogue.kinds[runtime::testkit::tally_decider::id] =
      std::make_shared<runtime::kind_of<runtime::testkit::tally_decider>>(runtime::testkit::tally_decider{});
  return catalogue;
}

runtime::message_ptr text(const std::string& value) {
  auto message = std::make_shared<google::protobuf::StringValue>();
  message->set_value(value);
  return message;
}

std::string text_of(const runtime::message_ptr& message) {
  return dynamic_cast<const google::protobuf::StringValue&>(*message).value();
}

const stamp some_stamp{1, "b", 0xfedcba9876543210, 77};

std::string stamped_content(const std::string& content) { return stamped(some_stamp) + content; }

arrival arrived(const std::string& content) {
  auto result = decode(stamped_content(content), kinds());
  EXPECT_TRUE(std::holds_alternative<arrival>(result));
  auto* whole = std::get_if<arrival>(&result);
  return whole == nullptr ? arrival{} : std::move(*whole);
}

std::string refused(const std::string& content) {
  auto result = decode(stamped_content(content), kinds());
  auto* what = std::get_if<not_understood>(&result);
  EXPECT_NE(what, nullptr);
  if (what == nullptr) return {};
  EXPECT_EQ(what->stamp.sequence, some_stamp.sequence);
  return what->reason;
}

runtime::request a_request() {
  runtime::request request;
  request.to = {odd, runtime::testkit::tally_decider::id, odd};
  request.command = text("add 5");
  request.id.fill(0xab);
  request.fingerprint.emplace().fill(0x12);
  request.request_id = odd;
  request.traceparent = "00-1-2-01";
  request.admin = true;
  request.caller = odd;
  request.correlation = 5;  // the sender's own: not what travels
  return request;
}

runtime::stream_batch a_batch(std::size_t items) {
  runtime::stream_batch batch{3, 9, {}};
  for (std::uint64_t number = 1; number <= items; ++number) {
    runtime::stream_batch::item item;
    item.number = number;
    item.to = {"main", runtime::testkit::tally_decider::id, "to"};
    item.sender = {"main", runtime::testkit::tally_decider::id, odd};
    item.traceparent = "00-1-2-01";
    item.command = text("take 1");
    batch.items.push_back(std::move(item));
  }
  return batch;
}

TEST(links_codec, a_stamp_comes_back_with_every_content) {
  const auto got = arrived(content(12, 34, heartbeat{}));
  EXPECT_EQ(got.stamp.version, 1u);
  EXPECT_EQ(got.stamp.sender, "b");
  EXPECT_EQ(got.stamp.incarnation, some_stamp.incarnation);
  EXPECT_EQ(got.stamp.sequence, 77u);
  EXPECT_EQ(got.shard, 12);
  EXPECT_EQ(got.correlation, 34u);
  EXPECT_TRUE(std::holds_alternative<heartbeat>(got.payload));
}

TEST(links_codec, a_hello_and_a_goodbye_come_back) {
  const auto hello_got =
      std::get<hello>(arrived(content(0, 0, hello{"souk-1", "a", "b", 0xffffffffffffffff, 1, 4})).payload);
  EXPECT_EQ(hello_got.cluster, "souk-1");
  EXPECT_EQ(hello_got.node, "a");
  EXPECT_EQ(hello_got.expects, "b");
  EXPECT_EQ(hello_got.incarnation, 0xffffffffffffffff);
  EXPECT_EQ(hello_got.lowest_version, 1u);
  EXPECT_EQ(hello_got.highest_version, 4u);
  EXPECT_EQ(std::get<goodbye>(arrived(content(0, 0, goodbye{odd})).payload).reason, odd);
  EXPECT_EQ(std::get<refusal>(arrived(content(0, 0, refusal{odd})).payload).reason, odd);
}

TEST(links_codec, a_request_comes_back) {
  const auto got = arrived(content(2, 99, a_request(), std::chrono::milliseconds{1'500}));
  EXPECT_EQ(got.deadline, std::chrono::milliseconds{1'500});
  const auto& request = std::get<runtime::request>(got.payload);
  EXPECT_EQ(request.to, a_request().to);
  EXPECT_EQ(text_of(request.command), "add 5");
  EXPECT_EQ(request.id, a_request().id);
  EXPECT_EQ(request.fingerprint, a_request().fingerprint);
  EXPECT_EQ(request.request_id, odd);
  EXPECT_EQ(request.traceparent, "00-1-2-01");
  EXPECT_TRUE(request.admin);
  EXPECT_EQ(request.caller, odd);
  EXPECT_FALSE(request.read_only);
  EXPECT_FALSE(request.crash);
  EXPECT_EQ(request.correlation, 99u);
  EXPECT_FALSE(request.reply_to);

  auto other = a_request();
  other.fingerprint.reset();
  other.admin = false;
  other.caller.clear();
  other.read_only = other.crash = true;
  const auto other_got = std::get<runtime::request>(arrived(content(2, 1, other, {})).payload);
  EXPECT_EQ(other_got.fingerprint, std::nullopt);
  EXPECT_FALSE(other_got.admin);
  EXPECT_EQ(other_got.caller, "");
  EXPECT_TRUE(other_got.read_only);
  EXPECT_TRUE(other_got.crash);
}

TEST(links_codec, every_outcome_comes_back) {
  for (auto number = 0; number <= static_cast<int>(runtime::outcome::unknown); ++number) {
    runtime::response response;
    response.outcome = static_cast<runtime::outcome>(number);
    const auto got = std::get<runtime::response>(arrived(content(0, 8, response)).payload);
    EXPECT_EQ(got.outcome, response.outcome);
    EXPECT_EQ(got.correlation, 8u);
    EXPECT_EQ(got.answer.value, nullptr);
  }
}

TEST(links_codec, an_answer_comes_back_with_its_typed_value) {
  runtime::response response;
  response.answer = {404, odd, "\"1\"", "/orders/1", "text/plain", text("typed")};
  response.detail = odd;
  const auto got = std::get<runtime::response>(arrived(content(0, 8, response)).payload);
  EXPECT_EQ(got.answer.status, 404);
  EXPECT_EQ(got.answer.body, odd);
  EXPECT_EQ(got.answer.etag, "\"1\"");
  EXPECT_EQ(got.answer.location, "/orders/1");
  EXPECT_EQ(got.answer.content_type, "text/plain");
  EXPECT_EQ(text_of(got.answer.value), "typed");
  EXPECT_EQ(got.detail, odd);
}

TEST(links_codec, an_index_query_and_its_page_come_back) {
  runtime::index_query query;
  query.tenant = "t";
  query.index = odd;
  query.after = odd;
  query.descending = true;
  query.limit = 1'000;
  const auto query_got = std::get<runtime::index_query>(arrived(content(7, 6, query)).payload);
  EXPECT_EQ(query_got.tenant, "t");
  EXPECT_EQ(query_got.index, odd);
  EXPECT_EQ(query_got.after, odd);
  EXPECT_TRUE(query_got.descending);
  EXPECT_EQ(query_got.limit, 1'000u);
  EXPECT_EQ(query_got.correlation, 6u);

  runtime::index_page page{0, true, {{odd, odd}, {"k", ""}}, true};
  const auto page_got = std::get<runtime::index_page>(arrived(content(7, 6, page)).payload);
  EXPECT_EQ(page_got.rows, page.rows);
  EXPECT_TRUE(page_got.available);
  EXPECT_TRUE(page_got.more);
  EXPECT_EQ(page_got.correlation, 6u);
}

TEST(links_codec, a_query_of_the_journal_and_its_page_come_back) {
  runtime::index_query query;
  query.journal = runtime::journal_place{runtime::journal_place::at_end, 7, {3, 9}};
  const auto query_got = std::get<runtime::index_query>(arrived(content(7, 6, query)).payload);
  ASSERT_TRUE(query_got.journal);
  EXPECT_EQ(query_got.journal->index, runtime::journal_place::at_end);
  EXPECT_EQ(query_got.journal->epoch, 7u);
  EXPECT_EQ(query_got.journal->kinds, (std::vector<runtime::kind_id>{3, 9}));
  EXPECT_FALSE(
      std::get<runtime::index_query>(arrived(content(7, 6, runtime::index_query{})).payload).journal);

  runtime::index_page page{0, true, {{odd, odd}}, true, runtime::journal_extent{5, 90, 4, true}};
  const auto page_got = std::get<runtime::index_page>(arrived(content(7, 6, page)).payload);
  ASSERT_TRUE(page_got.journal);
  EXPECT_EQ(page_got.journal->first, 5u);
  EXPECT_EQ(page_got.journal->next, 90u);
  EXPECT_EQ(page_got.journal->epoch, 4u);
  EXPECT_TRUE(page_got.journal->lost);
  EXPECT_EQ(page_got.rows, page.rows);
  EXPECT_FALSE(std::get<runtime::index_page>(arrived(content(7, 6, runtime::index_page{})).payload).journal);
}

TEST(links_codec, a_batch_comes_back_in_order) {
  auto batch = a_batch(3);
  batch.items[1].command = nullptr;
  text("take 2")->SerializeToString(&batch.items[1].bytes);
  batch.items[2].failed_kind = runtime::testkit::tally_decider::id;
  batch.items[2].failed_key = odd;
  batch.items[2].failure = "quarantined";
  const auto parts = contents(batch);
  ASSERT_EQ(parts.size(), 1u);
  const auto got = std::get<runtime::stream_batch>(arrived(parts[0]).payload);
  EXPECT_EQ(got.from, 3);
  EXPECT_EQ(got.to, 9);
  ASSERT_EQ(got.items.size(), 3u);
  EXPECT_EQ(got.items[0].number, 1u);
  EXPECT_EQ(got.items[0].sender.key, odd);
  EXPECT_EQ(text_of(got.items[0].command), "take 1");
  EXPECT_EQ(text_of(got.items[1].command), "take 2");
  EXPECT_EQ(got.items[2].failed_kind, runtime::testkit::tally_decider::id);
  EXPECT_EQ(got.items[2].failed_key, odd);
  EXPECT_EQ(got.items[2].failure, "quarantined");
}

TEST(links_codec, a_long_batch_travels_in_several_envelopes) {
  std::uint64_t next = 1;
  for (const auto& part : contents(a_batch(2 * batch_items_max + 1))) {
    const auto got = arrived(part);
    for (const auto& item : std::get<runtime::stream_batch>(got.payload).items)
      EXPECT_EQ(item.number, next++);
  }
  EXPECT_EQ(next, 2 * batch_items_max + 2);

  auto heavy = a_batch(5);
  for (auto& item : heavy.items)
    item.command = text(std::string(batch_bytes_max, 'x'));
  EXPECT_EQ(contents(heavy).size(), 5u);
}

TEST(links_codec, an_acknowledgement_comes_back) {
  const runtime::stream_ack ack{4, 5, 1'000, {1'002, 1'007}};
  const auto got = std::get<runtime::stream_ack>(arrived(content(5, 0, ack)).payload);
  EXPECT_EQ(got.from, 4);
  EXPECT_EQ(got.to, 5);
  EXPECT_EQ(got.watermark, 1'000u);
  EXPECT_EQ(got.above, ack.above);
}

TEST(links_codec, what_is_opaque_comes_back) {
  EXPECT_EQ(std::get<replication>(arrived(content(5, 0, replication{odd})).payload).content, odd);
  const auto call = std::get<node_call>(arrived(content(0, 3, node_call{"tree", odd})).payload);
  EXPECT_EQ(call.name, "tree");
  EXPECT_EQ(call.content, odd);
  const auto reply = std::get<node_reply>(arrived(content(0, 3, node_reply{false, odd})).payload);
  EXPECT_FALSE(reply.answered);
  EXPECT_EQ(reply.content, odd);
}

TEST(links_codec, what_a_newer_version_says_is_refused_with_its_correlation) {
  pb::Envelope newer;
  newer.set_version(2);
  newer.set_shard(3);
  newer.set_correlation(55);
  newer.GetReflection()->MutableUnknownFields(&newer)->AddLengthDelimited(40, "a new payload");
  const auto got = decode(newer.SerializeAsString(), kinds());
  const auto& what = std::get<not_understood>(got);
  EXPECT_EQ(what.correlation, 55u);
  EXPECT_EQ(what.shard, 3);
  EXPECT_THAT(what.reason, HasSubstr("does not know"));
}

TEST(links_codec, fields_of_a_newer_version_are_no_hindrance) {
  pb::Envelope newer;
  ASSERT_TRUE(newer.ParseFromString(stamped_content(content(0, 1, a_request(), {}))));
  newer.GetReflection()->MutableUnknownFields(&newer)->AddVarint(90, 1);
  auto* request = newer.mutable_request();
  request->GetReflection()->MutableUnknownFields(request)->AddVarint(90, 1);
  EXPECT_TRUE(std::holds_alternative<arrival>(decode(newer.SerializeAsString(), kinds())));
}

/// Protobuf says on standard error what it could not read.
class links_codec_hostile : public testing::Test {
  google::protobuf::LogSilencer silence_;
};

TEST_F(links_codec_hostile, contents_that_this_build_cannot_use_are_refused) {
  auto request = a_request();
  request.to.kind = 99;
  EXPECT_THAT(refused(content(0, 1, request, {})), HasSubstr("unknown entity kind 99"));

  auto batch = a_batch(2);
  batch.items[1].to.kind = 99;
  EXPECT_THAT(refused(contents(batch)[0]), HasSubstr("unknown entity kind 99"));

  pb::Envelope envelope;
  envelope.mutable_response()->mutable_value()->set_type("souk.Nothing");
  EXPECT_THAT(refused(envelope.SerializeAsString()), HasSubstr("souk.Nothing"));
  envelope.mutable_response()->mutable_value()->set_type("google.protobuf.StringValue");
  envelope.mutable_response()->mutable_value()->set_value("\xff");
  EXPECT_THAT(refused(envelope.SerializeAsString()), HasSubstr("not a"));
  envelope.mutable_response()->clear_value();
  envelope.mutable_response()->set_outcome(10);
  EXPECT_THAT(refused(envelope.SerializeAsString()), HasSubstr("unknown outcome"));

  ASSERT_TRUE(envelope.ParseFromString(content(0, 1, a_request(), {})));
  auto shortened = envelope;
  shortened.set_idempotency_key("short");
  EXPECT_THAT(refused(shortened.SerializeAsString()), HasSubstr("without an id"));
  shortened = envelope;
  shortened.mutable_request()->set_fingerprint("short");
  EXPECT_THAT(refused(shortened.SerializeAsString()), HasSubstr("without a fingerprint"));
  shortened = envelope;
  shortened.set_shard(70'000);
  EXPECT_THAT(refused(shortened.SerializeAsString()), HasSubstr("no shard"));
  shortened = envelope;
  shortened.mutable_request()->mutable_to()->set_kind(256 + runtime::testkit::tally_decider::id);
  EXPECT_THAT(refused(shortened.SerializeAsString()), HasSubstr("unknown entity kind"));
}

TEST(links_codec, bounds_are_held) {
  pb::Envelope envelope;
  for (std::size_t i = 0; i <= batch_items_max; ++i)
    envelope.mutable_stream_batch()->add_items();
  EXPECT_THAT(refused(envelope.SerializeAsString()), HasSubstr("effects in one envelope"));
  for (std::size_t i = 0; i <= index_rows_max; ++i)
    envelope.mutable_index_page()->add_rows();
  EXPECT_THAT(refused(envelope.SerializeAsString()), HasSubstr("rows in one envelope"));
  envelope.mutable_index_query()->set_limit(index_rows_max + 1);
  EXPECT_THAT(refused(envelope.SerializeAsString()), HasSubstr("rows asked for"));
  const auto huge = stamped_content(content(0, 0, replication{std::string(envelope_bytes_max, 'x')}));
  EXPECT_TRUE(std::holds_alternative<garbage>(decode(huge, kinds())));
}

TEST(links_codec, nothing_without_a_version_is_an_envelope) {
  EXPECT_TRUE(std::holds_alternative<garbage>(decode("", kinds())));
  EXPECT_TRUE(std::holds_alternative<garbage>(decode(content(0, 0, heartbeat{}), kinds())));
}

TEST_F(links_codec_hostile, broken_bytes_never_do_harm) {
  std::vector<std::string> whole{
      stamped_content(content(0, 0, hello{"c", "a", "b", 1, 1, 1})),
      stamped_content(content(1, 2, a_request(), std::chrono::milliseconds{5})),
      stamped_content(contents(a_batch(4))[0]),
      stamped_content(content(1, 2, runtime::index_page{0, true, {{"a", "b"}}, false})),
      stamped_content(content(1, 2, replication{std::string(100, 'x')})),
  };
  runtime::response response;
  response.answer.value = text("typed");
  whole.push_back(stamped_content(content(1, 2, response)));
  const auto catalogue = kinds();

  for (const auto& bytes : whole)
    for (std::size_t length = 0; length < bytes.size(); ++length)
      (void)decode(std::string_view{bytes}.substr(0, length), catalogue);

  constexpr std::uint64_t seed = 20260301;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  std::size_t survived = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = whole[random() % whole.size()];
    for (auto changes = 1 + random() % 4; changes > 0; --changes)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    survived += std::holds_alternative<arrival>(decode(bytes, catalogue)) ? 1 : 0;
  }
  EXPECT_GT(survived, 0u);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(random() % 64, '\0');
    for (auto& byte : bytes)
      byte = static_cast<char>(random());
    (void)decode(bytes, catalogue);
  }
}

}  // namespace
}  // namespace souk::links
