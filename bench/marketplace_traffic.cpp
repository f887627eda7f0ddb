#include "bench/marketplace_traffic.hpp"

#include "bench/shop_client.hpp"

#include <boost/json/object.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>
#include <tuple>
#include <utility>

namespace souk::bench {
namespace {

constexpr int items_max = 10;
constexpr std::int64_t quantity_max = 10;
// The published driver's shares: about 5.9 % of items with a voucher of a tenth of the price.
constexpr std::size_t voucher_one_of = 17;
constexpr std::int64_t voucher_part = 10;
constexpr std::size_t rise_percent_max = 9;
// So many checkouts are sent once more, to see that the answer is the first one's.
constexpr std::size_t repeat_one_of = 100;
// A call is repeated for some 20 s: longer than a restart takes.
constexpr int attempts_max = 100;
constexpr std::chrono::milliseconds pause_between{200};
constexpr std::size_t draws_max = 1'000;  // for what may be taken by others

// A draw from 0 to 100 falls to the first kind whose threshold is not below it: the published driver's
// configurations.
struct mix {
  std::string_view name;
  std::array<std::size_t, 5> upto;  // session, dashboard, price update, product update, delivery
};
constexpr std::array<mix, 2> mixes{{{"production", {30, 35, 38, 40, 100}}, {"local", {100, 30, 10, 20, 0}}}};

std::int64_t cents_of(const boost::json::value& value) {
  boost::system::error_code error;
  return std::llround(value.to_number<double>(error) * 100);
}
std::int64_t integer_of(const boost::json::object& object, std::string_view name) {
  const auto* found = object.if_contains({name.data(), name.size()});
  boost::system::error_code error;
  return found == nullptr ? 0 : found->to_number<std::int64_t>(error);
}
std::int64_t cents_member(const boost::json::object& object, std::string_view name) {
  const auto* found = object.if_contains({name.data(), name.size()});
  return found == nullptr ? 0 : cents_of(*found);
}

}  // namespace

void marketplace_tally::note_wrong(std::string what) {
  ++wrong_answers;
  if (wrong.size() < wrong_shown_max) wrong.push_back(std::move(what));
}

// One worker's things.
class marketplace_traffic::hands : public worker {
 public:
  hands(event_loop& loop, const endpoint& server) : worker(loop, shop{server, {}}) {}

  answer_reader reader;
  std::string body;
  std::string target;
  std::string instance;
  std::vector<cart_item> cart;
};

std::uint64_t count_anomalies(const marketplace_world& world, const std::vector<cart_item>& items) {
  const auto shows = [](const price_update& update, const cart_item& item) {
    return update.version == item.version && update.price == item.sold_price;
  };
  const auto is_too_old = [&](const cart_item& old, const price_update& seen) {
    const auto& updates = world.products()[old.product].updates;
    return std::any_of(updates.begin(), updates.end(), [&](const price_update& missed) {
      return missed.version == old.version && missed.price > old.sold_price && missed.acknowledged &&
             *missed.acknowledged < seen.sent;
    });
  };
  std::uint64_t count = 0;
  for (const cart_item& old : items) {
    const bool anomalous =
        old.sold && std::any_of(items.begin(), items.end(), [&](const cart_item& other) {
          if (&other == &old || !other.sold || world.seller_of(other.product) != world.seller_of(old.product))
            return false;
          const auto& updates = world.products()[other.product].updates;
          return std::any_of(updates.begin(), updates.end(), [&](const price_update& update) {
            return shows(update, other) && is_too_old(old, update);
          });
        });
    if (anomalous) ++count;
  }
  return count;
}

std::uint64_t count_stale(const marketplace_world& world, const std::vector<cart_item>& items,
                          price_update::clock::time_point since) {
  return static_cast<std::uint64_t>(std::count_if(items.begin(), items.end(), [&](const cart_item& item) {
    const auto& updates = world.products()[item.product].updates;
    return item.sold && std::any_of(updates.begin(), updates.end(), [&](const price_update& update) {
             return update.version == item.version && update.price > item.sold_price && update.acknowledged &&
                    *update.acknowledged < since;
           });
  }));
}

marketplace_traffic::marketplace_traffic(const marketplace_options& options, marketplace_world& world)
    : options_(options), world_(world) {
  for (std::size_t customer = 0; customer < world.customers().size(); ++customer)
    idle_customers_.push_back(customer);
}
marketplace_traffic::~marketplace_traffic() = default;

void marketplace_traffic::run() {
  begun_ = clock::now();
  closing_ = begun_ + std::chrono::seconds(options_.seconds);
  if (options_.rate > 0)
    loop_.spawn(start_at_rate());
  else
    for (int i = 0; i < options_.connections; ++i)
      loop_.spawn(work_on(one_more()));
  loop_.run();
}

marketplace_traffic::hands& marketplace_traffic::one_more() {
  return *all_.emplace_back(std::make_unique<hands>(loop_, options_.server));
}

marketplace_traffic::kind marketplace_traffic::draw_kind() {
  const auto drawn = world_.number(101);
  const auto& mix = options_.mix == mixes[1].name ? mixes[1] : mixes[0];
  std::size_t chosen = 0;
  for (std::size_t i = 0; i < mix.upto.size(); ++i) {
    const bool better = mix.upto[chosen] < drawn || mix.upto[i] < mix.upto[chosen];
    if (mix.upto[i] >= drawn && better) chosen = i;
  }
  return static_cast<kind>(chosen);
}

task<void> marketplace_traffic::work_on(hands& me) {
  while (clock::now() < closing_ && !loop_.failed()) {
    const auto start = clock::now();
    co_await work_once(me, start);
  }
}

task<void> marketplace_traffic::start_at_rate() {
  const arrivals due(options_.rate, begun_);
  const auto begin = [this](hands& me, clock::time_point start) -> task<void> {
    co_await work_once(me, start);
    idle_.push_back(&me);
  };
  while (due.at(intended_) < closing_ && !loop_.failed()) {
    const auto start = due.at(intended_++);
    co_await loop_.sleep_until(start);
    hands* free = nullptr;
    if (!idle_.empty()) {
      free = idle_.back();
      idle_.pop_back();
    } else if (all_.size() < static_cast<std::size_t>(options_.under_way)) {
      free = &one_more();
    }
    if (free != nullptr)
      loop_.spawn(begin(*free, start));
    else
      ++not_started_;
  }
  // Those who are at work refer to what is here.
  while (idle_.size() < all_.size() && !loop_.failed())
    co_await loop_.sleep(pause_between);
}

task<void> marketplace_traffic::work_once(hands& me, clock::time_point start) {
  const auto drawn = draw_kind();
  const bool fine = co_await transact(me, drawn);
  note(drawn, fine, start);
}

// As the published driver does, only what was done before the end counts.
void marketplace_traffic::note(kind kind, bool fine, clock::time_point start) {
  const auto now = clock::now();
  if (now > closing_) return;
  seconds_ = std::chrono::duration<double>(closing_ - begun_).count();
  const auto name = names[static_cast<std::size_t>(kind)];
  if (fine) {
    ++tally_.done[std::string{name}];
    tally_.times[name].record(nanoseconds_between(start, now));
  } else {
    ++tally_.aborts[std::string{name}];
  }
}

task<bool> marketplace_traffic::transact(hands& me, kind kind) {
  switch (kind) {
    case kind::session:
      return session(me);
    case kind::dashboard:
      return look_at_dashboard(me);
    case kind::price_update:
      return change_price(me);
    case kind::product_update:
      return replace_product(me);
    case kind::delivery:
      break;
  }
  return deliver(me);
}

// Sends it until something definite comes back.
task<const http_answer*> marketplace_traffic::ask(hands& me, std::string_view request) {
  const http_answer* answer = nullptr;
  for (int attempt = 1; attempt <= attempts_max; ++attempt) {
    if (attempt > 1) {
      ++tally_.retries;
      co_await loop_.sleep(pause_between);
    }
    http_answer& came = co_await me.link.send(request);
    answer = &came;
    if (!is_passing(came)) break;
  }
  if (is_passing(*answer)) ++tally_.unknown;
  co_return answer;
}

// -- sessions ----------------------------------------------------------------------------------------

task<bool> marketplace_traffic::session(hands& me) {
  if (idle_customers_.empty()) throw std::runtime_error("--customers: fewer than sessions at a time");
  auto& chosen = idle_customers_[world_.number(idle_customers_.size())];
  std::swap(chosen, idle_customers_.back());
  const auto customer = idle_customers_.back();
  idle_customers_.pop_back();
  const bool fine = co_await shop_for(me, customer);
  if (!fine) {
    me.target = fmt::format("/cart/{}/seal", customer + 1);
    const auto request = me.text.make("PATCH", me.target, {}, {}, {}, {});
    (void)co_await ask(me, request);
  }
  idle_customers_.push_back(customer);
  co_return fine;
}

void marketplace_traffic::fill_cart(hands& me) {
  me.cart.clear();
  const auto seller = world_.draw_seller();
  const auto wanted = std::min<std::size_t>(
      1 + world_.number(items_max), options_.one_seller ? world_.per_seller() : world_.products().size());
  for (std::size_t draws = 0; me.cart.size() < wanted && draws < draws_max; ++draws) {
    cart_item item;
    item.product = options_.one_seller ? world_.draw_product(seller) : world_.draw_product();
    const auto is_same = [&](const cart_item& has) { return has.product == item.product; };
    if (std::any_of(me.cart.begin(), me.cart.end(), is_same)) continue;
    item.quantity = 1 + static_cast<std::int64_t>(world_.number(quantity_max));
    const auto& known = world_.products()[item.product];
    item.price = known.price;
    item.version = known.version;
    if (world_.number(voucher_one_of) == 0) item.voucher = known.price / voucher_part;
    me.cart.push_back(std::move(item));
  }
}

task<bool> marketplace_traffic::shop_for(hands& me, std::size_t customer) {
  fill_cart(me);
  for (std::size_t i = 0; i < me.cart.size(); ++i) {
    const bool added = co_await add(me, customer, me.cart[i]);
    if (!added) co_return false;
  }
  const bool bought = co_await check_out(me, customer);
  co_return bought;
}

task<bool> marketplace_traffic::add(hands& me, std::size_t customer, cart_item& item) {
  me.body.clear();
  fmt::format_to(
      std::back_inserter(me.body),
      R"({{"SellerId":{},"ProductId":{},"ProductName":"Article {}","UnitPrice":{},"FreightValue":{},)"
      R"("Quantity":{},"Voucher":{},"Version":"{}"}})",
      world_.seller_of(item.product), world_.product_of(item.product), item.product, cents_text(item.price),
      cents_text(world_.products()[item.product].freight), item.quantity, cents_text(item.voucher),
      item.version);
  me.target = fmt::format("/cart/{}/add", customer + 1);
  for (int attempt = 1; attempt <= attempts_max; ++attempt) {
    const auto request = me.text.make("PATCH", me.target, {}, "application/json", me.body, {});
    const http_answer& answer = co_await me.link.send(request);
    if (answer.ok() && answer.sendings <= 1) {
      tally_.times["add"].record(answer.elapsed_ns);
      co_return true;
    }
    if (!is_passing(answer) && !answer.ok()) co_return false;
    // It may have been added once, twice or never: an add has no name by which a repeat is known.
    ++tally_.retries;
    co_await loop_.sleep(pause_between);
    const bool there = co_await see_to_item(me, customer, item);
    if (there) co_return true;
    me.target = fmt::format("/cart/{}/add", customer + 1);
  }
  ++tally_.unknown;
  co_return false;
}

// Whether the cart holds the item. Where it came twice the session goes on with what is there.
task<bool> marketplace_traffic::see_to_item(hands& me, std::size_t customer, cart_item& item) {
  me.target = fmt::format("/cart/{}", customer + 1);
  const auto request = me.text.get(me.target);
  const http_answer* answer = co_await ask(me, request);
  if (!answer->ok()) co_return false;
  const auto& value = me.reader.read(*answer);
  const auto* items = value.is_object() ? value.get_object().if_contains("items") : nullptr;
  if (items == nullptr || !items->is_array()) co_return false;
  for (const auto& held : items->get_array()) {
    const auto& object = held.as_object();
    if (world_.find(integer_of(object, "SellerId"), integer_of(object, "ProductId")) != item.product)
      continue;
    item.quantity = integer_of(object, "Quantity");
    item.voucher = cents_member(object, "Voucher");
    co_return true;
  }
  co_return false;
}

void marketplace_traffic::write_checkout(hands& me, std::size_t customer) {
  constexpr std::array<std::string_view, 3> payments{"CREDIT_CARD", "DEBIT_CARD", "BOLETO"};
  const auto payment = world_.number(payments.size());
  me.instance = std::to_string(++next_transaction_);
  me.body.clear();
  fmt::format_to(
      std::back_inserter(me.body),
      R"({{"CustomerId":{0},"FirstName":"First {0}","LastName":"Last {0}","Street":"Street {0}",)"
      R"("Complement":"","City":"Town","State":"ST","ZipCode":"{0:05}","PaymentType":"{1}",)"
      R"("CardNumber":"4000{0:012}","CardHolderName":"First {0} Last {0}","CardExpiration":"1230",)"
      R"("CardSecurityNumber":"123","CardBrand":"VISA","Installments":{2},"instanceId":"{3}"}})",
      customer + 1, payments[payment], payment == 0 ? 1 + world_.number(10) : 0, me.instance);
}

task<bool> marketplace_traffic::check_out(hands& me, std::size_t customer) {
  write_checkout(me, customer);
  me.target = fmt::format("/cart/{}/checkout", customer + 1);
  const auto sent = clock::now();
  const auto request = me.text.post(me.target, {}, me.body);
  const http_answer* answer = co_await ask(me, request);
  const bool none = answer->status == 409;  // its items were all replaced meanwhile
  if (!answer->ok()) {
    if (!none && answer->status != 0)
      tally_.note_wrong(fmt::format("checkout: {} {}", answer->status, answer->body));
    co_return false;
  }
  tally_.times["checkout"].record(answer->elapsed_ns);
  const bool right = take_order(me, customer, *answer, sent);
  if (!right) tally_.note_wrong("checkout: " + answer->body);
  if (world_.number(repeat_one_of) == 0) {
    std::string first = answer->body;
    const bool same = co_await check_repeat(me, customer, std::move(first));
    if (!same) tally_.note_wrong("a checkout that was sent twice: another answer");
  }
  co_return right;
}

task<bool> marketplace_traffic::check_repeat(hands& me, std::size_t customer, std::string first) {
  ++tally_.repeats;
  me.target = fmt::format("/cart/{}/checkout", customer + 1);
  const auto request = me.text.post(me.target, {}, me.body);
  const http_answer* answer = co_await ask(me, request);
  co_return answer->ok() && answer->body == first;
}

// Takes the order into what is known; whether it is what the cart asked for, priced as it must be.
bool marketplace_traffic::take_order(hands& me, std::size_t customer, const http_answer& answer,
                                     clock::time_point sent) {
  const auto& value = me.reader.read(answer);
  const auto* order = value.if_object();
  const auto* items = order == nullptr ? nullptr : order->if_contains("items");
  if (items == nullptr || !items->is_array() || items->get_array().size() != me.cart.size()) return false;
  constexpr std::int64_t in_stock = 3;
  bool right = true;
  std::int64_t invoice = 0;
  std::int64_t sold = 0;
  for (std::size_t i = 0; i < me.cart.size(); ++i) {
    const auto& line = items->get_array()[i].as_object();
    auto& item = me.cart[i];
    right = right &&
            world_.find(integer_of(line, "seller_id"), integer_of(line, "product_id")) == item.product &&
            integer_of(line, "quantity") == item.quantity;
    item.sold = integer_of(line, "status") == in_stock;
    if (!item.sold) continue;
    item.sold_price = cents_member(line, "unit_price");
    const auto amount = item.sold_price * item.quantity;
    const auto rise = std::max<std::int64_t>(item.sold_price - item.price, 0) * item.quantity;
    const auto incentive = std::min(item.voucher + rise, amount);
    right = right && cents_member(line, "total_incentive") == incentive;
    invoice += amount - incentive + cents_member(line, "freight_value");
    auto& product = world_.products()[item.product];
    product.units_sold += item.quantity;
    ++product.lines_sold;
    ++sold;
  }
  auto& known = world_.customers()[customer];
  ++known.orders;
  known.items += sold;
  const auto number = static_cast<std::uint32_t>(integer_of(*order, "order_id"));
  right =
      right && number == known.last_order + 1 && cents_member(*order, "total_invoice") == invoice && sold > 0;
  known.last_order = number;
  tally_.anomalies += count_anomalies(world_, me.cart);
  tally_.stale_prices += count_stale(world_, me.cart, sent);
  return right;
}

// -- the others --------------------------------------------------------------------------------------

task<bool> marketplace_traffic::look_at_dashboard(hands& me) {
  me.target = fmt::format("/seller/dashboard/{}", world_.draw_seller() + 1);
  const auto request = me.text.get(me.target);
  const http_answer* answer = co_await ask(me, request);
  if (!answer->ok()) co_return false;
  const auto& value = me.reader.read(*answer);
  if (!value.is_object()) co_return false;
  const auto& view = value.as_object().at("sellerView").as_object();
  std::int64_t entries = 0;
  std::int64_t invoice = 0;
  for (const auto& entry : value.as_object().at("orderEntries").as_array()) {
    invoice += cents_member(entry.as_object(), "total_invoice");
    ++entries;
  }
  const bool same =
      entries == integer_of(view, "count_items") && invoice == cents_member(view, "total_invoice");
  if (!same) tally_.note_wrong("a dashboard whose view is not the sum of its entries: " + answer->body);
  co_return same;
}

// One that nobody else changes.
std::size_t marketplace_traffic::take_product() {
  for (std::size_t draws = 0; draws < draws_max; ++draws) {
    const auto product = world_.draw_product();
    if (world_.products()[product].changing) continue;
    world_.products()[product].changing = true;
    return product;
  }
  throw std::runtime_error("--products: fewer than updates at a time");
}

task<bool> marketplace_traffic::change_price(hands& me) {
  const auto product = take_product();
  auto& known = world_.products()[product];
  const auto percent = static_cast<std::int64_t>(1 + world_.number(rise_percent_max));
  const auto price = known.price + std::max<std::int64_t>(known.price * percent / 100, 1);
  known.updates.push_back({price, known.version, clock::now(), {}});
  me.body.clear();
  fmt::format_to(std::back_inserter(me.body),
                 R"({{"sellerId":{},"productId":{},"price":{},"version":"{}","instanceId":"{}"}})",
                 world_.seller_of(product), world_.product_of(product), cents_text(price), known.version,
                 ++next_transaction_);
  const auto request = me.text.make("PATCH", "/product", {}, "application/json", me.body, {});
  const http_answer* answer = co_await ask(me, request);
  const bool fine = answer->ok();
  if (fine) {
    known.updates.back().acknowledged = clock::now();
    known.price = price;
  }
  known.changing = false;
  co_return fine;
}

task<bool> marketplace_traffic::replace_product(hands& me) {
  const auto product = take_product();
  auto& known = world_.products()[product];
  // With a price of its own: one that only rose would outgrow any bound where all want the same.
  const auto before = std::pair{known.version, known.price};
  known.version = std::to_string(++next_transaction_);
  known.price = world_.draw_price();
  me.body.clear();
  write_product(me.body, world_, product);
  // Carts are filled with what was answered.
  const auto after = std::pair{known.version, known.price};
  std::tie(known.version, known.price) = before;
  const auto request = me.text.make("PUT", "/product", {}, "application/json", me.body, {});
  const http_answer* answer = co_await ask(me, request);
  const bool fine = answer->ok();
  if (fine) std::tie(known.version, known.price) = after;
  known.changing = false;
  co_return fine;
}

task<bool> marketplace_traffic::deliver(hands& me) {
  me.target = fmt::format("/shipment/{}", ++next_transaction_);
  const auto request = me.text.make("PATCH", me.target, {}, {}, {}, {});
  const auto retries = tally_.retries;
  const http_answer* answer = co_await ask(me, request);
  if (!answer->ok()) co_return false;
  // One that was repeated may have been done twice.
  if (tally_.retries != retries || answer->sendings > 1) tally_.packages_delivered = -1;
  const auto& value = me.reader.read(*answer);
  if (value.is_object() && tally_.packages_delivered >= 0)
    tally_.packages_delivered += integer_of(value.get_object(), "packages");
  co_return value.is_object();
}

}  // namespace souk::bench
