#include "actors/keyring/keyring.pb.h"
#include "actors/kinds.hpp"
#include "actors/order/order.pb.h"
#include "actors/product/product.pb.h"
#include "actors/stock/stock.hpp"
#include "tests/unit/gateway_bench.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace souk::gateway {
namespace {

using testing::id;
using testing::part;
using testing::request;

/// What the shop's staff do: products, stock, orders, keys; and what testers do.
class gateway_staff : public testing::bench {
 protected:
  request post(std::string path, std::string body,
               std::vector<std::pair<std::string, std::string>> more = {}) const {
    request request{
        .method = "POST", .path = std::move(path), .fields = std::move(more), .body = std::move(body)};
    request.fields.push_back(json());
    request.fields.push_back(staff());
    return request;
  }
  request get(std::string path, std::string query = "") const {
    return {.path = std::move(path), .query = std::move(query), .fields = {staff()}};
  }
  static reply page_of(std::vector<std::pair<std::string, std::string>> rows, bool more = false) {
    reply reply;
    reply.rows = std::move(rows);
    reply.more = more;
    return reply;
  }
  static const page_question& page_in(const ask& ask, std::size_t position = 0) {
    return std::get<page_question>(ask.questions.at(position));
  }
  static std::string text_of(const json::value& body, std::string_view name) {
    return body.find(name) == nullptr ? "" : json::canonical(*body.find(name));
  }
  static json::value body_of(const step& step) {
    json::parse_error error;
    return json::parse(answer_in(step).body, error).value_or(json::value{});
  }

  const std::string product_ =
      R"({"title":"Tea","variants":[{"sku":"T","price":{"amount":1,"currency":"EUR"}}]})";
};

TEST_F(gateway_staff, a_product_is_created_under_a_new_id_or_its_own) {
  ask made = ask_of(post("/v1/products", product_));
  const auto& product = command_of<product::pb::Command>(made).create().product();
  EXPECT_TRUE(product.id().starts_with("prd_"));
  EXPECT_EQ(question_of(made).to.kind, kinds::product);
  EXPECT_TRUE(question_of(made).keyed);
  ask own = ask_of(post("/v1/products", R"({"id":"prd_tea",)" + product_.substr(1)));
  EXPECT_EQ(command_of<product::pb::Command>(own).create().product().id(), "prd_tea");
}

TEST_F(gateway_staff, a_keyed_product_meets_its_first) {
  auto request = post("/v1/products", product_, {key()});
  EXPECT_EQ(question_of(ask_of(request)).to, question_of(ask_of(request)).to);
}

TEST_F(gateway_staff, a_product_is_replaced_only_at_a_version) {
  request put = post("/v1/products/prd_tea", product_);
  put.method = "PUT";
  EXPECT_EQ(problem_of(put), "428 precondition_required");
  put.fields.emplace_back("if-match", "\"2\"");
  ask ask = ask_of(put);
  EXPECT_EQ(command_of<product::pb::Command>(ask).replace().if_match(), "\"2\"");
  EXPECT_EQ(command_of<product::pb::Command>(ask).replace().product().id(), "prd_tea");
  put.body = R"({"id":"prd_coffee",)" + product_.substr(1);
  EXPECT_EQ(problem_of(put), "422 validation_failed");
}

TEST_F(gateway_staff, stock_is_adjusted_where_it_lies) {
  ask ask = ask_of(post("/v1/inventory/adjustments",
                        R"({"sku":"T","location":"north","delta":5,"reason":"received","reference":"R1"})"));
  EXPECT_EQ(question_of(ask).to, stock::address_of("main", "T", "north"));
  const auto& adjust = command_of<stock::pb::Command>(ask).adjust();
  EXPECT_EQ(adjust.delta(), 5);
  EXPECT_TRUE(adjust.movement_id().starts_with("mov_"));
}

TEST_F(gateway_staff, levels_are_those_of_all_locations) {
  ask first = ask_of(get("/v1/inventory/levels", "sku=T"));
  ASSERT_EQ(first.questions.size(), services_.shard_count);
  EXPECT_EQ(page_in(first).after, "T@");
  std::vector<reply> pages(services_.shard_count);
  pages[3] = page_of({{stock::key_of("T", "north"), ""}, {stock::key_of("U"), ""}});
  ask second = ask_in(first.then(pages));
  ASSERT_EQ(second.questions.size(), 2u);
  EXPECT_EQ(question_of(second, 0).to, stock::address_of("main", "T"));
  EXPECT_EQ(question_of(second, 1).to, stock::address_of("main", "T", "north"));
  auto level = std::make_shared<stock::pb::Level>();
  level->set_sku("T");
  level->set_location("north");
  level->set_version(4);
  level->set_on_hand(9);
  auto body = body_of(second.then({answered(404, "{}"), answered(200, "", level)}));
  EXPECT_EQ(body.find("data")->as_array()->size(), 1u);
  EXPECT_EQ(text_of(body.find("data")->as_array()->at(0), "on_hand"), "9");
}

TEST_F(gateway_staff, the_ledger_is_shown_newest_first_and_page_by_page) {
  ask ask = ask_of(get("/v1/inventory/movements", "sku=T&limit=2"));
  EXPECT_EQ(page_in(ask).index, stock::movements_index("T"));
  EXPECT_TRUE(page_in(ask).descending);
  EXPECT_EQ(page_in(ask).limit, 2u);
  auto body = body_of(ask.then({page_of({{"0009", R"({"id":"b"})"}, {"0008", R"({"id":"a"})"}}, true)}));
  EXPECT_EQ(text_of(body, "data"), R"([{"id":"b"},{"id":"a"}])");
  gateway::ask next =
      ask_of(get("/v1/inventory/movements", "sku=T&cursor=" + *body.find("next_cursor")->as_string()));
  EXPECT_EQ(page_in(next).after, "0008");
  EXPECT_EQ(
      problem_of(get("/v1/inventory/movements", "sku=U&cursor=" + *body.find("next_cursor")->as_string())),
      "400 invalid_cursor");
}

TEST_F(gateway_staff, inventory_lists_need_a_sku) {
  for (const char* path : {"/v1/inventory/levels", "/v1/inventory/movements"})
    EXPECT_EQ(problem_of(get(path)), "422 validation_failed") << path;
  EXPECT_EQ(problem_of(get("/v1/inventory/audit", "sku=")), "422 validation_failed");
}

TEST_F(gateway_staff, an_audit_adds_up_all_stocks_of_all_shards) {
  services_.shard_count = 2;
  auto figures = [](const std::string& sku, bool balanced, int holds) {
    auto audit = std::make_shared<stock::pb::AuditFigures>();
    audit->set_sku(sku);
    audit->set_balanced(balanced);
    for (int i = 0; i < holds; ++i)
      audit->add_holds();
    return answered(200, "", audit);
  };
  ask pages = ask_of(get("/v1/inventory/audit"));
  EXPECT_EQ(page_in(pages).shard, 0);
  ask audits = ask_in(pages.then({page_of({{"A", ""}, {"B", ""}}, true)}));
  EXPECT_EQ(audits.questions.size(), 2u);
  EXPECT_TRUE(command_of<stock::pb::Command>(audits).has_audit());
  ask more = ask_in(audits.then({figures("A", true, 1), figures("B", false, 2)}));
  EXPECT_EQ(page_in(more).shard, 0);
  EXPECT_EQ(page_in(more).after, "B");
  ask rest = ask_in(more.then({page_of({{"C", ""}})}));
  ask next_shard = ask_in(rest.then({figures("C", true, 0)}));
  EXPECT_EQ(page_in(next_shard).shard, 1);
  EXPECT_EQ(page_in(next_shard).after, "");
  ask empty = ask_in(next_shard.then({page_of({})}));
  EXPECT_TRUE(empty.questions.empty());
  auto body = body_of(empty.then({}));
  EXPECT_EQ(text_of(body, "skus"), "3");
  EXPECT_EQ(text_of(body, "unbalanced"), "1");
  EXPECT_EQ(text_of(body, "open_holds"), "3");
  EXPECT_EQ(text_of(body.find("data")->as_array()->at(0), "sku"), "\"B\"");
}

TEST_F(gateway_staff, an_audit_of_one_sku_adds_up_its_locations) {
  ask pages = ask_of(get("/v1/inventory/audit", "sku=T"));
  std::vector<reply> found(services_.shard_count);
  found[0] = page_of({{stock::key_of("T", "north"), ""}});
  ask audits = ask_in(pages.then(found));
  auto audit = std::make_shared<stock::pb::AuditFigures>();
  audit->set_received(5);
  audit->set_on_hand(5);
  audit->set_balanced(true);
  auto body = body_of(audits.then({answered(200, "", audit), answered(200, "", audit)}));
  EXPECT_EQ(text_of(body, "received"), "10");
  EXPECT_EQ(text_of(body, "balanced"), "true");
  EXPECT_EQ(text_of(body, "sku"), "\"T\"");
}

TEST_F(gateway_staff, orders_are_listed_newest_first_over_all_shards) {
  services_.shard_count = 2;
  ask pages = ask_of(get("/v1/orders", "limit=2"));
  ASSERT_EQ(pages.questions.size(), 2u);
  EXPECT_EQ(page_in(pages, 1).shard, 1);
  EXPECT_TRUE(page_in(pages).descending);
  ask orders = ask_in(pages.then({page_of({{"ord_3", "K3"}, {"ord_1", "K1"}}), page_of({{"ord_2", "K2"}})}));
  ASSERT_EQ(orders.questions.size(), 2u);
  EXPECT_EQ(question_of(orders, 0).to.key, "K3");
  EXPECT_EQ(question_of(orders, 1).to.key, "K2");
  auto body = body_of(orders.then({answered(200, R"({"id":"ord_3"})"), answered(200, R"({"id":"ord_2"})")}));
  EXPECT_EQ(text_of(body, "data"), R"([{"id":"ord_3"},{"id":"ord_2"}])");
  EXPECT_EQ(text_of(body, "has_more"), "true");
  ask next = ask_of(get("/v1/orders", "limit=2&cursor=" + *body.find("next_cursor")->as_string()));
  EXPECT_EQ(page_in(next).after, "ord_2");
}

TEST_F(gateway_staff, orders_of_a_customer_in_a_status_are_looked_through_until_the_page_is_full) {
  services_.shard_count = 1;
  ask first = ask_of(get("/v1/orders", "customer_id=c1&status=canceled&limit=1"));
  ask orders = ask_in(first.then({page_of({{"ord_2", "K2"}}, true)}));
  ask second = ask_in(orders.then({answered(200, R"({"id":"ord_2","status":"placed"})")}));
  EXPECT_EQ(page_in(second).after, "ord_2");
  ask last = ask_in(second.then({page_of({{"ord_1", "K1"}})}));
  auto body = body_of(last.then({answered(200, R"({"id":"ord_1","status":"canceled"})")}));
  EXPECT_EQ(text_of(body, "data"), R"([{"id":"ord_1","status":"canceled"}])");
  EXPECT_EQ(text_of(body, "has_more"), "false");
}

TEST_F(gateway_staff, order_lists_refuse_what_they_do_not_know) {
  EXPECT_EQ(problem_of(get("/v1/orders", "status=lost")), "422 validation_failed");
  EXPECT_EQ(problem_of(get("/v1/orders", "customer_id=")), "422 validation_failed");
  EXPECT_EQ(problem_of(get("/v1/orders", "cursor=x")), "400 invalid_cursor");
}

TEST_F(gateway_staff, an_order_is_cancelled_with_a_reason) {
  ask ask = ask_of(post("/v1/orders/" + id("ord_") + "/cancel", R"({"reason":"late"})", {key()}));
  EXPECT_EQ(command_of<order::pb::Command>(ask).cancel().reason(), "late");
  EXPECT_TRUE(question_of(ask).keyed);
}

TEST_F(gateway_staff, a_new_key_shows_its_secret_once) {
  ask ask = ask_of(post("/v1/keys", R"({"label":"till"})"));
  const auto& add = command_of<keyring::pb::Command>(ask).add();
  auto body = body_of(ask.then({answered(201, R"({"id":"key_1","label":"till"})")}));
  std::string secret = *body.find("secret")->as_string();
  EXPECT_TRUE(secret.starts_with("sk_"));
  EXPECT_EQ(keyring::hash_of(secret), add.hash());
  EXPECT_EQ(answer_in(ask.then({answered(409, R"({"code":"invalid_state"})")})).body,
            R"({"code":"invalid_state"})");
}

TEST_F(gateway_staff, keys_are_listed_and_revoked) {
  EXPECT_TRUE(command_of<keyring::pb::Command>(ask_of(get("/v1/keys"))).has_list());
  request removal{.method = "DELETE", .path = "/v1/keys/key_1", .fields = {staff()}};
  EXPECT_EQ(command_of<keyring::pb::Command>(ask_of(removal)).revoke().id(), "key_1");
}

TEST_F(gateway_staff, views_show_what_others_know) {
  EXPECT_EQ(problem_of(get("/v1/admin/tree")), "503 overloaded") << "nobody can be asked";
  services_.tree = [](const std::function<void(std::string)>& shown) { shown(R"({"name":"node"})"); };
  ask ask = ask_of(get("/v1/admin/tree"));
  EXPECT_TRUE(std::holds_alternative<outside_view>(ask.questions.at(0)));
  reply shown;
  shown.json = R"({"name":"node"})";
  EXPECT_EQ(answer_in(ask.then({shown})).body, R"({"name":"node"})");
  EXPECT_EQ(problem_in(answer_in(ask.then({reply{}}))), "503 overloaded");
}

TEST_F(gateway_staff, the_digest_of_a_copy_is_asked_of_the_node) {
  EXPECT_EQ(problem_of(get("/v1/admin/digest", "shard=1&answers_from_ms=5")), "503 overloaded")
      << "nobody to ask";
  std::optional<std::pair<runtime::shard_id, std::int64_t>> asked;
  services_.digest = [&](runtime::shard_id shard, std::int64_t from,
                         const std::function<void(std::string)>&) { asked = {shard, from}; };
  ask ask = ask_of(get("/v1/admin/digest", "shard=1&answers_from_ms=5"));
  std::get<outside_view>(ask.questions.at(0))([](const std::string&) {});
  EXPECT_EQ(asked, (std::pair<runtime::shard_id, std::int64_t>{1, 5}));
  for (const char* bad : {"", "shard=1", "answers_from_ms=5", "shard=1&answers_from_ms=x",
                          "shard=9999&answers_from_ms=5", "shard=-1&answers_from_ms=5"})
    EXPECT_EQ(problem_of(get("/v1/admin/digest", bad)), "422 validation_failed") << bad;
}

TEST_F(gateway_staff, an_operators_command_is_asked_of_the_cluster) {
  const auto order = [this](std::string body) {
    return request{
        .method = "POST", .path = "/v1/admin/cluster", .fields = {staff(), json()}, .body = std::move(body)};
  };
  EXPECT_EQ(problem_of(order(R"({"command":"drain","node":"b"})")), "409 invalid_state")
      << "a node alone has no cluster";
  using kind = runtime::operator_command::kind;
  std::optional<runtime::operator_command> given;
  bool dry = false;
  services_.cluster_order = [&](const runtime::operator_command& command, bool dry_run,
                                const std::function<void(std::string)>&) {
    given = command;
    dry = dry_run;
  };
  ask ask = ask_of(order(R"({"command":"move","shard":3,"node":"b","dry_run":true})"));
  std::get<outside_view>(ask.questions.at(0))([](const std::string&) {});
  ASSERT_TRUE(given);
  EXPECT_EQ(given->what, kind::move);
  EXPECT_EQ(given->node, "b");
  EXPECT_EQ(given->shard, 3);
  EXPECT_TRUE(dry);
  const auto outcome = [&](std::string json) {
    reply told;
    told.json = std::move(json);
    return answer_in(ask.then({told}));
  };
  EXPECT_EQ(outcome(R"({"outcome":"done","dry_run":true,"lines":["x"]})").status, 200);
  const auto refused = outcome(R"({"outcome":"refused","dry_run":true,"lines":["no","never"]})");
  EXPECT_EQ(problem_in(refused), "409 invalid_state");
  EXPECT_NE(refused.body.find("no; never"), std::string::npos);
  EXPECT_EQ(problem_in(outcome(R"({"outcome":"unknown","dry_run":true,"lines":[]})")), "503 overloaded");
  EXPECT_EQ(problem_in(outcome("")), "503 overloaded");
  for (const char* bad : {R"({"command":"dance"})", R"({"command":"move","node":"b"})",
                          R"({"command":"drain"})", R"({"command":"rebalance","node":7})"})
    EXPECT_NE(problem_of(order(bad)).find("4"), std::string::npos) << bad;
}

TEST_F(gateway_staff, an_import_keeps_its_file_only_if_it_is_a_new_one) {
  namespace fs = std::filesystem;
  fs::path folder = fs::temp_directory_path() / ("gateway_imports_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  services_.import_folder = folder;
  std::string begun;
  services_.import_accepted = [&](const runtime::address& import) { begun = import.key; };
  auto files = [&] { return std::distance(fs::directory_iterator{folder}, fs::directory_iterator{}); };
  auto start = [&](std::vector<std::pair<std::string, std::string>> fields) {
    fields.push_back(staff());
    auto sent = http({.method = "POST", .path = "/v1/imports", .fields = std::move(fields)});
    sent->spooled = folder / "spooled";
    std::ofstream{sent->spooled} << "{}";
    auto taken = take_up(sent, services_);
    call call = std::get<gateway::call>(std::move(taken));
    return call.route->handle(call, services_);
  };
  std::pair<std::string, std::string> ndjson{"content-type", "application/x-ndjson"};
  EXPECT_EQ(problem_in(answer_in(start({{"content-type", "text/plain"}}))), "415 unsupported_media_type");
  EXPECT_EQ(files(), 0);

  ask first = ask_in(start({ndjson, key()}));
  ASSERT_TRUE(question_of(first).fingerprint);
  EXPECT_EQ(answer_in(first.then({answered(202, "{}")})).status, 202);
  EXPECT_EQ(begun, question_of(first).to.key);
  EXPECT_EQ(files(), 1);

  reply repeat = answered(202, "{}");
  repeat.outcome = runtime::outcome::replayed;
  ask second = ask_in(start({ndjson, key()}));
  EXPECT_EQ(question_of(second).fingerprint, question_of(first).fingerprint);
  EXPECT_TRUE(std::get<done>(second.then({repeat})).replayed);
  repeat.outcome = runtime::outcome::key_reused;
  EXPECT_EQ(problem_in(answer_in(ask_in(start({ndjson, key()})).then({repeat}))),
            "422 idempotency_key_reused");
  EXPECT_EQ(files(), 1);
  fs::remove_all(folder);
}

TEST_F(gateway_staff, a_crash_is_for_test_mode_alone) {
  request crash = post("/v1/test/crash", R"({"entity":"cart/)" + id("crt_") + "\"}");
  EXPECT_EQ(problem_of(crash), "404 not_found");
  services_.test_mode = true;
  ask ask = ask_of(crash);
  EXPECT_TRUE(question_of(ask).crash);
  EXPECT_EQ(question_of(ask).to, (runtime::address{"main", kinds::cart, std::string{part}}));
  reply thrown;
  thrown.outcome = runtime::outcome::failed;
  EXPECT_EQ(answer_in(ask.then({thrown})).status, 202);
  thrown.outcome = runtime::outcome::quarantined;
  EXPECT_EQ(problem_in(answer_in(ask.then({thrown}))), "500 internal_error");
  crash.body = R"({"entity":"ghost/x"})";
  EXPECT_EQ(problem_of(crash), "404 not_found");
  crash.body = R"({"entity":"cart/x"})";
  EXPECT_EQ(problem_of(crash), "404 not_found");
  crash.body = R"({"entity":"stock/T 1"})";
  EXPECT_EQ(question_of(ask_of(crash)).to.key, "T 1");
}

TEST_F(gateway_staff, a_test_payment_is_authenticated_by_its_id) {
  ask ask = ask_of({.method = "POST", .path = "/v1/test/payments/" + id("pay_") + "p1/authenticate"});
  EXPECT_EQ(question_of(ask).to, (runtime::address{"main", kinds::payment, std::string{part} + "p1"}));
}

}  // namespace
}  // namespace souk::gateway
