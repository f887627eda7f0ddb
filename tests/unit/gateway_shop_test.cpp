#include "actors/cart/cart.pb.h"
#include "actors/checkout/checkout.pb.h"
#include "actors/kinds.hpp"
#include "actors/order/order.pb.h"
#include "actors/stock/stock.pb.h"
#include "tests/unit/gateway_bench.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace souk::gateway {
namespace {

using testing::id;
using testing::part;
using testing::request;

/// What shoppers do: browse, fill carts, check out, look at orders.
class gateway_shop : public testing::bench {
 protected:
  static request post(std::string path, std::string body,
                      std::vector<std::pair<std::string, std::string>> more = {}) {
    request request{
        .method = "POST", .path = std::move(path), .fields = std::move(more), .body = std::move(body)};
    request.fields.push_back(json());
    return request;
  }
  std::string checkout_body(const std::string& more = "") const {
    return R"({"cart_id":")" + id("crt_") + R"(","cart_version":3)" + more + "}";
  }
  std::string value_at(const runtime::answer& answer, std::string_view name) const {
    json::parse_error error;
    auto body = json::parse(answer.body, error);
    const json::value* found = body ? body->find(name) : nullptr;
    return found == nullptr ? "" : json::canonical(*found);
  }
};

TEST_F(gateway_shop, a_cart_is_created_where_its_id_says) {
  ask ask = ask_of(post("/v1/carts", R"({"currency":"EUR","customer_id":"c1"})"));
  const auto& create = command_of<cart::pb::Command>(ask).create();
  EXPECT_TRUE(create.cart_id().ends_with(question_of(ask).to.key));
  EXPECT_EQ(question_of(ask).to.kind, kinds::cart);
  EXPECT_TRUE(question_of(ask).keyed);
  EXPECT_EQ(create.currency(), "EUR");
  EXPECT_EQ(create.customer_id(), "c1");
}

TEST_F(gateway_shop, a_keyed_create_goes_to_the_same_cart_again) {
  auto request = post("/v1/carts", R"({"currency":"EUR"})", {key()});
  EXPECT_EQ(question_of(ask_of(request)).to, question_of(ask_of(request)).to);
}

TEST_F(gateway_shop, a_cart_is_read_by_its_unguessable_part) {
  ask ask = ask_of({.path = "/v1/carts/" + id("crt_"), .fields = {{"if-none-match", "\"3\""}}});
  EXPECT_EQ(question_of(ask).to.key, part);
  EXPECT_TRUE(question_of(ask).read_only);
  EXPECT_EQ(command_of<cart::pb::Command>(ask).read().if_none_match(), "\"3\"");
}

TEST_F(gateway_shop, a_condition_of_other_bytes_reaches_any_shard) {
  const std::string cart = "/v1/carts/" + id("crt_");
  const ask read = ask_of({.path = cart, .fields = {{"if-none-match", "\"\xff\""}}});
  const ask add =
      ask_of(post(cart + "/items", R"({"sku":"T","quantity":2})", {{"if-match", "\"gr\xfcn\", \"4\""}}));
  EXPECT_EQ(command_of<cart::pb::Command>(add).add_items().if_match(), "\"gr?n\", \"4\"");
  for (const ask* asked : {&read, &add})
    EXPECT_TRUE(cart::pb::Command{}.ParseFromString(question_of(*asked).command->SerializeAsString()));
}

TEST_F(gateway_shop, what_is_no_id_is_not_found) {
  for (const char* path : {"/v1/carts/x", "/v1/carts/chk_01JD000000ABCDEFGHJKMNPQRSTVWX", "/v1/checkouts/x",
                           "/v1/orders/x", "/v1/products/a%20b", "/v1/variants/%C3%A9", "/v1/carts/.."})
    EXPECT_EQ(problem_of({.path = path}), "404 not_found") << path;
  EXPECT_EQ(problem_of(post("/v1/carts/x/items", R"({"sku":"T","quantity":1})")), "404 not_found");
  EXPECT_EQ(problem_of(post("/v1/checkouts/x/complete", "{}", {key()})), "404 not_found");
  EXPECT_EQ(problem_of(post("/v1/checkouts/x/cancel", "{}")), "404 not_found");
  EXPECT_EQ(problem_of(post("/v1/test/payments/x/authenticate", "{}")), "404 not_found");
}

TEST_F(gateway_shop, items_are_added_with_what_the_client_prefers) {
  auto request = post("/v1/carts/" + id("crt_") + "/items", R"({"sku":"T","quantity":2})",
                      {{"prefer", "return=minimal"}, {"if-match", "\"4\""}});
  ask ask = ask_of(request);
  const auto& add = command_of<cart::pb::Command>(ask).add_items();
  EXPECT_TRUE(add.minimal());
  EXPECT_TRUE(add.single());
  EXPECT_EQ(add.if_match(), "\"4\"");
  done applied = std::get<done>(ask.then({answered(200, "{}")}));
  EXPECT_EQ(applied.fields, (header_fields{{"Preference-Applied", "return=minimal"}}));
  EXPECT_TRUE(std::get<done>(ask.then({answered(409, "{}")})).fields.empty());
}

TEST_F(gateway_shop, the_stocks_of_skus_that_the_cart_does_not_know_are_asked) {
  ask first = ask_of(post("/v1/carts/" + id("crt_") + "/items",
                          R"({"items":[{"sku":"N","quantity":2},{"sku":"O","quantity":1}]})"));
  auto unknown = std::make_shared<cart::pb::UnknownSkus>();
  unknown->add_skus("N");
  unknown->add_skus("O");
  ask stocks = ask_in(first.then({answered(404, "", unknown)}));
  ASSERT_EQ(stocks.questions.size(), 2U);
  EXPECT_EQ(question_of(stocks).to, (runtime::address{"main", kinds::stock, "N"}));
  EXPECT_FALSE(question_of(stocks).keyed);
  EXPECT_TRUE(command_of<stock::pb::Command>(stocks).has_read_offer());

  auto offer = std::make_shared<stock::pb::Offer>();
  offer->set_title("New");
  offer->mutable_price()->set_amount(5);
  offer->set_for_sale(true);
  ask again = ask_in(stocks.then({answered(200, "", offer), answered(200, "")}));
  EXPECT_EQ(question_of(again).to, question_of(first).to);
  EXPECT_TRUE(question_of(again).keyed);
  const auto& add = command_of<cart::pb::Command>(again).add_items();
  EXPECT_EQ(add.items_size(), 2);
  EXPECT_TRUE(add.stocks_asked());
  ASSERT_EQ(add.offers_size(), 1) << "a stock without an offer has nothing to say";
  EXPECT_EQ(add.offers(0).sku(), "N");
  EXPECT_EQ(add.offers(0).title(), "New");
  EXPECT_EQ(add.offers(0).price().amount(), 5);
  EXPECT_TRUE(add.offers(0).for_sale());
  EXPECT_EQ(answer_in(again.then({answered(422, "no")})).body, "no");
}

TEST_F(gateway_shop, only_staff_quote_prices) {
  std::string path = "/v1/carts/" + id("crt_") + "/items";
  std::string body = R"({"sku":"T","quantity":2,"unit_price":{"amount":1,"currency":"EUR"}})";
  EXPECT_EQ(problem_of(post(path, body)), "403 insufficient_scope");
  EXPECT_EQ(command_of<cart::pb::Command>(ask_of(post(path, body, {staff()})))
                .add_items()
                .items(0)
                .quoted_price()
                .amount(),
            1);
}

TEST_F(gateway_shop, a_line_is_changed_or_removed) {
  std::string path = "/v1/carts/" + id("crt_") + "/items/ln_2";
  auto patch = post(path, R"({"quantity":5})");
  patch.method = "PATCH";
  auto change = command_of<cart::pb::Command>(ask_of(patch)).set_quantity();
  EXPECT_EQ(change.line_id(), "ln_2");
  EXPECT_EQ(change.quantity(), 5);
  auto removal = command_of<cart::pb::Command>(ask_of({.method = "DELETE", .path = path})).set_quantity();
  EXPECT_EQ(removal.quantity(), 0);
}

TEST_F(gateway_shop, a_checkout_reads_the_cart_and_brings_it_along) {
  ask first = ask_of(
      post("/v1/checkouts", checkout_body(R"(,"payment":{"provider":"test","token":"tok_ok"})"), {key()}));
  EXPECT_EQ(question_of(first).to, (runtime::address{"main", kinds::cart, std::string{part}}));
  EXPECT_TRUE(command_of<cart::pb::Command>(first).read().snapshot());
  EXPECT_FALSE(question_of(first).keyed) << "the key belongs to the checkout";

  auto snapshot = std::make_shared<cart::pb::Snapshot>();
  snapshot->set_version(3);
  snapshot->add_lines()->set_sku("T");
  ask second = ask_in(first.then({answered(200, "", snapshot)}));
  EXPECT_TRUE(question_of(second).keyed);
  const auto& create = command_of<checkout::pb::Command>(second).create();
  EXPECT_TRUE(create.checkout_id().ends_with(question_of(second).to.key));
  EXPECT_EQ(create.cart_key(), part);
  EXPECT_EQ(create.cart_version(), 3u);
  EXPECT_EQ(create.cart().lines(0).sku(), "T");
  EXPECT_EQ(create.payment().token(), "tok_ok");

  done replayed = [&] {
    reply again = answered(201, "first");
    again.outcome = runtime::outcome::replayed;
    return std::get<done>(second.then({again}));
  }();
  EXPECT_TRUE(replayed.replayed);
  EXPECT_EQ(replayed.answer.body, "first");
}

TEST_F(gateway_shop, a_checkout_says_whose_holds_are_limited) {
  const auto buyer_of = [&](std::optional<keyring::credential> as, const std::string& client) {
    auto sent = http(post("/v1/checkouts", checkout_body(), {key()}));
    sent->client = client;
    auto taken = take_up(sent, services_, std::move(as));
    const auto call = std::get<gateway::call>(std::move(taken));
    ask first = ask_in(call.route->handle(call, services_));
    ask second = ask_in(first.then({answered(200, "", std::make_shared<cart::pb::Snapshot>())}));
    return command_of<checkout::pb::Command>(second).create().buyer();
  };
  const auto customer = [](const std::string& name, const std::string& tenant = "main") {
    return keyring::credential{.id = "sub:" + name, .scopes = {}, .customer = name, .tenant = tenant};
  };
  const keyring::credential publishable{.id = "pk", .scopes = {}, .publishable = true};
  const keyring::credential secret{.id = "sk", .scopes = {}};
  EXPECT_EQ(buyer_of(customer("ann"), "192.0.2.1").key(), "") << "nobody is limited if nothing is said";

  services_.hold_limits = {.customer = {.units_per_sku = 5, .checkouts = 2}, .guest = {.checkouts = 9}};
  const auto ann = buyer_of(customer("ann"), "192.0.2.1");
  EXPECT_EQ(ann.units_per_sku_max(), 5);
  EXPECT_EQ(ann.checkouts_max(), 2u);
  EXPECT_EQ(ann.key().size(), 20u);
  EXPECT_EQ(ann.key(), buyer_of(customer("ann"), "192.0.2.2").key()) << "wherever she is";
  const auto guest = buyer_of(std::nullopt, "192.0.2.1");
  EXPECT_EQ(guest.units_per_sku_max(), 0);
  EXPECT_EQ(guest.checkouts_max(), 9u);
  EXPECT_EQ(guest.key(), buyer_of(publishable, "192.0.2.1").key()) << "a publishable key is everybody's";
  std::set<std::string> keys{ann.key(), guest.key()};
  for (const auto& [as, client] : std::vector<std::pair<std::optional<keyring::credential>, std::string>>{
           {customer("eve"), "192.0.2.1"},
           {customer("ann", "other"), "192.0.2.1"},
           {customer("192.0.2.1"), ""},
           {std::nullopt, "192.0.2.2"},
           {std::nullopt, "2001:db8::/64"}})
    EXPECT_TRUE(keys.insert(buyer_of(as, client).key()).second) << client;
  EXPECT_EQ(buyer_of(secret, "192.0.2.1").key(), "") << "the shop's own programs buy for many";
  EXPECT_EQ(buyer_of(std::nullopt, "").key(), "") << "from within";
  services_.secret = std::string(32, 't');
  EXPECT_NE(buyer_of(std::nullopt, "192.0.2.1").key(), guest.key()) << "who lacks the secret cannot tell";
  services_.hold_limits.guest = {};
  EXPECT_EQ(buyer_of(std::nullopt, "192.0.2.1").key(), "");
}

TEST_F(gateway_shop, a_checkout_of_no_cart_is_what_the_cart_says) {
  ask first = ask_of(post("/v1/checkouts", checkout_body(), {key()}));
  EXPECT_EQ(answer_in(first.then({answered(404, "no cart")})).status, 404);
  EXPECT_EQ(problem_of(post("/v1/checkouts", R"({"cart_id":"crt_1","cart_version":1})", {key()})),
            "404 not_found");
}

TEST_F(gateway_shop, a_checkout_needs_a_cart_version) {
  EXPECT_EQ(problem_of(post("/v1/checkouts", R"({"cart_id":"crt_1"})", {key()})),
            "428 precondition_required");
}

TEST_F(gateway_shop, a_checkout_is_completed_cancelled_and_read) {
  std::string path = "/v1/checkouts/" + id("chk_");
  auto completed =
      ask_of(post(path + "/complete", R"({"payment":{"provider":"test","token":"tok_3ds"}})", {key()}));
  EXPECT_EQ(command_of<checkout::pb::Command>(completed).complete().payment().token(), "tok_3ds");
  EXPECT_EQ(question_of(completed).to.kind, kinds::checkout);
  EXPECT_FALSE(command_of<checkout::pb::Command>(ask_of(post(path + "/complete", "{}", {key()})))
                   .complete()
                   .has_payment());
  EXPECT_TRUE(
      command_of<checkout::pb::Command>(ask_of({.method = "POST", .path = path + "/cancel"})).has_cancel());
  EXPECT_TRUE(command_of<checkout::pb::Command>(ask_of({.path = path})).has_read());
}

TEST_F(gateway_shop, an_order_is_read_by_whoever_knows_its_id) {
  ask ask = ask_of({.path = "/v1/orders/" + id("ord_")});
  EXPECT_EQ(question_of(ask).to, (runtime::address{"main", kinds::order, std::string{part}}));
  EXPECT_TRUE(command_of<order::pb::Command>(ask).has_read());
}

TEST_F(gateway_shop, a_variant_shows_its_price_and_what_is_there) {
  catalogue::variant_view tea;
  tea.sku = "T 1";
  tea.product_id = "prd_1";
  tea.title = "Tea";
  tea.options_json = R"({"weight":"50 g"})";
  tea.price.set_amount(250);
  tea.price.set_currency("EUR");
  tea.for_sale = true;
  tea.product_version = 7;
  catalogue_->variants.push_back(tea);
  ask ask = ask_of({.path = "/v1/variants/T%201"});
  EXPECT_TRUE(command_of<stock::pb::Command>(ask).has_read());
  auto level = std::make_shared<stock::pb::Level>();
  level->set_available(12);
  done shown = std::get<done>(ask.then({answered(200, "", level)}));
  EXPECT_EQ(value_at(shown.answer, "availability"), R"({"available":12})");
  EXPECT_EQ(value_at(shown.answer, "price"), R"({"amount":250,"currency":"EUR"})");
  EXPECT_TRUE(shown.answer.etag.starts_with("\"7-"));

  level->set_available(11);
  EXPECT_NE(std::get<done>(ask.then({answered(200, "", level)})).answer.etag, shown.answer.etag);
  level->set_available(12);
  gateway::ask again =
      ask_of({.path = "/v1/variants/T%201", .fields = {{"if-none-match", shown.answer.etag}}});
  EXPECT_EQ(answer_in(again.then({answered(200, "", level)})).status, 304);
  EXPECT_EQ(value_at(answer_in(ask.then({answered(404, "{}")})), "availability"), R"({"available":0})");
}

TEST_F(gateway_shop, a_variant_that_is_not_for_sale_is_for_staff_only) {
  catalogue::variant_view draft;
  draft.sku = "T";
  catalogue_->variants.push_back(draft);
  EXPECT_EQ(problem_of({.path = "/v1/variants/T"}), "404 not_found");
  EXPECT_EQ(problem_of({.path = "/v1/variants/U"}), "404 not_found");
  ask_of({.path = "/v1/variants/T", .fields = {staff()}});
}

TEST_F(gateway_shop, products_are_listed_page_by_page) {
  for (int i = 1; i <= 5; ++i)
    catalogue_->add_product("prd_" + std::to_string(i), "Tea " + std::to_string(i));
  catalogue_->add_product("prd_6", "Draft", "draft");
  std::string cursor;
  std::string seen;
  for (int pages = 0; pages < 3; ++pages) {
    auto answer = answer_of({.path = "/v1/products", .query = "limit=2" + cursor});
    json::parse_error error;
    auto body = *json::parse(answer.body, error);
    for (const auto& product : *body.find("data")->as_array())
      seen += *product.find("title")->as_string() + " ";
    if (*body.find("has_more")->as_boolean())
      cursor = "&cursor=" + *body.find("next_cursor")->as_string();
    else
      EXPECT_EQ(pages, 2);
  }
  EXPECT_EQ(seen, "Tea 1 Tea 2 Tea 3 Tea 4 Tea 5 ");
  EXPECT_EQ(problem_of({.path = "/v1/products", .query = "category=x" + cursor}), "400 invalid_cursor");
  auto all = answer_of({.path = "/v1/products", .fields = {staff()}});
  EXPECT_NE(all.body.find("Draft"), std::string::npos);
}

TEST_F(gateway_shop, a_search_needs_something_to_search_for) {
  catalogue_->add_product("prd_1", "Saffron threads");
  EXPECT_NE(answer_of({.path = "/v1/search", .query = "q=Saff"}).body.find("Saffron"), std::string::npos);
  EXPECT_EQ(problem_of({.path = "/v1/search"}), "422 validation_failed");
  EXPECT_EQ(problem_of({.path = "/v1/search", .query = "q="}), "422 validation_failed");
}

}  // namespace
}  // namespace souk::gateway
