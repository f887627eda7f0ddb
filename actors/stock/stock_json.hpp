#pragma once

#include "actors/json/writer.hpp"
#include "actors/stock/stock.pb.h"
#include "runtime/types.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace souk::stock {

/// A movement as clients see it.
struct movement {
  std::string_view id;
  std::string_view sku;
  std::string_view location;
  std::int64_t delta = 0;
  std::string_view reason;
  std::string_view reference;  ///< Empty: none.
  runtime::timestamp at;
  std::int64_t on_hand = 0;  ///< After it.
};

/// Writes the members of a movement into an object that was begun.
void write_movement(json::writer& out, const movement& movement);
std::string movement_json(const movement& movement);

/// `{"sku","location","on_hand","reserved","available","version"}`
void write_level(json::writer& out, const pb::Level& level);
std::string level_json(const pb::Level& level);

std::string audit_json(const pb::AuditFigures& figures);

}  // namespace souk::stock
