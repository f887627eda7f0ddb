#pragma once

#include "actors/gateway/call.hpp"
#include "actors/gateway/routes.hpp"
#include "actors/gateway/step.hpp"
#include "actors/json/reader.hpp"
#include "actors/keyring/keyring.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// What tests of routes share: a gateway's services with a clock that stands still, and a short way to say a
/// request.
namespace souk::gateway::testing {

inline constexpr runtime::timestamp now = runtime::from_ms(1'795'000'000'000);

class still_clock : public runtime::clock {
 public:
  runtime::timestamp now() const override { return testing::now; }
  std::chrono::nanoseconds steady() const override { return steady_; }
  void advance(std::chrono::nanoseconds duration) { steady_ += duration; }

 private:
  std::chrono::nanoseconds steady_{};
};

class counting_random : public runtime::random_source {
 public:
  void fill(std::span<std::uint8_t> bytes) override {
    std::uint64_t number = next_u64();
    std::fill(bytes.begin(), bytes.end(), std::uint8_t{0});
    std::memcpy(bytes.data(), &number, std::min(bytes.size(), sizeof number));
  }
  std::uint64_t next_u64() override { return ++count_; }
  std::string next_part() override {
    std::string part = std::to_string(++count_);
    return std::string(20 - part.size(), '0') + part;
  }

 private:
  std::uint64_t count_ = 0;
};

/// A catalogue of whatever a test puts in.
class listed_catalogue : public catalogue::replica {
 public:
  runtime::kind_id source() const override { return 1; }
  void restore(const runtime::address&, std::uint64_t, const runtime::entity_state&) override {}
  void apply(const runtime::address&, std::uint64_t, const google::protobuf::Message&) override {}
  std::optional<catalogue::variant_view> find(std::string_view, std::string_view sku) const override {
    for (const auto& variant : variants)
      if (variant.sku == sku) return variant;
    return std::nullopt;
  }
  catalogue::product_page list(std::string_view, std::string_view category, std::string_view after,
                               std::size_t limit, bool with_inactive) const override {
    catalogue::product_page page;
    for (const auto& product : products) {
      bool listed =
          category.empty() || (product->categories_size() > 0 && product->categories(0) == category);
      if (!listed || product->id() <= after || (!with_inactive && product->status() != "active")) continue;
      if (page.products.size() == limit) {
        page.more = true;
        break;
      }
      page.products.push_back(product);
    }
    return page;
  }
  std::vector<catalogue::product_ptr> search(std::string_view, std::string_view query, std::string_view,
                                             std::size_t limit) const override {
    std::vector<catalogue::product_ptr> found;
    for (const auto& product : products)
      if (product->title().find(query) != std::string::npos && found.size() < limit) found.push_back(product);
    return found;
  }
  catalogue::product_ptr product(std::string_view, std::string_view) const override { return nullptr; }
  std::size_t size() const override { return products.size(); }

  void add_product(const std::string& id, const std::string& title, const std::string& status = "active") {
    auto product = std::make_shared<product::pb::Product>();
    product->set_id(id);
    product->set_title(title);
    product->set_status(status);
    product->set_attributes_json("{}");
    products.push_back(std::move(product));
  }

  std::vector<catalogue::variant_view> variants;
  std::vector<catalogue::product_ptr> products;
};

/// A request in the making.
struct request {
  std::string method = "GET";
  std::string path = "/v1/carts/crt_01JD000000ABCDEFGHJKMNPQRSTVWX";
  std::string query = {};
  std::vector<std::pair<std::string, std::string>> fields = {};
  std::string body = {};
};

class bench : public ::testing::Test {
 protected:
  bench() {
    services_.catalogue = catalogue_;
    services_.credentials = credentials_;
    services_.clock = clock_;
    services_.random = std::make_shared<counting_random>();
    services_.secret = std::string(32, 's');
    keyring::new_key key =
        keyring::make_key("till", keyring::full_grant(), std::string(20, '1'), std::string(32, 'k'), now);
    secret_ = key.secret;
    keyring::pb::Event event;
    event.mutable_added()->set_id(key.add.id());
    event.mutable_added()->set_hash(key.add.hash());
    *event.mutable_added()->mutable_grant() = key.add.grant();
    credentials_->apply({"main", kinds::keyring, "main"}, 1, event);
  }

  static std::shared_ptr<http_request> http(const request& request) {
    auto http = std::make_shared<http_request>();
    http->method = request.method;
    http->path = request.path;
    http->query = request.query;
    http->fields = request.fields;
    http->body = request.body;
    return http;
  }

  std::pair<std::string, std::string> staff() const { return {"authorization", "Bearer " + secret_}; }
  static std::pair<std::string, std::string> json() { return {"content-type", "application/json"}; }
  static std::pair<std::string, std::string> key(std::string key = "k-1") {
    return {"idempotency-key", std::move(key)};
  }

  /// Takes a request up and runs its handler's first step.
  step handle(const request& request) {
    auto taken = take_up(http(request), services_);
    if (auto* refused = std::get_if<refusal>(&taken))
      return done{json::to_answer(refused->problem, refused->request_id), false, refused->fields};
    call call = std::get<gateway::call>(std::move(taken));
    return call.route->handle(call, services_);
  }

  /// The answer of a call that must be over at once.
  runtime::answer answer_of(const request& request) { return answer_in(handle(request)); }

  static runtime::answer answer_in(const step& step) {
    const auto* over = std::get_if<done>(&step);
    if (over == nullptr) {
      ADD_FAILURE() << "it asks instead of answering";
      return {};
    }
    return over->answer;
  }

  /// The questions of a call that must ask.
  static ask ask_in(step step) {
    auto* asked = std::get_if<ask>(&step);
    if (asked == nullptr) {
      ADD_FAILURE() << "it answers instead of asking: " << std::get<done>(step).answer.body;
      return {};
    }
    return std::move(*asked);
  }
  ask ask_of(const request& request) { return ask_in(handle(request)); }

  /// The one command of a call that asks one entity.
  template <class Command>
  const Command& command_of(const ask& ask) {
    const auto& question = std::get<command_question>(ask.questions.at(0));
    return dynamic_cast<const Command&>(*question.command);
  }
  static const command_question& question_of(const ask& ask, std::size_t position = 0) {
    return std::get<command_question>(ask.questions.at(position));
  }

  static reply answered(int status, std::string body, runtime::message_ptr value = nullptr) {
    reply reply;
    reply.answer.status = status;
    reply.answer.body = std::move(body);
    reply.answer.value = std::move(value);
    return reply;
  }

  /// The code of a problem, with its status: "404 not_found".
  static std::string problem_in(const runtime::answer& answer) {
    json::parse_error error;
    auto body = json::parse(answer.body, error);
    if (!body || body->find("code") == nullptr) return std::to_string(answer.status) + " " + answer.body;
    return std::to_string(answer.status) + " " + *body->find("code")->as_string();
  }
  std::string problem_of(const request& request) { return problem_in(answer_of(request)); }

  std::shared_ptr<listed_catalogue> catalogue_ = std::make_shared<listed_catalogue>();
  std::shared_ptr<keyring::credential_directory> credentials_ = keyring::make_credential_directory();
  std::shared_ptr<still_clock> clock_ = std::make_shared<still_clock>();
  services services_;
  std::string secret_;
};

/// Ids that are well-formed.
inline constexpr std::string_view part = "ABCDEFGHJKMNPQRSTVWX";
inline std::string id(std::string_view prefix) {
  return std::string{prefix} + "01JD000000" + std::string{part};
}

}  // namespace souk::gateway::testing
