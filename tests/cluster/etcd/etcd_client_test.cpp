#include "runtime/cluster/etcd_client.hpp"

#include "tests/cluster/etcd/etcd_process.hpp"

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <optional>

namespace souk::runtime {
namespace {

using cluster_test::etcd_process;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds soon{700};
constexpr seconds patience{20};

/// Makes a call and waits for what came of it.
template <class Result>
Result answer(const std::function<void(coordination_store::callback<Result>)>& call) {
  auto told = std::make_shared<std::promise<Result>>();
  auto result = told->get_future();
  call([told](Result value) { told->set_value(std::move(value)); });
  if (result.wait_for(patience) != std::future_status::ready) throw std::runtime_error("never answered");
  return result.get();
}

/// What a watch tells, to be taken one by one.
class events {
 public:
  coordination_store::callback<watch_event> inlet() {
    return [this](watch_event event) {
      std::lock_guard lock{mutex_};
      told_.push_back(std::move(event));
      more_.notify_all();
    };
  }
  std::optional<watch_event> next(milliseconds wait = patience) {
    std::unique_lock lock{mutex_};
    if (!more_.wait_for(lock, wait, [this] { return !told_.empty(); })) return {};
    auto event = std::move(told_.front());
    told_.pop_front();
    return event;
  }

 private:
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<watch_event> told_;
};

struct client {
  explicit client(const etcd_process& etcd) : store(make_etcd_client({.endpoints = etcd.endpoints()})) {}

  range_result range(const std::string& prefix) {
    return answer<range_result>([&](auto done) { store->range(prefix, soon, done); });
  }
  /// Again and again until there is an answer: etcd comes back in its own time.
  range_result range_at_last(const std::string& prefix) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
      auto result = range(prefix);
      if (result.known) return result;
      if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("etcd does not come back");
    }
  }
  swap_result put(const std::string& key, const std::string& value, std::int64_t revision,
                  lease_id lease = 0) {
    return answer<swap_result>([&](auto done) {
      store->swap(
          {.conditions = {{key, revision}}, .changes = {{.key = key, .value = value, .lease = lease}}}, soon,
          done);
    });
  }
  lease_id grant() {
    auto result = answer<lease_result>([&](auto done) { store->grant(seconds{2}, soon, done); });
    EXPECT_EQ(result.what, lease_result::outcome::alive) << result.detail;
    return result.lease;
  }
  lease_result keep_alive(lease_id lease) {
    return answer<lease_result>([&](auto done) { store->keep_alive(lease, soon, done); });
  }

  std::unique_ptr<coordination_store> store;
};

TEST(etcd_client, a_swap_is_done_once_and_tells_what_stands_there) {
  etcd_process etcd;
  client one{etcd};
  client two{etcd};

  auto first = one.put("s/a", "1", 0);
  ASSERT_EQ(first.what, swap_result::outcome::done) << first.detail;
  auto second = two.put("s/a", "2", 0);
  ASSERT_EQ(second.what, swap_result::outcome::refused);
  ASSERT_EQ(second.current.size(), 1u);
  EXPECT_EQ(second.current[0], (stored_value{"s/a", "1", first.revision, 0}));
  EXPECT_EQ(two.put("s/a", "2", first.revision).what, swap_result::outcome::done);
  EXPECT_EQ(one.put("s/b", "3", 7).current.at(0).revision, 0);

  one.put("t/a", "other prefix", 0);
  auto all = one.range("s/");
  ASSERT_TRUE(all.known);
  ASSERT_EQ(all.values.size(), 1u);
  EXPECT_EQ(all.values[0].value, "2");
}

TEST(etcd_client, keys_go_with_their_lease) {
  etcd_process etcd;
  client one{etcd};
  const auto lease = one.grant();
  ASSERT_EQ(one.put("n/a", "here", 0, lease).what, swap_result::outcome::done);
  EXPECT_EQ(one.keep_alive(lease).what, lease_result::outcome::alive);

  events told;
  auto watch = one.store->watch("n/", one.range("n/").revision + 1, told.inlet());
  auto gone = told.next();
  ASSERT_TRUE(gone);
  EXPECT_EQ(gone->removed, std::vector<std::string>{"n/a"});
  EXPECT_EQ(one.keep_alive(lease).what, lease_result::outcome::gone);
  EXPECT_EQ(one.put("n/a", "late", 0, lease).what, swap_result::outcome::lease_gone);

  const auto other = one.grant();
  one.put("n/b", "here", 0, other);
  EXPECT_EQ(answer<lease_result>([&](auto done) { one.store->revoke(other, soon, done); }).what,
            lease_result::outcome::gone);
  EXPECT_TRUE(one.range("n/").values.empty());
}

TEST(etcd_client, a_watch_tells_changes_in_order_and_the_last_of_each_key) {
  etcd_process etcd;
  client one{etcd};
  events told;
  auto watch = one.store->watch("w/", 1, told.inlet());
  auto first = one.put("w/a", "1", 0);
  auto event = told.next();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->puts, (std::vector<stored_value>{{"w/a", "1", first.revision, 0}}));
  EXPECT_EQ(event->revision, first.revision);

  auto second = answer<swap_result>([&](auto done) {
    one.store->swap({.conditions = {{"w/a", first.revision}},
                     .changes = {{.key = "w/a", .remove = true}, {.key = "w/b", .value = "2"}}},
                    soon, done);
  });
  event = told.next();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->removed, std::vector<std::string>{"w/a"});
  EXPECT_EQ(event->puts, (std::vector<stored_value>{{"w/b", "2", second.revision, 0}}));
}

TEST(etcd_client, a_watch_from_a_compacted_revision_says_so) {
  etcd_process etcd;
  client one{etcd};
  std::int64_t revision = 0;
  for (int i = 0; i < 5; ++i)
    revision = one.put("w/a", std::to_string(i), revision).revision;
  const auto compact = "ETCDCTL_API=3 etcdctl --endpoints=" + etcd.endpoints()[0] + " compact " +
                       std::to_string(revision) + " >/dev/null 2>&1";
  ASSERT_EQ(std::system(compact.c_str()), 0);
  events told;
  auto watch = one.store->watch("w/", 1, told.inlet());
  auto event = told.next();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->what, watch_event::kind::compacted);
}

TEST(etcd_client, a_paused_etcd_leaves_outcomes_unknown_and_breaks_watches) {
  etcd_process etcd;
  client one{etcd};
  const auto base = one.put("w/a", "1", 0).revision;
  events told;
  auto watch = one.store->watch("w/", base + 1, told.inlet());
  // The watch stands once it has told something.
  const auto next = one.put("w/a", "2", base).revision;
  ASSERT_EQ(told.next()->revision, next);

  etcd.pause();
  EXPECT_EQ(one.put("w/a", "3", next).what, swap_result::outcome::unknown);
  auto event = told.next();
  ASSERT_TRUE(event);
  EXPECT_EQ(event->what, watch_event::kind::broken);
  EXPECT_EQ(event->revision, next);
  etcd.resume();
  // What was unknown is there or not, and the watch goes on from where it broke.
  auto now = one.range_at_last("w/a").values.at(0);
  EXPECT_TRUE(now.value == "2" || now.value == "3");
  events again;
  auto second = one.store->watch("w/", event->revision + 1, again.inlet());
  auto last = one.put("w/a", "4", now.revision);
  std::int64_t seen = 0;
  while (seen < last.revision) {
    event = again.next();
    ASSERT_TRUE(event);
    ASSERT_EQ(event->what, watch_event::kind::changed) << event->detail;
    seen = event->revision;
  }
}

TEST(etcd_client, a_killed_etcd_is_found_again) {
  etcd_process etcd;
  client one{etcd};
  one.put("k", "kept", 0);
  etcd.kill();
  EXPECT_FALSE(one.range("k").known);
  etcd.start_again();
  EXPECT_EQ(one.range_at_last("k").values.at(0).value, "kept");
}

TEST(etcd_client, goes_on_with_another_member_of_three) {
  etcd_process etcd{3};
  client one{etcd};
  auto revision = one.put("k", "0", 0).revision;
  ASSERT_NE(revision, 0);
  const auto lease = one.grant();
  for (const bool kill : {false, true}) {
    if (kill) {
      etcd.kill(1);
    } else {
      etcd.pause(0);
    }
    // Within the life of a lease, with an election in the middle.
    EXPECT_TRUE(one.range_at_last("k").known);
    EXPECT_EQ(one.keep_alive(lease).what, lease_result::outcome::alive);
    if (!kill) {
      etcd.resume(0);
    }
  }
}

TEST(etcd_client, speaks_tls_with_a_certificate_and_not_without) {
  etcd_process etcd{1, true};
  const auto known = [&](const etcd_options& options) {
    auto store = make_etcd_client(options);
    return answer<range_result>([&](auto done) { store->range("k", soon, done); }).known;
  };
  etcd_options options{.endpoints = etcd.endpoints(),
                       .ca = etcd.pem("ca.pem"),
                       .certificate = etcd.pem("client.pem"),
                       .key = etcd.pem("client.key")};
  EXPECT_TRUE(known(options));
  EXPECT_FALSE(known({.endpoints = etcd.endpoints()}));
  const etcd_process other{1, true};
  auto stranger = options;
  stranger.certificate = other.pem("client.pem");
  stranger.key = other.pem("client.key");
  EXPECT_FALSE(known(stranger)) << "a certificate of another CA";
  auto deceived = options;
  deceived.ca = other.pem("ca.pem");
  EXPECT_FALSE(known(deceived)) << "an etcd of another CA";
  options.key.clear();
  EXPECT_THROW(make_etcd_client(options), std::invalid_argument);
}

TEST(etcd_client, ends_with_calls_under_way) {
  etcd_process etcd;
  auto one = std::make_unique<client>(etcd);
  ASSERT_TRUE(one->range("k").known);
  events told;
  auto watch = one->store->watch("w/", 1, told.inlet());
  etcd.pause();
  std::promise<range_result> result;
  one->store->range("k", seconds{60}, [&](range_result value) { result.set_value(std::move(value)); });
  watch.reset();
  one.reset();
  EXPECT_FALSE(result.get_future().get().known);
}

}  // namespace
}  // namespace souk::runtime
