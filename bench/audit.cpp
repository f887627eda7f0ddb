#include "bench/audit.hpp"

#include "bench/progress.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <fstream>
#include <stdexcept>
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

// A row of the provider's books.
struct charge {
  std::string key;
  std::string status;
  std::string checkout_id;
  std::string payment_id;
  std::int64_t amount = 0;
  std::int64_t times = 0;
};

class auditor {
 public:
  auditor(shop_client& client, std::unordered_set<std::string> answered)
      : client_(client), answered_(std::move(answered)) {}

  audit_report run(const audit_scope& scope) && {
    if (scope.skus.empty()) check_stock();
    for (const std::string& sku : scope.skus)
      check_sku(sku);
    scope.ledger_file.empty() ? ask_for_ledger() : read_ledger(scope.ledger_file);
    check_orders();
    check_leftovers();
    return std::move(report_);
  }

 private:
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

  void ask_for_ledger() {
    client_.for_each("/v1/test/payments",
                     [this](const json::object& row) { take(charge_of(row, "charge_count")); });
  }

  // What was written last of a key is how it stands. A last line without its end was never acknowledged.
  void read_ledger(const std::string& file) {
    std::ifstream in(file);
    if (!in) throw std::runtime_error(file + " cannot be read");
    std::unordered_map<std::string, charge> standing;
    std::string line;
    for (std::uint64_t number = 1; std::getline(in, line) && !in.eof(); ++number) {
      boost::system::error_code error;
      const json::value row = json::parse(line, error);
      if (error || !row.is_object())
        throw std::runtime_error(fmt::format("{}:{}: not a line of a ledger", file, number));
      charge read = charge_of(row.get_object(), "charges");
      std::string key = read.key;
      standing.insert_or_assign(std::move(key), std::move(read));
    }
    for (const auto& [key, entry] : standing)
      take(entry);
  }

  static charge charge_of(const json::object& row, std::string_view times) {
    return {text_member(row, "key"),        text_member(row, "status"),    text_member(row, "checkout_id"),
            text_member(row, "payment_id"), integer_member(row, "amount"), integer_member(row, times)};
  }

  void take(const charge& entry) {
    if (entry.times > 1) {
      report_.duplicates += static_cast<std::uint64_t>(entry.times - 1);
      find(fmt::format("the provider charged {} times under key {}", entry.times, entry.key));
    }
    if (entry.status != "charged") return;
    ++report_.charges;
    taken& sum = taken_[entry.checkout_id];
    ++sum.charges;
    sum.amount += entry.amount;
    sum.payment_id = entry.payment_id;
    if (sum.charges > 1) ++report_.duplicates;
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

audit_report audit(shop_client& client, std::unordered_set<std::string> answered, const audit_scope& scope) {
  return auditor(client, std::move(answered)).run(scope);
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
