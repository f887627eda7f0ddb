#pragma once

#include "actors/stock/stock.pb.h"

#include <cstdint>
#include <string>

namespace souk::stock {

inline pb::Command adjust(std::int64_t delta, const std::string& reason = "received",
                          const std::string& reference = "") {
  pb::Command command;
  command.mutable_adjust()->set_delta(delta);
  command.mutable_adjust()->set_reason(reason);
  command.mutable_adjust()->set_reference(reference);
  command.mutable_adjust()->set_movement_id("mov_1");
  return command;
}

inline pb::Command offer(std::uint64_t version, bool for_sale = true, const std::string& product = "prd_1") {
  pb::Command command;
  command.mutable_offer()->set_product_key(product);
  command.mutable_offer()->set_product_version(version);
  command.mutable_offer()->set_title("Tea v" + std::to_string(version));
  command.mutable_offer()->mutable_price()->set_amount(static_cast<std::int64_t>(100 * version));
  command.mutable_offer()->mutable_price()->set_currency("USD");
  command.mutable_offer()->set_for_sale(for_sale);
  command.mutable_offer()->set_attempt("a" + std::to_string(version));
  return command;
}

inline pb::Command take_hold(const std::string& id, std::int64_t quantity, std::int64_t expires_at_ms,
                             bool quoted = false) {
  pb::Command command;
  command.mutable_hold()->set_hold_id(id);
  command.mutable_hold()->set_quantity(quantity);
  command.mutable_hold()->set_expires_at_ms(expires_at_ms);
  command.mutable_hold()->set_checkout_key("c-" + id);
  command.mutable_hold()->set_checkout_id("chk_" + id);
  command.mutable_hold()->set_line(3);
  command.mutable_hold()->set_quoted(quoted);
  return command;
}

inline pb::Command for_buyer(pb::Command command, const std::string& buyer_key, std::int64_t units_max) {
  command.mutable_hold()->set_buyer_key(buyer_key);
  command.mutable_hold()->set_buyer_units_max(units_max);
  return command;
}

inline pb::Command release(const std::string& id) {
  pb::Command command;
  command.mutable_release()->set_hold_id(id);
  return command;
}

inline pb::Command sell(const std::string& id, const std::string& order = "ord_1") {
  pb::Command command;
  command.mutable_sell()->set_hold_id(id);
  command.mutable_sell()->set_order_id(order);
  return command;
}

inline pb::Command restock(std::int64_t quantity, const std::string& order, const std::string& line) {
  pb::Command command;
  command.mutable_restock()->set_quantity(quantity);
  command.mutable_restock()->set_order_id(order);
  command.mutable_restock()->set_line_id(line);
  command.mutable_restock()->set_movement_id("mov_r");
  return command;
}

inline pb::Command owner_says(const std::string& id, bool live, std::int64_t expires_at_ms = 0) {
  pb::Command command;
  command.mutable_owner_says()->set_hold_id(id);
  command.mutable_owner_says()->set_live(live);
  command.mutable_owner_says()->set_expires_at_ms(expires_at_ms);
  return command;
}

inline pb::Command read(const std::string& if_none_match = "") {
  pb::Command command;
  command.mutable_read()->set_if_none_match(if_none_match);
  return command;
}

inline pb::Command audit() {
  pb::Command command;
  command.mutable_audit();
  return command;
}

}  // namespace souk::stock
