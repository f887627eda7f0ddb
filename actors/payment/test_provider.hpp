#pragma once

#include "actors/payment/payment.pb.h"
#include "actors/payment/provider_ledger.hpp"
#include "runtime/types.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace souk::payment {

/// A payment provider that behaves as its tokens say:
///
///   tok_ok        charges
///   tok_declined  declines
///   tok_3ds       wants the buyer to authenticate, then charges
///   tok_timeout   charges and never answers
///   tok_lost      neither charges nor answers
///   tok_flaky     errs twice for each key, then charges
///
/// and declines any other. A key names one charge for good: a repeat gets what came of the first, and under a
/// cancelled key nothing is charged any more. It keeps its own books, so that they can be held against the
/// shop's: a checkout with more than one charge that was not given back shows there.
///
/// No threads and no clock. An answer may leave only after `ledger.sync()`.
class test_provider {
 public:
  /// Reads the ledger's records. Throws `persistence::damage` naming the first that cannot be understood. The
  /// ledger must outlive it.
  explicit test_provider(provider_ledger& ledger);

  /// What comes of a call; nothing: silence. Appends to the ledger what must be known for good.
  std::optional<pb::ProviderResult> call(const pb::ProviderCall& call, runtime::timestamp now);

  /// The books as JSON: `data` with a row for each charge or decline, oldest first, and a `summary`:
  /// `charged`, charges that stand; `refunded`, those given back; `duplicates`, charges that stand beyond the
  /// first of their checkout.
  std::string list() const;

 private:
  enum class status : std::uint8_t { erring, requires_action, charged, declined, canceled, voided, refunded };

  struct entry {
    std::string key;
    std::string payment_id;
    std::string checkout_id;
    std::string token;
    std::string currency;
    std::string charge_id;
    std::string code;
    std::int64_t amount = 0;
    std::int64_t created_ms = 0;
    payment::test_provider::status status = status::erring;
    unsigned errors = 0;
    unsigned charges = 0;
  };

  std::optional<pb::ProviderResult> charge(const pb::ProviderCall& call, runtime::timestamp now);
  std::optional<pb::ProviderResult> charge_new(const pb::ProviderCall& call, runtime::timestamp now);
  pb::ProviderResult cancel(const pb::ProviderCall& call, runtime::timestamp now);
  pb::ProviderResult authenticate(const pb::ProviderCall& call, runtime::timestamp now);
  pb::ProviderResult refund(const pb::ProviderCall& call, runtime::timestamp now);

  entry* find(const std::string& key);
  entry& open(const pb::ProviderCall& call, runtime::timestamp now);
  /// Gives the entry a status and writes that down.
  void settle(entry& entry, status status, runtime::timestamp now);
  void record(const entry& entry, runtime::timestamp now);
  void restore(std::string_view record, std::size_t number);

  static std::string_view name_of(status status);
  static std::optional<status> status_of(std::string_view name);
  static pb::ProviderResult result_of(const entry& entry);

  provider_ledger& ledger_;
  std::vector<entry> entries_;  ///< In the order of their creation.
  std::unordered_map<std::string, std::size_t> by_key_;
};

}  // namespace souk::payment
