#include "actors/testkit/simulated_http.hpp"

#include "actors/gateway/client_address.hpp"
#include "actors/gateway/gateway.hpp"
#include "actors/testkit/json_text.hpp"

#include <caf/send.hpp>

#include <fmt/format.h>

#include <memory>
#include <stdexcept>

namespace souk::testkit {

namespace {

// What the HTTP listener would do with an answer.
class handing_on final : public gateway::responder {
 public:
  explicit handing_on(http_answer_handler then) : then_(std::move(then)) {}
  void respond(gateway::http_response response) override {
    if (then_) then_(response);
  }

 private:
  http_answer_handler then_;
};

// Clients come through a proxy that is trusted.
std::string client_of(const http_fields& fields) {
  constexpr const char* proxy = "10.0.0.1";
  gateway::address_set trusted;
  trusted.add(proxy);
  auto client = gateway::limited_address(gateway::forwarded_client(fields, proxy, trusted));
  return client == proxy ? std::string{} : client;
}

void expect_made(const gateway::http_response& response) {
  if (response.status != 201) throw std::runtime_error(std::to_string(response.status) + " " + response.body);
}

}  // namespace

void send_http(const caf::actor& gateway, const std::string& method, const std::string& target,
               const std::string& body, http_fields fields, http_answer_handler then) {
  auto request = std::make_shared<gateway::http_request>();
  request->method = method;
  const auto question = target.find('?');
  request->path = target.substr(0, question);
  if (question != std::string::npos) request->query = target.substr(question + 1);
  request->client = client_of(fields);
  request->fields = std::move(fields);
  if (!body.empty()) request->fields.emplace_back("content-type", "application/json");
  request->body = body;
  caf::anon_send(gateway,
                 gateway::exchange{std::move(request), std::make_shared<handing_on>(std::move(then))});
}

bool is_certain(const gateway::http_response& response) {
  if (response.status == 0 || response.status >= 500) return false;
  return response.status != 409 || member_of(response.body, "code") != "idempotency_in_flight";
}

void put_on_sale(
    const std::string& sku, const std::string& price, std::int64_t units,
    const std::function<gateway::http_response(const std::string& target, const std::string& body)>& post) {
  expect_made(
      post("/v1/products", fmt::format(R"({{"title":"Sold as {0}","description":"","categories":["test"],)"
                                       R"("attributes":{{}},"variants":[{{"sku":"{0}","price":{1}}}]}})",
                                       sku, price)));
  expect_made(post("/v1/inventory/adjustments",
                   fmt::format(R"({{"sku":"{}","delta":{},"reason":"received"}})", sku, units)));
}

}  // namespace souk::testkit
