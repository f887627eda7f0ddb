#include "actors/import/lines.hpp"

#include "actors/json/reader.hpp"
#include "actors/json/writer.hpp"
#include "actors/values/money.hpp"
#include "actors/values/utf8.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace souk::import_job {

namespace {

constexpr std::string_view products_path = "/v1/products";
constexpr std::string_view adjustments_path = "/v1/inventory/adjustments";

/// A fault quotes the line and is journalled, and what is journalled must be read again: no other bytes.
const line_fault not_utf8{"validation_failed", "The line is not UTF-8."};

/// A call that puts units of a sku into stock.
planned_call receive(std::string_view sku, std::int64_t units, const std::string& reference) {
  json::writer out;
  out.begin_object().key("sku").string(sku).key("delta").integer(units).key("reason").string("received");
  out.key("reference").string(reference).end_object();
  return {"POST", std::string{adjustments_path}, std::move(out).take()};
}

/// Adds the units of `"stock": {"SKU": 12, ...}`; 0 needs no movement.
std::optional<line_fault> add_stock(const json::value& stock, const std::string& reference, line_plan& plan) {
  if (stock.as_object() == nullptr)
    return line_fault{"validation_failed", "\"stock\" is an object of units by sku."};
  for (const json::member& member : *stock.as_object()) {
    const std::int64_t* units = member.data.as_integer();
    if (units == nullptr || *units < 0)
      return line_fault{"validation_failed",
                        "The stock of " + member.name + " is not a whole number of units."};
    if (*units > 0) plan.calls.push_back(receive(member.name, *units, reference));
  }
  return std::nullopt;
}

std::variant<line_plan, line_fault> plan_product(const json::value& line, const json::value& product,
                                                 const std::string& reference) {
  line_plan plan;
  const json::value* id = product.find("id");
  if (id != nullptr && id->as_string() != nullptr) plan.product_id = *id->as_string();
  plan.calls.push_back({"POST", std::string{products_path}, json::canonical(product)});
  if (const json::value* stock = line.find("stock"))
    if (auto fault = add_stock(*stock, reference, plan)) return *std::move(fault);
  return plan;
}

/// The value of a column, or "" if the file has no such column.
std::string_view cell(const std::vector<std::string>& fields, const csv_columns& columns,
                      std::string_view name) {
  auto found = columns.positions.find(name);
  return found == columns.positions.end() ? std::string_view{} : fields[found->second];
}

std::string product_json(const std::vector<std::string>& fields, const csv_columns& columns,
                         const values::pb::UnitPrice& price) {
  auto at = [&](std::string_view name) { return cell(fields, columns, name); };
  json::writer out;
  out.begin_object();
  if (!at("id").empty()) out.key("id").string(at("id"));
  out.key("title").string(at("title")).key("description").string(at("description"));
  out.key("categories").begin_array();
  if (!at("category").empty()) out.string(at("category"));
  out.end_array();
  if (!at("image_url").empty()) out.key("image_url").string(at("image_url"));
  out.key("variants").begin_array().begin_object().key("sku").string(at("sku"));
  out.key("price").unit_price(price).end_object().end_array().end_object();
  return std::move(out).take();
}

}  // namespace

std::variant<line_plan, line_fault> plan_json_line(std::string_view line, const std::string& reference) {
  json::parse_error error;
  auto parsed = json::parse(line, error);
  if (!parsed) return line_fault{error.code, error.detail};
  if (parsed->as_object() == nullptr) return line_fault{"validation_failed", "A line is an object."};
  const json::value* product = parsed->find("product");
  const json::value* adjustment = parsed->find("adjustment");
  for (const json::member& member : *parsed->as_object()) {
    bool known = member.name == "product" || (member.name == "stock" && product != nullptr) ||
                 (member.name == "adjustment" && product == nullptr);
    if (!known) return line_fault{"unknown_field", "\"" + member.name + "\" does not belong here."};
  }
  if (product != nullptr) return plan_product(*parsed, *product, reference);
  if (adjustment == nullptr)
    return line_fault{"validation_failed", "A line has a \"product\" or an \"adjustment\"."};
  return line_plan{{{"POST", std::string{adjustments_path}, json::canonical(*adjustment)}}, {}};
}

std::optional<std::vector<std::string>> split_csv(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    char c = line[i];
    if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += '"';
      ++i;
    } else if (c == '"' && (quoted || fields.back().empty())) {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  if (quoted) return std::nullopt;
  return fields;
}

std::variant<csv_columns, line_fault> read_csv_head(std::string_view line) {
  constexpr std::array<std::string_view, 9> known{"title",    "sku",       "price", "currency", "description",
                                                  "category", "image_url", "id",    "stock"};
  constexpr std::array<std::string_view, 4> required{"title", "sku", "price", "currency"};
  if (!values::is_utf8(line)) return not_utf8;
  auto names = split_csv(line);
  if (!names) return line_fault{"validation_failed", "The first line has unbalanced quotes."};
  csv_columns columns;
  columns.count = names->size();
  for (std::size_t i = 0; i < names->size(); ++i) {
    const std::string& name = (*names)[i];
    if (std::find(known.begin(), known.end(), name) == known.end())
      return line_fault{"unknown_field", "There is no column \"" + name + "\"."};
    if (!columns.positions.emplace(name, i).second)
      return line_fault{"validation_failed", "The column \"" + name + "\" is there twice."};
  }
  for (std::string_view name : required)
    if (!columns.positions.contains(name))
      return line_fault{"validation_failed", "The column \"" + std::string{name} + "\" is missing."};
  return columns;
}

std::variant<line_plan, line_fault> plan_csv_line(std::string_view line, const csv_columns& columns,
                                                  const std::string& reference) {
  if (!values::is_utf8(line)) return not_utf8;
  auto fields = split_csv(line);
  if (!fields || fields->size() != columns.count)
    return line_fault{"validation_failed", "It does not have the fields that the first line names."};
  std::string currency{cell(*fields, columns, "currency")};
  std::optional<values::pb::UnitPrice> price;
  if (values::minor_unit_exponent(currency))
    price = values::parse_unit_price(cell(*fields, columns, "price"), currency);
  if (!price) return line_fault{"validation_failed", "Its price is not a decimal in a known currency."};
  line_plan plan;
  plan.product_id = std::string{cell(*fields, columns, "id")};
  plan.calls.push_back({"POST", std::string{products_path}, product_json(*fields, columns, *price)});
  std::string_view stock = cell(*fields, columns, "stock");
  std::int64_t units = 0;
  auto [end, error] = std::from_chars(stock.data(), stock.data() + stock.size(), units);
  if (!stock.empty() && (error != std::errc{} || end != stock.data() + stock.size() || units < 0))
    return line_fault{"validation_failed", "Its stock is not a whole number of units."};
  if (units > 0) plan.calls.push_back(receive(cell(*fields, columns, "sku"), units, reference));
  return plan;
}

}  // namespace souk::import_job
