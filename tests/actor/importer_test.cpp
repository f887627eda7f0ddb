#include "actors/import/importer.hpp"

#include "actors/import/import_job.hpp"
#include "runtime/testkit/driver.hpp"
#include "tests/actor/scripted_shard.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace souk::import_job {
namespace {

using namespace std::chrono_literals;

/// Answers the importer's calls as the test says.
struct call_script {
  std::function<std::optional<gateway::http_response>(const gateway::http_request&)> answer;
  std::vector<std::shared_ptr<const gateway::http_request>> calls;
  std::set<std::string> tenants;  ///< That they were made for.
};

caf::behavior scripted_gateway(caf::event_based_actor*, std::shared_ptr<call_script> script) {
  return {[script](const gateway::exchange& exchange) {
    script->calls.push_back(exchange.request);
    script->tenants.insert(exchange.as->tenant);
    if (auto response = script->answer(*exchange.request)) exchange.responder->respond(*std::move(response));
  }};
}

gateway::http_response response(int status, std::string body = "{}") {
  gateway::http_response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

std::string body_of_problem(const std::string& code) {
  return R"({"code":")" + code + R"(","detail":"why"})";
}

/// One import between a scripted gateway and a shard that runs the import's decider.
class importer_actor : public ::testing::Test {
 protected:
  importer_actor() {
    kinds_.kinds[kinds::import_job] = make_kind();
    routing_ = std::make_shared<runtime::routing_table>(std::uint16_t{2}, kinds_);
    folder_ = std::filesystem::temp_directory_path() /
              ("importer_" + std::to_string(::getpid()) + "_" +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::create_directories(folder_);
    script_->answer = [this](const runtime::request& request) { return decide(request); };
    script_->page = [this](const runtime::index_query& query) {
      runtime::index_page page;
      if (state_.is_running() && query.tenant == tenant_ && rows_left_-- > 0)
        page.rows.emplace_back("K", state_.row.job().file());
      return page;
    };
    calls_->answer = [](const gateway::http_request&) { return response(201); };
    shard_ = driver_.system().spawn(souk::testing::scripted_shard, script_);
    gateway_ = driver_.system().spawn(scripted_gateway, calls_);
    routing_->set(0, shard_);
    routing_->set(1, shard_);
  }
  ~importer_actor() override {
    stop();
    caf::anon_send_exit(shard_, caf::exit_reason::kill);
    caf::anon_send_exit(gateway_, caf::exit_reason::kill);
    routing_.reset();
    driver_.settle();
    std::filesystem::remove_all(folder_);
  }

  std::optional<runtime::response> decide(const runtime::request& request) {
    runtime::context context{
        request.to, driver_.time()->now(), state_.row.version(), *driver_.random(), {}, "", true};
    auto decision = decider_.decide(state_, dynamic_cast<const pb::Command&>(*request.command), context);
    for (const auto& event : decision.events)
      decider_.evolve(state_, dynamic_cast<const pb::Event&>(*event), context.now, state_.row.version() + 1);
    runtime::response response;
    response.answer = *decision.reply;
    return response;
  }
  /// Accepts a file with these lines.
  void open(const std::string& text, const std::string& format = "ndjson", const std::string& file = "f") {
    std::ofstream{folder_ / file, std::ios::binary} << text;
    pb::Event event;
    event.mutable_opened()->set_import_id("imp_1");
    event.mutable_opened()->set_format(format);
    event.mutable_opened()->set_file(file);
    decider_.evolve(state_, event, driver_.time()->now(), 1);
  }
  void start() {
    rows_left_ = 1;
    importer_config config;
    config.routing = routing_;
    config.clock = driver_.time();
    config.random = driver_.random();
    config.gateway = [this] { return gateway_; };
    config.folder = folder_;
    config.batch_lines = 4;
    config.one_of_several = one_of_several_;
    importer_ = driver_.system().spawn(importer, config);
    driver_.settle();
  }
  void stop() {
    if (importer_) caf::anon_send_exit(importer_, caf::exit_reason::kill);
    importer_ = nullptr;
    driver_.settle();
  }
  void run() {
    driver_.run_until([this] { return !state_.is_running(); }, 60s);
  }

  std::vector<std::string> keys() const {
    std::vector<std::string> keys;
    for (const auto& call : calls_->calls)
      keys.emplace_back(call->field("idempotency-key").value_or(""));
    return keys;
  }

  runtime::testkit::driver driver_{1};
  runtime::entity_catalogue kinds_;
  std::shared_ptr<runtime::routing_table> routing_;
  std::shared_ptr<souk::testing::shard_script> script_ = std::make_shared<souk::testing::shard_script>();
  std::shared_ptr<call_script> calls_ = std::make_shared<call_script>();
  import_decider decider_;
  import_state state_;
  bool one_of_several_ = false;
  std::string tenant_ = "main";  ///< Whose import it is.
  int rows_left_ = 1;            ///< One shard has it.
  std::filesystem::path folder_;
  caf::actor shard_;
  caf::actor gateway_;
  caf::actor importer_;
};

TEST_F(importer_actor, every_line_is_done_and_the_file_goes) {
  std::string text;
  for (int i = 0; i < 10; ++i)
    text += R"({"product":{"title":"T"},"stock":{"S":2}})"
            "\n";
  open(text + "\nnonsense\n");
  start();
  run();
  EXPECT_EQ(state_.row.status(), "completed");
  EXPECT_EQ(state_.row.lines(), 12u);
  EXPECT_EQ(state_.row.products(), 10u);
  EXPECT_EQ(state_.row.adjustments(), 10u);
  EXPECT_EQ(state_.row.failed_lines(), 1u);
  EXPECT_EQ(state_.row.errors(0).line(), 12u);
  EXPECT_EQ(state_.row.errors(0).code(), "malformed_json");
  driver_.advance(200ms);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "f"));
  auto all = keys();
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 20u) << "each call has a key of its own";
}

TEST_F(importer_actor, a_file_that_is_accepted_while_it_runs_is_begun) {
  start();
  open("{\"product\":{}}\n");
  caf::anon_send(importer_, import_accepted{{"main", kinds::import_job, "K"}});
  run();
  EXPECT_EQ(state_.row.products(), 1u);
}

TEST_F(importer_actor, each_tenants_imports_are_gone_on_with_for_that_tenant) {
  tenant_ = "other";
  open("{\"product\":{}}\n", "ndjson", "other.X.ndjson");
  start();
  run();
  EXPECT_EQ(state_.row.products(), 1u);
  EXPECT_EQ(calls_->tenants, std::set<std::string>{"other"});
  for (const auto& request : script_->requests)
    EXPECT_EQ(request.to.tenant, "other");
}

TEST_F(importer_actor, a_restart_goes_on_where_it_stood_under_the_same_keys) {
  std::string text;
  for (int i = 0; i < 8; ++i)
    text += "{\"product\":{}}\n";
  open(text);
  int left = 6;
  calls_->answer = [&](const gateway::http_request&) -> std::optional<gateway::http_response> {
    if (left-- > 0) return response(201);
    return std::nullopt;
  };
  start();
  driver_.advance(1s);
  EXPECT_EQ(state_.row.lines(), 4u) << "the second batch hangs";
  stop();
  auto before = keys();
  calls_->answer = [](const gateway::http_request&) { return response(201); };
  calls_->calls.clear();
  start();
  run();
  EXPECT_EQ(state_.row.products(), 8u);
  auto after = keys();
  std::sort(after.begin(), after.end());
  EXPECT_EQ(after, (std::vector<std::string>{"imp_1/5/0", "imp_1/6/0", "imp_1/7/0", "imp_1/8/0"}));
  EXPECT_NE(std::find(before.begin(), before.end(), "imp_1/5/0"), before.end());
}

TEST_F(importer_actor, what_may_pass_is_tried_again_and_what_will_not_is_told) {
  open("{\"product\":{\"title\":\"A\"},\"stock\":{\"S\":1}}\n{\"product\":{\"title\":\"B\"}}\n");
  int refused = 3;
  calls_->answer = [&](const gateway::http_request& request) -> std::optional<gateway::http_response> {
    if (request.body.find("\"B\"") != std::string::npos) return response(422, body_of_problem("sku_taken"));
    if (request.path == "/v1/products" && refused-- > 0) return response(503, body_of_problem("overloaded"));
    return response(201);
  };
  start();
  run();
  EXPECT_EQ(state_.row.products(), 1u);
  EXPECT_EQ(state_.row.adjustments(), 1u);
  ASSERT_EQ(state_.row.errors_size(), 1);
  EXPECT_EQ(state_.row.errors(0).code(), "sku_taken");
  EXPECT_EQ(state_.row.errors(0).line(), 2u);
}

TEST_F(importer_actor, a_gateway_that_drops_a_call_is_asked_again) {
  open("{\"product\":{}}\n");
  int dropped = 1;
  calls_->answer = [&](const gateway::http_request&) -> std::optional<gateway::http_response> {
    if (dropped-- > 0) return std::nullopt;
    return response(201);
  };
  start();
  calls_->calls.clear();
  run();
  EXPECT_EQ(state_.row.products(), 1u);
}

TEST_F(importer_actor, a_product_that_exists_is_replaced_at_its_version) {
  open("{\"product\":{\"id\":\"prd_tea\"},\"stock\":{\"S\":1}}\n");
  calls_->answer = [](const gateway::http_request& request) -> std::optional<gateway::http_response> {
    if (request.method == "POST" && request.path == "/v1/products")
      return response(409, body_of_problem("invalid_state"));
    auto answer = response(request.method == "POST" ? 201 : 200);
    answer.fields.emplace_back("ETag", "\"7\"");
    return answer;
  };
  start();
  run();
  ASSERT_EQ(calls_->calls.size(), 4u);
  EXPECT_EQ(calls_->calls[1]->method, "GET");
  EXPECT_EQ(calls_->calls[2]->method, "PUT");
  EXPECT_EQ(calls_->calls[2]->path, "/v1/products/prd_tea");
  EXPECT_EQ(calls_->calls[2]->field("if-match"), "\"7\"");
  EXPECT_FALSE(calls_->calls[3]->field("if-match"));
  EXPECT_EQ(state_.row.products(), 1u);
  EXPECT_EQ(state_.row.adjustments(), 1u);
}

TEST_F(importer_actor, a_csv_file_needs_its_columns) {
  open("sku,title\nT,Tea\n", "csv");
  start();
  run();
  EXPECT_EQ(state_.row.status(), "failed");
  EXPECT_TRUE(calls_->calls.empty());
}

TEST_F(importer_actor, what_is_kept_of_a_file_of_other_bytes_can_be_read_again) {
  open(
      "sku,title,price,currency,gr\xfc\xdf"
      "e\nT,Tea,2.50,EUR,1\n",
      "csv");
  start();
  run();
  EXPECT_EQ(state_.row.status(), "failed");
  EXPECT_TRUE(pb::StateRow{}.ParseFromString(state_.row.SerializeAsString()));
}

TEST_F(importer_actor, little_is_kept_of_a_fault_that_quotes_much) {
  std::string name;
  for (int i = 0; i < 5'000; ++i)
    name += "\u00e9";
  open("{\"" + name + "\":1}\n", "ndjson");
  start();
  run();
  EXPECT_EQ(state_.row.failed_lines(), 1u);
  ASSERT_EQ(state_.row.errors_size(), 1);
  EXPECT_LE(state_.row.errors(0).detail().size(), 500u);
  EXPECT_TRUE(pb::StateRow{}.ParseFromString(state_.row.SerializeAsString()));
}

TEST_F(importer_actor, a_csv_file_is_products) {
  open("sku,title,price,currency\nT,Tea,2.50,EUR\n", "csv");
  start();
  run();
  EXPECT_EQ(state_.row.status(), "completed");
  EXPECT_EQ(state_.row.products(), 1u);
  EXPECT_EQ(state_.row.lines(), 2u);
}

TEST_F(importer_actor, a_file_that_is_gone_fails_its_import) {
  open("x");
  std::filesystem::remove(folder_ / "f");
  start();
  run();
  EXPECT_EQ(state_.row.status(), "failed");
}

TEST_F(importer_actor, an_import_whose_file_is_on_another_node_is_left_to_that) {
  open("x");
  std::filesystem::remove(folder_ / "f");
  one_of_several_ = true;
  start();
  run();
  EXPECT_EQ(state_.row.status(), "running");
}

}  // namespace
}  // namespace souk::import_job
