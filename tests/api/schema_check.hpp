#pragma once

#include "actors/json/reader.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace souk::tests {

/// Holds a value against a schema of JSON Schema 2020-12 in an OpenAPI document, as far as the project's own
/// schemas go: a keyword beyond that is a finding. Stricter than a client would be: a member that the schema
/// does not name is a finding too, so that nothing is answered that is not described.
///
/// Says what is wrong and where, in words; nothing: all is as it should be.
std::vector<std::string> check_schema(const json::value& document, const json::value& schema,
                                      const json::value& value, const std::string& at = "");

/// The part of a document that "#/components/..." names. Throws if there is none.
const json::value& resolve(const json::value& document, std::string_view reference);

}  // namespace souk::tests
