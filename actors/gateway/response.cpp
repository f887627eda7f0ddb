#include "actors/gateway/response.hpp"

#include "actors/gateway/event_stream.hpp"

#include <utility>

namespace souk::gateway {

http_response to_response(done done, std::string_view request_id) {
  runtime::answer& answer = done.answer;
  http_response response;
  response.status = answer.status;
  if (!answer.body.empty() || done.more) {
    if (answer.content_type.empty())
      answer.content_type = answer.status >= 400 ? "application/problem+json" : "application/json";
    response.fields.emplace_back("Content-Type", std::move(answer.content_type));
  }
  if (!answer.etag.empty()) response.fields.emplace_back("ETag", std::move(answer.etag));
  if (!answer.location.empty()) response.fields.emplace_back("Location", std::move(answer.location));
  if (done.replayed) response.fields.emplace_back("Idempotent-Replayed", "true");
  for (auto& field : done.fields)
    response.fields.push_back(std::move(field));
  response.fields.emplace_back("Request-Id", request_id);
  response.body = std::move(answer.body);
  response.more = std::move(done.more);
  return response;
}

}  // namespace souk::gateway
