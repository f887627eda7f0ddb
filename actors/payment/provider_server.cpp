#include "actors/payment/provider_server.hpp"

#include "actors/json/problem.hpp"
#include "actors/payment/payment.pb.h"
#include "actors/payment/provider_desk.hpp"

#include <google/protobuf/util/json_util.h>

#include <chrono>
#include <deque>
#include <optional>
#include <string_view>
#include <utility>

namespace souk::payment {

namespace {

constexpr std::string_view protobuf_type = "application/x-protobuf";
constexpr std::string_view json_type = "application/json";
/// How long a client is left without an answer before its connection ends: longer than any waits for one.
constexpr std::chrono::seconds silence{60};
/// Requests left without an answer at a time.
constexpr std::size_t silent_max = 10'000;

using shared_responder = std::shared_ptr<gateway::responder>;

gateway::http_response refusal(std::string_view code, std::string_view detail) {
  json::problem problem;
  problem.code = code;
  problem.detail = detail;
  auto answer = json::to_answer(problem, "");
  gateway::http_response response;
  response.status = answer.status;
  response.body = std::move(answer.body);
  response.fields.emplace_back("Content-Type", "application/problem+json");
  return response;
}

std::optional<pb::ProviderCall> parse(const gateway::http_request& request, std::string_view type) {
  pb::ProviderCall call;
  const bool parsed = type == protobuf_type
                          ? call.ParseFromString(request.body)
                          : google::protobuf::util::JsonStringToMessage(request.body, &call).ok();
  if (!parsed || call.operation().empty() || call.key().empty()) return std::nullopt;
  return call;
}

gateway::http_response to_response(const pb::ProviderResult& result, std::string_view type) {
  gateway::http_response response;
  response.fields.emplace_back("Content-Type", type);
  if (type == protobuf_type) {
    response.body = result.SerializeAsString();
    return response;
  }
  google::protobuf::util::JsonPrintOptions snake_case;
  snake_case.preserve_proto_field_names = true;
  google::protobuf::util::MessageToJsonString(result, &response.body, snake_case);
  return response;
}

class http_provider final : public provider_server {
 public:
  http_provider(const gateway::listener_options& options, std::unique_ptr<provider_ledger> ledger,
                std::shared_ptr<runtime::clock> clock, std::function<void(const std::string&)> on_failure)
      : clock_(clock),
        desk_(open_provider_desk(std::move(ledger), std::move(clock), std::move(on_failure))),
        listener_(gateway::make_listener(options, [this](const gateway::http_request& request,
                                                         std::unique_ptr<gateway::responder> answer) {
          handle(request, std::move(answer));
        })) {}

  std::uint16_t port() const override { return listener_->port(); }

 private:
  void handle(const gateway::http_request& request, shared_responder answer) {
    if (request.path == "/payments" && request.method == "GET")
      list(std::move(answer));
    else if (request.path == "/calls" && request.method == "POST")
      call(request, std::move(answer));
    else
      answer->respond(refusal("not_found", "There are POST /calls and GET /payments."));
  }

  void list(shared_responder answer) {
    desk_->list([answer = std::move(answer)](std::string json) {
      gateway::http_response response;
      response.fields.emplace_back("Content-Type", json_type);
      response.body = std::move(json);
      answer->respond(std::move(response));
    });
  }

  void call(const gateway::http_request& request, shared_responder answer) {
    const auto type = request.field("content-type").value_or(std::string_view{});
    if (type != protobuf_type && type != json_type)
      return answer->respond(refusal("unsupported_media_type", "Calls are Protobuf or JSON."));
    auto call = parse(request, type);
    if (!call) return answer->respond(refusal("validation_failed", "This is not a provider call."));
    const auto same_type = type == protobuf_type ? protobuf_type : json_type;
    desk_->call(std::move(*call), [this, same_type, answer = std::move(answer)](
                                      std::optional<pb::ProviderResult> result) mutable {
      if (result)
        answer->respond(to_response(*result, same_type));
      else
        stay_silent(std::move(answer));
    });
  }

  /// On the desk's thread.
  void stay_silent(shared_responder answer) {
    const auto now = clock_->steady();
    silent_.emplace_back(now + silence, std::move(answer));
    while (silent_.front().first <= now || silent_.size() > silent_max)
      silent_.pop_front();
  }

  std::shared_ptr<runtime::clock> clock_;
  std::deque<std::pair<std::chrono::nanoseconds, shared_responder>> silent_;
  std::unique_ptr<provider_desk> desk_;
  std::unique_ptr<gateway::listener> listener_;
};

}  // namespace

std::unique_ptr<provider_server> make_provider_server(const gateway::listener_options& options,
                                                      std::unique_ptr<provider_ledger> ledger,
                                                      std::shared_ptr<runtime::clock> clock,
                                                      std::function<void(const std::string&)> on_failure) {
  return std::make_unique<http_provider>(options, std::move(ledger), std::move(clock), std::move(on_failure));
}

}  // namespace souk::payment
