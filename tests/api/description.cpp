#include "tests/api/description.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace souk::tests {

json::value read(std::string_view text) {
  json::parse_error error;
  auto read = json::parse(text, error);
  if (!read) throw std::runtime_error(error.pointer + " " + error.detail + ": " + std::string{text});
  return *std::move(read);
}

const json::value& operation_of(const json::value& document, const gateway::route& route) {
  std::string method{route.method};
  std::transform(method.begin(), method.end(), method.begin(),
                 [](char c) { return static_cast<char>(c | 0x20); });
  return *document.find("paths")->find(route.path)->find(method);
}

}  // namespace souk::tests
