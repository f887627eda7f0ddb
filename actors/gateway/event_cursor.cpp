#include "actors/gateway/event_cursor.hpp"

#include "actors/gateway/digests.hpp"
#include "runtime/crockford.hpp"

namespace souk::gateway {

namespace {

/// What a cursor is sealed for; another layout is another name.
constexpr std::string_view sealed_as = "events 1";

void put_number(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7)
    out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

std::optional<std::uint64_t> take_number(std::string_view& bytes) {
  constexpr unsigned bits_max = 63;
  std::uint64_t value = 0;
  for (unsigned bits = 0; bits <= bits_max && !bytes.empty(); bits += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << bits;
    if ((byte & 0x80) == 0) return value;
  }
  return std::nullopt;
}

/// The lowest bits of a number, as so many characters.
void put_characters(std::string& out, std::uint64_t number, unsigned count) {
  for (unsigned i = count; i-- > 0;)
    out += runtime::crockford_alphabet[(number >> (i * runtime::crockford_bits)) & 31];
}

}  // namespace

event_positions earliest_positions(std::uint16_t shard_count) { return event_positions(shard_count); }

event_positions latest_positions(std::uint16_t shard_count) {
  return event_positions(shard_count, {runtime::journal_place::at_end, 0, 0});
}

std::string seal_positions(std::string_view secret, const event_positions& positions) {
  std::string bytes;
  for (const auto& position : positions) {
    put_number(bytes, position.index);
    put_number(bytes, position.epoch);
    put_number(bytes, position.events);
  }
  return seal_cursor(secret, sealed_as, bytes);
}

std::optional<event_positions> open_positions(std::string_view secret, std::uint16_t shard_count,
                                              std::string_view cursor) {
  const auto bytes = open_cursor(secret, sealed_as, cursor);
  if (!bytes) return std::nullopt;
  std::string_view rest = *bytes;
  event_positions positions;
  while (!rest.empty()) {
    const auto index = take_number(rest);
    const auto epoch = take_number(rest);
    const auto events = take_number(rest);
    if (!index || !epoch || !events || positions.size() == shard_count) return std::nullopt;
    positions.push_back({*index, *epoch, static_cast<std::uint32_t>(*events)});
  }
  if (positions.size() != shard_count) return std::nullopt;
  return positions;
}

std::string event_id(runtime::shard_id shard, std::uint64_t index, std::uint32_t number) {
  // 10 bits, 60 and 20: beyond what a cluster, its history and a record can hold.
  std::string id{"evt_"};
  put_characters(id, shard, 2);
  put_characters(id, index, 12);
  put_characters(id, number, 4);
  return id;
}

}  // namespace souk::gateway
