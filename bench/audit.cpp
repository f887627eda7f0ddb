#include "bench/audit.hpp"

#include "bench/progress.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <unordered_map>
#include <utility>

namespace souk::bench {
namespace {

namespace json = boost::json;

// What the provider took, and did not give back, for one checkout.
struct taken {
  std::uint64_t charges = 0;
  std::int64_t amount = 0;
  std::string payment_id;
};

class auditor {
 public:
  auditor(shop_client& client, std::unordered_set<std::string> answered)
      : client_(client), answered_(std::move(answered)) {}

  audit_report run() && {
    check_stock();
    return std::move(*this).check_money();
  }

  audit_report run(const std::unordered_set<std::string>& skus) && {
    for (const std::string& sku : skus)
      check_sku(sku);
    return std::move(*this).check_money();
  }

 private:
  audit_report check_money() && {
    read_ledger();
    check_orders();
    check_leftovers();
    return std::move(report_);
  }

  void find(std::string what) {
    ++report_.findings_count;
    if (report_.findings.size() < audit_report::findings_max) report_.findings.push_back(std::move(what));
  }

  void check_stock() {
    const json::value books = client_.get("/v1/inventory/audit");
    report_.skus = static_cast<std::uint64_t>(integer_member(books, "skus"));
    report_.unbalanced = static_cast<std::uint64_t>(integer_member(books, "unbalanced"));
    report_.open_holds = static_cast<std::uint64_t>(integer_member(books, "open_holds"));
    const json::value& data = member(books, "data");
    if (!data.is_array()) return;
    for (const json::value& sku : data.get_array())
      find("stock does not balance: " + json::serialize(sku));
    if (report_.unbalanced != 0 && data.get_array().empty()) {
      find(fmt::format("{} skus do not balance", report_.unbalanced));
    }
  }

  void check_sku(const std::string& sku) {
    const json::value books = client_.get("/v1/inventory/audit?sku=" + percent_encoded(sku));
    ++report_.skus;
    report_.open_holds += member(books, "holds").as_array().size();
    if (member(books, "balanced").as_bool()) return;
    ++report_.unbalanced;
    find("stock does not balance: " + json::serialize(books));
  }

  void read_ledger() {
    client_.for_each("/v1/test/payments", [this](const json::object& row) {
      const std::string status = text_member(row, "status");
      const std::int64_t times = integer_member(row, "charge_count");
      const std::string key = text_member(row, "key");
      if (times > 1) {
        report_.duplicates += static_cast<std::uint64_t>(times - 1);
        find(fmt::format("the provider charged {} times under key {}", times, key));
      }
      if (status != "charged") return;
      ++report_.charges;
      taken& sum = taken_[text_member(row, "checkout_id")];
      ++sum.charges;
      sum.amount += integer_member(row, "amount");
      sum.payment_id = text_member(row, "payment_id");
      if (sum.charges > 1) ++report_.duplicates;
    });
  }

  void check_orders() {
    progress_line progress("auditing", "orders", 0);
    std::uint64_t seen = 0;
    std::unordered_set<std::string> checkouts;
    client_.for_each("/v1/orders?limit=100", [&](const json::object& order) {
      progress.done(++seen);
      const std::string id = text_member(order, "id");
      const std::string checkout = text_member(order, "checkout_id");
      report_.answered += answered_.erase(id);
      if (!checkouts.insert(checkout).second)
        find(fmt::format("checkout {} has a second order {}", checkout, id));
      const std::int64_t total = total_of(order);
      if (text_member(order, "status") == "canceled" || total == 0) return;
      ++report_.orders;
      check_charge(id, checkout, total);
    });
  }

  void check_charge(const std::string& order, const std::string& checkout, std::int64_t total) {
    const auto found = taken_.find(checkout);
    if (found == taken_.end()) {
      find(fmt::format("order {} over {} was not charged", order, total));
      return;
    }
    const taken& sum = found->second;
    if (sum.charges != 1 || sum.amount != total) {
      find(fmt::format("order {} over {} was charged {} times, {} in all", order, total, sum.charges,
                       sum.amount));
    }
    taken_.erase(found);
  }

  void check_leftovers() {
    for (const std::string& order : answered_)
      find(fmt::format("order {} was answered but is not there", order));
    for (const auto& [checkout, sum] : taken_) {
      find(fmt::format("payment {} of checkout {} over {} has no live order", sum.payment_id, checkout,
                       sum.amount));
    }
  }

  shop_client& client_;
  std::unordered_set<std::string> answered_;
  audit_report report_;
  std::unordered_map<std::string, taken> taken_;
};

}  // namespace

audit_report audit(shop_client& client, std::unordered_set<std::string> answered) {
  return auditor(client, std::move(answered)).run();
}

audit_report audit_of(shop_client& client, std::unordered_set<std::string> answered,
                      const std::unordered_set<std::string>& skus) {
  return auditor(client, std::move(answered)).run(skus);
}

void write_books(souk::json::writer& out, const audit_report& books) {
  out.begin_object().key("unbalanced").integer(static_cast<std::int64_t>(books.unbalanced));
  out.key("charges").integer(static_cast<std::int64_t>(books.charges));
  out.key("orders").integer(static_cast<std::int64_t>(books.orders));
  out.key("answered").integer(static_cast<std::int64_t>(books.answered)).end_object();
}

void print_books(const audit_report& books, std::size_t answered) {
  fmt::print("audit: {} unbalanced skus, {} charges for {} orders, {} of {} answered orders are there: {}\n",
             books.unbalanced, books.charges, books.orders, books.answered, answered,
             books.fine() ? "balanced" : "NOT balanced");
  for (const std::string& finding : books.findings)
    fmt::print("{}\n", finding);
}

}  // namespace souk::bench
