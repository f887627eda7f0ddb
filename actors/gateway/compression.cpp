#include "actors/gateway/compression.hpp"

#include "actors/gateway/routes.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <isa-l/igzip_lib.h>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::gateway {

namespace {

/// What a weight of 1 is, in thousandths: they have three decimals at most.
constexpr unsigned whole = 1'000;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool equal(std::string_view a, std::string_view lower_case) {
  return a.size() == lower_case.size() &&
         std::equal(a.begin(), a.end(), lower_case.begin(), [](char c, char expected) {
           return (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) == expected;
         });
}

/// "0", "0.5", "1.000"; nothing if it is no weight.
std::optional<unsigned> weight_of(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  unsigned weight = static_cast<unsigned>(text[0] - '0') * whole;
  unsigned place = whole;
  for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (c < '0' || c > '9') return std::nullopt;
    place /= 10;
    weight += static_cast<unsigned>(c - '0') * place;
  }
  return weight <= whole ? std::optional{weight} : std::nullopt;
}

/// The weights that a client gives; nothing: it does not say.
struct weights {
  std::optional<unsigned> gzip;
  std::optional<unsigned> identity;
  std::optional<unsigned> all;

  void add(std::string_view element) {
    const auto semicolon = element.find(';');
    const auto coding = trimmed(element.substr(0, semicolon));
    unsigned weight = whole;
    if (semicolon != std::string_view::npos) {
      const auto parameter = trimmed(element.substr(semicolon + 1));
      if (parameter.size() < 2 || !equal(parameter.substr(0, 2), "q=")) return;
      const auto given = weight_of(parameter.substr(2));
      if (!given) return;
      weight = *given;
    }
    if (equal(coding, "gzip") || equal(coding, "x-gzip")) gzip = weight;
    if (equal(coding, "identity")) identity = weight;
    if (coding == "*") all = weight;
  }
};

/// What igzip works with, of this thread: it is large, and the same for all answers.
std::vector<std::uint8_t>& work_space() {
  thread_local std::vector<std::uint8_t> space(ISAL_DEF_LVL1_DEFAULT);
  return space;
}

/// Empty: it comes out no shorter.
std::string packed(const std::string& body) {
  std::string out(body.size(), '\0');
  isal_zstream stream{};
  isal_deflate_stateless_init(&stream);
  stream.gzip_flag = IGZIP_GZIP;
  stream.end_of_stream = 1;
  stream.level = 1;
  stream.level_buf = work_space().data();
  stream.level_buf_size = static_cast<std::uint32_t>(work_space().size());
  // It reads only, but does not say so.
  stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<char*>(body.data()));  // NOLINT
  stream.avail_in = static_cast<std::uint32_t>(body.size());
  stream.next_out = reinterpret_cast<std::uint8_t*>(out.data());
  stream.avail_out = static_cast<std::uint32_t>(out.size());
  if (isal_deflate_stateless(&stream) != COMP_OK) return {};
  out.resize(stream.total_out);
  return out;
}

bool is_text(const http_response& response) {
  const auto type = std::find_if(response.fields.begin(), response.fields.end(),
                                 [](const auto& field) { return field.first == "Content-Type"; });
  if (type == response.fields.end()) return false;
  const std::string_view value{type->second};
  return value.starts_with("application/json") || value.starts_with("application/problem+json") ||
         value.starts_with("text/html");
}

/// What is made shows its secret once, in the answer to the POST; nothing about keys is packed at all.
bool may_be_packed(const route& route) {
  return route.method == "GET" && route.scope != keyring::scope::keys_admin;
}

}  // namespace

bool prefers_gzip(const http_request& http) {
  weights given;
  for (const auto& [name, value] : http.fields) {
    if (name != "accept-encoding") continue;
    std::string_view rest{value};
    while (!rest.empty()) {
      const auto comma = std::min(rest.find(','), rest.size());
      given.add(rest.substr(0, comma));
      rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
  }
  const auto gzip = given.gzip ? given.gzip : given.all;
  return gzip.value_or(0) > 0 && *gzip >= given.identity.value_or(0);
}

void compress(const http_request& http, const route* route, http_response& response) {
  if (route == nullptr || !may_be_packed(*route) || response.more != nullptr) return;
  const auto size = response.body.size();
  const bool worth = size >= compressed_bytes_min && size <= compressed_bytes_max && is_text(response);
  // An answer that there is nothing new stands for one that may be packed.
  if (worth || response.status == 304) response.fields.emplace_back("Vary", "Accept-Encoding");
  if (!worth || !prefers_gzip(http)) return;
  auto shorter = packed(response.body);
  if (shorter.empty()) return;
  response.body = std::move(shorter);
  response.fields.emplace_back("Content-Encoding", "gzip");
}

}  // namespace souk::gateway
