#pragma once

#include "actors/json/writer.hpp"
#include "actors/marketplace/customer.pb.h"
#include "runtime/entity/decision.hpp"

#include <cstdint>
#include <string_view>

/// What customers and the market say of orders alike.
namespace souk::marketplace {

/// Figures of the lines of an order, or of a part of it, that were in stock. In millionths.
struct totals {
  std::int64_t amount = 0;     ///< Prices by quantities.
  std::int64_t incentive = 0;  ///< What vouchers took off.
  std::int64_t freight = 0;    ///< Once a line.

  std::int64_t items() const { return amount - incentive; }
  std::int64_t invoice() const { return items() + freight; }
  void add(const pb::Line& line);
};

template <class Lines>
totals totals_of(const Lines& lines) {
  totals sum;
  for (const pb::Line& line : lines)
    sum.add(line);
  return sum;
}

/// The members `total_amount`, `total_freight`, `total_incentive`, `total_invoice` and `total_items`.
void write_totals(json::writer& out, const totals& totals);
void write_amount(json::writer& out, std::string_view name, std::int64_t amount);

/// An error answer: application/problem+json with `status` and `detail`.
runtime::answer refused(int status, std::string_view detail);
/// A decision that only refuses.
runtime::decision refuse(int status, std::string_view detail);
/// A decision that only answers.
runtime::decision say(int status, std::string body = {});

/// Refuses what writes while nodes of the cluster may not know what that is; else nothing is decided yet.
bool is_too_early(const runtime::context& context);
runtime::decision refuse_too_early();

}  // namespace souk::marketplace
