#pragma once

#include "actors/gateway/routes.hpp"
#include "actors/json/reader.hpp"
#include "tests/api/dice.hpp"
#include "tests/api/known_values.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::tests {

struct drawn_request {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;

  /// For people: without credentials, and no more of a body than can be read.
  std::string text() const;
};

/// Draws requests for an OpenAPI document's operations: good ones, and such with something wrong in the path,
/// the query, a field or the body.
class request_drawing {
 public:
  /// `secret`: a key that opens everything.
  request_drawing(const json::value& document, std::string secret, std::uint64_t seed)
      : document_(document), secret_(std::move(secret)), dice_(seed) {}

  drawn_request draw(const gateway::route& route);
  /// What an answer to a route's request shows.
  void learn(const gateway::route& route, const json::value& answer);
  known_values& known() { return known_; }

 private:
  /// Those of a path, a query or a header.
  std::vector<const json::value*> parameters_of(const json::value& operation, std::string_view where) const;
  std::string draw_path(std::string_view path);
  std::string draw_query(const json::value& operation);
  void draw_fields(const json::value& operation, drawn_request& request);
  std::string draw_key();
  void draw_body(const gateway::route& route, const json::value& operation, drawn_request& request);
  std::string draw_file(drawn_request& request);
  void fit(json::value& body);

  const json::value& document_;
  std::string secret_;
  dice dice_;
  known_values known_;
  std::string asked_;              // the first id of the path
  std::vector<std::string> keys_;  // sent before
};

}  // namespace souk::tests
