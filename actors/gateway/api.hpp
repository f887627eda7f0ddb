#pragma once

#include "actors/gateway/routes.hpp"

#include <span>
#include <string>
#include <string_view>

namespace souk::gateway {

/// The contract of these routes as an OpenAPI 3.1 document: paths, parameters, what a body may be and which
/// problems come of it are read off the table that routes requests; what no table knows (sentences, schemas,
/// examples) stands in api.json under the route's name. Throws std::logic_error for a route without such an
/// entry.
std::string describe_api(std::span<const route> routes);

/// The document of this program's routes, made once.
const std::string& api_document();

/// api.json, and a page that shows the document to people, as they were when this was built.
std::string_view api_text();
std::string_view api_page();

}  // namespace souk::gateway
