#pragma once

#include "actors/json/writer.hpp"
#include "bench/shop_client.hpp"

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

namespace souk::bench {

/// What a full look at a shop's books found. Meaningful when no sale is under way.
struct audit_report {
  std::uint64_t skus = 0;
  std::uint64_t unbalanced = 0;  ///< Skus whose movements or holds do not add up to their level.
  std::uint64_t open_holds = 0;
  std::uint64_t charges = 0;     ///< Rows of the provider's ledger that are charged and not given back.
  std::uint64_t orders = 0;      ///< Live orders (not cancelled) with a total above 0.
  std::uint64_t answered = 0;    ///< Of the orders that a load generator was answered, those that are there.
  std::uint64_t duplicates = 0;  ///< Charges beyond the first of one key or one checkout.
  std::vector<std::string> findings;  ///< What is wrong, one sentence each; no more than `findings_max`.
  std::uint64_t findings_count = 0;

  static constexpr std::size_t findings_max = 50;

  bool fine() const { return findings_count == 0; }
};

/// Where an audit looks in a shop that is too large to be asked for everything at once.
struct audit_scope {
  /// Of stock only these; none: all of it, in one question.
  std::unordered_set<std::string> skus;
  /// The file in which the test provider keeps its books, a line of JSON for each change; empty: the shop is
  /// asked for them. For millions of charges, which are more than one answer.
  std::string ledger_file;
};

/// Checks stock against its ledger, and the payment provider's own ledger against the orders: every live
/// order with a total above 0 was charged once, its total, and nothing else was. Each id in
/// `answered` must be an order that is there. Throws `unreachable` or `refused`, and `std::runtime_error` for
/// a file that is no ledger.
audit_report audit(shop_client& client, std::unordered_set<std::string> answered = {},
                   const audit_scope& scope = {});

/// `{"unbalanced", "charges", "orders", "answered"}`
void write_books(json::writer& out, const audit_report& books);

/// The same as a line on standard output, and the findings; `answered`: how many orders the load generator
/// was answered.
void print_books(const audit_report& books, std::size_t answered);

}  // namespace souk::bench
