#include "runtime/trace_context.hpp"

#include "persistence/checksum.hpp"
#include "runtime/seams/seams.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace souk::runtime {

namespace {

constexpr std::size_t trace_at = 3;
constexpr std::size_t trace_digits = 32;
constexpr std::size_t span_at = trace_at + trace_digits + 1;
constexpr std::size_t span_digits = 16;
constexpr std::size_t flags_at = span_at + span_digits + 1;

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

std::string hex_of(std::size_t bytes, random_source& random) {
  std::array<std::uint8_t, trace_digits / 2> id{};
  random.fill({id.data(), bytes});
  id[0] |= 1;  // ids of nothing but zeros are none
  return persistence::hex(std::string_view{reinterpret_cast<const char*>(id.data()), bytes});
}

}  // namespace

bool is_traceparent(std::string_view text) {
  if (text.size() != traceparent_bytes || !text.starts_with("00-") || text[span_at - 1] != '-' ||
      text[flags_at - 1] != '-')
    return false;
  const auto trace = text.substr(trace_at, trace_digits);
  const auto span = text.substr(span_at, span_digits);
  return is_hex(trace) && is_hex(span) && is_hex(text.substr(flags_at)) && !is_zero(trace) && !is_zero(span);
}

std::string_view trace_id_of(std::string_view traceparent) {
  return traceparent.size() < traceparent_bytes ? std::string_view{}
                                                : traceparent.substr(trace_at, trace_digits);
}

std::string_view span_id_of(std::string_view traceparent) {
  return traceparent.size() < traceparent_bytes ? std::string_view{}
                                                : traceparent.substr(span_at, span_digits);
}

bool is_sampled(std::string_view traceparent) {
  if (traceparent.size() < traceparent_bytes) return false;
  // The lowest bit of the last hexadecimal digit.
  const char last = traceparent[flags_at + 1];
  return ((last >= 'a' ? last - 'a' + 10 : last - '0') & 1) != 0;
}

std::string make_traceparent(random_source& random, bool sampled) {
  const auto trace = hex_of(trace_digits / 2, random);
  return "00-" + trace + "-" + hex_of(span_digits / 2, random) + (sampled ? "-01" : "-00");
}

std::string child_traceparent(std::string_view parent, random_source& random) {
  if (!is_traceparent(parent)) return {};
  return std::string{parent.substr(0, span_at)} + hex_of(span_digits / 2, random) +
         std::string{parent.substr(flags_at - 1)};
}

}  // namespace souk::runtime
