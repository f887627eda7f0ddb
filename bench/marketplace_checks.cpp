#include "bench/marketplace_checks.hpp"

#include "bench/progress.hpp"
#include "bench/workers.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>
#include <utility>

namespace souk::bench {
namespace {

constexpr int reading_jobs = 32;

std::int64_t integer_of(const boost::json::object& object, std::string_view name) {
  return object.at({name.data(), name.size()}).to_number<std::int64_t>();
}
std::int64_t cents_of(const boost::json::object& object, std::string_view name) {
  return std::llround(object.at({name.data(), name.size()}).to_number<double>() * 100);
}

class reading {
 public:
  reading(const marketplace_options& options, const marketplace_world& world)
      : options_(options),
        world_(world),
        open_items_(world.customers().size()),
        progress_("checking", "records", pieces()) {}

  std::size_t pieces() const {
    return world_.sellers() + world_.customers().size() + world_.products().size();
  }

  // Dashboards come first: customers are compared with them.
  task<void> do_piece(worker& me, std::size_t piece) {
    const auto [what, number] = place_of(piece);
    const auto target = target_of(what, number);
    const auto request = me.text.get(target);
    const http_answer& answer = co_await me.link.send(request);
    if (!answer.ok())
      throw std::runtime_error(
          fmt::format("{}: {} {}{}", target, answer.status, answer.body, answer.failure));
    const auto& value = reader_.read(answer);
    if (!value.is_object()) throw std::runtime_error(target + ": no object: " + answer.body);
    const auto& object = value.get_object();
    if (what == record::dashboard) see_dashboard(object, target);
    if (what == record::customer) delivered_[number] = integer_of(object, "delivery_count");
    if (what == record::customer) see_customer(object, number, target);
    if (what == record::stock) see_stock(object, number, target);
    progress_.done(++done_);
  }

  // What takes all records together.
  void compare(const marketplace_tally& tally) {
    std::int64_t delivered = 0;
    for (std::size_t i = 0; i < world_.customers().size(); ++i) {
      delivered += delivered_[i];
      if (delivered_[i] + open_items_[i] != world_.customers()[i].items)
        fail(packages_, fmt::format("customer {}: {} packages delivered and {} open of {} items", i + 1,
                                    delivered_[i], open_items_[i], world_.customers()[i].items));
    }
    if (tally.packages_delivered >= 0 && tally.packages_delivered != delivered)
      fail(deliveries_, fmt::format("{} packages delivered as answered, {} as counted",
                                    tally.packages_delivered, delivered));
  }

  marketplace_checks checks(const marketplace_tally& tally) && {
    return {{{"stock_differs", stock_},
             {"stock_negative_or_reserved", negative_},
             {"versions_differ", versions_},
             {"dashboards_differ", dashboards_},
             {"paid_orders_differ", paid_},
             {"packages_differ", packages_},
             {"deliveries_differ", deliveries_},
             {"wrong_answers", tally.wrong_answers},
             {"anomalies", tally.anomalies},
             {"stale_prices", tally.stale_prices},
             {"unknown", tally.unknown}},
            std::move(wrong_)};
  }

 private:
  enum class record : std::uint8_t { dashboard, customer, stock };

  std::pair<record, std::size_t> place_of(std::size_t piece) const {
    if (piece < world_.sellers()) return {record::dashboard, piece};
    piece -= world_.sellers();
    if (piece < world_.customers().size()) return {record::customer, piece};
    return {record::stock, piece - world_.customers().size()};
  }

  std::string target_of(record what, std::size_t number) const {
    if (what == record::dashboard) return fmt::format("/seller/dashboard/{}", number + 1);
    if (what == record::customer) return fmt::format("/customer/{}", number + 1);
    return fmt::format("/stock/{}/{}", world_.seller_of(number), world_.product_of(number));
  }

  void see_dashboard(const boost::json::object& dashboard, const std::string& where) {
    const auto& view = dashboard.at("sellerView").as_object();
    std::set<std::string> orders;
    std::int64_t items = 0;
    std::int64_t invoice = 0;
    std::int64_t freight = 0;
    std::int64_t incentive = 0;
    for (const auto& each : dashboard.at("orderEntries").as_array()) {
      const auto& entry = each.as_object();
      orders.emplace(entry.at("natural_key").as_string());
      ++items;
      invoice += cents_of(entry, "total_invoice");
      freight += cents_of(entry, "freight_value");
      incentive += cents_of(entry, "total_incentive");
      // Of those that were delivered the customer's counter says it.
      constexpr std::int64_t delivered = 10;
      const auto customer = integer_of(entry, "customer_id");
      if (integer_of(entry, "delivery_status") != delivered && customer >= 1 &&
          static_cast<std::size_t>(customer) <= open_items_.size())
        ++open_items_[static_cast<std::size_t>(customer - 1)];
    }
    const bool same = integer_of(view, "count_items") == items &&
                      integer_of(view, "count_orders") == static_cast<std::int64_t>(orders.size()) &&
                      cents_of(view, "total_invoice") == invoice &&
                      cents_of(view, "total_freight") == freight &&
                      cents_of(view, "total_incentive") == incentive;
    if (!same) fail(dashboards_, where + ": the view is not the sum of its entries");
  }

  void see_customer(const boost::json::object& customer, std::size_t number, const std::string& where) {
    const auto& known = world_.customers()[number];
    if (integer_of(customer, "success_payment_count") != known.orders || known.last_order != known.orders)
      fail(paid_, fmt::format("{}: {} paid, {} orders answered, the last is number {}", where,
                              integer_of(customer, "success_payment_count"), known.orders, known.last_order));
  }

  void see_stock(const boost::json::object& stock, std::size_t number, const std::string& where) {
    const auto& known = world_.products()[number];
    const auto available = integer_of(stock, "qty_available");
    const auto reserved = integer_of(stock, "qty_reserved");
    if (options_.stock - available != known.units_sold || integer_of(stock, "ytd") != known.units_sold ||
        integer_of(stock, "order_count") != known.lines_sold)
      fail(stock_, fmt::format("{}: {} of {} left, {} units in orders", where, available, options_.stock,
                               known.units_sold));
    if (available < 0 || reserved != 0) fail(negative_, where + ": less than nothing, or still reserved");
    if (stock.at("version").as_string() != known.version.c_str())
      fail(versions_, fmt::format("{}: not of version {}", where, known.version));
  }

  void fail(std::uint64_t& count, std::string what) {
    ++count;
    if (wrong_.size() < marketplace_tally::wrong_shown_max) wrong_.push_back(std::move(what));
  }

  const marketplace_options& options_;
  const marketplace_world& world_;
  std::vector<std::int64_t> open_items_;  // by customer: not delivered
  std::vector<std::int64_t> delivered_ = std::vector<std::int64_t>(open_items_.size());
  progress_line progress_;
  std::uint64_t done_ = 0;
  answer_reader reader_;
  std::uint64_t stock_ = 0;
  std::uint64_t negative_ = 0;
  std::uint64_t versions_ = 0;
  std::uint64_t dashboards_ = 0;
  std::uint64_t paid_ = 0;
  std::uint64_t packages_ = 0;
  std::uint64_t deliveries_ = 0;
  std::vector<std::string> wrong_;
};

}  // namespace

bool marketplace_checks::fine() const {
  return std::all_of(counts.begin(), counts.end(), [](const auto& count) { return count.second == 0; });
}

marketplace_checks check_marketplace(const marketplace_options& options, const marketplace_world& world,
                                     const marketplace_tally& tally) {
  event_loop loop;
  reading reading(options, world);
  share_work(loop, {options.server, {}}, reading_jobs, reading.pieces(),
             [&](worker& me, std::size_t piece) { return reading.do_piece(me, piece); });
  reading.compare(tally);
  return std::move(reading).checks(tally);
}

}  // namespace souk::bench
