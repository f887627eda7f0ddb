#include "actors/json/reader.hpp"
#include "actors/testkit/buying.hpp"
#include "actors/testkit/json_text.hpp"
#include "actors/testkit/simulated_cluster.hpp"
#include "runtime/trace_context.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// The feed of events of a whole cluster, as somebody reads it who follows a shop.
namespace souk::testkit {
namespace {

using namespace std::chrono_literals;

/// Follows the feed from node to node with one cursor, and holds each page against what must be true.
class reader {
 public:
  explicit reader(simulated_cluster& shop, std::string after = {}) : shop_(shop), after_(std::move(after)) {}

  /// Reads at a node until it says that there is no more for now; the status that ended it.
  int read_all(const std::string& node, const std::string& limit = "20") {
    for (int pages = 0; pages < 1'000; ++pages) {
      const auto answer =
          shop_.call(node, "GET", "/v1/events?limit=" + limit + (after_.empty() ? "" : "&after=" + after_),
                     "", {shop_.staff()});
      if (answer.status != 200) {
        earliest_ = member_of(answer.body, "earliest_cursor");
        return answer.status;
      }
      take(answer.body);
      if (member_of(answer.body, "has_more") == "false") return answer.status;
    }
    ADD_FAILURE() << "it never ends";
    return 0;
  }
  void go_to(std::string cursor) {
    after_ = std::move(cursor);
    last_.clear();
  }

  /// Of each type, what it happened to.
  const std::map<std::string, std::vector<std::string>>& seen() const { return seen_; }
  std::size_t count(const std::string& type) const {
    const auto found = seen_.find(type);
    return found == seen_.end() ? 0 : found->second.size();
  }
  const std::vector<std::string>& ids() const { return ids_; }
  /// The sequence of each subject's first event that was seen.
  const std::map<std::string, std::int64_t>& first() const { return first_; }
  /// What the last refusal named to go on with.
  const std::string& earliest() const { return earliest_; }

 private:
  void take(const std::string& body) {
    json::parse_error error;
    const auto page = json::parse(body, error);
    ASSERT_TRUE(page) << body;
    for (const auto& event : *page->find("data")->as_array()) {
      const auto subject = json::text_of(event, "subject");
      const auto sequence = *event.find("sequence")->as_integer();
      // Without a gap; it begins with the first where nothing is trimmed.
      auto& last = last_[subject];
      EXPECT_TRUE(last == 0 || sequence == last + 1) << subject << " " << sequence;
      last = sequence;
      EXPECT_TRUE(distinct_.insert(json::text_of(event, "id")).second) << json::canonical(event);
      ids_.push_back(json::text_of(event, "id"));
      seen_[json::text_of(event, "type")].push_back(subject);
      first_.try_emplace(subject, sequence);
    }
    after_ = json::text_of(*page, "next_cursor");
  }

  simulated_cluster& shop_;
  std::string after_;
  std::string earliest_;
  std::map<std::string, std::int64_t> last_;
  std::map<std::string, std::int64_t> first_;
  std::set<std::string> distinct_;
  std::vector<std::string> ids_;
  std::map<std::string, std::vector<std::string>> seen_;
};

TEST(events, tell_a_sale_from_the_product_to_the_order_the_same_at_every_node) {
  simulated_cluster shop{71};
  shop.stock("TEA", 5);
  const auto sold = check_out_anywhere(shop, fill_cart(shop, "b", "TEA", 2));
  ASSERT_EQ(sold.status, 201) << sold.body;
  shop.advance(5s);
  std::vector<std::string> first;
  for (const auto& node : shop.names()) {
    reader reader{shop};
    EXPECT_EQ(reader.read_all(node, node == "a" ? "100" : "3"), 200);
    if (first.empty()) first = reader.ids();
    EXPECT_EQ(reader.ids(), first) << node;
    for (const auto& [subject, sequence] : reader.first())
      EXPECT_EQ(sequence, 1) << subject;
    for (const std::string once :
         {"product.published.v1", "stock.moved.v1", "stock.held.v1", "cart.created.v1", "checkout.opened.v1",
          "payment.settled.v1", "checkout.completed.v1", "order.placed.v1", "stock.hold_ended.v1"})
      EXPECT_EQ(reader.count(once), 1u) << once;
    EXPECT_EQ(reader.seen().at("stock.moved.v1"), std::vector<std::string>{"stock/TEA"});
  }
}

// The node that made the charge dies before it hears of it: the one that asks again does so for the same
// trace.
TEST(events, belong_to_the_trace_of_the_call_that_they_came_of_as_the_provider_s_calls_do) {
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const std::string traceparent = "00-" + trace + "-00f067aa0ba902b7-01";
  simulated_cluster shop{70};
  shop.stock("TEA", 5);
  const auto cart = fill_cart(shop, "a", "TEA", 2);
  std::string crashed;
  for (const auto& node : shop.names())
    shop.at_next_charge(node, [&shop, &crashed, node] {
      if (!crashed.empty()) return;
      crashed = node;
      shop.crash(node);
    });
  std::optional<gateway::http_response> sold;
  for (std::size_t n = 0; n < 100 && !(sold && is_certain(*sold)); ++n) {
    const auto& node = shop.names()[n % 3];
    sold.reset();
    shop.send(node, "POST", "/v1/checkouts",
              R"({"cart_id":")" + cart.id + R"(","cart_version":)" + cart.version +
                  R"(,"payment":{"provider":"test","token":"tok_ok"}})",
              {{"idempotency-key", "traced"}, {"traceparent", traceparent}},
              [&sold](const auto& answer) { sold = answer; });
    shop.run_until([&sold] { return sold.has_value(); }, 60s);
    shop.advance(100ms);
  }
  ASSERT_TRUE(sold && sold->status == 201);
  ASSERT_NE(crashed, "");
  shop.restart(crashed);
  shop.advance(10s);

  std::set<std::string> spans;
  for (const auto& call : shop.provider_traces()) {
    EXPECT_EQ(runtime::trace_id_of(call), trace);
    spans.emplace(runtime::span_id_of(call));
  }
  EXPECT_GE(spans.size(), 2u);  // each call has a span of its own
  EXPECT_EQ(spans.size(), shop.provider_traces().size());
  EXPECT_FALSE(spans.contains("00f067aa0ba902b7"));

  std::map<std::string, std::string> traces;
  const auto page = shop.call("b", "GET", "/v1/events?limit=100", "", {shop.staff()});
  json::parse_error error;
  const auto events = json::parse(page.body, error);
  ASSERT_TRUE(events) << page.body;
  for (const auto& event : *events->find("data")->as_array())
    traces[json::text_of(event, "type")] = json::text_of(event, "traceparent");
  for (const std::string of_it :
       {"checkout.opened.v1", "cart.claimed.v1", "stock.held.v1", "payment.intended.v1", "payment.settled.v1",
        "checkout.completed.v1", "order.placed.v1", "stock.hold_ended.v1"})
    EXPECT_EQ(runtime::trace_id_of(traces[of_it]), trace) << of_it;
  EXPECT_EQ(traces["cart.created.v1"], "");
  EXPECT_EQ(traces["stock.moved.v1"], "");
}

/// Keeps the spans of all nodes, by their ids.
class kept_spans final : public telemetry::span_sink {
 public:
  void record(telemetry::span ended) noexcept override {
    const auto id = std::string{runtime::span_id_of(ended.traceparent)};
    all.emplace(id, std::move(ended));
  }
  std::vector<const telemetry::span*> named(std::string_view name) const {
    std::vector<const telemetry::span*> found;
    for (const auto& [id, span] : all)
      if (span.name == name) found.push_back(&span);
    return found;
  }

  std::map<std::string, telemetry::span> all;
};

// From every node in turn, so that most commands are decided on another node than the one that was asked.
TEST(events, of_a_recorded_trace_have_spans_that_hang_together_across_nodes) {
  const auto spans = std::make_shared<kept_spans>();
  cluster_options options;
  options.spans = spans;
  simulated_cluster shop{69, options};
  shop.stock("TEA", 5);
  const auto untraced = spans->all.size();
  const std::string root = "00f067aa0ba902b7";
  const auto ask = [&](const std::string& node, const std::string& path, const std::string& body) {
    const auto answer = shop.call(node, "POST", path, body,
                                  {{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-" + root + "-01"},
                                   {"idempotency-key", "k" + path}});
    EXPECT_LT(answer.status, 300) << answer.body;
    return answer.body;
  };
  const auto cart = member_of(ask("a", "/v1/carts", R"({"currency":"USD"})"), "id");
  const auto filled = ask("b", "/v1/carts/" + cart + "/items", R"({"sku":"TEA","quantity":2})");
  ask("c", "/v1/checkouts",
      R"({"cart_id":")" + cart + R"(","cart_version":)" + member_of(filled, "version") +
          R"(,"payment":{"provider":"test","token":"tok_ok"}})");
  shop.call("a", "GET", "/v1/products", "",
            {{"traceparent", "00-5bf92f3577b34da6a3ce929d0e0e4736-" + root + "-00"}});

  std::size_t servers = 0;
  for (const auto& [id, span] : spans->all) {
    if (runtime::trace_id_of(span.traceparent) != "4bf92f3577b34da6a3ce929d0e0e4736") continue;
    EXPECT_LE(span.begun, span.ended) << span.name;
    if (span.kind == telemetry::span_kind::server) {
      ++servers;
      EXPECT_EQ(span.parent, root);
      continue;
    }
    const auto above = spans->all.find(span.parent);
    ASSERT_NE(above, spans->all.end()) << span.name << " hangs in the air";
    EXPECT_EQ(above->second.kind, telemetry::span_kind::server) << span.name;
  }
  EXPECT_EQ(servers, 3u);
  ASSERT_EQ(spans->named("create_checkout").size(), 1u);
  ASSERT_EQ(spans->named("provider charge").size(), 1u);
  const auto* charge = spans->named("provider charge").front();
  EXPECT_EQ(charge->kind, telemetry::span_kind::client);
  EXPECT_EQ(charge->parent, runtime::span_id_of(spans->named("create_checkout").front()->traceparent));
  EXPECT_EQ(spans->named("cart").size(), 3u);  // made, filled, and looked at for the checkout
  EXPECT_EQ(spans->named("checkout").size(), 1u);
  // One that its client does not record has none.
  for (const auto& [id, span] : spans->all)
    EXPECT_NE(runtime::trace_id_of(span.traceparent), "5bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_GT(untraced, 0u);  // requests without a trace begin one, here all of them
}

TEST(events, latest_tells_only_what_comes_from_then_on) {
  simulated_cluster shop{72};
  shop.stock("TEA", 5);
  reader reader{shop, "latest"};
  EXPECT_EQ(reader.read_all("a"), 200);
  EXPECT_TRUE(reader.ids().empty());
  shop.stock("CUP", 5);
  EXPECT_EQ(reader.read_all("b"), 200);
  EXPECT_EQ(reader.seen().at("stock.moved.v1"), std::vector<std::string>{"stock/CUP"});
}

// Primaries die, one after the other, while a shop sells; a reader asks whoever is there with its one cursor.
TEST(events, have_no_gap_and_no_repeat_across_failovers) {
  for (std::uint64_t seed = 73; seed < 76; ++seed) {
    SCOPED_TRACE(seed);
    simulated_cluster shop{seed};
    shop.stock("TEA", 50);
    reader reader{shop};
    std::set<std::string> sold;
    const auto buy = [&] {
      const auto answer = check_out_anywhere(shop, fill_cart(shop, "b", "TEA"));
      EXPECT_EQ(answer.status, 201) << answer.body;
      sold.insert(order_in(answer));
    };
    buy();
    for (const std::string node : {"a", "c", "a"}) {
      EXPECT_EQ(reader.read_all(node), 200);
      // In the midst of a sale that goes on at another node.
      check_out(shop, node, fill_cart(shop, node, "TEA"), pays, [&sold](const auto& answer) {
        if (answer.status == 201) sold.insert(order_in(answer));
      });
      shop.crash_at(node, "shard: an append is sent to its own disk", 3, {});
      shop.advance(3s);
      if (shop.up(node)) shop.crash(node);
      for (int tries = 0; tries < 30 && reader.read_all("b") != 200; ++tries)
        shop.advance(1s);
      buy();
      EXPECT_EQ(reader.read_all("b"), 200);
      shop.heal();
      if (!shop.up(node)) shop.restart(node);
      ASSERT_TRUE(shop.run_until([&] { return shop.whole(); }, 60s));
    }
    shop.advance(10s);
    EXPECT_EQ(reader.read_all("c"), 200);
    const auto& placed = reader.seen().at("order.placed.v1");
    EXPECT_EQ(std::set<std::string>(placed.begin(), placed.end()).size(), placed.size());
    for (const auto& order : sold)  // each order that was answered was told, once
      EXPECT_EQ(std::count_if(placed.begin(), placed.end(),
                              [&](const auto& subject) {
                                return order.ends_with(subject.substr(subject.find('/') + 1));
                              }),
                1)
          << order;
    for (const auto& [subject, sequence] : reader.first())
      EXPECT_EQ(sequence, 1) << subject;
  }
}

TEST(events, that_are_trimmed_end_a_reader_who_was_away_too_long_and_say_where_to_go_on) {
  cluster_options options;
  options.limits.flush_interval = 1s;
  options.limits.journal_kept_records = 5;
  options.limits.events_kept_records = 10;
  simulated_cluster shop{77, options};
  shop.stock("TEA", 50);
  reader reader{shop};
  EXPECT_EQ(reader.read_all("a"), 200);
  for (int n = 0; n < 12; ++n) {
    EXPECT_EQ(check_out_anywhere(shop, fill_cart(shop, "b", "TEA")).status, 201);
    shop.advance(1s);  // a journal is trimmed once a second, while it is written
  }
  EXPECT_EQ(reader.read_all("a"), 410);
  ASSERT_NE(reader.earliest(), "");
  reader.go_to(reader.earliest());
  EXPECT_EQ(reader.read_all("a"), 200);
  EXPECT_FALSE(reader.ids().empty());
}

// Takes the pieces of a body that goes on, as a listener whose client reads everything.
class follower {
 public:
  follower(simulated_cluster& shop, const std::string& node, simulated_cluster::fields fields,
           const std::string& query = "") {
    const bool has_key = std::any_of(fields.begin(), fields.end(),
                                     [](const auto& field) { return field.first == "authorization"; });
    if (!has_key) fields.push_back(shop.staff());
    auto begun = shop.call(node, "GET", "/v1/events/stream" + query, "", std::move(fields));
    state_->status = begun.status;
    state_->text = begun.body;
    state_->more = begun.more;
    if (state_->more) pull(state_);
  }
  ~follower() { state_->more = nullptr; }
  follower(const follower&) = delete;
  follower& operator=(const follower&) = delete;

  int status() const { return state_->status; }
  const std::string& text() const { return state_->text; }
  bool ended() const { return state_->ended; }
  std::size_t pieces() const { return state_->pieces; }
  /// The last id that came.
  std::string last_id() const {
    const auto at = state_->text.rfind("id: ");
    return state_->text.substr(at + 4, state_->text.find('\n', at) - at - 4);
  }
  std::vector<std::string> ids() const {
    std::vector<std::string> found;
    for (auto at = state_->text.find("\"evt_"); at != std::string::npos;
         at = state_->text.find("\"evt_", at + 1))
      found.push_back(state_->text.substr(at + 1, state_->text.find('"', at + 1) - at - 1));
    return found;
  }

 private:
  struct state {
    int status = 0;
    std::string text;
    std::size_t pieces = 0;
    bool ended = false;
    std::shared_ptr<gateway::body_stream> more;
  };
  class taker final : public gateway::piece_taker {
   public:
    explicit taker(std::shared_ptr<state> to) : to_(std::move(to)) {}
    taker(const taker&) = delete;
    taker& operator=(const taker&) = delete;
    ~taker() override {
      if (to_) to_->ended = true;
    }
    void take(std::string piece) override {
      const auto to = std::exchange(to_, nullptr);
      if (piece.empty()) to->ended = true;
      if (piece.empty()) return;
      to->text += piece;
      ++to->pieces;
      pull(to);
    }

   private:
    std::shared_ptr<state> to_;
  };
  static void pull(const std::shared_ptr<state>& from) {
    if (from->more) from->more->next(std::make_unique<taker>(from));
  }

  std::shared_ptr<state> state_ = std::make_shared<state>();
};

TEST(event_streams, tell_what_happens_as_it_happens) {
  simulated_cluster shop{81};
  follower all{shop, "b", {}};
  follower orders{shop, "b", {}, "?types=order.placed.v1"};
  ASSERT_EQ(all.status(), 200) << all.text();
  shop.stock("TEA", 5);
  ASSERT_EQ(check_out_anywhere(shop, fill_cart(shop, "a", "TEA")).status, 201);
  shop.advance(2s);
  reader reader{shop};
  EXPECT_EQ(reader.read_all("c"), 200);
  EXPECT_EQ(all.ids(), reader.ids());
  EXPECT_EQ(orders.ids().size(), 1u);
  EXPECT_FALSE(all.ended());
}

TEST(event_streams, say_where_they_are_while_nothing_happens) {
  simulated_cluster shop{82};
  follower quiet{shop, "a", {}, "?after=latest"};
  ASSERT_TRUE(quiet.text().starts_with(":\nid: ")) << quiet.text();
  shop.advance(10s);
  EXPECT_EQ(quiet.pieces(), 0u);
  shop.advance(50s);
  EXPECT_GE(quiet.pieces(), 3u);
  EXPECT_LE(quiet.pieces(), 4u);
  EXPECT_TRUE(quiet.ids().empty());
}

// The node that tells dies, and primaries with it; its reader goes on at another one behind the last id.
TEST(event_streams, go_on_at_another_node_behind_the_last_id) {
  simulated_cluster shop{83};
  shop.stock("TEA", 20);
  std::vector<std::string> ids;
  std::string last;
  {
    follower first{shop, "a", {}};
    ASSERT_EQ(check_out_anywhere(shop, fill_cart(shop, "b", "TEA")).status, 201);
    shop.advance(1s);
    ids = first.ids();
    last = first.last_id();
    EXPECT_FALSE(ids.empty());
  }
  shop.crash("a");
  shop.advance(5s);
  ASSERT_EQ(check_out_anywhere(shop, fill_cart(shop, "b", "TEA")).status, 201);
  follower second{shop, "b", {{"last-event-id", last}}};
  ASSERT_EQ(second.status(), 200) << second.text();
  ASSERT_EQ(check_out_anywhere(shop, fill_cart(shop, "c", "TEA")).status, 201);
  shop.advance(2s);
  for (const auto& id : second.ids())
    ids.push_back(id);
  reader reader{shop};
  EXPECT_EQ(reader.read_all("c"), 200);
  EXPECT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), ids.size());
  std::sort(ids.begin(), ids.end());
  auto expected = reader.ids();
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(ids, expected);
}

// Of shards that are not served for a while nothing is told, and nothing is left out when they are back.
TEST(event_streams, wait_for_shards_that_are_away) {
  simulated_cluster shop{84};
  shop.stock("TEA", 20);
  follower follower{shop, "b", {}};
  shop.crash("a");
  shop.advance(10s);
  ASSERT_EQ(check_out_anywhere(shop, fill_cart(shop, "b", "TEA")).status, 201);
  shop.advance(5s);
  EXPECT_FALSE(follower.ended());
  reader reader{shop};
  EXPECT_EQ(reader.read_all("c"), 200);
  auto told = follower.ids();
  std::sort(told.begin(), told.end());
  auto expected = reader.ids();
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(told, expected);
}

TEST(event_streams, end_when_their_key_is_revoked) {
  simulated_cluster shop{85};
  const auto made =
      shop.call("a", "POST", "/v1/keys", R"({"label":"reader","scopes":["events:read"]})", {shop.staff()});
  shop.advance(2s);
  follower follower{shop, "b", {{"authorization", "Bearer " + member_of(made.body, "secret")}}};
  ASSERT_EQ(follower.status(), 200) << follower.text();
  shop.advance(2s);
  EXPECT_FALSE(follower.ended());
  EXPECT_EQ(shop.call("a", "DELETE", "/v1/keys/" + member_of(made.body, "id"), "", {shop.staff()}).status,
            200);
  shop.advance(3s);
  EXPECT_TRUE(follower.ended());
  EXPECT_NE(follower.text().find("event: error\ndata: {"), std::string::npos) << follower.text();
  EXPECT_NE(follower.text().find("invalid_token"), std::string::npos);
}

}  // namespace
}  // namespace souk::testkit
