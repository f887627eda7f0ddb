#include "actors/stock/stock_json.hpp"

#include <utility>

namespace souk::stock {

void write_movement(json::writer& out, const movement& movement) {
  out.key("id").string(movement.id);
  out.key("sku").string(movement.sku);
  out.key("location").string(movement.location);
  out.key("delta").integer(movement.delta);
  out.key("reason").string(movement.reason);
  if (!movement.reference.empty()) out.key("reference").string(movement.reference);
  out.key("at").time(movement.at);
  out.key("on_hand").integer(movement.on_hand);
}

std::string movement_json(const movement& movement) {
  json::writer out;
  out.reserve(256);
  out.begin_object();
  write_movement(out, movement);
  out.end_object();
  return std::move(out).take();
}

void write_level(json::writer& out, const pb::Level& level) {
  out.begin_object();
  out.key("sku").string(level.sku());
  out.key("location").string(level.location());
  out.key("on_hand").integer(level.on_hand());
  out.key("reserved").integer(level.reserved());
  out.key("available").integer(level.available());
  out.key("version").integer(static_cast<std::int64_t>(level.version()));
  out.end_object();
}

std::string level_json(const pb::Level& level) {
  json::writer out;
  write_level(out, level);
  return std::move(out).take();
}

std::string audit_json(const pb::AuditFigures& figures) {
  json::writer out;
  out.begin_object();
  out.key("sku").string(figures.sku());
  out.key("location").string(figures.location());
  out.key("received").integer(figures.received());
  out.key("returned").integer(figures.returned());
  out.key("corrected").integer(figures.corrected());
  out.key("written_off").integer(figures.written_off());
  out.key("sold").integer(figures.sold());
  out.key("on_hand").integer(figures.on_hand());
  out.key("reserved").integer(figures.reserved());
  out.key("holds").begin_array();
  for (const auto& hold : figures.holds()) {
    out.begin_object();
    out.key("id").string(hold.hold_id());
    out.key("quantity").integer(hold.quantity());
    out.key("expires_at").time(runtime::from_ms(hold.expires_at_ms()));
    out.key("checkout_id").string(hold.checkout_id());
    out.end_object();
  }
  out.end_array();
  out.key("balanced").boolean(figures.balanced());
  out.end_object();
  return std::move(out).take();
}

}  // namespace souk::stock
