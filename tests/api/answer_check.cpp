#include "tests/api/answer_check.hpp"

#include "tests/api/description.hpp"
#include "tests/api/schema_check.hpp"

namespace souk::tests {

std::vector<std::string> check_answer(const json::value& document, const gateway::route& route,
                                      const gateway::http_response& response) {
  const auto& answers = *operation_of(document, route).find("responses");
  const auto* answer = answers.find(std::to_string(response.status));
  if (answer == nullptr) return {"no such status is described"};
  const auto* content = answer->find("content");
  if (content == nullptr)
    return response.body.empty() ? std::vector<std::string>{} : std::vector<std::string>{"it has a body"};
  if (content->find("text/html") != nullptr)
    return response.body.starts_with("<!doctype html>") ? std::vector<std::string>{}
                                                        : std::vector<std::string>{"it is no page"};
  if (content->find("text/event-stream") != nullptr)
    return response.body.starts_with("id: ") || response.body.starts_with(":\nid: ")
               ? std::vector<std::string>{}
               : std::vector<std::string>{"it tells nothing"};
  const auto* type = response.status < 400 ? "application/json" : "application/problem+json";
  json::parse_error unread;
  const auto body = json::parse(response.body, unread);
  if (!body) return {"its body is no JSON: " + unread.detail};
  return check_schema(document, *content->find(type)->find("schema"), *body);
}

}  // namespace souk::tests
