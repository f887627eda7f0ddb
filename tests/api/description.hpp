#pragma once

#include "actors/gateway/routes.hpp"
#include "actors/json/reader.hpp"

#include <string_view>

/// The API's OpenAPI document, as tests look things up in it.
namespace souk::tests {

/// JSON that the shop made. Throws what is wrong with it, and the text.
json::value read(std::string_view text);

/// What a document says of a route's method. It has every route.
const json::value& operation_of(const json::value& document, const gateway::route& route);

}  // namespace souk::tests
