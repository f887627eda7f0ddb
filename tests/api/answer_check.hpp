#pragma once

#include "actors/gateway/http.hpp"
#include "actors/gateway/routes.hpp"
#include "actors/json/reader.hpp"

#include <string>
#include <vector>

namespace souk::tests {

/// Holds an answer against what an OpenAPI document says of its route: the status must be one that it names
/// there, not only the default, and the body one that the schema of it allows. Says what is wrong, in words.
std::vector<std::string> check_answer(const json::value& document, const gateway::route& route,
                                      const gateway::http_response& response);

}  // namespace souk::tests
