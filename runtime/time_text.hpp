#pragma once

#include "runtime/types.hpp"

#include <chrono>
#include <cstddef>
#include <string>

/// How times are written: answers, events and the access log agree. Pure; any thread.
namespace souk::runtime {

/// So long is each.
inline constexpr std::size_t time_text_length = 24;

/// Appends a number's last digits, so many, with zeros before them.
inline void append_padded(std::string& out, unsigned number, std::size_t width) {
  const auto begin = out.size();
  out.append(width, '0');
  for (auto at = begin + width; at-- > begin; number /= 10)
    out[at] = static_cast<char>('0' + number % 10);
}

/// Appends "2026-11-25T10:00:00.000Z" (RFC 3339, UTC, with milliseconds); of the years 0 to 9999.
inline void append_time(std::string& out, timestamp time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const auto ms = static_cast<unsigned>((time - day).count());
  append_padded(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  append_padded(out, ms / 3'600'000, 2);
  out += ':';
  append_padded(out, ms / 60'000 % 60, 2);
  out += ':';
  append_padded(out, ms / 1000 % 60, 2);
  out += '.';
  append_padded(out, ms % 1000, 3);
  out += 'Z';
}

}  // namespace souk::runtime
