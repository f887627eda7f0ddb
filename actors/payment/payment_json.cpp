#include "actors/payment/payment_json.hpp"

#include "actors/json/etag.hpp"
#include "actors/json/writer.hpp"

#include <utility>

namespace souk::payment {

runtime::answer to_answer(const payment_state& payment) {
  const auto& row = payment.row;
  json::writer out;
  out.reserve(256);
  out.begin_object();
  out.key("id").string(row.start().payment_id());
  out.key("version").integer(static_cast<std::int64_t>(row.version()));
  out.key("status").string(row.status());
  out.key("checkout_id").string(row.start().checkout_id());
  out.key("provider").string(row.start().provider());
  out.key("amount").money(row.start().amount().amount(), row.start().amount().currency());
  if (!row.code().empty()) out.key("code").string(row.code());
  out.end_object();

  runtime::answer answer;
  answer.body = std::move(out).take();
  answer.etag = json::etag_of(row.version());
  return answer;
}

}  // namespace souk::payment
