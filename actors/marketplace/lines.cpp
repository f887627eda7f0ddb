#include "actors/marketplace/lines.hpp"

#include "actors/formats.hpp"
#include "actors/marketplace/amount.hpp"

#include <string>
#include <utility>

namespace souk::marketplace {

void totals::add(const pb::Line& line) {
  if (line.status() != pb::IN_STOCK) return;
  amount += line.unit_price() * line.quantity();
  incentive += line.incentive();
  freight += line.freight();
}

void write_amount(json::writer& out, std::string_view name, std::int64_t amount) {
  out.key(name).raw(amount_text(amount));
}

void write_totals(json::writer& out, const totals& totals) {
  write_amount(out, "total_amount", totals.amount);
  write_amount(out, "total_freight", totals.freight);
  write_amount(out, "total_incentive", totals.incentive);
  write_amount(out, "total_invoice", totals.invoice());
  write_amount(out, "total_items", totals.items());
}

runtime::answer refused(int status, std::string_view detail) {
  json::writer out;
  out.begin_object().key("status").integer(status).key("detail").string(detail).end_object();
  return {.status = status, .body = std::move(out).take()};
}

runtime::decision refuse(int status, std::string_view detail) {
  runtime::decision decision;
  decision.reply = refused(status, detail);
  return decision;
}

runtime::decision say(int status, std::string body) {
  runtime::decision decision;
  decision.reply = runtime::answer{.status = status, .body = std::move(body)};
  return decision;
}

bool is_too_early(const runtime::context& context) { return context.format < formats::marketplace; }

runtime::decision refuse_too_early() {
  constexpr int conflict = 409;
  return refuse(conflict, "The cluster writes an earlier format: see souk cluster finalize.");
}

}  // namespace souk::marketplace
