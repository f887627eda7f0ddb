#include "actors/payment/test_provider.hpp"

#include "actors/json/reader.hpp"
#include "actors/json/writer.hpp"
#include "persistence/storage.hpp"

#include <array>
#include <chrono>
#include <unordered_map>
#include <utility>

namespace souk::payment {

namespace {

/// Errors of tok_flaky before it charges.
constexpr unsigned flaky_errors = 2;
/// A charge given back within a day was not settled yet: it is voided, later ones are refunded.
constexpr std::chrono::hours void_window{24};

pb::ProviderResult result(std::string_view operation, std::string_view status, std::string_view code = {}) {
  pb::ProviderResult result;
  result.set_operation(std::string{operation});
  result.set_status(std::string{status});
  result.set_code(std::string{code});
  return result;
}

std::int64_t integer_of(const json::value& record, std::string_view name) {
  const auto* found = record.find(name);
  const auto* integer = found == nullptr ? nullptr : found->as_integer();
  return integer == nullptr ? 0 : *integer;
}

}  // namespace

test_provider::test_provider(provider_ledger& ledger) : ledger_(ledger) {
  std::size_t number = 0;
  for (const auto& record : ledger.take_records())
    restore(record, ++number);
}

std::string_view test_provider::name_of(status status) {
  static constexpr std::array names = std::to_array<std::string_view>(
      {"erring", "requires_action", "charged", "declined", "canceled", "voided", "refunded"});
  return names.at(static_cast<std::size_t>(status));
}

std::optional<test_provider::status> test_provider::status_of(std::string_view name) {
  for (const auto candidate : {status::erring, status::requires_action, status::charged, status::declined,
                               status::canceled, status::voided, status::refunded})
    if (name_of(candidate) == name) return candidate;
  return std::nullopt;
}

std::optional<pb::ProviderResult> test_provider::call(const pb::ProviderCall& call, runtime::timestamp now) {
  const auto& operation = call.operation();
  std::optional<pb::ProviderResult> result;
  if (operation == "charge") {
    result = charge(call, now);
    if (!result) return std::nullopt;
  } else if (operation == "find") {
    const auto* found = find(call.key());
    const bool known = found != nullptr && found->status != status::erring;
    result = known ? result_of(*found) : payment::result(operation, "not_found");
  } else if (operation == "cancel") {
    result = cancel(call, now);
  } else if (operation == "authenticate") {
    result = authenticate(call, now);
  } else if (operation == "refund") {
    result = refund(call, now);
  } else {
    result = payment::result(operation, "error", "unknown_operation");
  }
  result->set_operation(operation);
  return result;
}

std::optional<pb::ProviderResult> test_provider::charge(const pb::ProviderCall& call,
                                                        runtime::timestamp now) {
  const auto* known = find(call.key());
  if (known == nullptr || known->status == status::erring) return charge_new(call, now);
  // A cancelled key may never have heard of the charge.
  if (known->status == status::canceled) return result_of(*known);
  const bool same = known->amount == call.amount().amount() && known->currency == call.amount().currency() &&
                    known->token == call.token() && known->payment_id == call.payment_id();
  if (!same) return result("charge", "error", "key_reused");
  if (known->token == "tok_timeout") return std::nullopt;
  return result_of(*known);
}

std::optional<pb::ProviderResult> test_provider::charge_new(const pb::ProviderCall& call,
                                                            runtime::timestamp now) {
  const auto& token = call.token();
  if (token == "tok_lost") return std::nullopt;
  auto& made = open(call, now);
  if (call.amount().amount() <= 0) {
    made.code = "invalid_amount";
    settle(made, status::declined, now);
  } else if (token == "tok_ok" || token == "tok_timeout") {
    settle(made, status::charged, now);
  } else if (token == "tok_3ds") {
    settle(made, status::requires_action, now);
  } else if (token == "tok_flaky" && made.errors < flaky_errors) {
    ++made.errors;
    record(made, now);
    return result("charge", "error", "try_again");
  } else if (token == "tok_flaky") {
    settle(made, status::charged, now);
  } else {
    made.code = token == "tok_declined" ? "card_declined" : "unknown_token";
    settle(made, status::declined, now);
  }
  if (token == "tok_timeout") return std::nullopt;
  return result_of(made);
}

pb::ProviderResult test_provider::cancel(const pb::ProviderCall& call, runtime::timestamp now) {
  auto& known = open(call, now);
  if (known.status == status::erring || known.status == status::requires_action)
    settle(known, status::canceled, now);
  return result_of(known);
}

pb::ProviderResult test_provider::authenticate(const pb::ProviderCall& call, runtime::timestamp now) {
  auto* known = find(call.key());
  if (known == nullptr || known->status == status::erring) return result("authenticate", "not_found");
  if (known->status == status::requires_action) settle(*known, status::charged, now);
  return result_of(*known);
}

pb::ProviderResult test_provider::refund(const pb::ProviderCall& call, runtime::timestamp now) {
  auto* known = find(call.payment_id() + "/charge");
  if (known == nullptr) return result("refund", "not_found");
  if (known->status == status::charged) {
    const auto age = now - runtime::from_ms(known->created_ms);
    settle(*known, age < void_window ? status::voided : status::refunded, now);
  }
  return result_of(*known);
}

test_provider::entry* test_provider::find(const std::string& key) {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : &entries_[found->second];
}

test_provider::entry& test_provider::open(const pb::ProviderCall& call, runtime::timestamp now) {
  if (auto* known = find(call.key())) return *known;
  entry made;
  made.key = call.key();
  made.payment_id = call.payment_id();
  made.checkout_id = call.checkout_id();
  made.token = call.token();
  made.amount = call.amount().amount();
  made.currency = call.amount().currency();
  made.charge_id = "ch_" + std::to_string(entries_.size() + 1);
  made.created_ms = runtime::to_ms(now);
  by_key_.emplace(made.key, entries_.size());
  entries_.push_back(std::move(made));
  return entries_.back();
}

void test_provider::settle(entry& entry, status status, runtime::timestamp now) {
  entry.status = status;
  if (status == status::charged) ++entry.charges;
  record(entry, now);
}

void test_provider::record(const entry& entry, runtime::timestamp now) {
  json::writer out;
  out.begin_object();
  out.key("at").integer(runtime::to_ms(now));
  out.key("key").string(entry.key);
  out.key("status").string(name_of(entry.status));
  out.key("payment_id").string(entry.payment_id);
  out.key("checkout_id").string(entry.checkout_id);
  out.key("token").string(entry.token);
  out.key("amount").integer(entry.amount);
  out.key("currency").string(entry.currency);
  out.key("charge_id").string(entry.charge_id);
  out.key("code").string(entry.code);
  out.key("errors").integer(entry.errors);
  out.key("charges").integer(entry.charges);
  out.end_object();
  ledger_.append(std::move(out).take());
}

void test_provider::restore(std::string_view record, std::size_t number) {
  json::parse_error error;
  const auto read = json::parse(record, error);
  const auto status = read ? status_of(text_of(*read, "status")) : std::nullopt;
  const auto key = read ? text_of(*read, "key") : std::string{};
  if (!status || key.empty())
    throw persistence::damage("record " + std::to_string(number) +
                              " of the test provider's ledger cannot be understood");
  auto* known = find(key);
  if (known == nullptr) {
    by_key_.emplace(key, entries_.size());
    known = &entries_.emplace_back();
    known->key = key;
    known->created_ms = integer_of(*read, "at");
  }
  known->status = *status;
  known->payment_id = text_of(*read, "payment_id");
  known->checkout_id = text_of(*read, "checkout_id");
  known->token = text_of(*read, "token");
  known->amount = integer_of(*read, "amount");
  known->currency = text_of(*read, "currency");
  known->charge_id = text_of(*read, "charge_id");
  known->code = text_of(*read, "code");
  known->errors = static_cast<unsigned>(integer_of(*read, "errors"));
  known->charges = static_cast<unsigned>(integer_of(*read, "charges"));
}

pb::ProviderResult test_provider::result_of(const entry& entry) {
  auto known = result("", name_of(entry.status), entry.code);
  known.set_charge_id(entry.charge_id);
  return known;
}

std::string test_provider::list() const {
  std::int64_t charged = 0;
  std::int64_t refunded = 0;
  std::int64_t duplicates = 0;
  std::unordered_map<std::string_view, std::int64_t> standing;  // charges by checkout
  json::writer out;
  out.begin_object().key("data").begin_array();
  for (const auto& entry : entries_) {
    const bool given_back = entry.status == status::voided || entry.status == status::refunded;
    if (entry.status != status::charged && entry.status != status::declined && !given_back) continue;
    charged += entry.status == status::charged ? 1 : 0;
    refunded += given_back ? 1 : 0;
    if (entry.status == status::charged && ++standing[entry.checkout_id] > 1) ++duplicates;
    out.begin_object();
    out.key("id").string(entry.charge_id);
    out.key("key").string(entry.key);
    out.key("payment_id").string(entry.payment_id);
    out.key("checkout_id").string(entry.checkout_id);
    out.key("token").string(entry.token);
    out.key("amount").integer(entry.amount);
    out.key("currency").string(entry.currency);
    out.key("status").string(name_of(entry.status));
    out.key("charge_count").integer(entry.charges);
    out.key("refunded").integer(given_back ? entry.amount : 0);
    out.key("created_at").time(runtime::from_ms(entry.created_ms));
    out.end_object();
  }
  out.end_array().key("has_more").boolean(false);
  out.key("summary").begin_object();
  out.key("charged").integer(charged);
  out.key("refunded").integer(refunded);
  out.key("duplicates").integer(duplicates);
  out.end_object().end_object();
  return std::move(out).take();
}

}  // namespace souk::payment
