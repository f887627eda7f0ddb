#pragma once

#include "actors/kinds.hpp"
#include "actors/stock/stock.pb.h"
#include "runtime/entity/decision.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

/// Stock of one sku at one location: what is there, what is held, and at what price it is sold.
///
/// A client's adjustment moves `on_hand`. A checkout's hold reserves units; it ends exactly once, by the
/// checkout's word alone: sold, released, or expired. The stock's own clock ends nothing: well past a hold's
/// expiry it asks the owner, again and again until there is an answer. So an unreachable owner undersells and
/// never oversells.
///
/// A hold may say for which buyer it is, and how many units the holds of that buyer may have together. What
/// is beyond is refused, as what is not there: exactly, since nobody else holds of this stock.
///
/// Laws, checked on every event:
///     received + returned + corrected - written_off - sold = on_hand
///     0 <= reserved <= on_hand
namespace souk::stock {

inline constexpr std::string_view default_location = "default";

/// The key of a stock: the sku, or "sku@location" for a location other than the default one.
std::string key_of(std::string_view sku, std::string_view location = default_location);

runtime::address address_of(std::string_view tenant, std::string_view sku,
                            std::string_view location = default_location);

/// Sku and location of a key.
std::pair<std::string_view, std::string_view> split_key(std::string_view key);

/// The index of all stocks that exist; its keys are theirs.
inline constexpr std::string_view stocks_index = "stock";

/// The index of a stock's movements: keys sort oldest first, values are JSON as clients see it.
std::string movements_index(std::string_view key);

/// Past its expiry a hold gets this long for its owner's own timer, before the owner is asked.
inline constexpr std::chrono::seconds ask_grace{60};
/// How long an owner may stay silent before it is asked again.
inline constexpr std::chrono::seconds ask_again{60};
/// Owners asked in one decision: bounds the size of its record. The rest follow at once.
inline constexpr std::size_t asks_max = 100;
/// Figures stay where every JSON reader holds them exactly.
inline constexpr std::int64_t units_max = (std::int64_t{1} << 53) - 1;
/// Longest reference of a movement, in bytes.
inline constexpr std::size_t reference_length_max = 255;

/// The ledger's sums.
struct figures {
  std::int64_t received = 0;
  std::int64_t returned = 0;
  std::int64_t corrected = 0;  ///< May be negative.
  std::int64_t written_off = 0;
  std::int64_t sold = 0;
  std::int64_t on_hand = 0;
  std::int64_t reserved = 0;

  std::int64_t available() const { return on_hand - reserved; }
  bool balanced() const;
  bool operator==(const figures&) const = default;
};

/// A hold that has not ended.
struct hold {
  std::int64_t quantity = 0;
  std::int64_t expires_at_ms = 0;
  std::int64_t ask_at_ms = 0;  ///< When its owner is asked.
  std::string checkout_key;
  std::string checkout_id;
  std::string buyer_key;  ///< For whom it counts; empty: for nobody.
  bool dirty = false;     ///< Listed in `dirty_holds`.
};

/// The first 128 bits of a SHA-256.
using digest = std::array<std::uint8_t, 16>;

struct digest_hash {
  std::size_t operator()(const digest& digest) const noexcept;
};

/// The references of movements, as digests: told apart for ever, 16 bytes each. Kept in the order of their
/// arrival, in rows of 64, so that a save writes the last row only.
class reference_set {
 public:
  static constexpr std::size_t chunk_size = 64;

  bool contains(const digest& digest) const { return all_.contains(digest); }
  void add(const digest& digest);
  std::size_t size() const { return all_.size(); }

  void load(std::uint64_t chunk, std::string_view row);
  void save(runtime::row_sink& sink);
  bool same_as(const reference_set& other) const { return all_ == other.all_; }

 private:
  std::unordered_set<digest, digest_hash> all_;
  std::uint64_t tail_chunk_ = 0;  // the chunk that `tail_` begins
  std::vector<digest> tail_;      // what is in chunks that are not full, or not saved
  bool dirty_ = false;
};

struct stock_state {
  stock::figures figures;
  std::uint64_t version = 0;
  std::optional<pb::Offer> offer;
  std::unordered_map<std::string, hold> holds;
  std::unordered_map<std::string, std::int64_t> units_of_buyers;  ///< In open holds, of whom it counts for.
  std::set<std::pair<std::int64_t, std::string>> by_ask;          ///< (ask_at_ms, hold id) of every hold.
  std::int64_t timer_due_ms = 0;  ///< What the timer was last set to by an event.
  reference_set references;

  bool dirty = false;
  std::vector<std::string> dirty_holds;  ///< Whose rows are to be written, or are gone again.
  std::vector<std::string> gone_holds;   ///< Whose rows are to be erased.
};

/// Who asks what: clients adjust, read and audit; products make offers; checkouts hold, release, sell and
/// answer for their holds; orders give units back. See stock.proto for each.
struct stock_decider {
  using state = stock_state;
  using command = pb::Command;
  using event = pb::Event;
  static constexpr runtime::kind_id id = kinds::stock;
  static constexpr std::string_view name = "stock";
  static constexpr std::uint32_t schema = 2;
  static std::string_view partition_of(std::string_view key) { return key; }

  runtime::decision decide(const state& state, const command& command, const runtime::context& context) const;
  runtime::decision on_timer(const state& state, std::string_view timer,
                             const runtime::context& context) const;
  /// A checkout that could not take in the answer to its hold is asked at once whether the hold lives: it may
  /// never end it. Other failures need nothing: the timer asks again, the product's next offer heals.
  runtime::decision on_effect_failed(const state& state, const runtime::address& to,
                                     const google::protobuf::Message& command, std::string_view failure,
                                     const runtime::context& context) const;
  /// Throws std::logic_error where a law would be broken.
  void evolve(state& state, const event& event, runtime::timestamp at, std::uint64_t version) const;
  void load_row(state& state, std::string_view row, std::string_view value) const;
  void save_rows(state& state, runtime::row_sink& sink) const;
};

}  // namespace souk::stock
