#include "actors/gateway/gate.hpp"

#include "actors/json/problem.hpp"
#include "tests/http/probes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace souk::gateway {
namespace {

/// What came of a stream of bytes: one line a request, then whether a next one would be read.
struct reading {
  std::vector<std::string> requests;
  std::vector<int> statuses;
  bool open = true;
  bool between = true;  ///< The stream ended between two requests.

  bool operator==(const reading&) const = default;
};

/// Nothing that an intermediary could read otherwise may stand in a head that passed.
std::string describe(const http_request& request) {
  auto text = request.method + " " + request.path + "?" + request.query;
  for (const auto& [name, value] : request.fields)
    text += "|" + name + "=" + value;
  EXPECT_EQ(text.find_first_of(std::string_view{"\r\n\0", 3}), std::string::npos) << text;
  return text + "|" + request.body;
}

/// Feeds the bytes in pieces whose sizes `cut` gives.
reading read_all(std::string_view bytes, const std::function<std::size_t()>& cut,
                 const gate_limits& limits = {}) {
  gate gate{limits};
  reading result;
  while (!bytes.empty() && result.open) {
    auto piece = bytes.substr(0, std::max<std::size_t>(cut(), 1));
    bytes.remove_prefix(piece.size());
    while (!piece.empty() && result.open) {
      piece.remove_prefix(gate.feed(piece));
      if (!gate.complete()) continue;
      const auto& refused = gate.refused();
      result.statuses.push_back(refused ? json::status_of(refused->code) : 200);
      result.open = gate.keeps_alive() && !(refused && refused->close);
      result.requests.push_back(refused ? std::string{refused->detail} : describe(gate.take()));
      gate.next();
    }
  }
  result.between = gate.idle();
  return result;
}

reading read_whole(std::string_view bytes, const gate_limits& limits = {}) {
  return read_all(bytes, [&] { return bytes.size(); }, limits);
}

TEST(gate, answers_every_probe_as_the_table_says) {
  const auto probes = tests::load_probes();
  ASSERT_GT(probes.size(), 100u);
  for (const auto& probe : probes) {
    const auto result = read_whole(probe.bytes);
    EXPECT_EQ(result.statuses, probe.statuses) << probe.row << " " << probe.name;
    EXPECT_EQ(result.open, !probe.closes) << probe.row << " " << probe.name;
    EXPECT_TRUE(result.between || !result.open) << probe.row << " " << probe.name;
  }
}

TEST(gate, reads_the_same_however_the_bytes_are_cut) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  for (const auto& probe : tests::load_probes()) {
    const auto whole = read_whole(probe.bytes);
    EXPECT_EQ(read_all(probe.bytes, [] { return 1; }), whole) << probe.name;
    for (int round = 0; round < 5; ++round)
      EXPECT_EQ(read_all(probe.bytes, [&] { return 1 + random() % 40; }), whole) << probe.name;
  }
}

TEST(gate, a_request_cut_in_two_at_any_byte_is_the_same_request) {
  const std::string bytes =
      "\r\nPOST /v1/carts?x=%20 HTTP/1.1\r\nHost: shop.example:80\r\nIdempotency-Key: \t k 1 \t\r\nX:\r\n"
      "Transfer-Encoding: chunked\r\n\r\n3;a=\"b\"\r\nhel\r\n2\r\nlo\r\n0\r\nT: u\r\n\r\n";
  const auto whole = read_whole(bytes);
  ASSERT_EQ(whole.requests,
            std::vector<std::string>{"POST /v1/carts?x=%20|host=shop.example:80|idempotency-key=k 1|x=|"
                                     "transfer-encoding=chunked|hello"});
  for (std::size_t at = 1; at < bytes.size(); ++at) {
    bool first = true;
    EXPECT_EQ(read_all(bytes, [&] { return std::exchange(first, false) ? at : bytes.size(); }), whole) << at;
  }
}

TEST(gate, a_head_of_exactly_the_limit_passes) {
  const std::string start = "GET /x HTTP/1.1\r\nHost: a\r\nX: ";
  gate_limits limits;
  limits.head_bytes_max = 200;
  const auto head = [&](std::size_t size) {
    return start + std::string(size - start.size() - 4, 'y') + "\r\n\r\n";
  };
  EXPECT_EQ(read_whole(head(200), limits).statuses, std::vector<int>{200});
  EXPECT_EQ(read_whole(head(201), limits).statuses, std::vector<int>{431});
}

TEST(gate, a_body_of_exactly_the_limit_passes) {
  gate_limits limits;
  limits.body_bytes_max = 1024;
  const std::string start = "POST /x HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(read_whole(start + "Content-Length: 1024\r\n\r\n" + std::string(1024, 'b'), limits).statuses,
            std::vector<int>{200});
  EXPECT_EQ(read_whole(start + "Content-Length: 1025\r\n\r\n", limits).statuses, std::vector<int>{413});
  const auto chunked = start + "Transfer-Encoding: chunked\r\n\r\n200\r\n" + std::string(512, 'b') + "\r\n";
  EXPECT_EQ(read_whole(chunked + "200\r\n" + std::string(512, 'b') + "\r\n0\r\n\r\n", limits).statuses,
            std::vector<int>{200});
  EXPECT_EQ(read_whole(chunked + "201\r\n", limits).statuses, std::vector<int>{413});
}

TEST(gate, a_body_of_too_many_tiny_chunks_is_refused) {
  std::string bytes = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20'000; ++i)
    bytes += "1\r\na\r\n";
  EXPECT_EQ(read_whole(bytes + "0\r\n\r\n").statuses, std::vector<int>{413});
}

TEST(gate, only_a_body_to_come_is_worth_a_continue) {
  const auto expects = [](const std::string& head) {
    static const gate_limits limits;
    gate gate{limits};
    gate.feed(head + "Host: a\r\nExpect: 100-Continue\r\n\r\n");
    return gate.reading_body() && gate.expects_continue();
  };
  EXPECT_TRUE(expects("POST /x HTTP/1.1\r\nContent-Length: 1\r\n"));
  EXPECT_TRUE(expects("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"));
  EXPECT_FALSE(expects("POST /x HTTP/1.1\r\nContent-Length: 0\r\n"));
  EXPECT_FALSE(expects("POST /x HTTP/1.1\r\n"));
  EXPECT_FALSE(expects("POST /x HTTP/1.0\r\nContent-Length: 1\r\n"));
  EXPECT_FALSE(expects("BREW /x HTTP/1.1\r\nContent-Length: 1\r\n"));
}

TEST(gate, a_large_body_is_let_through_only_where_it_spools) {
  gate_limits limits;
  limits.body_bytes_max = 10;
  limits.spool_limit = [](std::string_view method, std::string_view path) -> std::optional<std::size_t> {
    if (method == "POST" && path == "/import") return 1000;
    return std::nullopt;
  };
  const auto head = [](std::string_view path, int length) {
    return "POST " + std::string{path} + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) +
           "\r\n\r\n";
  };
  gate gate{limits};
  gate.feed(head("/import", 1000) + "abc");
  EXPECT_TRUE(gate.spools());
  EXPECT_EQ(gate.take_body(), "abc");
  EXPECT_EQ(gate.take_body(), "");
  EXPECT_EQ(gate.body_bytes(), 3u);
  EXPECT_EQ(read_whole(head("/import", 1001), limits).statuses, std::vector<int>{413});
  EXPECT_EQ(read_whole(head("/other", 11), limits).statuses, std::vector<int>{413});
}

TEST(gate, damaged_requests_read_the_same_however_they_are_cut) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  using namespace std::string_view_literals;
  static constexpr auto odd = "\r\n\t :;,\0\x7f\xff/?#%\"0aZ"sv;
  const auto probes = tests::load_probes();
  for (int round = 0; round < 20'000; ++round) {
    const auto& probe = probes[random() % probes.size()];
    if (probe.bytes.size() > 1000) continue;
    auto bytes = probe.bytes;
    for (auto n = 1 + random() % 4; n > 0; --n) {
      const auto at = random() % bytes.size();
      if (random() % 2 == 0)
        bytes[at] = odd[random() % odd.size()];
      else
        bytes.insert(at, 1, odd[random() % odd.size()]);
    }
    const auto whole = read_whole(bytes);
    ASSERT_EQ(read_all(bytes, [&] { return 1 + random() % 20; }), whole) << testing::PrintToString(bytes);
  }
}

}  // namespace
}  // namespace souk::gateway
