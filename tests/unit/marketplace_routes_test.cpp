#include "actors/kinds.hpp"
#include "actors/marketplace/customer.pb.h"
#include "actors/marketplace/market.pb.h"
#include "actors/marketplace/routes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <variant>

namespace souk::marketplace {
namespace {

using ::testing::HasSubstr;

std::variant<plan, runtime::answer> plan_of(std::string method, std::string path, std::string body = {}) {
  gateway::http_request request;
  request.method = std::move(method);
  request.path = std::move(path);
  request.body = std::move(body);
  return marketplace::plan_of(request, "main");
}

/// What the one question of a request asks.
template <class Command>
Command command_of(const std::variant<plan, runtime::answer>& planned) {
  const auto& questions = std::get<plan>(planned);
  EXPECT_EQ(questions.size(), 1u);
  return dynamic_cast<const Command&>(*questions.at(0).command);
}

constexpr std::string_view checkout_body =
    R"({"CustomerId":12,"FirstName":"A","PaymentType":"DEBIT_CARD","Installments":0,"instanceId":"7"})";

TEST(marketplace_routes, finds_fields_without_regard_to_case) {
  const std::string rest = R"(,"quantity":3,"voucher":0.5,)";
  for (const std::string& body :
       {R"({"SellerId":1,"ProductId":2,"UnitPrice":9.5,"FreightValue":1)" + rest + R"("Version":"0"})",
        R"({"seller_id":1,"product_id":2,"unit_price":9.5,"freight_value":1)" + rest + R"("version":0})",
        R"({"sellerid":1,"PRODUCTID":2,"unitPrice":9.5,"freightValue":1)" + rest +
            R"("version":"0","x":[{}]})"}) {
    const auto planned = plan_of("PATCH", "/cart/12/add", body);
    const auto item = command_of<pb::CustomerCommand>(planned).add();
    EXPECT_EQ(std::get<plan>(planned)[0].to, (runtime::address{"main", kinds::marketplace_customer, "12"}));
    EXPECT_EQ(item.seller_id(), 1u);
    EXPECT_EQ(item.product_id(), 2u);
    EXPECT_EQ(item.unit_price(), 9'500'000);
    EXPECT_EQ(item.freight(), 1'000'000);
    EXPECT_EQ(item.quantity(), 3u);
    EXPECT_EQ(item.voucher(), 500'000);
    EXPECT_EQ(item.version(), "0");
  }
}

TEST(marketplace_routes, knows_the_calls_of_the_contract) {
  const std::string product =
      R"({"seller_id":1,"product_id":2,"name":"n","price":1.5,"freight_value":0,"version":"4","status":"approved"})";
  struct {
    std::string method;
    std::string path;
    std::string body;
    int command;  // its number in the oneof
    bool market;
    bool reads;
  } const cases[] = {
      {"POST", "/seller", R"({"id":1,"name":"s"})", pb::MarketCommand::kPutSeller, true, false},
      {"POST", "/customer", R"({"id":1,"first_name":"c"})", pb::CustomerCommand::kRegister, false, false},
      {"POST", "/product", product, pb::MarketCommand::kPutProduct, true, false},
      {"PUT", "/product", product, pb::MarketCommand::kReplaceProduct, true, false},
      {"PATCH", "/product", R"({"sellerId":1,"productId":2,"price":3,"version":"0","instanceId":"9"})",
       pb::MarketCommand::kChangePrice, true, false},
      {"POST", "/stock", R"({"seller_id":1,"product_id":2,"qty_available":10,"version":"0"})",
       pb::MarketCommand::kPutStock, true, false},
      {"POST", "/cart/12/checkout", std::string{checkout_body}, pb::CustomerCommand::kCheckout, false, false},
      {"PATCH", "/cart/12/seal", "", pb::CustomerCommand::kSeal, false, false},
      {"PATCH", "/shipment/1-7", "", pb::MarketCommand::kDeliver, true, false},
      {"PATCH", "/reset", "", pb::MarketCommand::kForget, true, false},
      {"PATCH", "/cleanup", "", pb::MarketCommand::kForget, true, false},
      {"GET", "/seller/dashboard/3", "", pb::MarketCommand::kRead, true, true},
      {"GET", "/seller/3", "", pb::MarketCommand::kRead, true, true},
      {"GET", "/product/3/4", "", pb::MarketCommand::kRead, true, true},
      {"GET", "/stock/3/4", "", pb::MarketCommand::kRead, true, true},
      {"GET", "/order/3", "", pb::MarketCommand::kRead, true, true},
      {"GET", "/shipment/3/4", "", pb::MarketCommand::kRead, true, true},
      {"GET", "/cart/3", "", pb::CustomerCommand::kRead, false, true},
      {"GET", "/cart/3/history/1-7", "", pb::CustomerCommand::kRead, false, true},
      {"GET", "/payment/3/4", "", pb::CustomerCommand::kRead, false, true},
  };
  for (const auto& test : cases) {
    const auto planned = plan_of(test.method, test.path, test.body);
    ASSERT_TRUE(std::holds_alternative<plan>(planned)) << test.method << " " << test.path;
    const auto& question = std::get<plan>(planned).at(0);
    EXPECT_EQ(question.to.kind == kinds::market, test.market) << test.path;
    EXPECT_EQ(question.read_only, test.reads) << test.path;
    const int command = test.market ? static_cast<int>(command_of<pb::MarketCommand>(planned).of_case())
                                    : static_cast<int>(command_of<pb::CustomerCommand>(planned).of_case());
    EXPECT_EQ(command, test.command) << test.method << " " << test.path;
  }
  EXPECT_EQ(std::get<plan>(plan_of("GET", "/customer/3")).size(), 2u)
      << "the profile, and the market's counters";
}

TEST(marketplace_routes, says_what_is_wrong_and_where) {
  const auto item = [](const std::string& more) {
    return R"({"SellerId":1,"ProductId":2,"UnitPrice":1,"Quantity":1,"Version":"0",)" + more + "}";
  };
  struct {
    std::string method;
    std::string path;
    std::string body;
    int status;
    std::string says;
  } const cases[] = {
      {"GET", "/", "", 404, "nothing here"},
      {"GET", "/nowhere", "", 404, "nothing here"},
      {"GET", "/cart/abc", "", 404, "nothing here"},
      {"GET", "/cart/01", "", 404, "nothing here"},
      {"GET", "/cart/0", "", 404, "nothing here"},
      {"GET", "/cart/4294967296", "", 404, "nothing here"},
      {"GET", "/product/1", "", 404, "nothing here"},
      {"PUT", "/cart/1/add", "", 405, "method"},
      {"POST", "/cart/1/seal", "", 405, "method"},
      {"GET", "/reset", "", 405, "method"},
      {"POST", "/seller", "{", 400, "no JSON"},
      {"POST", "/seller", "[]", 400, "no JSON object"},
      {"POST", "/seller", "{}", 400, "id is missing"},
      {"POST", "/seller", R"({"id":0})", 400, "id must be a whole number from 1"},
      {"POST", "/seller", R"({"id":1,"name":{}})", 400, "name must be a text"},
      {"POST", "/seller", R"({"id":1,"name":")" + std::string(2000, 'x') + "\"}", 400, "name must be a text"},
      {"PATCH", "/cart/1/add", item(R"("Voucher":-1)"), 400, "voucher must be a number"},
      {"PATCH", "/cart/1/add", item(R"("Voucher":"1")"), 400, "voucher must be a number"},
      {"PATCH", "/cart/1/add", R"({"SellerId":1,"Quantity":0})", 405, "quantity"},
      {"PATCH", "/cart/1/add", R"({"SellerId":1,"Quantity":2000000})", 400, "productid is missing"},
      {"POST", "/cart/1/checkout", std::string{checkout_body}, 405, "customerid"},
      {"POST", "/cart/12/checkout", R"({"CustomerId":12,"PaymentType":"BOLETO"})", 400,
       "instanceid is missing"},
      {"POST", "/cart/12/checkout", R"({"CustomerId":12,"PaymentType":"CASH","instanceId":1})", 400,
       "paymenttype"},
      {"PATCH", "/product", R"({"sellerId":1,"productId":2,"version":"0"})", 400, "price is missing"},
  };
  for (const auto& test : cases) {
    const auto planned = plan_of(test.method, test.path, test.body);
    ASSERT_TRUE(std::holds_alternative<runtime::answer>(planned))
        << test.method << " " << test.path << test.body;
    EXPECT_EQ(std::get<runtime::answer>(planned).status, test.status) << test.path << test.body;
    EXPECT_THAT(std::get<runtime::answer>(planned).body, HasSubstr(test.says)) << test.path << test.body;
  }
}

}  // namespace
}  // namespace souk::marketplace
