#include "nodes/souk/retail.hpp"

#include "nodes/souk/csv.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <utility>

namespace souk::cli::retail {
namespace {

constexpr std::array<std::string_view, 8> column_names{"InvoiceNo",   "StockCode", "Description", "Quantity",
                                                       "InvoiceDate", "UnitPrice", "CustomerID",  "Country"};

// One line of the file, read but not yet understood.
struct row {
  std::uint64_t file_line;
  const std::string& invoice;
  const std::string& code;
  const std::string& description;
  const std::string& quantity;
  const std::string& price;
  const std::string& customer;
};

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_cancellation(std::string_view invoice) {
  return invoice.starts_with('C') && all_digits(invoice.substr(1));
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_positive(const values::pb::UnitPrice& price) {
  return price.precise() ? price.value() > 0 : price.amount() > 0;
}
bool is_negative(const values::pb::UnitPrice& price) {
  return price.precise() ? price.value() < 0 : price.amount() < 0;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// Builds a year line by line.
class year_builder {
 public:
  void add(const row& line) {
    ++year_.file_lines;
    const std::uint64_t position = ++lines_of_invoice_[line.invoice];
    if (const std::string why = take(line, position); !why.empty()) {
      year_.skipped.push_back({line.file_line, line.invoice, line.code, why});
    }
  }

  void add_malformed(std::uint64_t file_line, std::string why) {
    ++year_.file_lines;
    year_.skipped.push_back({file_line, {}, {}, std::move(why)});
  }

  year finish() && {
    for (std::size_t i = 0; i < year_.articles.size(); ++i)
      settle(year_.articles[i], names_[i]);
    for (const invoice& sold : year_.invoices) {
      year_.sale_lines += sold.lines.size();
      year_.revenue = values::add(year_.revenue, sold.total);
      if (sold.total == 0) ++year_.free_invoices;
    }
    return std::move(year_);
  }

 private:
  // How often an article was called what; sales count apart from the notes that corrections carry.
  struct names {
    std::map<std::string, std::uint64_t, std::less<>> by_sales;
    std::string any;
  };

  // Takes a line in, or says why not.
  std::string take(const row& line, std::uint64_t position) {
    const bool sale = all_digits(line.invoice);
    const bool cancellation = is_cancellation(line.invoice);
    if (!sale && !cancellation) return "the invoice number is neither all digits nor C and digits";
    if (line.code.empty()) return "no stock code";
    const auto quantity = whole_number(line.quantity);
    if (!quantity) return "the quantity is not a whole number";
    if (*quantity == 0) return "the quantity is 0";
    if (*quantity > quantity_max || *quantity < -quantity_max) return "the quantity is beyond 1,000,000";
    const auto price = price_of(line.price);
    if (!price) return "the price is not a decimal number";
    if (is_negative(year_.prices[*price])) return "the price is negative";
    if (cancellation && *quantity > 0) return "a cancellation with a quantity above 0";

    const std::uint32_t article = article_of(line.code);
    note_name(article, line, sale && is_positive(year_.prices[*price]));
    if (is_positive(year_.prices[*price])) year_.articles[article].price = year_.prices[*price];
    if (sale && *quantity > 0) {
      sell(line, {article, *price, *quantity});
    } else {
      auto& movements = cancellation ? year_.returned : year_.written_off;
      movements.push_back(
          {line.invoice + "/" + std::to_string(position), article, cancellation ? -*quantity : *quantity});
      if (!cancellation) year_.articles[article].needed -= *quantity;
    }
    return {};
  }

  void sell(const row& line, const sale_line& sold) {
    const auto [known, added] = invoice_index_.try_emplace(line.invoice, year_.invoices.size());
    if (added) year_.invoices.push_back({line.invoice, line.customer, {}, 0});
    invoice& target = year_.invoices[known->second];
    target.lines.push_back(sold);
    target.total = values::add(target.total, values::line_total(year_.prices[sold.price], sold.quantity));
    year_.articles[sold.article].needed += sold.quantity;
  }

  std::uint32_t article_of(const std::string& code) {
    const auto [known, added] =
        article_index_.try_emplace(code, static_cast<std::uint32_t>(year_.articles.size()));
    if (added) {
      article fresh;
      fresh.code = code;
      fresh.price.set_currency(std::string(currency));
      year_.articles.push_back(std::move(fresh));
      names_.emplace_back();
    }
    return known->second;
  }

  std::optional<std::uint32_t> price_of(const std::string& text) {
    if (const auto known = price_index_.find(text); known != price_index_.end()) return known->second;
    auto price = values::parse_unit_price(text, currency);
    if (!price) return std::nullopt;
    const auto index = static_cast<std::uint32_t>(year_.prices.size());
    year_.prices.push_back(std::move(*price));
    price_index_.emplace(text, index);
    return index;
  }

  void note_name(std::uint32_t article, const row& line, bool of_sale) {
    const std::string_view name = trimmed(line.description);
    if (name.empty()) return;
    if (of_sale) {
      ++names_[article].by_sales[std::string(name)];
    } else {
      names_[article].any = name;
    }
  }

  static void settle(article& target, const names& called) {
    std::uint64_t most = 0;
    for (const auto& [name, count] : called.by_sales) {
      if (count <= most) continue;
      most = count;
      target.title = name;
    }
    if (target.title.empty()) target.title = called.any.empty() ? target.code : called.any;
  }

  year year_;
  std::vector<names> names_;
  std::unordered_map<std::string, std::uint32_t> article_index_;
  std::unordered_map<std::string, std::uint32_t> price_index_;
  std::unordered_map<std::string, std::size_t> invoice_index_;
  std::unordered_map<std::string, std::uint64_t> lines_of_invoice_;
};

}  // namespace

year read_year(input& source) {
  csv_reader reader(source);
  std::vector<std::string> fields;
  if (!reader.next(fields) ||
      !std::equal(fields.begin(), fields.end(), column_names.begin(), column_names.end())) {
    throw std::runtime_error(
        "line 1 does not name the columns of the Online Retail data set: InvoiceNo, StockCode, Description, "
        "Quantity, "
        "InvoiceDate, UnitPrice, CustomerID, Country");
  }
  year_builder builder;
  while (reader.next(fields)) {
    if (fields.size() != column_names.size()) {
      builder.add_malformed(reader.line(),
                            "the line has " + std::to_string(fields.size()) + " fields instead of 8");
      continue;
    }
    builder.add({reader.line(), fields[0], fields[1], fields[2], fields[3], fields[5], fields[6]});
  }
  return std::move(builder).finish();
}

}  // namespace souk::cli::retail
