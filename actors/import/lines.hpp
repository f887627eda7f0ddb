#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace souk::import_job {

/// A call that a line of a file comes to: the same that a client would make.
struct planned_call {
  std::string method;
  std::string path;
  std::string body;
};

/// What a line amounts to, in order: a product, then its stock; or one adjustment.
struct line_plan {
  std::vector<planned_call> calls;
  std::string product_id;  ///< Of a product that names its id: if it exists, it is replaced.
};

/// Why a line amounts to nothing.
struct line_fault {
  std::string code;
  std::string detail;
};

/// A line of application/x-ndjson:
///
///     {"product": {...as in POST /v1/products}, "stock": {"SKU": 12, ...}}     "stock" is optional: units
///     received
///     {"adjustment": {...as in POST /v1/inventory/adjustments}}
///
/// `reference` names the stock that a product's line brings: unique for import and line.
std::variant<line_plan, line_fault> plan_json_line(std::string_view line, const std::string& reference);

/// The columns of a text/csv file, from its first line. One product with one variant a line:
///
///     title, sku, price, currency (required), description, category, image_url, id, stock
///
/// `price` is a decimal such as 19.99.
struct csv_columns {
  std::map<std::string, std::size_t, std::less<>> positions;
  std::size_t count = 0;
};
std::variant<csv_columns, line_fault> read_csv_head(std::string_view line);
std::variant<line_plan, line_fault> plan_csv_line(std::string_view line, const csv_columns& columns,
                                                  const std::string& reference);

/// The fields of one line of CSV by RFC 4180; nothing for unbalanced quotes. Fields do not contain line ends.
std::optional<std::vector<std::string>> split_csv(std::string_view line);

}  // namespace souk::import_job
