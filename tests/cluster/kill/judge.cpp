#include "tests/cluster/kill/judge.hpp"

#include "bench/audit.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <chrono>
#include <map>
#include <set>
#include <utility>

namespace souk::cluster_test {
namespace {

namespace json = boost::json;

/// Longest time for open checkouts to settle: many times hold_ttl and payments.timeout of the run.
constexpr std::chrono::seconds settle_patience{60};
constexpr std::chrono::milliseconds settle_pause{250};

struct order {
  std::string id;
  std::string status;
  std::int64_t total = 0;
};

class judge_at_work {
 public:
  judge_at_work(const bench::shop& guest, const bench::shop& staff, const shoppers& shoppers)
      : guest_(guest), staff_(staff), shoppers_(shoppers), books_(staff) {}

  judgement run() {
    settle();
    repeat_everything();
    read_orders();
    compare_sales();
    compare_stock();
    return std::move(judgement_);
  }

 private:
  template <class... Arguments>
  void find(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    judgement_.findings.push_back(fmt::format(text, std::forward<Arguments>(arguments)...));
  }

  /// Stock adds up, no hold is left, and the provider's ledger equals the orders; or says what does not.
  void settle() {
    const auto deadline = std::chrono::steady_clock::now() + settle_patience;
    bench::audit_report report = bench::audit(books_);
    while ((!report.fine() || report.open_holds > 0) && std::chrono::steady_clock::now() < deadline) {
      books_.pause(settle_pause);
      report = bench::audit(books_);
    }
    judgement_.charges = report.charges;
    for (const std::string& finding : report.findings)
      find("audit: {}", finding);
    if (report.open_holds > 0) find("audit: {} holds never ended", report.open_holds);
    if (report.charges != report.orders) find("{} charges for {} live orders", report.charges, report.orders);
  }

  void repeat_everything() {
    bench::event_loop loop;
    loop.spawn(repeat_all(loop));
    loop.run();
  }

  bench::task<void> repeat_all(bench::event_loop& loop) {
    bench::connection as_guest{loop, guest_.server};
    bench::connection as_staff{loop, staff_.server};
    bench::request_text guest_text{guest_.server, guest_.key};
    bench::request_text staff_text{staff_.server, staff_.key};
    for (const recorded& first : shoppers_.requests()) {
      if (!first.definite()) continue;
      bench::connection& link = first.staff ? as_staff : as_guest;
      bench::request_text& text = first.staff ? staff_text : guest_text;
      const bench::http_answer& again = co_await link.send(text.post(first.target, first.key, first.body));
      ++judgement_.repeated;
      if (again.status != first.status || again.body != first.answer || again.etag != first.etag)
        find("POST {} was answered {} {}, and repeated {} {}", first.target, first.status, first.answer,
             again.status, again.body);
      else if (!again.replayed)
        find("POST {} was done again: its repeat is not marked as a replay", first.target);
    }
  }

  void read_orders() {
    books_.for_each("/v1/orders?limit=100", [&](const json::object& read) {
      ++judgement_.orders;
      const json::value whole(read);  // braces would make a list of it
      orders_by_cart_[bench::text_member(whole, "cart_id")].push_back(
          {bench::text_member(whole, "id"), bench::text_member(whole, "status"), bench::total_of(whole)});
      for (const json::value& line : bench::member(whole, "lines").as_array())
        sold_[bench::text_member(line, "sku")] += bench::integer_member(line, "quantity");
    });
  }

  void compare_sales() {
    for (const sale& sale : shoppers_.sales()) {
      const std::vector<order>& found = orders_by_cart_[sale.cart];
      if (found.size() > 1) find("cart {} became {} orders", sale.cart, found.size());
      if (sale.expect == expectation::no_order && !found.empty())
        find("cart {} was refused and is order {}", sale.cart, found[0].id);
      if (sale.expect != expectation::order) continue;
      ++judgement_.answered_orders;
      if (found.empty())
        find("order {} was answered and is gone", sale.order);
      else if (found[0].id != sale.order || found[0].status != "placed" || found[0].total != sale.total)
        find("order {} of {} was answered and is order {} of {}, {}", sale.order, sale.total, found[0].id,
             found[0].total, found[0].status);
    }
  }

  void compare_stock() {
    for (const auto& [sku, received] : shoppers_.goods().received) {
      const json::value audit = books_.get("/v1/inventory/audit?sku=" + bench::percent_encoded(sku));
      if (const std::int64_t booked = bench::integer_member(audit, "received"); booked != received)
        find("{} of {} were received and {} are booked", received, sku, booked);
      if (const std::int64_t booked = bench::integer_member(audit, "sold"); booked != sold_[sku])
        find("{} of {} are in orders and {} are booked as sold", sold_[sku], sku, booked);
    }
  }

  const bench::shop& guest_;
  const bench::shop& staff_;
  const shoppers& shoppers_;
  bench::shop_client books_;
  judgement judgement_;
  std::map<std::string, std::vector<order>> orders_by_cart_;
  std::map<std::string, std::int64_t> sold_;
};

}  // namespace

judgement judge(const bench::shop& guest, const bench::shop& staff, const shoppers& shoppers) {
  return judge_at_work{guest, staff, shoppers}.run();
}

}  // namespace souk::cluster_test
