#pragma once

#include "persistence/byte_order.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Rows of a page of the journal: the key says which record it is, the value is a serialised
/// `persistence::pb::Record` with no more than entity, time, version, events and trace.
namespace souk::runtime {

/// Which record a row is.
struct journal_row_key {
  std::uint64_t index = 0;
  std::uint64_t epoch = 0;
  std::uint64_t epoch_before = 0;  ///< Of the record before it; 0: not known.
};

inline constexpr std::size_t journal_row_key_bytes = 24;

inline std::string to_bytes(const journal_row_key& key) {
  std::string bytes(journal_row_key_bytes, '\0');
  persistence::store_big_endian(bytes.data(), key.index);
  persistence::store_big_endian(bytes.data() + 8, key.epoch);
  persistence::store_big_endian(bytes.data() + 16, key.epoch_before);
  return bytes;
}

/// Nothing for what is no such key.
inline std::optional<journal_row_key> journal_row_key_of(std::string_view bytes) {
  if (bytes.size() != journal_row_key_bytes) return std::nullopt;
  return journal_row_key{persistence::load_big_endian<std::uint64_t>(bytes, 0),
                         persistence::load_big_endian<std::uint64_t>(bytes, 8),
                         persistence::load_big_endian<std::uint64_t>(bytes, 16)};
}

}  // namespace souk::runtime
