#include "actors/events/event_kinds.hpp"

#include "actors/cart/cart.pb.h"
#include "actors/checkout/checkout.pb.h"
#include "actors/import/import_job.pb.h"
#include "actors/json/reader.hpp"
#include "actors/kinds.hpp"
#include "actors/order/order.pb.h"
#include "actors/payment/payment.pb.h"
#include "actors/product/product.pb.h"
#include "actors/stock/stock.pb.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

/// What readers of events are told of each kind.
namespace souk::events {
namespace {

namespace protobuf = google::protobuf;

// In the place of whatever could be used to pay.
constexpr const char* secret = "tok_canary";

// The events of every kind in the feed.
const std::map<runtime::kind_id, const protobuf::Message*>& prototypes() {
  static const std::map<runtime::kind_id, const protobuf::Message*> all{
      {kinds::product, &product::pb::Event::default_instance()},
      {kinds::stock, &stock::pb::Event::default_instance()},
      {kinds::cart, &cart::pb::Event::default_instance()},
      {kinds::checkout, &checkout::pb::Event::default_instance()},
      {kinds::payment, &payment::pb::Event::default_instance()},
      {kinds::order, &order::pb::Event::default_instance()},
      {kinds::import_job, &import_job::pb::Event::default_instance()}};
  return all;
}

std::vector<const protobuf::FieldDescriptor*> events_of(runtime::kind_id kind) {
  const auto* oneof = prototypes().at(kind)->GetDescriptor()->FindOneofByName("of");
  std::vector<const protobuf::FieldDescriptor*> fields;
  for (int i = 0; i < oneof->field_count(); ++i)
    fields.push_back(oneof->field(i));
  return fields;
}

void fill(protobuf::Message& message);

std::string text_for(const protobuf::FieldDescriptor& field) {
  if (field.name() == "token") return secret;
  if (field.name() == "order_id") return "ord_01JD000000ABCDEFGHJKMNPQRSTVWX";
  return field.name().ends_with("_json") ? "{}" : "text";
}

void fill_field(protobuf::Message& message, const protobuf::FieldDescriptor& field) {
  const auto& in = *message.GetReflection();
  using type = protobuf::FieldDescriptor;
  if (field.cpp_type() == type::CPPTYPE_MESSAGE) {
    fill(field.is_repeated() ? *in.AddMessage(&message, &field) : *in.MutableMessage(&message, &field));
  } else if (field.is_repeated()) {
    ASSERT_EQ(field.cpp_type(), type::CPPTYPE_STRING) << field.full_name();
    in.AddString(&message, &field, text_for(field));
  } else if (field.cpp_type() == type::CPPTYPE_STRING) {
    in.SetString(&message, &field, text_for(field));
  } else if (field.cpp_type() == type::CPPTYPE_INT64) {
    in.SetInt64(&message, &field, 7);
  } else if (field.cpp_type() == type::CPPTYPE_UINT64) {
    in.SetUInt64(&message, &field, 7);
  } else if (field.cpp_type() == type::CPPTYPE_UINT32) {
    in.SetUInt32(&message, &field, 7);
  } else if (field.cpp_type() == type::CPPTYPE_BOOL) {
    in.SetBool(&message, &field, true);
  } else {
    FAIL() << "a type that this test does not know: " << field.full_name();
  }
}

// Every member of a message, and of what is in it.
void fill(protobuf::Message& message) {
  const auto& descriptor = *message.GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i)
    fill_field(message, *descriptor.field(i));
}

std::string filled_event(runtime::kind_id kind, const protobuf::FieldDescriptor& what) {
  const std::unique_ptr<protobuf::Message> event{prototypes().at(kind)->New()};
  fill_field(*event, what);
  return event->SerializeAsString();
}

std::string canonical(const std::string& text) {
  json::parse_error error;
  const auto parsed = json::parse(text, error);
  EXPECT_TRUE(parsed) << text;
  return parsed ? json::canonical(*parsed) : "";
}

template <class Event>
std::string data_of(const event_kind* kind, const Event& event) {
  const auto shown = kind->show(event.SerializeAsString());
  return shown ? std::string{shown->type} + " " + shown->data : "nothing";
}

TEST(event_kinds, every_event_of_a_public_kind_has_a_row_and_its_own_name) {
  ASSERT_EQ(public_kinds().size(), prototypes().size());
  for (const auto& kind : public_kinds()) {
    const auto fields = events_of(kind.id);
    ASSERT_EQ(kind.types.size(), fields.size()) << kind.name;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      EXPECT_EQ(kind.numbers[i], fields[i]->number()) << kind.name;
      EXPECT_EQ(kind.types[i], std::string{kind.name} + "." + fields[i]->name() + ".v1");
    }
  }
}

TEST(event_kinds, kinds_that_keep_house_or_secrets_are_not_public) {
  EXPECT_EQ(public_kind(kinds::keyring), nullptr);
  EXPECT_EQ(public_kind(kinds::sku), nullptr);
  ASSERT_NE(public_kind(kinds::order), nullptr);
  EXPECT_EQ(public_kind(kinds::order)->name, "order");
}

TEST(event_kinds, every_event_shows_an_object_under_its_name) {
  for (const auto& kind : public_kinds())
    for (const auto* field : events_of(kind.id)) {
      const auto shown = kind.show(filled_event(kind.id, *field));
      ASSERT_TRUE(shown) << field->full_name();
      EXPECT_EQ(shown->type, std::string{kind.name} + "." + field->name() + ".v1");
      json::parse_error error;
      const auto data = json::parse(shown->data, error);
      ASSERT_TRUE(data) << field->full_name() << " " << shown->data;
      EXPECT_NE(data->as_object(), nullptr) << shown->data;
    }
}

TEST(event_kinds, no_event_shows_what_can_be_paid_with) {
  std::size_t planted = 0;
  for (const auto& kind : public_kinds())
    for (const auto* field : events_of(kind.id)) {
      const auto event = filled_event(kind.id, *field);
      planted += event.find(secret) == std::string::npos ? 0 : 1;
      EXPECT_EQ(kind.show(event)->data.find(secret), std::string::npos) << field->full_name();
    }
  EXPECT_EQ(planted, 2u);  // there was something to show
}

TEST(event_kinds, an_event_of_a_later_version_has_no_row) {
  const auto* orders = public_kind(kinds::order);
  EXPECT_FALSE(orders->show(std::string{"\x82\x08\x00", 3}));  // field 128, which nobody knows
  EXPECT_FALSE(orders->show("no message"));
}

TEST(event_kinds, an_order_that_is_placed_is_told_whole) {
  order::pb::Event event;
  auto& placed = *event.mutable_placed()->mutable_order();
  placed.set_order_id("ord_01JD000000ABCDEFGHJKMNPQRSTVWX");
  placed.set_checkout_id("chk_1");
  placed.set_cart_id("crt_1");
  placed.set_email("ada@example.org");
  placed.set_shipping_address_json(R"({"city":"London"})");
  placed.set_currency("EUR");
  auto& line = *placed.add_lines();
  line.set_id("ln_1");
  line.set_sku("TEA");
  line.set_title("Tea");
  line.set_quantity(2);
  line.mutable_unit_price()->set_amount(450);
  line.mutable_unit_price()->set_currency("EUR");
  line.set_total(900);
  auto& total = *placed.add_totals();
  total.set_type("total");
  total.set_amount(900);
  auto& payment = *placed.add_payments();
  payment.set_id("pay_1");
  payment.set_key("not to be seen");
  payment.set_status("charged");
  payment.mutable_amount()->set_amount(900);
  payment.mutable_amount()->set_currency("EUR");
  const auto shown = public_kind(kinds::order)->show(event.SerializeAsString());
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->type, "order.placed.v1");
  EXPECT_EQ(
      canonical(shown->data),
      canonical(
          R"({"id":"ord_01JD000000ABCDEFGHJKMNPQRSTVWX","number":"JD000000-ABCD","checkout_id":"chk_1",)"
          R"("cart_id":"crt_1",)"
          R"("email":"ada@example.org","shipping_address":{"city":"London"},"currency":"EUR",)"
          R"("lines":[{"id":"ln_1","sku":"TEA","title":"Tea","quantity":2,)"
          R"("unit_price":{"amount":450,"currency":"EUR"},)"
          R"("total":{"amount":900,"currency":"EUR"}}],"totals":[{"type":"total","amount":900,"currency":"EUR"}],)"
          R"("payments":[{"id":"pay_1","status":"charged","amount":{"amount":900,"currency":"EUR"}}]})"));
}

TEST(event_kinds, what_happens_to_stock_is_told) {
  const auto* stocks = public_kind(kinds::stock);
  stock::pb::Event moved;
  moved.mutable_moved()->set_movement_id("mov_1");
  moved.mutable_moved()->set_delta(-3);
  moved.mutable_moved()->set_reason("written_off");
  EXPECT_EQ(data_of(stocks, moved),
            R"(stock.moved.v1 {"movement_id":"mov_1","delta":-3,"reason":"written_off"})");
  stock::pb::Event ended;
  ended.mutable_hold_ended()->set_hold_id("hld_1");
  ended.mutable_hold_ended()->set_how("sold");
  ended.mutable_hold_ended()->set_order_id("ord_1");
  ended.mutable_hold_ended()->set_movement_id("mov_2");
  EXPECT_EQ(data_of(stocks, ended), R"(stock.hold_ended.v1 {"hold_id":"hld_1","how":"sold",)"
                                    R"("order_id":"ord_1","movement_id":"mov_2"})");
}

TEST(event_kinds, how_a_payment_ended_is_told) {
  payment::pb::Event settled;
  settled.mutable_settled()->set_status("failed");
  settled.mutable_settled()->set_code("card_declined");
  EXPECT_EQ(data_of(public_kind(kinds::payment), settled),
            R"(payment.settled.v1 {"status":"failed","code":"card_declined"})");
}

}  // namespace
}  // namespace souk::events
