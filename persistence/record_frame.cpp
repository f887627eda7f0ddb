#include "persistence/record_frame.hpp"

#include "persistence/byte_order.hpp"
#include "persistence/checksum.hpp"
#include "persistence/sequence.hpp"
#include "persistence/storage.hpp"

#include <array>

namespace souk::persistence {

namespace {

constexpr std::uint8_t frame_format = 1;
constexpr std::size_t parts_offset = 2;
constexpr std::size_t length_offset = 4;
constexpr std::size_t epoch_offset = 8;
constexpr std::size_t chain_offset = 16;
constexpr std::size_t header_bytes = 24;
constexpr std::size_t sum_bytes = 4;
static_assert(frame_overhead_bytes == header_bytes + sum_bytes);

std::size_t parts_of(std::size_t frame_bytes) { return (frame_bytes + part_bytes_max - 1) / part_bytes_max; }
static_assert((record_bytes_max + frame_overhead_bytes) / part_bytes_max + 1 <= UINT16_MAX);

std::uint32_t sum_of(const record_place& place, std::string_view covered) {
  std::array<char, 10> key{};
  store_big_endian(key.data(), place.shard);
  store_big_endian(key.data() + 2, place.index);
  return crc32c(covered, crc32c({key.data(), key.size()}));
}

}  // namespace

std::string to_string(const record_place& place) {
  return std::string(place.file) + ": shard " + std::to_string(place.shard) + ", record " +
         std::to_string(place.index);
}

void encode_frame(const record_place& place, const record_frame& record, std::string& out) {
  const std::size_t frame_bytes = record.payload.size() + frame_overhead_bytes;
  std::array<char, header_bytes> header{};
  store_big_endian(header.data(), frame_format);
  store_big_endian(header.data() + parts_offset, static_cast<std::uint16_t>(parts_of(frame_bytes)));
  store_big_endian(header.data() + length_offset, static_cast<std::uint32_t>(record.payload.size()));
  store_big_endian(header.data() + epoch_offset, record.epoch);
  store_big_endian(header.data() + chain_offset, record.chain);
  out.assign(header.data(), header.size());
  out.append(record.payload);
  std::array<char, sum_bytes> sum{};
  store_big_endian(sum.data(), sum_of(place, out));
  out.append(sum.data(), sum.size());
}

std::size_t count_parts(const record_place& place, std::string_view first_part) {
  if (first_part.size() < frame_overhead_bytes) {
    throw damage(to_string(place) + ": its first part has " + std::to_string(first_part.size()) +
                 " bytes, expected at least " + std::to_string(frame_overhead_bytes));
  }
  const auto format = load_big_endian<std::uint8_t>(first_part, 0);
  if (format != frame_format) {
    throw damage(to_string(place) + ": its format is " + std::to_string(format) + ", expected " +
                 std::to_string(frame_format));
  }
  const std::size_t parts = load_big_endian<std::uint16_t>(first_part, parts_offset);
  const std::size_t payload_bytes = load_big_endian<std::uint32_t>(first_part, length_offset);
  if (parts != parts_of(payload_bytes + frame_overhead_bytes)) {
    throw damage(to_string(place) + ": its header names " + std::to_string(parts) + " parts, expected " +
                 std::to_string(parts_of(payload_bytes + frame_overhead_bytes)) + " for " +
                 std::to_string(payload_bytes) + " bytes");
  }
  return parts;
}

record_frame decode_frame(const record_place& place, std::string_view frame) {
  const std::size_t payload_bytes = load_big_endian<std::uint32_t>(frame, length_offset);
  if (frame.size() != payload_bytes + frame_overhead_bytes) {
    throw damage(to_string(place) + ": it has " + std::to_string(frame.size()) + " bytes, expected " +
                 std::to_string(payload_bytes + frame_overhead_bytes));
  }
  const std::size_t covered_bytes = frame.size() - sum_bytes;
  const auto stored = load_big_endian<std::uint32_t>(frame, covered_bytes);
  const auto computed = sum_of(place, frame.substr(0, covered_bytes));
  if (stored != computed) {
    throw damage(to_string(place) + ": its content has the checksum " + hex(computed) + ", expected " +
                 hex(stored));
  }
  return {load_big_endian<std::uint64_t>(frame, epoch_offset),
          load_big_endian<std::uint64_t>(frame, chain_offset), frame.substr(header_bytes, payload_bytes)};
}

}  // namespace souk::persistence
