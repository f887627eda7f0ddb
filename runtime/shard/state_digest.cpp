#include "runtime/shard/state_digest.hpp"

#include "runtime/shard/keys.hpp"
#include "runtime/shard/snapshot.hpp"
#include "runtime/shard/state.pb.h"

#include <xxhash.h>

#include <algorithm>
#include <new>

namespace souk::runtime {

namespace {

// Letters of keys, see keys.hpp.
constexpr char header_letter = 'm';
constexpr char effect_letter = 'o';
constexpr char answer_letter = 'i';
constexpr char answer_end_letter = 'x';

std::string hexadecimal(const XXH128_hash_t& hash) {
  constexpr std::string_view digits = "0123456789abcdef";
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, hash);
  std::string text;
  for (const unsigned char byte : bytes.digest) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace

void digest_reader::free_state::operator()(XXH3_state_s* state) const { XXH3_freeState(state); }

digest_reader::digest_reader(shard_id shard, const persistence::state_store& state,
                             std::int64_t answers_from_ms)
    : shard_(shard),
      state_(&state),
      answers_from_ms_(answers_from_ms),
      header_(state.get(keys::shard_header(shard)).value_or("")),
      sum_(XXH3_createState()) {
  if (!sum_) throw std::bad_alloc();
  XXH3_128bits_reset(sum_.get());
  add_header();
}

digest_reader::~digest_reader() = default;

digest_reader::progress digest_reader::next(std::size_t bytes) {
  const bool more =
      visit_piece(shard_, *state_, from_, bytes, [this](std::string_view key, std::string_view value) {
        if (is_of_all(key, value)) add(key, value);
      });
  if (more) return progress::more;
  // Whatever changes a shard's rows changes its header in the same commit, but for a snapshot that comes in.
  const bool same = state_->get(keys::shard_header(shard_)).value_or("") == header_ &&
                    !state_->get(keys::snapshot_mark(shard_));
  return same ? progress::done : progress::changed;
}

bool digest_reader::is_of_all(std::string_view key, std::string_view value) const {
  switch (key.front()) {
    case header_letter:
    case effect_letter:
      return false;
    case answer_letter: {
      pb::KeptAnswer kept;
      if (!kept.ParseFromArray(value.data(), static_cast<int>(value.size())))
        throw persistence::damage("state: a kept answer of shard " + std::to_string(shard_) +
                                  " cannot be read");
      return kept.expires_ms() >= answers_from_ms_;
    }
    case answer_end_letter:
      return key >= keys::answer_ends_until(shard_, answers_from_ms_);
    default:
      return true;
  }
}

void digest_reader::add(std::string_view key, std::string_view value) {
  ++result_.rows;
  for (const auto text : {key, value}) {
    const std::uint64_t size = text.size();
    XXH3_128bits_update(sum_.get(), &size, sizeof size);
    XXH3_128bits_update(sum_.get(), text.data(), text.size());
  }
}

// What of it is the same for all: not how far effects were acknowledged, nor streams that never were used.
void digest_reader::add_header() {
  pb::ShardHeader header;
  if (!header.ParseFromString(header_))
    throw persistence::damage("state: the header of shard " + std::to_string(shard_) + " cannot be read");
  result_.applied = header.applied();
  result_.epoch = header.epoch();
  pb::ShardHeader common = header;
  common.clear_out();
  common.clear_in();
  for (auto stream : header.out()) {
    if (stream.next() <= 1) continue;
    stream.clear_acknowledged();
    *common.add_out() = stream;
  }
  for (const auto& stream : header.in())
    if (stream.watermark() > 0 || stream.above_size() > 0) *common.add_in() = stream;
  add(keys::shard_header(shard_), common.SerializeAsString());
}

state_digest digest_reader::result() const {
  auto result = result_;
  result.digest = hexadecimal(XXH3_128bits_digest(sum_.get()));
  return result;
}

}  // namespace souk::runtime
