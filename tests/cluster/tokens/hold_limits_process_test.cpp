#include "tests/cluster/tokens/token_node.hpp"

#include <functional>
#include <string>

/// What one buyer may hold, at a node as a process of its own: customers by their tokens, guests by the
/// address that a trusted proxy gives them.
namespace souk::cluster_test {
namespace {

struct buyer {
  std::string fields;  ///< Of the requests' heads.
};

class hold_limits_process : public token_node {
 protected:
  hold_limits_process() {
    std::ofstream{folder / "cluster.conf", std::ios::app}
        << "http { trusted_proxies = [\"127.0.0.1\"] }\n"
        << "limits { customer { units_per_sku = 5 checkouts = 3 } guest { units_per_sku = 2 checkouts = 2 } "
           "}\n";
  }

  tests::raw_answer ask(const buyer& who, const std::string& path, const std::string& body = "{}") {
    tests::raw_client client{http};
    client.send("POST " + path + " HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n" +
                "Idempotency-Key: " + std::to_string(++asked_) + "\r\n" + who.fields +
                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    return client.read().value();
  }
  static json::value body_of(const tests::raw_answer& answer) {
    json::parse_error error;
    return json::parse(answer.body, error).value();
  }
  json::value done(const buyer& who, const std::string& path, const std::string& body) {
    auto answer = ask(who, path, body);
    if (answer.status >= 300) throw std::runtime_error(path + ": " + answer.body);
    return body_of(answer);
  }

  void open_shop() {
    start({"--test-mode"});
    std::getline(std::ifstream{folder / "data" / "admin.key"}, admin_key_);
    staff_.fields = "Authorization: Bearer " + admin_key_ + "\r\n";
    for (const std::string sku : {"TEA", "CUP"}) {
      done(staff_, "/v1/products",
           R"({"id":")" + sku + R"(","title":"A","variants":[{"sku":")" + sku +
               R"(","price":{"amount":100,"currency":"EUR"}}]})");
      done(staff_, "/v1/inventory/adjustments", R"({"sku":")" + sku + R"(","delta":90,"reason":"received"})");
    }
  }
  buyer customer(const std::string& name) {
    return {"Authorization: Bearer " + issuer.token_for(name, "", now_s()) + "\r\n"};
  }
  static buyer guest(const std::string& address) { return {"Forwarded: for=\"" + address + "\"\r\n"}; }

  tests::raw_answer open(const buyer& who, int units, const std::string& sku = "TEA",
                         const std::string& more = "") {
    const auto cart = json::text_of(done(who, "/v1/carts", R"({"currency":"EUR"})"), "id");
    done(who, "/v1/carts/" + cart + "/items",
         R"({"sku":")" + sku + R"(","quantity":)" + std::to_string(units) + "}");
    return ask(who, "/v1/checkouts", R"({"cart_id":")" + cart + R"(","cart_version":2)" + more + "}");
  }
  std::string opened(const buyer& who, int units, const std::string& sku = "TEA") {
    const auto answer = open(who, units, sku);
    EXPECT_EQ(answer.status, 201) << answer.body;
    return json::text_of(body_of(answer), "id");
  }
  /// What ends comes to the counts a moment after its answer.
  static bool becomes(const std::function<bool()>& what) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (!what())
      if (std::chrono::steady_clock::now() > until) return false;
    return true;
  }
  std::int64_t reserved() {
    const auto answer = get(http, "/v1/inventory/audit?sku=TEA", admin_key_);
    const auto audit = body_of(answer);
    EXPECT_TRUE(answer.body.find(R"("balanced":true)") != std::string::npos) << answer.body;
    return *audit.find("reserved")->as_integer();
  }

  static void expect_limit(const tests::raw_answer& answer, const std::string& errors) {
    EXPECT_EQ(answer.status, 409) << answer.body;
    EXPECT_EQ(json::text_of(body_of(answer), "code"), "hold_limit_reached") << answer.body;
    EXPECT_NE(answer.body.find(errors), std::string::npos) << answer.body;
  }

  buyer staff_;

 private:
  std::string admin_key_;
  int asked_ = 0;
};

TEST_F(hold_limits_process, a_buyer_holds_so_many_units_of_a_sku_until_they_are_given_back_or_paid) {
  open_shop();
  const auto ann = customer("ann");
  const auto first = opened(ann, 3);
  expect_limit(open(ann, 3), R"("errors":[{"pointer":"/lines/0","code":"hold_limit_reached")");
  expect_limit(open(ann, 3), R"("available":2})");
  EXPECT_TRUE(becomes([&] { return reserved() == 3; })) << "what was refused holds nothing";
  opened(ann, 5, "CUP");
  opened(customer("eve"), 5);
  done(ann, "/v1/checkouts/" + first + "/cancel", "{}");
  EXPECT_TRUE(becomes([&] { return open(ann, 5).status == 201; }));
  expect_limit(open(ann, 1), R"("available":0})");
}

TEST_F(hold_limits_process, a_buyer_has_so_many_checkouts_open) {
  open_shop();
  const auto ann = customer("ann");
  for (int i = 0; i < 2; ++i)
    opened(ann, 1);
  const auto last = opened(ann, 1);
  expect_limit(open(ann, 1, "CUP"), "So many checkouts are open already");
  EXPECT_TRUE(becomes([&] { return reserved() == 3; }));
  const std::string payment = R"({"payment":{"provider":"test","token":"tok_ok"}})";
  done(ann, "/v1/checkouts/" + last + "/complete", payment);
  EXPECT_TRUE(becomes([&] { return open(ann, 1, "CUP").status == 201; })) << "what is paid is not open";
  node.end(SIGKILL);
  start({"--test-mode"});
  expect_limit(open(ann, 1, "CUP"), "So many checkouts are open already");
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(open(staff_, 5).status, 201) << "the shop's own programs are not limited";
}

TEST_F(hold_limits_process, guests_are_known_by_their_address_alone) {
  open_shop();
  const auto here = guest("192.0.2.1");
  opened(here, 2);
  expect_limit(open(here, 1), R"("available":0})");
  opened(guest("192.0.2.2"), 2);
  EXPECT_TRUE(becomes([&] { return open(here, 2, "CUP").status == 201; }));
  expect_limit(open(here, 1, "CUP"), "So many checkouts are open already");
  opened(guest("[2001:db8::1]"), 2);
  expect_limit(open(guest("[2001:db8::ffff]"), 1), R"("available":0})");
  opened(guest("[2001:db8:0:1::1]"), 2);
  auto ann = customer("ann");
  ann.fields += here.fields;
  opened(ann, 5);
  // Nothing on the disk says from where.
  EXPECT_EQ(node.end(SIGTERM), 0);
  for (const auto& entry : std::filesystem::recursive_directory_iterator{folder / "data"}) {
    if (!entry.is_regular_file()) continue;
    std::ifstream in{entry.path(), std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
    for (const auto* address : {"192.0.2.1", "192.0.2.2", "2001:db8:"})
      EXPECT_EQ(bytes.find(address), std::string::npos) << entry.path() << " says " << address;
  }
}

}  // namespace
}  // namespace souk::cluster_test
