#include "bench/audit.hpp"
#include "bench/figures.hpp"
#include "bench/progress.hpp"
#include "bench/shop_client.hpp"
#include "bench/workers.hpp"
#include "nodes/souk/copies.hpp"

#include <arpa/inet.h>
#include <boost/json/array.hpp>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace souk::bench {
namespace {

// A server on loopback that answers each request by a script: what it returns is sent as it is, and an empty
// text closes the connection. One connection at a time.
class scripted_server {
 public:
  using script = std::function<std::string(const std::string& request)>;

  explicit scripted_server(script answer)
      : answer_(std::move(answer)), listener_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener_, 16) != 0)
      throw std::system_error(errno, std::generic_category(), "a scripted server cannot listen");
    socklen_t size = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  scripted_server(const scripted_server&) = delete;
  scripted_server& operator=(const scripted_server&) = delete;
  ~scripted_server() {
    shutdown(listener_, SHUT_RDWR);
    if (const int open = client_.load(); open >= 0) shutdown(open, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }

  shop as_shop() const { return {{"127.0.0.1", port_}, "sk_test"}; }
  int connections() const { return connections_; }

 private:
  void serve() {
    for (;;) {
      const int client = accept(listener_, nullptr, nullptr);
      if (client < 0) return;
      ++connections_;
      client_ = client;
      std::string input;
      while (answer_one(client, input)) {
      }
      client_ = -1;
      close(client);
    }
  }

  bool answer_one(int client, std::string& input) {
    std::size_t head_end = 0;
    while ((head_end = input.find("\r\n\r\n")) == std::string::npos ||
           input.size() < head_end + 4 + body_size(input)) {
      std::array<char, 4096> buffer{};
      const ssize_t count = recv(client, buffer.data(), buffer.size(), 0);
      if (count <= 0) return false;
      input.append(buffer.data(), static_cast<std::size_t>(count));
    }
    const std::size_t size = head_end + 4 + body_size(input);
    const std::string answer = answer_(input.substr(0, size));
    input.erase(0, size);
    if (answer.empty()) return false;
    return send(client, answer.data(), answer.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(answer.size());
  }

  static std::size_t body_size(const std::string& input) {
    const std::size_t at = input.find("Content-Length: ");
    return at == std::string::npos ? 0 : std::stoul(input.substr(at + 16));
  }

  script answer_;
  int listener_;
  std::uint16_t port_ = 0;
  std::atomic<int> client_{-1};
  std::atomic<int> connections_{0};
  std::thread thread_;
};

std::string http(int status, const std::string& body, const std::string& fields = "") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string target_of(const std::string& request) {
  const std::size_t begin = request.find(' ') + 1;
  return request.substr(begin, request.find(' ', begin) - begin);
}

TEST(url, host_and_port_are_read) {
  EXPECT_EQ(parse_url("http://shop.example").authority(), "shop.example:80");
  EXPECT_EQ(parse_url("http://127.0.0.1:8080/").authority(), "127.0.0.1:8080");
  EXPECT_EQ(parse_url("http://[::1]:8080").host, "::1");
  EXPECT_EQ(parse_url("http://[::1]:8080").authority(), "[::1]:8080");
}

TEST(url, what_is_no_address_is_refused) {
  for (const char* wrong :
       {"", "127.0.0.1:80", "https://a", "http://", "http://a:", "http://a:0", "http://a:65536",
        "http://a:8x", "http://a/b", "http://u@a", "http://[::1", "http://[::1]8080"}) {
    EXPECT_THROW(parse_url(wrong), std::invalid_argument) << wrong;
  }
}

TEST(encoding, only_unreserved_characters_stay) {
  EXPECT_EQ(percent_encoded("85123A"), "85123A");
  EXPECT_EQ(percent_encoded("BANK CHARGES"), "BANK%20CHARGES");
  EXPECT_EQ(percent_encoded("a/b?c#%\xc3\xa9"), "a%2Fb%3Fc%23%25%C3%A9");
}

TEST(metrics, label_sets_are_added_and_longer_names_are_others) {
  const std::string_view text =
      "# HELP a_total of a\n# TYPE a_total counter\na_total{shard=\"0\"} 3\na_total{shard=\"1\"} 4.5 "
      "1700000000\n"
      "a_total_more 100\nb 7e2";
  EXPECT_EQ(metric(text, "a_total"), 7.5);
  EXPECT_EQ(metric(text, "b"), 700.0);
  EXPECT_EQ(metric(text, "c"), std::nullopt);
  EXPECT_EQ(metric(text, "a_tot"), std::nullopt);
}

TEST(progress, rate_and_time_left_are_told) {
  EXPECT_EQ(progress_text("selling", "invoices", 1200, 20725, 2.0),
            "selling: 1200/20725 invoices, 600/s, 0:32 left");
  EXPECT_EQ(progress_text("selling", "invoices", 0, 10, 0.0), "selling: 0/10 invoices, 0/s");
  EXPECT_EQ(progress_text("auditing", "orders", 50, 0, 2.0), "auditing: 50 orders, 25/s");
}

TEST(shop_client, a_refusal_says_what_and_where) {
  const scripted_server server([](const std::string&) {
    return http(409, R"({"status":409,"code":"insufficient_stock","detail":"Not enough.",)"
                     R"("errors":[{"pointer":"/items/0","code":"insufficient_stock","detail":"3 left"}]})");
  });
  shop_client client(server.as_shop());
  try {
    client.get("/v1/thing");
    FAIL() << "it was accepted";
  } catch (const refused& error) {
    EXPECT_EQ(error.status(), 409);
    EXPECT_EQ(error.code(), "insufficient_stock");
    EXPECT_EQ(std::string(error.what()), "GET /v1/thing on " + server.as_shop().server.authority() +
                                             ": 409 insufficient_stock: Not enough. [/items/0: 3 left]");
  }
}

TEST(shop_client, nobody_there_is_unreachable) {
  shop nobody{{"127.0.0.1", 1}, {}};
  shop_client client(nobody);
  EXPECT_THROW(client.get("/v1/thing"), unreachable);
}

TEST(shop_client, requests_carry_credential_key_and_body) {
  std::string seen;
  const scripted_server server([&seen](const std::string& request) {
    seen = request;
    return http(201, "{\"id\":1}");
  });
  shop_client client(server.as_shop());
  EXPECT_EQ(integer_member(client.post("/v1/carts", "key-1", "{}"), "id"), 1);
  EXPECT_EQ(seen, "POST /v1/carts HTTP/1.1\r\nHost: " + server.as_shop().server.authority() +
                      "\r\nAuthorization: Bearer sk_test\r\nIdempotency-Key: key-1\r\nContent-Type: "
                      "application/json\r\nContent-Length: 2\r\n\r\n{}");
}

TEST(shop_client, one_connection_is_kept_and_a_closed_one_is_opened_again) {
  int requests = 0;
  const scripted_server server([&requests](const std::string&) -> std::string {
    ++requests;
    if (requests == 3) return {};  // closes an idle connection instead of answering
    return http(200, "{}", requests == 1 ? "" : "Connection: keep-alive\r\n");
  });
  shop_client client(server.as_shop());
  client.get("/1");
  client.get("/2");
  EXPECT_EQ(server.connections(), 1);
  client.get("/3");
  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(requests, 4);
}

TEST(shop_client, lists_are_followed_to_their_end) {
  const scripted_server server([](const std::string& request) {
    const std::string target = target_of(request);
    if (target == "/v1/orders?limit=2") {
      return http(200, R"({"data":[{"n":1},{"n":2}],"has_more":true,"next_cursor":"a/b"})");
    }
    EXPECT_EQ(target, "/v1/orders?limit=2&cursor=a%2Fb");
    return http(200, R"({"data":[{"n":3}],"has_more":false})");
  });
  shop_client client(server.as_shop());
  std::vector<std::int64_t> seen;
  client.for_each("/v1/orders?limit=2",
                  [&](const boost::json::object& element) { seen.push_back(integer_member(element, "n")); });
  EXPECT_EQ(seen, (std::vector<std::int64_t>{1, 2, 3}));
}

TEST(copies, at_rest_are_compared_and_others_named) {
  using verdict = cli::comparison::verdict;
  const cli::shard_copy a{"a", 7, 7, "x", {}};
  const cli::shard_copy b{"b", 7, 7, "x", {}};
  const cli::shard_copy changed{"c", 7, 7, "y", {}};
  EXPECT_EQ(cli::compare_copies("a", {a, b}).is, verdict::same);
  const auto found = cli::compare_copies("a", {changed, a, b});
  EXPECT_EQ(found.is, verdict::different);
  EXPECT_EQ(found.others, std::vector<std::string>{"c"});
  EXPECT_EQ(found.text, "at record 7 the copy of c is not that of the primary, a");
}

TEST(copies, that_do_not_stand_for_the_same_records_are_not_compared_yet) {
  using verdict = cli::comparison::verdict;
  const cli::shard_copy at_rest{"a", 7, 7, "x", {}};
  EXPECT_EQ(cli::compare_copies("a", {at_rest, {"b", 8, 8, "y", {}}}).is, verdict::not_yet);
  EXPECT_EQ(cli::compare_copies("a", {at_rest, {"b", 8, 7, "y", {}}}).is, verdict::not_yet);
  EXPECT_EQ(cli::compare_copies("a", {at_rest, {"b", 0, 0, "", "gone"}}).text, "b says nothing: gone");
  EXPECT_EQ(cli::compare_copies("", {at_rest}).is, verdict::not_yet);
}

TEST(members, of_an_object_are_its_own_and_no_copies) {
  const boost::json::object object{{"a", {{"b", 1}}}, {"totals", {{{"type", "total"}, {"amount", 5}}}}};
  EXPECT_EQ(&member(object, "a"), object.if_contains("a"));
  EXPECT_EQ(total_of(object), 5);
  EXPECT_THROW(member(object, "c"), refused);
  EXPECT_THROW(text_member(object, "a"), refused);
  EXPECT_THROW(integer_member(boost::json::value(3), "a"), refused);
}

task<void> ask_patiently(patience& patient, connection& link, std::string_view request, histogram& times,
                         int& status) {
  status = (co_await patient.send(link, request, times))->status;
}

TEST(patience, what_passes_is_repeated_with_the_same_text_until_it_is_definite) {
  std::vector<std::string> seen;
  const scripted_server server([&seen](const std::string& request) {
    seen.push_back(request);
    if (seen.size() == 1) return http(503, "{}", "Retry-After: 1\r\n");
    if (seen.size() == 2) return http(409, R"({"code":"idempotency_in_flight"})");
    if (seen.size() == 3) return http(504, R"({"code":"outcome_unknown"})");
    return http(409, R"({"code":"insufficient_stock"})");
  });
  event_loop loop;
  patience patient(loop);
  connection link(loop, server.as_shop().server);
  histogram times;
  int status = 0;
  loop.spawn(ask_patiently(patient, link, "POST / HTTP/1.1\r\nIdempotency-Key: k\r\n\r\n", times, status));
  loop.run();
  EXPECT_EQ(status, 409);
  EXPECT_EQ(seen.size(), 4u);
  EXPECT_EQ(seen.front(), seen.back());
  EXPECT_EQ(patient.repeats(), 3u);
  EXPECT_EQ(times.count(), 4u);
}

task<void> count_up(std::vector<int>& done, std::size_t index) {
  if (index == 7) throw std::runtime_error("seven");
  ++done[index];
  co_return;
}

TEST(workers, each_piece_is_done_once_and_an_exception_comes_out) {
  const shop nowhere{{"127.0.0.1", 1}, {}};
  event_loop loop;
  std::vector<int> done(7, 0);
  share_work(loop, nowhere, 3, done.size(), [&](worker&, std::size_t i) { return count_up(done, i); });
  EXPECT_EQ(done, std::vector<int>(7, 1));
  std::vector<int> more(9, 0);
  EXPECT_THROW(
      share_work(loop, nowhere, 1, more.size(), [&](worker&, std::size_t i) { return count_up(more, i); }),
      std::runtime_error);
  EXPECT_EQ(more[8], 0);
}

class books : public testing::Test {
 protected:
  audit_report run() const {
    const scripted_server server([this](const std::string& request) {
      const std::string path = target_of(request);
      if (path.starts_with("/v1/inventory/audit")) return http(200, stock);
      return http(200,
                  R"({"has_more":false,"data":[)" + (path == "/v1/test/payments" ? ledger : orders) + "]}");
    });
    shop_client client(server.as_shop());
    return audit(client, {}, scope);
  }

  /// From here on the books are what this file of the provider's says.
  void keep_ledger(const std::string& text) {
    scope.ledger_file = testing::TempDir() + "ledger";
    std::ofstream(scope.ledger_file) << text;
    ledger = "unknown to the shop";
  }
  static std::string line(const std::string& id, const std::string& status, int amount, int times = 1) {
    return R"({"at":1,"key":"pay_)" + id + R"(/charge","status":")" + status + R"(","payment_id":"pay_)" +
           id + R"(","checkout_id":"chk_)" + id + R"(","amount":)" + std::to_string(amount) +
           R"(,"charges":)" + std::to_string(times) + "}\n";
  }

  static std::string order(const std::string& id, const std::string& status, int total) {
    return R"({"id":"ord_)" + id + R"(","checkout_id":"chk_)" + id + R"(","status":")" + status +
           R"(","totals":[{"type":"total","amount":)" + std::to_string(total) + R"(,"currency":"USD"}]})";
  }
  static std::string charge(const std::string& id, const std::string& status, int amount, int times = 1) {
    return R"({"key":"pay_)" + id + R"(/charge","payment_id":"pay_)" + id + R"(","checkout_id":"chk_)" + id +
           R"(","status":")" + status + R"(","amount":)" + std::to_string(amount) + R"(,"charge_count":)" +
           std::to_string(times) + "}";
  }

  audit_scope scope;
  std::string stock = R"({"skus":2,"unbalanced":0,"open_holds":0,"data":[]})";
  std::string ledger =
      charge("1", "charged", 500) + "," + charge("2", "refunded", 700) + "," + charge("3", "declined", 900);
  std::string orders =
      order("1", "placed", 500) + "," + order("2", "canceled", 700) + "," + order("4", "placed", 0);
};

TEST_F(books, that_agree_are_fine) {
  const audit_report report = run();
  EXPECT_TRUE(report.fine()) << report.findings.front();
  EXPECT_EQ(report.skus, 2u);
  EXPECT_EQ(report.orders, 1u);
  EXPECT_EQ(report.charges, 1u);
  EXPECT_EQ(report.duplicates, 0u);
}

TEST_F(books, an_unbalanced_sku_is_found) {
  stock = R"({"skus":2,"unbalanced":1,"open_holds":0,"data":[{"sku":"a"}]})";
  EXPECT_EQ(run().findings, std::vector<std::string>{R"(stock does not balance: {"sku":"a"})"});
}

TEST_F(books, an_order_that_was_not_charged_is_found) {
  orders += "," + order("5", "placed", 100);
  EXPECT_EQ(run().findings, std::vector<std::string>{"order ord_5 over 100 was not charged"});
}

TEST_F(books, a_charge_without_a_live_order_is_found) {
  ledger = charge("1", "charged", 500) + "," + charge("2", "charged", 700);
  EXPECT_EQ(run().findings,
            std::vector<std::string>{"payment pay_2 of checkout chk_2 over 700 has no live order"});
}

TEST_F(books, a_charge_of_another_sum_is_found) {
  ledger = charge("1", "charged", 501);
  EXPECT_EQ(run().findings, std::vector<std::string>{"order ord_1 over 500 was charged 1 times, 501 in all"});
}

TEST_F(books, a_second_charge_is_found_whether_under_one_key_or_two) {
  ledger = charge("1", "charged", 500, 2);
  audit_report report = run();
  EXPECT_EQ(report.duplicates, 1u);
  EXPECT_EQ(report.findings_count, 1u);
  ledger = charge("1", "charged", 500) + "," + charge("1", "charged", 500);
  report = run();
  EXPECT_EQ(report.duplicates, 1u);
  EXPECT_EQ(report.findings_count, 1u);
}

TEST_F(books, of_a_ledger_in_a_file_the_last_word_on_a_key_counts) {
  keep_ledger(line("1", "requires_action", 500, 0) + line("2", "charged", 700) + line("1", "charged", 500) +
              line("2", "refunded", 700) + R"({"key":"pay_9/ch)");
  EXPECT_TRUE(run().fine());
  EXPECT_EQ(run().charges, 1u);
  keep_ledger(line("1", "charged", 500, 2) + line("2", "charged", 700));
  const audit_report report = run();
  EXPECT_EQ(report.charges, 2u);
  EXPECT_EQ(report.duplicates, 1u);
  EXPECT_EQ(report.findings_count, 2u);
}

TEST_F(books, a_ledger_that_is_none_is_named) {
  keep_ledger(line("1", "charged", 500) + "nonsense\n");
  try {
    run();
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(error.what(), scope.ledger_file + ":2: not a line of a ledger");
  }
  scope.ledger_file = "/nowhere/ledger";
  EXPECT_THROW(run(), std::runtime_error);
}

TEST_F(books, skus_are_asked_for_one_by_one_where_that_is_wanted) {
  scope.skus = {"a", "b"};
  stock = R"({"sku":"a","balanced":true,"holds":[]})";
  EXPECT_TRUE(run().fine());
  EXPECT_EQ(run().skus, 2u);
  stock = R"({"sku":"a","balanced":false,"holds":[]})";
  EXPECT_EQ(run().unbalanced, 2u);
}

TEST_F(books, a_second_order_of_one_checkout_is_found) {
  orders += "," + order("4", "placed", 0);
  EXPECT_EQ(run().findings, std::vector<std::string>{"checkout chk_4 has a second order ord_4"});
}

}  // namespace
}  // namespace souk::bench
