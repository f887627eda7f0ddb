#include "actors/marketplace/market.hpp"

#include "actors/marketplace/lines.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace souk::marketplace {
namespace {

using runtime::context;
using runtime::decision;

pb::MarketEvent new_event() {
  pb::MarketEvent event;
  event.set_schema(1);
  return event;
}

decision put_seller(const pb::Seller& seller) {
  auto decision = say(201);
  auto event = new_event();
  *event.mutable_seller_put() = seller;
  decision.emit(std::move(event));
  return decision;
}

decision put_product(const pb::Product& product) {
  auto decision = say(200);
  auto event = new_event();
  *event.mutable_product_put() = product;
  decision.emit(std::move(event));
  return decision;
}

decision put_stock(const pb::Stock& stock) {
  auto decision = say(200);
  auto event = new_event();
  *event.mutable_stock_put() = stock;
  decision.emit(std::move(event));
  return decision;
}

bool is_on_sale(const shelf* shelf) { return shelf != nullptr && shelf->product.product_id() != 0; }

decision change_price(const market_state& state, const pb::ChangePrice& command) {
  const auto* found = state.find(command.seller_id(), command.product_id());
  if (!is_on_sale(found)) return refuse(404, "There is no such product.");
  if (found->product.version() != command.version())
    return refuse(409, "The product is of another version now: " + found->product.version() + ".");
  auto decision = say(202);
  auto event = new_event();
  auto& changed = *event.mutable_price_changed();
  changed.set_seller_id(command.seller_id());
  changed.set_product_id(command.product_id());
  changed.set_price(command.price());
  decision.emit(std::move(event));
  return decision;
}

decision replace_product(const market_state& state, const pb::Product& product) {
  if (!is_on_sale(state.find(product.seller_id(), product.product_id())))
    return refuse(404, "There is no such product.");
  auto decision = say(202);
  auto event = new_event();
  *event.mutable_product_replaced() = product;
  decision.emit(std::move(event));
  return decision;
}

decision place(const market_state& state, const pb::Place& command, const context& context) {
  decision decision;
  auto event = new_event();
  auto& placed = *event.mutable_placed();
  pb::CustomerCommand answer;
  auto& settle = *answer.mutable_settle();
  settle.set_instance_id(command.instance_id());
  for (const auto& item : command.items()) {
    const auto line = line_of(state, item);
    if (line.status() == pb::IN_STOCK) *placed.add_lines() = line;
    *settle.add_lines() = line;
  }
  if (placed.lines_size() > 0) {
    placed.set_customer_id(command.customer_id());
    placed.set_order_id(command.order_id());
    decision.emit(std::move(event));
  }
  decision.send({context.self.tenant, kinds::marketplace_customer, std::to_string(command.customer_id())},
                std::move(answer));
  return decision;
}

std::string delivered_text(std::size_t packages, std::size_t sellers, std::size_t concluded) {
  json::writer out;
  out.begin_object().key("packages").integer(static_cast<std::int64_t>(packages));
  out.key("sellers").integer(static_cast<std::int64_t>(sellers));
  out.key("concluded_orders").integer(static_cast<std::int64_t>(concluded)).end_object();
  return std::move(out).take();
}

decision deliver(const market_state& state) {
  decision decision;
  auto event = new_event();
  std::size_t packages = 0;
  std::map<std::uint64_t, std::size_t> sellers_of;  // of each order here
  for (const auto& [number, seller_id] : state.oldest) {
    if (static_cast<std::size_t>(event.delivered().deliveries_size()) == deliveries_max) break;
    auto& delivery = *event.mutable_delivered()->add_deliveries();
    delivery.set_number(number);
    delivery.set_seller_id(seller_id);
    packages += state.sellers.at(seller_id).entries.at(number).lines.size();
    ++sellers_of[number];
  }
  std::size_t concluded = 0;
  for (const auto& [number, sellers] : sellers_of) {
    const auto& order = state.orders.at(number);
    if (order.delivered + sellers == order.sellers.size()) ++concluded;
  }
  const auto sellers = static_cast<std::size_t>(event.delivered().deliveries_size());
  decision.reply = runtime::answer{.status = 202, .body = delivered_text(packages, sellers, concluded)};
  if (sellers > 0) decision.emit(std::move(event));
  return decision;
}

decision forget(const pb::Forget& command) {
  auto decision = say(200);
  auto event = new_event();
  *event.mutable_forgotten() = command;
  decision.emit(std::move(event));
  return decision;
}

decision read_product(const market_state& state, const pb::ProductKey& key, bool stock) {
  const auto* found = state.find(key.seller_id(), key.product_id());
  const bool there =
      found != nullptr && (stock ? found->stock.product_id() : found->product.product_id()) != 0;
  if (!there)
    return refuse(404, stock ? "There is no stock of such a product." : "There is no such product.");
  return say(200, stock ? show_stock(found->stock) : show_product(found->product));
}

decision read_seller(const market_state& state, std::uint32_t seller_id, bool dashboard) {
  const auto found = state.sellers.find(seller_id);
  if (found == state.sellers.end() || found->second.profile.id() == 0)
    return refuse(404, "There is no such seller.");
  return say(200, dashboard ? show_dashboard(seller_id, found->second) : show_seller(found->second));
}

decision read_shipment(const market_state& state, const pb::OrderKey& key) {
  const auto found = state.numbers.find({key.customer_id(), key.order_id()});
  if (found == state.numbers.end()) return refuse(404, "No such order is open.");
  return say(200, show_packages(state, found->second));
}

decision read(const market_state& state, const pb::MarketRead& command) {
  switch (command.of_case()) {
    case pb::MarketRead::kSeller:
      return read_seller(state, command.seller(), false);
    case pb::MarketRead::kDashboard:
      return read_seller(state, command.dashboard(), true);
    case pb::MarketRead::kProduct:
      return read_product(state, command.product(), false);
    case pb::MarketRead::kStock:
      return read_product(state, command.stock(), true);
    case pb::MarketRead::kOrders:
      return say(200, show_orders(state, command.orders()));
    case pb::MarketRead::kShipment:
      return read_shipment(state, command.shipment());
    case pb::MarketRead::kCounters: {
      const auto found = state.counters.find(command.counters());
      return say(200, show_counters(found == state.counters.end() ? pb::CounterRow{} : found->second));
    }
    case pb::MarketRead::OF_NOT_SET:
      break;
  }
  throw runtime::undecodable("a read of the market without content");
}

// -- what is decided ---------------------------------------------------------------------------------

void sell(market_state& state, const pb::Line& line) {
  const auto quantity = static_cast<std::int64_t>(line.quantity());
  const auto* found = state.find(line.seller_id(), line.product_id());
  if (found == nullptr || quantity == 0 || quantity > found->stock.available() - found->stock.reserved())
    throw std::logic_error("more is sold than there is of product " + std::to_string(line.seller_id()) + "/" +
                           std::to_string(line.product_id()));
  auto& stock = state.sellers.at(line.seller_id()).shelves.at(line.product_id()).stock;
  stock.set_available(stock.available() - quantity);
  stock.set_order_count(stock.order_count() + 1);
  stock.set_ytd(stock.ytd() + quantity);
  state.changed.stocks.insert(line.seller_id());
}

// The seller's oldest is what stands first of what it has to deliver.
void waits(market_state& state, std::uint32_t seller_id, std::uint64_t number) {
  auto& to_deliver = state.sellers[seller_id].to_deliver;
  if (!to_deliver.empty()) state.oldest.erase({*to_deliver.begin(), seller_id});
  to_deliver.insert(number);
  state.oldest.emplace(*to_deliver.begin(), seller_id);
}

void waits_no_more(market_state& state, std::uint32_t seller_id, std::uint64_t number) {
  auto& to_deliver = state.sellers[seller_id].to_deliver;
  state.oldest.erase({*to_deliver.begin(), seller_id});
  to_deliver.erase(number);
  if (!to_deliver.empty()) state.oldest.emplace(*to_deliver.begin(), seller_id);
}

// Figures that no command brings about: of a record or a row that is not what it claims to be.
void check(const pb::Stock& stock) {
  constexpr std::int64_t most = 1'000'000'000'000;
  for (const auto figure : {stock.available(), stock.reserved(), stock.order_count(), stock.ytd()})
    if (figure < 0 || figure > most) throw runtime::undecodable("a stock of impossible size");
}

template <class Lines>
void open(market_state& state, std::uint64_t number, open_order order, const Lines& lines,
          std::int64_t placed_ms) {
  if (state.orders.contains(number) || state.numbers.contains({order.customer_id, order.order_id}))
    throw std::logic_error("an order is open twice");
  std::uint32_t package = 0;
  for (const pb::Line& line : lines) {
    auto [at, fresh] = state.sellers[line.seller_id()].entries.try_emplace(number);
    auto& shipment = at->second;
    if (fresh) {
      shipment.customer_id = order.customer_id;
      shipment.order_id = order.order_id;
      shipment.placed_ms = placed_ms;
      order.sellers.push_back(line.seller_id());
      waits(state, line.seller_id(), number);
    }
    shipment.lines.push_back(line);
    shipment.packages.push_back(++package);
  }
  state.numbers[{order.customer_id, order.order_id}] = number;
  state.orders[number] = std::move(order);
  state.changed.orders.insert(number);
}

pb::CounterRow& counters_of(market_state& state, std::uint32_t customer_id) {
  state.changed.counters.insert(customer_id);
  return state.counters[customer_id];
}

void take_in(market_state& state, const pb::Placed& placed, runtime::timestamp at, std::uint64_t number) {
  if (placed.lines().empty()) throw runtime::undecodable("an order of nothing");
  for (const auto& line : placed.lines())
    sell(state, line);
  open(state, number, {placed.customer_id(), placed.order_id(), {}, 0}, placed.lines(), runtime::to_ms(at));
  auto& counters = counters_of(state, placed.customer_id());
  counters.set_paid(counters.paid() + 1);
}

void conclude(market_state& state, std::uint64_t number) {
  const auto& order = state.orders.at(number);
  for (const auto seller_id : order.sellers)
    state.sellers.at(seller_id).entries.erase(number);
  state.numbers.erase({order.customer_id, order.order_id});
  state.orders.erase(number);
}

void mark_delivered(market_state& state, std::uint64_t number, std::uint32_t seller_id) {
  auto& shipment = state.sellers.at(seller_id).entries.at(number);
  if (shipment.delivered) throw std::logic_error("a shipment is delivered twice");
  shipment.delivered = true;
  waits_no_more(state, seller_id, number);
  ++state.orders.at(number).delivered;
}

void take_in(market_state& state, const pb::Delivered& delivered) {
  for (const auto& delivery : delivered.deliveries()) {
    mark_delivered(state, delivery.number(), delivery.seller_id());
    const auto& order = state.orders.at(delivery.number());
    auto& counters = counters_of(state, order.customer_id);
    const auto& packages = state.sellers.at(delivery.seller_id()).entries.at(delivery.number()).packages;
    counters.set_delivered(counters.delivered() + static_cast<std::uint32_t>(packages.size()));
    state.changed.orders.insert(delivery.number());
    if (order.delivered == order.sellers.size()) conclude(state, delivery.number());
  }
}

// What no command names.
void refuse_nobody(std::uint32_t seller_id, std::uint32_t product_id) {
  if (seller_id == 0 || product_id == 0) throw runtime::undecodable("an event of no seller or product");
}

void take_in(market_state& state, const pb::Seller& seller) {
  refuse_nobody(seller.id(), 1);
  state.sellers[seller.id()].profile = seller;
  state.changed.sellers.insert(seller.id());
}

void take_in(market_state& state, const pb::Product& product, runtime::timestamp at) {
  refuse_nobody(product.seller_id(), product.product_id());
  auto& kept = state.sellers[product.seller_id()].shelves[product.product_id()].product;
  const auto created_ms = kept.created_ms();
  kept = product;
  kept.set_created_ms(created_ms != 0 ? created_ms : runtime::to_ms(at));
  kept.set_updated_ms(runtime::to_ms(at));
  state.changed.products.emplace(product.seller_id(), product.product_id());
}

void take_in(market_state& state, const pb::Stock& stock) {
  refuse_nobody(stock.seller_id(), stock.product_id());
  check(stock);
  auto& kept = state.sellers[stock.seller_id()].shelves[stock.product_id()].stock;
  kept = stock;
  kept.set_received(stock.available());
  state.changed.stocks.insert(stock.seller_id());
}

void take_in(market_state& state, const pb::PriceChanged& changed, runtime::timestamp at) {
  if (!is_on_sale(state.find(changed.seller_id(), changed.product_id())))
    throw std::logic_error("a price of a product that there is not");
  auto& product = state.sellers.at(changed.seller_id()).shelves.at(changed.product_id()).product;
  product.set_price(changed.price());
  product.set_updated_ms(runtime::to_ms(at));
  state.changed.products.emplace(changed.seller_id(), changed.product_id());
}

void replace(market_state& state, const pb::Product& product, runtime::timestamp at) {
  take_in(state, product, at);
  auto& stock = state.sellers.at(product.seller_id()).shelves.at(product.product_id()).stock;
  if (stock.product_id() == 0) return;
  stock.set_version(product.version());
  state.changed.stocks.insert(product.seller_id());
}

std::string row_name(char letter, std::uint64_t number) {
  return std::string{letter} + "/" + std::to_string(number);
}
std::string row_name(char letter, std::uint64_t number, std::uint64_t second) {
  return row_name(letter, number) + "/" + std::to_string(second);
}

void forget_orders(market_state& state) {
  for (const auto& [number, order] : state.orders)
    state.changed.orders.insert(number);
  for (const auto& [customer_id, counters] : state.counters)
    state.changed.counters.insert(customer_id);
  state.orders.clear();
  state.numbers.clear();
  state.counters.clear();
  state.oldest.clear();
}

// Stock is what it was at first; prices and versions stay.
void take_up_again(market_state& state) {
  for (auto& [seller_id, seller] : state.sellers) {
    seller.entries.clear();
    seller.to_deliver.clear();
    for (auto& [product_id, shelf] : seller.shelves) {
      shelf.stock.set_available(shelf.stock.received());
      shelf.stock.set_order_count(0);
      shelf.stock.set_ytd(0);
    }
    state.changed.stocks.insert(seller_id);
  }
}

void take_in(market_state& state, const pb::Forget& forgotten) {
  forget_orders(state);
  if (!forgotten.all()) return take_up_again(state);
  for (const auto& [seller_id, seller] : state.sellers) {
    state.changed.sellers.insert(seller_id);
    state.changed.stocks.insert(seller_id);
    for (const auto& [product_id, shelf] : seller.shelves)
      state.changed.products.emplace(seller_id, product_id);
  }
  state.sellers.clear();
}

// -- rows --------------------------------------------------------------------------------------------

std::uint64_t number_in(std::string_view& name) {
  name.remove_prefix(name.empty() ? 0 : 1);  // the slash
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc{}) throw runtime::undecodable("a row of the market without its number");
  name.remove_prefix(static_cast<std::size_t>(end - name.data()));
  return number;
}

void load_order(market_state& state, std::uint64_t number, const pb::OrderRow& row) {
  open(state, number, {row.customer_id(), row.order_id(), {}, 0}, row.lines(), row.placed_ms());
  for (const auto seller_id : row.delivered())
    mark_delivered(state, number, seller_id);
  state.changed.orders.erase(number);
}

pb::OrderRow order_row(const market_state& state, std::uint64_t number) {
  const auto& order = state.orders.at(number);
  pb::OrderRow row;
  row.set_customer_id(order.customer_id);
  row.set_order_id(order.order_id);
  for (auto& line : lines_of(state, number))
    *row.add_lines() = std::move(line);
  for (const auto seller_id : order.sellers) {
    const auto& shipment = state.sellers.at(seller_id).entries.at(number);
    row.set_placed_ms(shipment.placed_ms);
    if (shipment.delivered) row.add_delivered(seller_id);
  }
  return row;
}

void save_sellers(market_state& state, runtime::row_sink& sink) {
  for (const auto seller_id : state.changed.sellers) {
    const auto found = state.sellers.find(seller_id);
    const bool there = found != state.sellers.end() && found->second.profile.id() != 0;
    if (there)
      sink.put(row_name('s', seller_id), found->second.profile.SerializeAsString());
    else
      sink.erase(row_name('s', seller_id));
  }
}

void save_products(market_state& state, runtime::row_sink& sink) {
  for (const auto& [seller_id, product_id] : state.changed.products) {
    const auto* found = state.find(seller_id, product_id);
    if (is_on_sale(found))
      sink.put(row_name('p', seller_id, product_id), found->product.SerializeAsString());
    else
      sink.erase(row_name('p', seller_id, product_id));
  }
}

void save_stocks(market_state& state, runtime::row_sink& sink) {
  for (const auto seller_id : state.changed.stocks) {
    pb::StockRow row;
    if (const auto found = state.sellers.find(seller_id); found != state.sellers.end())
      for (const auto& [product_id, shelf] : found->second.shelves)
        if (shelf.stock.product_id() != 0) *row.add_products() = shelf.stock;
    if (row.products_size() > 0)
      sink.put(row_name('q', seller_id), row.SerializeAsString());
    else
      sink.erase(row_name('q', seller_id));
  }
}

void save_orders(market_state& state, runtime::row_sink& sink) {
  for (const auto number : state.changed.orders) {
    if (state.orders.contains(number))
      sink.put(row_name('o', number), order_row(state, number).SerializeAsString());
    else
      sink.erase(row_name('o', number));
  }
}

void save_counters(market_state& state, runtime::row_sink& sink) {
  for (const auto customer_id : state.changed.counters) {
    const auto found = state.counters.find(customer_id);
    if (found != state.counters.end())
      sink.put(row_name('c', customer_id), found->second.SerializeAsString());
    else
      sink.erase(row_name('c', customer_id));
  }
}

}  // namespace

const shelf* market_state::find(std::uint32_t seller_id, std::uint32_t product_id) const {
  const auto seller = sellers.find(seller_id);
  if (seller == sellers.end()) return nullptr;
  const auto found = seller->second.shelves.find(product_id);
  return found == seller->second.shelves.end() ? nullptr : &found->second;
}

std::vector<pb::Line> lines_of(const market_state& state, std::uint64_t number) {
  std::map<std::uint32_t, pb::Line> by_package;
  for (const auto seller_id : state.orders.at(number).sellers) {
    const auto& shipment = state.sellers.at(seller_id).entries.at(number);
    for (std::size_t i = 0; i < shipment.lines.size(); ++i)
      by_package[shipment.packages[i]] = shipment.lines[i];
  }
  std::vector<pb::Line> lines;
  lines.reserve(by_package.size());
  for (auto& [package, line] : by_package)
    lines.push_back(std::move(line));
  return lines;
}

pb::Line line_of(const market_state& state, const pb::Item& item) {
  pb::Line line;
  line.set_seller_id(item.seller_id());
  line.set_product_id(item.product_id());
  line.set_quantity(item.quantity());
  line.set_status(pb::UNAVAILABLE);
  const auto* shelf = state.find(item.seller_id(), item.product_id());
  if (!is_on_sale(shelf) || shelf->product.version() != item.version()) return line;
  const auto& stock = shelf->stock;
  line.set_status(pb::OUT_OF_STOCK);
  const std::int64_t quantity = item.quantity();
  if (stock.product_id() == 0 || stock.available() - stock.reserved() < quantity) return line;
  const auto price = shelf->product.price();
  const auto rise = std::max<std::int64_t>(price - item.unit_price(), 0);
  line.set_status(pb::IN_STOCK);
  line.set_unit_price(price);
  line.set_freight(shelf->product.freight());
  line.set_incentive(std::min(item.voucher() + rise * quantity, price * quantity));
  return line;
}

decision market_decider::decide(const state& state, const command& command, const context& context) const {
  if (command.of_case() == pb::MarketCommand::kRead) return read(state, command.read());
  if (command.of_case() == pb::MarketCommand::kPlace) return place(state, command.place(), context);
  if (is_too_early(context)) return refuse_too_early();
  switch (command.of_case()) {
    case pb::MarketCommand::kPutSeller:
      return put_seller(command.put_seller());
    case pb::MarketCommand::kPutProduct:
      return put_product(command.put_product());
    case pb::MarketCommand::kPutStock:
      return put_stock(command.put_stock());
    case pb::MarketCommand::kChangePrice:
      return change_price(state, command.change_price());
    case pb::MarketCommand::kReplaceProduct:
      return replace_product(state, command.replace_product());
    case pb::MarketCommand::kDeliver:
      return deliver(state);
    case pb::MarketCommand::kForget:
      return forget(command.forget());
    default:
      break;
  }
  throw runtime::undecodable("a market's command without content");
}

decision market_decider::on_timer(const state&, std::string_view, const context&) const { return {}; }

// A customer that cannot take in what became of its order keeps its cart as sent: the order stands.
decision market_decider::on_effect_failed(const state&, const runtime::address&,
                                          const google::protobuf::Message&, std::string_view,
                                          const context&) const {
  return {};
}

void market_decider::evolve(state& state, const event& event, runtime::timestamp at,
                            std::uint64_t version) const {
  switch (event.of_case()) {
    case pb::MarketEvent::kSellerPut:
      return take_in(state, event.seller_put());
    case pb::MarketEvent::kProductPut:
      return take_in(state, event.product_put(), at);
    case pb::MarketEvent::kStockPut:
      return take_in(state, event.stock_put());
    case pb::MarketEvent::kPriceChanged:
      return take_in(state, event.price_changed(), at);
    case pb::MarketEvent::kProductReplaced:
      return replace(state, event.product_replaced(), at);
    case pb::MarketEvent::kPlaced:
      return take_in(state, event.placed(), at, version);
    case pb::MarketEvent::kDelivered:
      return take_in(state, event.delivered());
    case pb::MarketEvent::kForgotten:
      return take_in(state, event.forgotten());
    case pb::MarketEvent::OF_NOT_SET:
      break;
  }
  throw runtime::undecodable("a market's event without content");
}

void market_decider::load_row(state& state, std::string_view row, std::string_view value) const {
  const char letter = row.empty() ? '\0' : row.front();
  auto rest = row.substr(std::min<std::size_t>(1, row.size()));
  const auto number = number_in(rest);
  const auto id = static_cast<std::uint32_t>(number);
  switch (letter) {
    case 's':
      state.sellers[id].profile = *runtime::parse_as<pb::Seller>(value);
      return;
    case 'p': {
      const auto product_id = static_cast<std::uint32_t>(number_in(rest));
      state.sellers[id].shelves[product_id].product = *runtime::parse_as<pb::Product>(value);
      return;
    }
    case 'q': {
      const auto of_seller = runtime::parse_as<pb::StockRow>(value);
      for (const auto& stock : of_seller->products()) {
        check(stock);
        state.sellers[id].shelves[stock.product_id()].stock = stock;
      }
      return;
    }
    case 'o':
      return load_order(state, number, *runtime::parse_as<pb::OrderRow>(value));
    case 'c':
      state.counters[id] = *runtime::parse_as<pb::CounterRow>(value);
      return;
    default:
      throw runtime::undecodable("the market has no row " + std::string{row});
  }
}

void market_decider::save_rows(state& state, runtime::row_sink& sink) const {
  save_sellers(state, sink);
  save_products(state, sink);
  save_stocks(state, sink);
  save_orders(state, sink);
  save_counters(state, sink);
  state.changed = {};
}

}  // namespace souk::marketplace
