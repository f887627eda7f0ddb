#include "actors/payment/test_provider.hpp"

#include "actors/json/reader.hpp"
#include "persistence/storage.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace souk::payment {
namespace {

constexpr auto noon = runtime::from_ms(1'764'072'000'000);

/// Keeps what was appended, so that a provider can be started again on it.
class recording_ledger final : public provider_ledger {
 public:
  std::vector<std::string> take_records() override { return kept; }
  void append(std::string_view record) override { kept.emplace_back(record); }
  void sync() override { ++syncs; }

  std::vector<std::string> kept;
  int syncs = 0;
};

pb::ProviderCall call_of(std::string_view operation, std::string_view payment,
                         std::string_view token = "tok_ok", std::int64_t amount = 1999) {
  pb::ProviderCall call;
  call.set_operation(std::string{operation});
  call.set_key(std::string{payment} + (operation == "refund" ? "/refund" : "/charge"));
  call.set_payment_id(std::string{payment});
  call.set_checkout_id("chk_of_" + std::string{payment});
  call.set_token(std::string{token});
  call.mutable_amount()->set_amount(amount);
  call.mutable_amount()->set_currency("USD");
  return call;
}

class test_provider_books : public testing::Test {
 protected:
  /// "status" of the answer, "silence" for none.
  std::string say(std::string_view operation, std::string_view payment, std::string_view token = "tok_ok",
                  std::int64_t amount = 1999, runtime::timestamp now = noon) {
    const auto result = provider_->call(call_of(operation, payment, token, amount), now);
    if (!result) return "silence";
    EXPECT_EQ(result->operation(), operation);
    return result->status();
  }

  void restart() { provider_.emplace(ledger_); }

  std::map<std::string, std::int64_t> summary() const {
    json::parse_error error;
    const auto list = json::parse(provider_->list(), error);
    std::map<std::string, std::int64_t> found;
    for (const auto& [name, value] : *list->find("summary")->as_object())
      found[name] = *value.as_integer();
    found["rows"] = static_cast<std::int64_t>(list->find("data")->as_array()->size());
    return found;
  }

  using figures = std::map<std::string, std::int64_t>;

  recording_ledger ledger_;
  std::optional<test_provider> provider_{ledger_};
};

TEST_F(test_provider_books, a_token_decides_what_comes_of_a_charge) {
  EXPECT_EQ(say("charge", "p1", "tok_ok"), "charged");
  EXPECT_EQ(say("charge", "p2", "tok_declined"), "declined");
  EXPECT_EQ(say("charge", "p3", "tok_3ds"), "requires_action");
  EXPECT_EQ(say("charge", "p4", "tok_timeout"), "silence");
  EXPECT_EQ(say("charge", "p5", "tok_lost"), "silence");
  EXPECT_EQ(say("charge", "p6", "tok_flaky"), "error");
  EXPECT_EQ(say("charge", "p6", "tok_flaky"), "error");
  EXPECT_EQ(say("charge", "p6", "tok_flaky"), "charged");
  EXPECT_EQ(say("charge", "p7", "tok_of_nobody"), "declined");
  EXPECT_EQ(say("charge", "p8", "tok_ok", 0), "declined");
  EXPECT_EQ(summary(), (figures{{"charged", 3}, {"refunded", 0}, {"duplicates", 0}, {"rows", 6}}));
}

TEST_F(test_provider_books, a_repeat_of_a_key_gets_what_came_of_the_first) {
  const auto first = provider_->call(call_of("charge", "p1"), noon);
  const auto again = provider_->call(call_of("charge", "p1"), noon);
  EXPECT_EQ(first->SerializeAsString(), again->SerializeAsString());
  EXPECT_FALSE(first->charge_id().empty());
  EXPECT_EQ(say("charge", "p2", "tok_declined"), "declined");
  EXPECT_EQ(say("charge", "p2", "tok_declined"), "declined");
  EXPECT_EQ(say("charge", "p3", "tok_timeout"), "silence");
  EXPECT_EQ(say("charge", "p3", "tok_timeout"), "silence");
  EXPECT_EQ(summary()["charged"], 2);
}

TEST_F(test_provider_books, a_key_for_something_else_is_an_error_and_charges_nothing) {
  say("charge", "p1", "tok_ok", 100);
  EXPECT_EQ(say("charge", "p1", "tok_ok", 101), "error");
  EXPECT_EQ(say("charge", "p1", "tok_3ds", 100), "error");
  EXPECT_EQ(summary()["charged"], 1);
}

TEST_F(test_provider_books, find_says_what_became_of_a_key) {
  EXPECT_EQ(say("find", "p1"), "not_found");
  say("charge", "p1", "tok_timeout");
  EXPECT_EQ(say("find", "p1"), "charged");
  say("charge", "p2", "tok_lost");
  EXPECT_EQ(say("find", "p2"), "not_found");
  say("charge", "p3", "tok_flaky");
  EXPECT_EQ(say("find", "p3"), "not_found");
  say("charge", "p4", "tok_3ds");
  EXPECT_EQ(say("find", "p4"), "requires_action");
  say("charge", "p5", "tok_declined");
  EXPECT_EQ(say("find", "p5"), "declined");
}

TEST_F(test_provider_books, under_a_cancelled_key_nothing_is_charged_any_more) {
  EXPECT_EQ(say("cancel", "p1"), "canceled");
  EXPECT_EQ(say("charge", "p1"), "canceled");
  EXPECT_EQ(say("find", "p1"), "canceled");
  EXPECT_EQ(say("cancel", "p1"), "canceled");
  say("charge", "p2", "tok_3ds");
  EXPECT_EQ(say("cancel", "p2", "tok_3ds"), "canceled");
  EXPECT_EQ(say("authenticate", "p2", "tok_3ds"), "canceled");
  say("charge", "p3", "tok_flaky");
  EXPECT_EQ(say("cancel", "p3", "tok_flaky"), "canceled");
  EXPECT_EQ(say("charge", "p3", "tok_flaky"), "canceled");
  EXPECT_EQ(summary()["charged"], 0);
}

TEST_F(test_provider_books, what_is_charged_or_declined_cannot_be_cancelled) {
  say("charge", "p1");
  EXPECT_EQ(say("cancel", "p1"), "charged");
  say("charge", "p2", "tok_declined");
  EXPECT_EQ(say("cancel", "p2"), "declined");
  EXPECT_EQ(summary()["charged"], 1);
}

TEST_F(test_provider_books, the_buyer_authenticates_once) {
  EXPECT_EQ(say("authenticate", "p1"), "not_found");
  say("charge", "p1", "tok_3ds");
  EXPECT_EQ(say("authenticate", "p1"), "charged");
  EXPECT_EQ(say("authenticate", "p1"), "charged");
  EXPECT_EQ(say("charge", "p1", "tok_3ds"), "charged");
  EXPECT_EQ(summary()["charged"], 1);
}

TEST_F(test_provider_books, money_goes_back_once_voided_within_a_day_and_refunded_later) {
  EXPECT_EQ(say("refund", "p1"), "not_found");
  say("charge", "p1");
  say("charge", "p2");
  EXPECT_EQ(say("refund", "p1"), "voided");
  EXPECT_EQ(say("refund", "p1"), "voided");
  EXPECT_EQ(say("refund", "p2", "tok_ok", 1999, noon + std::chrono::hours{25}), "refunded");
  EXPECT_EQ(say("refund", "p2"), "refunded");
  EXPECT_EQ(say("charge", "p1"), "voided");
  EXPECT_EQ(summary(), (figures{{"charged", 0}, {"refunded", 2}, {"duplicates", 0}, {"rows", 2}}));
  say("charge", "p3", "tok_declined");
  EXPECT_EQ(say("refund", "p3"), "declined");
}

TEST_F(test_provider_books, a_second_charge_that_stands_for_one_checkout_shows_as_a_duplicate) {
  auto second = call_of("charge", "p2");
  second.set_checkout_id("chk_of_p1");
  say("charge", "p1");
  provider_->call(second, noon);
  EXPECT_EQ(summary()["duplicates"], 1);
  say("refund", "p2");
  EXPECT_EQ(summary()["duplicates"], 0);
}

TEST_F(test_provider_books, an_unknown_operation_is_an_error) { EXPECT_EQ(say("steal", "p1"), "error"); }

TEST_F(test_provider_books, a_restart_forgets_nothing) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  const std::vector<std::string> operations{"charge", "charge",       "charge", "find",
                                            "cancel", "authenticate", "refund"};
  const std::vector<std::string> tokens{"tok_ok",      "tok_declined", "tok_3ds",
                                        "tok_timeout", "tok_lost",     "tok_flaky"};
  recording_ledger other_ledger;
  test_provider other{other_ledger};
  for (int round = 0; round < 5000; ++round) {
    const auto payment = random() % 300;
    const auto call = call_of(operations[random() % operations.size()], "p" + std::to_string(payment),
                              tokens[payment % tokens.size()]);
    if (random() % 50 == 0) restart();
    const auto result = provider_->call(call, noon);
    const auto expected = other.call(call, noon);
    ASSERT_EQ(result.has_value(), expected.has_value());
    if (!result) continue;
    ASSERT_EQ(result->status(), expected->status()) << call.ShortDebugString();
  }
  restart();
  EXPECT_EQ(provider_->list(), other.list());
}

TEST_F(test_provider_books, a_record_that_cannot_be_understood_is_damage) {
  say("charge", "p1");
  ledger_.kept.insert(ledger_.kept.begin(), "{\"key\":\"x\",\"status\":\"sold\"}");
  EXPECT_THROW(restart(), persistence::damage);
  ledger_.kept.front() = "nonsense";
  EXPECT_THROW(restart(), persistence::damage);
}

class file_ledger : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() /
              ("souk-ledger-" + std::to_string(std::random_device{}()) + std::to_string(::getpid()));
    std::filesystem::create_directory(folder_);
    path_ = folder_ / "test-provider.ledger";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
  std::filesystem::path path_;
};

using strings = std::vector<std::string>;

TEST_F(file_ledger, keeps_what_was_synced) {
  {
    const auto ledger = open_file_ledger(path_);
    EXPECT_EQ(ledger->take_records(), strings{});
    ledger->append("one");
    ledger->append("two");
    ledger->sync();
    ledger->append("never synced");
  }
  const auto ledger = open_file_ledger(path_);
  EXPECT_EQ(ledger->take_records(), (strings{"one", "two"}));
}

TEST_F(file_ledger, drops_a_last_line_that_was_not_written_whole) {
  {
    const auto ledger = open_file_ledger(path_);
    ledger->append("one");
    ledger->sync();
  }
  std::ofstream{path_, std::ios::app} << "{\"half\":";
  {
    const auto ledger = open_file_ledger(path_);
    EXPECT_EQ(ledger->take_records(), strings{"one"});
    ledger->append("two");
    ledger->sync();
  }
  EXPECT_EQ(open_file_ledger(path_)->take_records(), (strings{"one", "two"}));
}

TEST_F(file_ledger, is_readable_by_its_owner_alone) {
  open_file_ledger(path_);
  const auto permissions = std::filesystem::status(path_).permissions();
  EXPECT_EQ(permissions & std::filesystem::perms::all,
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(file_ledger, a_path_that_cannot_be_opened_is_named) {
  EXPECT_THROW(open_file_ledger(folder_ / "missing" / "ledger"), std::system_error);
}

}  // namespace
}  // namespace souk::payment
