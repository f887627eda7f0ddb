#include "actors/json/reader.hpp"
#include "actors/nats/stream_link.hpp"
#include "actors/testkit/buying.hpp"
#include "actors/testkit/json_text.hpp"
#include "actors/testkit/simulated_cluster.hpp"
#include "tests/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// Events of a whole cluster that sells, on their way to a stream that is not always there.
namespace souk::testkit {
namespace {

using namespace std::chrono_literals;
using milliseconds = std::chrono::milliseconds;
using kind = nats::publish_result::kind;

/// How NATS takes one event.
struct manner {
  bool stores = true;
  bool answers = true;    ///< Otherwise it is silent.
  bool is_there = true;   ///< Otherwise nobody is, and that is known at once.
  milliseconds after{2};  ///< Until it is stored and answered.
};

/// A stream that remembers ids, and the ways to it. What is under way from a node that goes still arrives.
class stream {
 public:
  simulated_cluster* shop = nullptr;
  std::function<manner()> behaviour = [] { return manner{}; };
  std::vector<std::string> kept;                                      ///< Ids, in order.
  std::map<std::string, std::pair<std::string, std::int64_t>> known;  ///< Subject and sequence by id.
  std::uint64_t tries = 0;
  std::uint64_t duplicates = 0;
  std::uint64_t misplaced = 0;  ///< Whose NATS subject does not say what they are.

  std::shared_ptr<nats::stream_link> link_of(const std::string&) { return std::make_shared<way>(*this); }

 private:
  class way final : public nats::stream_link {
   public:
    explicit way(stream& stream) : stream_(stream) {}

    void publish(nats::publication publication, result_handler then) override {
      const auto manner = stream_.behaviour();
      ++stream_.tries;
      if (!manner.is_there) return then({kind::away, "nobody is there"});
      auto& fleet = stream_.shop->fleet();
      const auto number = ++last_;
      open_->emplace(number, std::move(then));
      fleet.at(fleet.now() + manner.after, [open = std::weak_ptr{open_}, number, &stream = stream_,
                                            publication = std::move(publication), manner] {
        const auto what = manner.stores ? stream.store(publication) : kind::refused;
        const auto still = open.lock();
        if (!still || !manner.answers) return;
        const auto then = std::move(still->at(number));
        still->erase(number);
        then({what, "it says so"});
      });
    }

   private:
    stream& stream_;
    std::uint64_t last_ = 0;
    std::shared_ptr<std::map<std::uint64_t, result_handler>> open_ =
        std::make_shared<std::map<std::uint64_t, result_handler>>();
  };

  kind store(const nats::publication& publication) {
    json::parse_error error;
    const auto event = json::parse(publication.body, error).value_or(json::value{});
    if (json::text_of(event, "id") != publication.id ||
        publication.subject != "souk.main." + json::text_of(event, "type"))
      ++misplaced;
    const bool fresh = known
                           .try_emplace(publication.id, json::text_of(event, "subject"),
                                        *event.find("sequence")->as_integer())
                           .second;
    if (!fresh) {
      ++duplicates;
      return kind::duplicate;
    }
    kept.push_back(publication.id);
    return kind::stored;
  }
};

class nats_stream : public ::testing::Test {
 protected:
  void open(std::uint64_t seed, cluster_options options = {}) {
    shop_.reset();
    stream_ = {};
    options.stream_link = [this](const std::string& node) { return stream_.link_of(node); };
    shop_ = std::make_unique<simulated_cluster>(seed, std::move(options));
    stream_.shop = shop_.get();
    shop_->stock("TEA", 200);
  }
  std::string living() const {
    return *std::ranges::find_if(shop_->names(), [&](const auto& each) { return shop_->up(each); });
  }
  void sell() { EXPECT_EQ(check_out_anywhere(*shop_, fill_cart(*shop_, living(), "TEA")).status, 201); }

  std::set<std::string> all_events() {
    std::set<std::string> ids;
    std::string after;
    while (true) {
      gateway::http_response answer;
      answer.status = 0;
      for (int tries = 0; tries < 60 && answer.status != 200; ++tries) {
        answer = shop_->call(living(), "GET", "/v1/events?limit=100" + after, {}, {shop_->staff()});
        if (answer.status != 200) shop_->advance(1s);
      }
      json::parse_error error;
      const auto page = json::parse(answer.body, error);
      if (!page || answer.status != 200) {
        ADD_FAILURE() << answer.body;
        return ids;
      }
      for (const auto& event : *page->find("data")->as_array())
        ids.insert(json::text_of(event, "id"));
      after = "&after=" + json::text_of(*page, "next_cursor");
      if (member_of(answer.body, "has_more") == "false") return ids;
    }
  }
  bool wait_for_all(milliseconds most) {
    const auto events = all_events().size();
    return shop_->run_until([&] { return stream_.kept.size() >= events; }, most);
  }
  /// No gap, no reorder within a subject, nothing that is not in the feed.
  void expect_all() {
    shop_->advance(3s);  // what a sale has still to settle, and the way of it
    std::map<std::string, std::int64_t> last;
    for (const auto& id : stream_.kept) {
      const auto& [subject, sequence] = stream_.known.at(id);
      EXPECT_EQ(sequence, last[subject] + 1) << subject;
      last[subject] = sequence;
    }
    const auto events = all_events();
    EXPECT_GT(events.size(), 5u);
    EXPECT_EQ(std::set<std::string>(stream_.kept.begin(), stream_.kept.end()), events);
    EXPECT_EQ(stream_.misplaced, 0u);
  }

  stream stream_;
  std::unique_ptr<simulated_cluster> shop_;
};

TEST_F(nats_stream, gets_what_happens_once_and_in_order) {
  open(121);
  sell();
  sell();
  EXPECT_TRUE(wait_for_all(3s));
  expect_all();
  EXPECT_EQ(stream_.tries, stream_.kept.size());
}

/// Of each seed another way to be bad for a while, while nodes die; then it is good again.
TEST_F(nats_stream, gets_everything_whatever_was_wrong_with_it_for_an_hour) {
  std::mt19937_64 dice{7};
  struct way {
    const char* name;
    milliseconds lasts;
    std::function<manner()> behaviour;
  };
  const std::vector<way> ways{
      {"down", 60min, [] { return manner{.is_there = false}; }},
      {"silent", 6min, [] { return manner{.stores = false, .answers = false}; }},
      {"its answers are lost", 6min, [] { return manner{.answers = false}; }},
      {"refuses", 6min, [] { return manner{.stores = false}; }},
      {"slow", 6min, [] { return manner{.after = 8s}; }},
      {"now and then", 6min,
       [&dice] {
         const auto fate = dice() % 6;
         return manner{fate != 0, fate != 1, fate != 2, milliseconds{dice() % 9'000}};
       }},
  };
  std::uint64_t seed = 130;
  for (const auto& [name, lasts, behaviour] : ways) {
    SCOPED_TRACE(name);
    open(++seed);
    stream_.behaviour = behaviour;
    for (std::size_t part = 0; part < 6; ++part) {
      sell();
      if (part % 2 == 1) {
        shop_->advance(milliseconds{seed * 37 % 1'000});
        const auto node = shop_->names().at(part % shop_->names().size());
        shop_->crash(node);
        sell();
        shop_->advance(10s);
        shop_->restart(node);
        EXPECT_TRUE(shop_->run_until([&] { return shop_->whole(); }, 60s));
      }
      shop_->advance(lasts / 6);
    }
    stream_.behaviour = [] { return manner{}; };
    EXPECT_TRUE(wait_for_all(2min));
    expect_all();
    EXPECT_LT(stream_.tries, 4'000u);  // it is not flooded either
  }
}

TEST_F(nats_stream, goes_on_with_another_node_when_one_dies_in_the_midst) {
  for (std::uint64_t seed = 141; seed < 141 + tests::seeds(6); ++seed) {
    SCOPED_TRACE(seed);
    open(seed);
    for (std::size_t n = 0; n < 3; ++n) {
      sell();
      const auto node = shop_->names().at((seed + n) % shop_->names().size());
      shop_->advance(milliseconds{seed * 97 % 300});
      shop_->crash(node);
      sell();
      EXPECT_TRUE(wait_for_all(30s));
      shop_->restart(node);
      EXPECT_TRUE(shop_->run_until([&] { return shop_->whole(); }, 60s));
    }
    sell();
    EXPECT_TRUE(wait_for_all(30s));
    expect_all();
  }
}

}  // namespace
}  // namespace souk::testkit
