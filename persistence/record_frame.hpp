#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// How one journal record is stored: a frame, cut into parts that stand under consecutive keys.
///
///     u8 format (1) | u8 zero | u16 parts | u32 payload bytes | u64 epoch | u64 chain | payload | u32 crc32c
///
/// `chain` is the XXH3-64 of the previous record's whole frame (0 for the first record of a shard). The
/// CRC32C is over shard, index and everything before it, so a record under a wrong key does not hold either.
namespace souk::persistence {

/// A frame is cut into parts of this size: LMDB keeps values up to about half a page inside its pages, and
/// the long way (runs of overflow pages) is the one with the faults.
inline constexpr std::size_t part_bytes_max = 1536;
/// Bytes of a frame beside its payload.
inline constexpr std::size_t frame_overhead_bytes = 28;

/// Names a record in messages: the file it is in, its shard and index.
struct record_place {
  std::string_view file;
  std::uint16_t shard = 0;
  std::uint64_t index = 0;
};

/// "<file>: shard 3, record 17".
std::string to_string(const record_place& place);

/// What a frame holds. `payload` points into it.
struct record_frame {
  std::uint64_t epoch = 0;
  std::uint64_t chain = 0;
  std::string_view payload;
};

/// Puts the frame of a record into `out`, which is overwritten (and keeps its memory for the next one).
void encode_frame(const record_place& place, const record_frame& record, std::string& out);

/// How many parts a frame has, as its first part says. Throws `damage` if that part is no beginning of a
/// frame.
std::size_t count_parts(const record_place& place, std::string_view first_part);

/// Checks a whole frame and takes it apart. Throws `damage` with the figures that differ.
record_frame decode_frame(const record_place& place, std::string_view frame);

}  // namespace souk::persistence
