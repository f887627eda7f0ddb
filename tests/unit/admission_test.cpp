#include "actors/gateway/admission.hpp"

#include "actors/gateway/client_address.hpp"
#include "tests/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace souk::gateway {
namespace {

using namespace std::chrono_literals;
using std::chrono::nanoseconds;

constexpr quota ten_in_ten_seconds{10, 10s};

TEST(bucket, takes_the_quota_at_once_and_then_what_flows_in) {
  bucket_table table(10);
  for (int n = 0; n < 10; ++n) {
    const auto taken = table.take("a", ten_in_ten_seconds, 5s);
    EXPECT_TRUE(taken.admitted);
    EXPECT_EQ(taken.left, static_cast<std::uint64_t>(9 - n));
    EXPECT_EQ(taken.full_in, (n + 1) * 1s);
  }
  const auto refused = table.take("a", ten_in_ten_seconds, 5s + 300ms);
  EXPECT_FALSE(refused.admitted);
  EXPECT_EQ(refused.left, 0u);
  EXPECT_EQ(refused.retry_after, 700ms);
  EXPECT_FALSE(table.take("a", ten_in_ten_seconds, 6s - 1ns).admitted);
  EXPECT_TRUE(table.take("a", ten_in_ten_seconds, 6s).admitted);
  EXPECT_FALSE(table.take("a", ten_in_ten_seconds, 6s).admitted);
}

TEST(bucket, is_forgotten_when_it_is_full) {
  bucket_table table(10);
  table.take("a", ten_in_ten_seconds, 0s);
  table.take("b", ten_in_ten_seconds, 0s);
  EXPECT_EQ(table.size(), 2u);
  table.take("c", ten_in_ten_seconds, 1s);
  EXPECT_EQ(table.size(), 1u);
}

TEST(bucket, one_too_many_displaces_the_one_nearest_to_being_full) {
  bucket_table table(2);
  for (int n = 0; n < 10; ++n)
    table.take("greedy", ten_in_ten_seconds, 0s);
  table.take("modest", ten_in_ten_seconds, 0s);
  table.take("new", ten_in_ten_seconds, 0s);
  EXPECT_EQ(table.size(), 2u);
  EXPECT_FALSE(table.take("greedy", ten_in_ten_seconds, 0s).admitted);
}

// Whatever comes when: no window sees more than the quota and what flows into it, who waits as told is
// admitted, and who is refused would not have been admitted a nanosecond sooner.
TEST(bucket, keeps_its_word_at_random) {
  for (std::uint64_t seed = 1; seed <= tests::seeds(200); ++seed) {
    std::mt19937_64 random(seed);
    const quota most{1 + random() % 20, std::chrono::seconds{1 + random() % 10}};
    const auto each = most.window / static_cast<std::int64_t>(most.requests);
    bucket_table table(8);
    std::map<std::string, std::vector<nanoseconds>> admitted;
    nanoseconds now{0};
    for (int n = 0; n < 500; ++n) {
      now += nanoseconds{static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(each.count()))};
      const std::string key(1, static_cast<char>('a' + random() % 4));
      auto verdict = table.take(key, most, now);
      if (!verdict.admitted && random() % 4 == 0) {
        EXPECT_FALSE(table.take(key, most, now + verdict.retry_after - 1ns).admitted);
        now += verdict.retry_after;
        verdict = table.take(key, most, now);
        EXPECT_TRUE(verdict.admitted);
      }
      if (verdict.admitted) admitted[key].push_back(now);
    }
    for (const auto& [key, times] : admitted)
      for (std::size_t from = 0; from < times.size(); ++from)
        for (std::size_t to = from; to < times.size(); ++to)
          ASSERT_LE(to - from + 1,
                    most.requests + static_cast<std::uint64_t>((times[to] - times[from]) / each))
              << "seed " << seed;
  }
}

TEST(client_address, of_ipv6_is_a_network_and_of_a_mapped_one_the_ipv4_address) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"127.0.0.1", "127.0.0.1"},
      {"::ffff:10.1.2.3", "10.1.2.3"},
      {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
      {"2001:db8:1:2::1", "2001:db8:1:2::/64"},
      {"::1", "::/64"},
      {"fe80::1%eth0", "fe80::/64"},
  };
  for (const auto& [address, client] : cases)
    EXPECT_EQ(limited_address(address), client);
}

admission_options carts_by_address(std::uint64_t requests) {
  admission_options options;
  options.address[static_cast<std::size_t>(traffic::cart)] = requests;
  return options;
}

std::optional<json::problem> admit(admission& gate, const std::vector<admission::asker>& askers,
                                   header_fields& fields, traffic what = traffic::cart,
                                   nanoseconds now = 0s) {
  return gate.admit(askers, what, now, fields);
}

TEST(admission, tells_the_client_its_limit_and_refuses_what_is_over_it) {
  admission gate(carts_by_address(2));
  const auto ask = [&gate](std::string_view who, traffic what, header_fields& fields) {
    return admit(gate, {{admission::party::address, who}}, fields, what);
  };
  header_fields first;
  EXPECT_FALSE(ask("10.0.0.1", traffic::cart, first));
  EXPECT_EQ(first, (header_fields{{"RateLimit-Policy", R"("address-cart";q=2;w=10)"},
                                  {"RateLimit", R"("address-cart";r=1;t=5)"}}));
  header_fields second;
  EXPECT_FALSE(ask("10.0.0.1", traffic::cart, second));
  header_fields third;
  const auto refused = ask("10.0.0.1", traffic::cart, third);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, "rate_limited");
  EXPECT_EQ(refused->retry_after_ms, 5'000);
  EXPECT_EQ(third.back().second, R"("address-cart";r=0;t=10)");
  EXPECT_EQ(gate.refused(admission::party::address, traffic::cart), 1u);
  header_fields others;
  EXPECT_FALSE(ask("10.0.0.2", traffic::cart, others));
  header_fields none;
  EXPECT_FALSE(ask("10.0.0.1", traffic::browse, none));
  EXPECT_FALSE(ask("", traffic::cart, none));
  EXPECT_TRUE(none.empty());
}

constexpr auto by_credential = admission::party::credential;
constexpr auto by_tenant = admission::party::tenant;

TEST(admission, lists_all_limits_of_a_request) {
  auto options = carts_by_address(5);
  options.credential[static_cast<std::size_t>(traffic::cart)] = 7;
  options.tenant[static_cast<std::size_t>(traffic::cart)] = 20;
  admission gate(options);
  header_fields fields;
  EXPECT_FALSE(admit(gate, {{admission::party::address, "10.0.0.1"}}, fields));
  EXPECT_FALSE(admit(gate, {{by_credential, "main/k"}, {by_tenant, "main"}}, fields));
  EXPECT_EQ(fields.at(0).second,
            R"("address-cart";q=5;w=10, "credential-cart";q=7;w=10, "tenant-cart";q=20;w=10)");
  EXPECT_EQ(fields.at(1).second,
            R"("address-cart";r=4;t=2, "credential-cart";r=6;t=2, "tenant-cart";r=19;t=1)");
}

TEST(admission, takes_nothing_from_one_limit_of_what_another_refuses) {
  admission_options options;
  options.credential.fill(3);
  options.tenant.fill(4);
  admission gate(options);
  header_fields fields;
  const auto ask = [&](std::string_view credential, std::string_view tenant, nanoseconds now) {
    fields.clear();
    return admit(gate, {{by_credential, credential}, {by_tenant, tenant}}, fields, traffic::cart, now);
  };
  for (int n = 0; n < 3; ++n)
    EXPECT_FALSE(ask("greedy", "main", 0s));
  // Of the tenant's four one is left, whatever a single client tries.
  for (int n = 0; n < 10; ++n) {
    const auto refused = ask("greedy", "main", 0s);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->detail, "Too many requests of this kind came with this credential; nothing was done.");
    EXPECT_EQ(fields.at(1).second, R"("credential-cart";r=0;t=10, "tenant-cart";r=1;t=8)");
  }
  EXPECT_FALSE(ask("modest", "main", 0s));
  // Now it is the tenant that has none; who tries again all the time finds their own as it was.
  for (int n = 0; n < 10; ++n) {
    const auto refused = ask("modest", "main", 0s);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->detail, "Too many requests of this kind came for this shop; nothing was done.");
    EXPECT_EQ(refused->retry_after_ms, 2'500);
    EXPECT_EQ(fields.at(1).second, R"("credential-cart";r=2;t=4, "tenant-cart";r=0;t=10)");
  }
  EXPECT_FALSE(ask("modest", "main", 2'500ms));
  EXPECT_EQ(ask("greedy", "main", 2'500ms)->retry_after_ms, 2'500) << "the longer of both";
  EXPECT_FALSE(ask("stranger", "other", 0s)) << "another tenant has its own";
  EXPECT_EQ(gate.refused(by_credential, traffic::cart), 11u);
  EXPECT_EQ(gate.refused(by_tenant, traffic::cart), 10u);
}

TEST(admission, of_several_nodes_each_admits_its_share_rounded_up) {
  std::size_t nodes = 3;
  admission gate(carts_by_address(10), [&nodes] { return nodes; });
  const auto admitted = [&gate](nanoseconds now) {
    std::size_t count = 0;
    for (header_fields fields; !admit(gate, {{admission::party::address, "a"}}, fields, traffic::cart, now);
         fields.clear())
      ++count;
    return count;
  };
  EXPECT_EQ(admitted(0s), 4u);
  nodes = 1;
  EXPECT_EQ(admitted(20s), 10u);
  nodes = 0;  // the view is not there yet
  EXPECT_EQ(admitted(40s), 10u);
}

}  // namespace
}  // namespace souk::gateway
