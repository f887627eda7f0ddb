#include "bench/watched.hpp"

#include "actors/json/writer.hpp"
#include "actors/testkit/histories.hpp"
#include "bench/goods.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace souk::bench {
namespace {

namespace json = boost::json;
using testkit::cart_line;
using testkit::stock_level;

constexpr std::string_view json_type = "application/json";
constexpr std::int64_t quantity_most = 1'000;
// Enough on hand that most adjustments are made, little enough that some are refused.
constexpr std::int64_t units_at_first = 50;
constexpr std::int64_t delta_most = 20;
// Operations of a bad history that are shown: those that matter are the last ones.
constexpr std::size_t operations_shown = 12;

/// What was seen of an entity, whatever its model.
template <class Model>
class witnessed : public watched_entity {
 public:
  witnessed(std::string name, const typename Model::state& first) : name_(std::move(name)), first_(first) {}

  bool note(const question& asked, std::string_view key, const asked_times& times, const http_answer* answer,
            answer_reader& reader) final {
    testkit::operation<typename Model::call> seen;
    if (answer != nullptr) {
      try {
        seen.call = read(*answer, reader);
      } catch (const refused&) {
        return false;
      }
    }
    set_change(seen.call, asked.change);
    seen.key = key;
    seen.invoked = times.invoked;
    seen.returned = times.returned;
    history_.push_back(std::move(seen));
    return true;
  }

  std::size_t operations() const final { return history_.size(); }

  finding judge() const final {
    const auto verdict = testkit::check_history<Model>(first_, history_);
    finding found;
    found.linearizable = verdict.is != testkit::judgement::violated;
    found.decided = verdict.is != testkit::judgement::undecided;
    if (found.linearizable && found.decided) return found;
    found.text = fmt::format("{}: {}", name_, testkit::explanation(verdict, operations_shown));
    return found;
  }

 protected:
  /// A call with the answer; throws `refused` where it lacks something.
  virtual typename Model::call read(const http_answer& answer, answer_reader& reader) const = 0;
  virtual void set_change(typename Model::call& call, std::optional<std::int64_t> change) const = 0;

 private:
  std::string name_;
  typename Model::state first_;
  std::vector<testkit::operation<typename Model::call>> history_;
};

cart_line::state state_of_cart(const json::value& cart) {
  const json::value& lines = member(cart, "lines");
  if (!lines.is_array() || lines.get_array().size() != 1)
    throw refused(200, "unexpected", "a cart has not the one line that was put into it");
  return {integer_member(cart, "version"), integer_member(lines.get_array().front(), "quantity")};
}

class watched_cart final : public witnessed<cart_line> {
 public:
  watched_cart(const std::string& id, const std::string& line, const cart_line::state& first)
      : witnessed(id, first), target_("/v1/carts/" + id), line_target_(target_ + "/items/" + line) {}

  question draw_change(random_keys& random) const override {
    const auto quantity = 1 + static_cast<std::int64_t>(random.number(quantity_most));
    return {"PATCH", line_target_, std::string(json_type), fmt::format(R"({{"quantity":{}}})", quantity),
            quantity};
  }
  question look() const override { return {"GET", target_, {}, {}, {}}; }

 private:
  cart_line::call read(const http_answer& answer, answer_reader& reader) const override {
    return {{}, state_of_cart(reader.read(answer))};
  }
  void set_change(cart_line::call& call, std::optional<std::int64_t> change) const override {
    call.set = change;
  }

  std::string target_;
  std::string line_target_;
};

stock_level::state state_of_level(const json::value& level) {
  return {integer_member(level, "version"), integer_member(level, "on_hand")};
}

class watched_stock final : public witnessed<stock_level> {
 public:
  watched_stock(const std::string& sku, const stock_level::state& first)
      : witnessed(sku, first), sku_(sku), target_("/v1/inventory/levels?sku=" + sku) {}

  question draw_change(random_keys& random) const override {
    const auto size = 1 + static_cast<std::int64_t>(random.number(delta_most));
    const auto delta = random.number(2) == 0 ? size : -size;
    souk::json::writer body;
    body.begin_object().key("sku").string(sku_).key("delta").integer(delta);
    body.key("reason").string("correction").end_object();
    return {"POST", "/v1/inventory/adjustments", std::string(json_type), std::move(body).take(), delta};
  }
  question look() const override { return {"GET", target_, {}, {}, {}}; }

 private:
  stock_level::call read(const http_answer& answer, answer_reader& reader) const override {
    if (!answer.ok()) return {{}, stock_level::reply{true, {}}};
    const json::value& body = reader.read(answer);
    const json::value* data = body.is_object() ? body.get_object().if_contains("data") : nullptr;
    if (data == nullptr) return {{}, stock_level::reply{false, state_of_level(member(body, "level"))}};
    if (!data->is_array() || data->get_array().size() != 1)
      throw refused(200, "unexpected", "a stock has not the one level that was made");
    return {{}, stock_level::reply{false, state_of_level(data->get_array().front())}};
  }
  void set_change(stock_level::call& call, std::optional<std::int64_t> change) const override {
    call.delta = change;
  }

  std::string sku_;
  std::string target_;
};

std::unique_ptr<watched_entity> make_cart(shop_client& client, random_keys& keys, const std::string& sku) {
  const std::string currency = fmt::format(R"({{"currency":"{}"}})", goods_currency);
  const std::string id = text_member(client.post("/v1/carts", keys.next(), currency), "id");
  const std::string line = fmt::format(R"({{"sku":"{}","quantity":1}})", sku);
  const json::value cart = client.post("/v1/carts/" + id + "/items", keys.next(), line);
  const auto first = state_of_cart(cart);
  return std::make_unique<watched_cart>(id, text_member(member(cart, "lines").as_array().front(), "id"),
                                        first);
}

}  // namespace

std::vector<std::unique_ptr<watched_entity>> make_watched(const shop& shop, int carts, int stocks) {
  shop_client client(shop);
  random_keys keys;
  std::vector<std::unique_ptr<watched_entity>> made;
  std::string sku;
  for (int i = 0; i < stocks; ++i) {
    sku = make_scarce_sku(client, "bench-watched", units_at_first);
    const json::value levels = client.get("/v1/inventory/levels?sku=" + sku);
    made.push_back(
        std::make_unique<watched_stock>(sku, state_of_level(member(levels, "data").as_array().at(0))));
  }
  if (sku.empty()) sku = make_scarce_sku(client, "bench-watched", units_at_first);
  for (int i = 0; i < carts; ++i)
    made.push_back(make_cart(client, keys, sku));
  return made;
}

}  // namespace souk::bench
