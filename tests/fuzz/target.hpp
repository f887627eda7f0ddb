#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string_view>

/// What a fuzzer calls with bytes that it made up. A source of this folder defines it; whether libFuzzer
/// calls it or `replay.cpp` is the build's affair. Returns 0.
// NOLINTNEXTLINE(bugprone-reserved-identifier): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace souk::fuzz {

/// Ends the process unless `holds`: that is how a fuzzer hears of a finding.
inline void demand(bool holds, std::string_view what) {
  if (holds) return;
  std::cerr << "not so: " << what << std::endl;
  std::abort();
}

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// A number that depends on all bytes (FNV-1a): what a target draws beside its input.
inline std::uint64_t number_of(std::string_view bytes) {
  std::uint64_t number = 14'695'981'039'346'656'037u;
  for (const char c : bytes)
    number = (number ^ static_cast<unsigned char>(c)) * 1'099'511'628'211u;
  return number;
}

}  // namespace souk::fuzz
