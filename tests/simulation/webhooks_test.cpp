#include "actors/json/reader.hpp"
#include "actors/testkit/buying.hpp"
#include "actors/testkit/json_text.hpp"
#include "actors/testkit/simulated_cluster.hpp"
#include "actors/values/id.hpp"
#include "actors/webhook/delivery_plan.hpp"
#include "actors/webhook/signature.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// Webhooks of a whole cluster that sells, to receivers that behave as they like.
namespace souk::testkit {
namespace {

using namespace std::chrono_literals;
using milliseconds = std::chrono::milliseconds;

/// How a receiver takes one delivery.
struct manner {
  milliseconds after{5};                     ///< Until its answer.
  std::optional<webhook::post_result> says;  ///< Nothing: it never answers.
};
manner answers(int status, std::string retry_after = {}) {
  return {5ms, webhook::post_result{status, {}, std::move(retry_after)}};
}
manner breaks(std::string why) { return {5ms, webhook::post_result{0, std::move(why), {}}}; }
manner stays_silent() { return {}; }

/// A server at an URL: what it was sent, and what it took.
struct receiver {
  std::function<manner()> behaviour = [] { return answers(200); };
  std::vector<std::string> sent;                                      ///< Ids, of every try.
  std::vector<std::string> taken;                                     ///< Ids, as they were answered well.
  std::map<std::string, std::pair<std::string, std::int64_t>> known;  ///< Subject and sequence by id.
  std::vector<std::string>
      secrets;                ///< One of them, without "whsec_", must have signed; empty: not looked at.
  std::uint64_t refused = 0;  ///< Whose signature is wrong.
};

/// All receivers there are. Deliveries of a node that goes are cut off with it.
class world {
 public:
  simulated_cluster* shop = nullptr;
  std::map<std::string, receiver> at;  ///< By URL.

  std::shared_ptr<webhook::courier> courier_of(const std::string&) { return std::make_shared<way>(*this); }

 private:
  class way final : public webhook::courier {
   public:
    explicit way(world& world) : world_(world) {}

    void post(webhook::posting posting, result_handler then) override {
      auto& receiver = world_.at.at(posting.url);
      const auto manner = world_.arrived(receiver, posting);
      if (!manner.says) return;
      const auto number = ++last_;
      open_->emplace(number, std::move(then));
      auto& fleet = world_.shop->fleet();
      fleet.at(fleet.now() + manner.after, [open = std::weak_ptr{open_}, number, says = *manner.says] {
        const auto still = open.lock();
        if (!still || !still->contains(number)) return;
        const auto then = std::move(still->at(number));
        still->erase(number);
        then(says);
      });
    }

   private:
    world& world_;
    std::uint64_t last_ = 0;
    std::shared_ptr<std::map<std::uint64_t, result_handler>> open_ =
        std::make_shared<std::map<std::uint64_t, result_handler>>();
  };

  manner arrived(receiver& receiver, const webhook::posting& posting) {
    json::parse_error error;
    const auto event = json::parse(posting.body, error).value_or(json::value{});
    const auto id = json::text_of(event, "id");
    receiver.sent.push_back(id);
    receiver.known[id] = {json::text_of(event, "subject"), *event.find("sequence")->as_integer()};
    if (!is_signed(receiver, posting, id)) ++receiver.refused;
    const auto manner = receiver.behaviour();
    if (manner.says && manner.says->status / 100 == 2) receiver.taken.push_back(id);
    return manner;
  }

  static std::string field(const webhook::posting& posting, std::string_view name) {
    for (const auto& [known, value] : posting.fields)
      if (known == name) return value;
    return {};
  }
  static bool is_signed(const receiver& receiver, const webhook::posting& posting, const std::string& id) {
    if (field(posting, "webhook-id") != id) return false;
    if (receiver.secrets.empty()) return true;
    const auto at = std::chrono::seconds{std::stoll(field(posting, "webhook-timestamp"))};
    const auto signatures = field(posting, "webhook-signature");
    return std::ranges::any_of(receiver.secrets, [&](const std::string& secret) {
      return signatures.find(webhook::signature(decoded(secret), id, at, posting.body)) != std::string::npos;
    });
  }
  static std::string decoded(std::string_view base64) {
    static constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char letter : base64) {
      if (letter == '=') break;
      bits = bits << 6 | static_cast<std::uint32_t>(alphabet.find(letter));
      count += 6;
      if (count < 8) continue;
      count -= 8;
      bytes += static_cast<char>(bits >> count & 0xff);
    }
    return bytes;
  }
};

constexpr const char* good = "https://good.example/";
constexpr const char* bad = "https://bad.example/";

class webhooks : public ::testing::Test {
 protected:
  void open(std::uint64_t seed, cluster_options options = {}) {
    world_.at.clear();
    world_.at[good];
    world_.at[bad];
    options.courier = [this](const std::string& node) { return world_.courier_of(node); };
    shop_ = std::make_unique<simulated_cluster>(seed, std::move(options));
    world_.shop = shop_.get();
  }
  receiver& to(const char* url) { return world_.at.at(url); }

  gateway::http_response staff(const std::string& method, const std::string& target,
                               const std::string& body = {}) {
    gateway::http_response response;
    for (int tries = 0; tries < 60; ++tries) {
      const auto node =
          std::ranges::find_if(shop_->names(), [&](const auto& each) { return shop_->up(each); });
      response = shop_->call(*node, method, target, body, {shop_->staff()});
      if (response.status != 0 && response.status < 500) return response;
      shop_->advance(1s);
    }
    return response;
  }
  std::string make(const char* url, const std::string& more = R"(,"after":"earliest")") {
    const auto made =
        staff("POST", "/v1/webhook_endpoints", R"({"url":")" + std::string{url} + "\"" + more + "}");
    EXPECT_EQ(made.status, 201) << made.body;
    to(url).secrets = {member_of(made.body, "secret").substr(6)};
    return member_of(made.body, "id");
  }
  std::string shown(const std::string& id) { return staff("GET", "/v1/webhook_endpoints/" + id).body; }

  void sell(const std::string& sku = "TEA") {
    const auto node = std::ranges::find_if(shop_->names(), [&](const auto& each) { return shop_->up(each); });
    EXPECT_EQ(check_out_anywhere(*shop_, fill_cart(*shop_, *node, sku)).status, 201);
  }

  /// All events there were, by id in the order of the feed.
  std::vector<std::string> all_events(const std::string& types = {}) {
    std::vector<std::string> ids;
    std::string after;
    while (true) {
      const auto answer = staff("GET", "/v1/events?limit=100" + types + after);
      json::parse_error error;
      const auto page = json::parse(answer.body, error);
      if (!page || answer.status != 200) {
        ADD_FAILURE() << answer.body;
        return ids;
      }
      for (const auto& event : *page->find("data")->as_array())
        ids.push_back(json::text_of(event, "id"));
      after = "&after=" + json::text_of(*page, "next_cursor");
      if (member_of(answer.body, "has_more") == "false") return ids;
    }
  }

  /// No gap, and no reorder within a subject: what was taken first of each subject has the sequence 1, 2, 3.
  void expect_all(const char* url) {
    const auto& receiver = to(url);
    std::map<std::string, std::int64_t> last;
    std::set<std::string> seen;
    for (const auto& id : receiver.taken) {
      const auto& [subject, sequence] = receiver.known.at(id);
      if (!seen.insert(id).second) continue;  // once more
      EXPECT_EQ(sequence, last[subject] + 1) << url << " " << subject;
      last[subject] = sequence;
    }
    const auto events = all_events();
    EXPECT_GT(events.size(), 5u);
    EXPECT_EQ(seen, std::set<std::string>(events.begin(), events.end())) << url;
    EXPECT_EQ(receiver.refused, 0u) << url;
  }
  bool has_all(const char* url, std::size_t events) {
    return std::set<std::string>(to(url).taken.begin(), to(url).taken.end()).size() >= events;
  }
  bool wait_for_all(const char* url, milliseconds most) {
    const auto events = all_events().size();
    return shop_->run_until([&] { return has_all(url, events); }, most);
  }

  /// The node that sends to an endpoint loses its power.
  std::string crash_sender() {
    // Whoever leads a shard; all do in turn.
    const auto node = shop_->names().at(crashes_++ % shop_->names().size());
    shop_->crash(node);
    return node;
  }
  void bring_back(const std::string& node) {
    shop_->restart(node);
    EXPECT_TRUE(shop_->run_until([&] { return shop_->whole(); }, 60s));
  }

  world world_;
  std::unique_ptr<simulated_cluster> shop_;
  std::size_t crashes_ = 0;
};

TEST_F(webhooks, bring_what_happens_signed_and_in_order) {
  open(81);
  make(good, "");
  shop_->stock("TEA", 5);
  sell();
  shop_->advance(3s);
  expect_all(good);
  EXPECT_EQ(to(good).sent.size(), to(good).taken.size());  // nothing twice
}

TEST_F(webhooks, of_some_types_begin_where_they_are_told_to) {
  open(82);
  shop_->stock("TEA", 5);
  make(good, R"(,"types":["order.placed.v1","stock.moved.v1"])");
  make(bad, R"(,"types":["order.placed.v1"],"after":"earliest")");
  sell();
  sell();
  shop_->advance(3s);
  EXPECT_THAT(to(good).taken, ::testing::UnorderedElementsAreArray(all_events("&types=order.placed.v1")));
  std::set<std::string> orders;
  for (const auto& id : to(bad).taken)
    orders.insert(to(bad).known.at(id).first);
  EXPECT_EQ(orders.size(), 2u);
}

/// Of each seed, another way to be bad for a while, while nodes die; then it is good again.
TEST_F(webhooks, come_to_a_receiver_that_was_bad_for_an_hour_without_gap_or_reorder) {
  struct way {
    const char* name;
    std::chrono::minutes lasts;
    std::function<manner()> behaviour;
  };
  const std::vector<way> ways{
      {"down", 60min, [] { return breaks("it cannot be connected to"); }},
      {"silent", 6min, [] { return stays_silent(); }},
      {"answers 500", 6min, [] { return answers(500); }},
      {"redirects", 6min, [] { return answers(302); }},
      {"garbage", 6min, [] { return breaks("it gave no answer of HTTP"); }},
      {"busy", 6min, [] { return answers(503, "30"); }},
      {"slow", 12min, [] { return manner{14s, webhook::post_result{200, {}, {}}}; }},
      {"now and then", 6min, [n = 0]() mutable { return answers(++n % 3 == 0 ? 200 : 500); }},
  };
  std::uint64_t seed = 90;
  for (const auto& [name, lasts, behaviour] : ways) {
    SCOPED_TRACE(name);
    open(++seed);
    shop_->stock("TEA", 100);
    const auto other = make(good);
    const auto id = make(bad);
    to(bad).behaviour = behaviour;
    for (int part = 0; part < 6; ++part) {
      sell();
      if (part % 3 == 1) {
        shop_->advance(milliseconds{seed * 37 % 1'000});
        const auto node = crash_sender();
        sell();
        EXPECT_TRUE(wait_for_all(good, 30s));
        bring_back(node);
      }
      EXPECT_TRUE(wait_for_all(good, 10s));  // whatever the other one does
      shop_->advance(lasts / 6);
    }
    to(bad).behaviour = [] { return answers(200); };
    // What it took now and then was no outage: what failed waits for its time, unless somebody knows better.
    if (name == std::string_view{"now and then"})
      staff("PATCH", "/v1/webhook_endpoints/" + id, R"({"status":"enabled"})");
    EXPECT_TRUE(wait_for_all(bad, 2min)) << shown(id);
    expect_all(good);
    expect_all(bad);
    shop_->advance(2s);
    EXPECT_EQ(member_of(shown(id), "waiting"), "0");
    EXPECT_EQ(member_of(shown(id), "status"), "enabled");
    EXPECT_EQ(member_of(shown(other), "status"), "enabled");
    EXPECT_LT(to(bad).sent.size(), 600u);  // it is not flooded either
  }
}

TEST_F(webhooks, of_one_subject_that_is_not_taken_hold_up_no_other) {
  open(101);
  shop_->stock("TEA", 5);
  std::string blocked;
  make(bad);
  auto& receiver = to(bad);
  receiver.behaviour = [&] {
    const auto& subject = receiver.known.at(receiver.sent.back()).first;
    if (subject.starts_with("cart/") && blocked.empty()) blocked = subject;
    return answers(subject == blocked ? 500 : 200);
  };
  sell();
  sell();
  shop_->advance(3s);
  std::size_t of_blocked = 0;
  for (const auto& [id, what] : receiver.known)
    of_blocked += what.first == blocked ? 1 : 0;
  EXPECT_EQ(of_blocked, 1u);  // its first, and what comes behind waits
  std::set<std::string> subjects;
  for (const auto& id : receiver.taken)
    subjects.insert(receiver.known.at(id).first);
  EXPECT_FALSE(subjects.contains(blocked));
  EXPECT_GE(subjects.size(), 6u);
  blocked = "nobody";
  shop_->advance(10min);
  expect_all(bad);
}

TEST_F(webhooks, end_at_410_and_go_on_when_they_are_enabled) {
  open(102);
  shop_->stock("TEA", 5);
  make(good);
  const auto id = make(bad);
  to(bad).behaviour = [] { return answers(410); };
  sell();
  shop_->advance(5s);
  EXPECT_EQ(member_of(shown(id), "disabled_reason"), "gone");
  const auto tries = to(bad).sent.size();
  sell();
  shop_->advance(10min);
  EXPECT_EQ(to(bad).sent.size(), tries);
  const auto target = "/v1/webhook_endpoints/" + id;
  to(bad).behaviour = [] { return answers(200); };
  EXPECT_EQ(staff("PATCH", target, R"({"status":"enabled"})").status, 200);
  EXPECT_TRUE(wait_for_all(bad, 30s));
  expect_all(bad);
  expect_all(good);
}

TEST_F(webhooks, are_signed_with_both_secrets_for_a_while) {
  open(103);
  shop_->stock("TEA", 50);
  const auto id = make(good);
  shop_->advance(3s);
  const auto rotated =
      staff("POST", "/v1/webhook_endpoints/" + id + "/rotate_secret", R"({"previous_valid_s":600})");
  ASSERT_EQ(rotated.status, 200) << rotated.body;
  const auto old = to(good).secrets;
  const std::vector<std::string> fresh{member_of(rotated.body, "secret").substr(6)};
  shop_->advance(3s);
  for (const auto& secrets : {old, fresh}) {
    to(good).secrets = secrets;
    sell();
    shop_->advance(3s);
    EXPECT_EQ(to(good).refused, 0u);
  }
  shop_->advance(10min);
  sell();
  shop_->advance(3s);
  EXPECT_EQ(to(good).refused, 0u);
  to(good).secrets = old;
  sell();
  shop_->advance(3s);
  EXPECT_GT(to(good).refused, 0u);
}

TEST_F(webhooks, of_a_range_are_sent_again_when_they_are_asked_for) {
  open(104);
  shop_->stock("TEA", 50);
  const auto id = make(good);
  sell();
  shop_->advance(3s);
  const auto before = all_events();
  const auto cursor = member_of(staff("GET", "/v1/events?after=latest").body, "next_cursor");
  const auto middle = values::format_time(shop_->fleet().time_of_all()->now());
  shop_->advance(1s);
  sell();
  shop_->advance(3s);
  expect_all(good);
  const auto all = all_events();
  const auto replay = [&](const std::string& body) {
    to(good).taken.clear();
    const auto answer = staff("POST", "/v1/webhook_endpoints/" + id + "/replay", body);
    EXPECT_EQ(answer.status, 202) << answer.body;
    shop_->advance(5s);
    EXPECT_EQ(member_of(shown(id), "replaying"), "false");
    return std::set<std::string>(to(good).taken.begin(), to(good).taken.end());
  };
  const std::set<std::string> everything(all.begin(), all.end());
  const std::set<std::string> first(before.begin(), before.end());
  std::set<std::string> second = everything;
  for (const auto& event : before)
    second.erase(event);
  EXPECT_EQ(replay(R"({"after":"earliest"})"), everything);
  EXPECT_EQ(replay(R"({"after":")" + cursor + R"("})"), second);
  EXPECT_EQ(replay(R"({"after":"earliest","until":")" + cursor + R"("})"), first);
  EXPECT_EQ(replay(R"({"after":")" + middle + R"("})"), second);
  EXPECT_EQ(replay(R"({"after":"earliest","until":")" + middle + R"("})"), first);
  sell();
  EXPECT_TRUE(shop_->run_until([&] { return to(good).known.size() > all.size(); }, 10s));
}

TEST_F(webhooks, say_loudly_that_events_were_trimmed_before_they_were_read) {
  cluster_options options;
  options.limits.flush_interval = 1s;
  options.limits.journal_kept_records = 5;
  options.limits.events_kept_records = 10;
  open(105, options);
  shop_->stock("TEA", 50);
  const auto id = make(bad);
  const auto target = "/v1/webhook_endpoints/" + id;
  EXPECT_EQ(staff("PATCH", target, R"({"status":"disabled"})").status, 200);
  shop_->advance(3s);
  for (int n = 0; n < 12; ++n) {
    sell();
    shop_->advance(1s);
  }
  EXPECT_EQ(staff("PATCH", target, R"({"status":"enabled"})").status, 200);
  shop_->advance(3s);
  EXPECT_EQ(member_of(shown(id), "disabled_reason"), "events_trimmed") << shown(id);
  // Whoever enables it again knows, and it goes on with what is there.
  for (int tries = 0; tries < 6 && member_of(shown(id), "status") == "disabled"; ++tries) {
    EXPECT_EQ(staff("PATCH", target, R"({"status":"enabled"})").status, 200);
    shop_->advance(3s);
  }
  EXPECT_EQ(member_of(shown(id), "status"), "enabled") << shown(id);
  EXPECT_FALSE(to(bad).taken.empty());
}

}  // namespace
}  // namespace souk::testkit
