#include "tests/api/drawn_requests.hpp"

#include "actors/gateway/uri.hpp"
#include "tests/api/description.hpp"
#include "tests/api/drawn_values.hpp"
#include "tests/api/schema_check.hpp"

#include <algorithm>
#include <utility>

namespace souk::tests {

namespace {

using gateway::percent_encode;
using json::value;

constexpr std::size_t keys_kept = 50;

std::string_view last_segment(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// "/v1/carts/{id}/items" answers with a cart: what stands before the first placeholder, or at the end.
std::string answers_with(std::string_view path) {
  const auto placeholder = path.find("/{");
  return without_suffix(last_segment(path.substr(0, placeholder)), "s");
}

std::string as_text(const value& drawn) {
  const auto* text = drawn.as_string();
  return text != nullptr ? *text : json::canonical(drawn);
}

}  // namespace

std::string drawn_request::text() const {
  std::string line = method + " " + target;
  for (const auto& [name, data] : fields)
    if (name != "authorization") line.append("\n  ").append(name).append(": ").append(data);
  return body.empty() ? line : line + "\n  " + body.substr(0, 2'000);
}

drawn_request request_drawing::draw(const gateway::route& route) {
  const auto& operation = operation_of(document_, route);
  drawn_request request;
  request.method = route.method;
  request.target = draw_path(route.path) + draw_query(operation);
  draw_fields(operation, request);
  draw_body(route, operation, request);
  return request;
}

void request_drawing::learn(const gateway::route& route, const value& answer) {
  known_.learn(answer, answers_with(route.path));
}

std::string request_drawing::draw_path(std::string_view path) {
  std::string drawn;
  std::string before;
  for (std::size_t at = 1; at <= path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    auto segment = std::string{path.substr(at, end - at)};
    at = end + 1;
    if (segment.front() != '{') {
      before = segment;
      drawn += "/" + segment;
      continue;
    }
    const auto name = segment.substr(1, segment.size() - 2);
    auto known = known_.any(name == "id" ? without_suffix(before, "s") : name, dice_);
    if (name == "line" && dice_.percent(80)) known = known_.line_of(asked_);
    if (dice_.percent(6)) known = known_.any_id(dice_);
    if (!known || dice_.percent(6)) known = draw_text(1, 40, 20, dice_);
    if (dice_.percent(2)) known = std::string(1'000, 'x');
    if (dice_.percent(3) && !known->empty()) known->back() = known->back() == '0' ? '1' : '0';
    if (name == "id") asked_ = *known;
    drawn += "/" + (dice_.percent(1) ? std::string{"%zz"} : percent_encode(*known));
  }
  return drawn;
}

std::vector<const value*> request_drawing::parameters_of(const value& operation,
                                                         std::string_view where) const {
  std::vector<const value*> found;
  for (const auto& one : *operation.find("parameters")->as_array()) {
    const auto* reference = one.find("$ref");
    const auto& parameter = reference == nullptr ? one : resolve(document_, *reference->as_string());
    if (json::text_of(parameter, "in") == where) found.push_back(&parameter);
  }
  return found;
}

std::string request_drawing::draw_query(const value& operation) {
  std::string query;
  const auto add = [&query](const std::string& name, const std::string& text) {
    query.append(query.empty() ? "?" : "&").append(percent_encode(name)).append("=").append(text);
  };
  for (const auto* parameter : parameters_of(operation, "query")) {
    const auto name = json::text_of(*parameter, "name");
    const bool needed = parameter->find("required") != nullptr;
    if (!dice_.percent(needed ? 95 : 50)) continue;
    auto text = as_text(draw_value(document_, *parameter->find("schema"), known_, dice_, name));
    if (dice_.percent(8)) text = draw_text(0, 40, 20, dice_);
    if (dice_.percent(3))
      text = dice_.pick(
          std::vector<std::string>{"-1", "0", "101", "1e3", "18446744073709551616", "+5", " 5", "0x10"});
    add(name, dice_.percent(1) ? "%f" : percent_encode(text));
    if (dice_.percent(1)) add(name, percent_encode(text));
  }
  if (dice_.percent(3)) add(draw_text(1, 8, 20, dice_), "1");
  return query;
}

std::string request_drawing::draw_key() {
  if (!keys_.empty() && dice_.percent(6)) return dice_.pick(keys_);
  if (dice_.percent(2)) return "";
  if (dice_.percent(2)) return std::string(256, 'k');
  if (dice_.percent(2)) return "caf\xc3\xa9";
  if (keys_.size() == keys_kept) keys_.erase(keys_.begin());
  keys_.push_back("key-" + std::to_string(dice_.next()));
  return keys_.back();
}

void request_drawing::draw_fields(const value& operation, drawn_request& request) {
  const auto add = [&request](const std::string& name, const std::string& text) {
    request.fields.emplace_back(name, text);
  };
  if (dice_.percent(85)) {
    add("authorization", "Bearer " + secret_);
  } else if (dice_.percent(70)) {
    const auto learned = known_.any("secret", dice_).value_or("sk_none");
    add("authorization",
        dice_.pick(std::vector<std::string>{"Bearer " + learned, "Bearer sk_none", "Bearer", "Basic YTpi",
                                            "bearer " + draw_text(1, 60, 20, dice_)}));
  }
  const auto tag = [this] {
    if (const auto version = known_.version_of(asked_); version && dice_.percent(60))
      return "\"" + std::to_string(*version) + "\"";
    return dice_.pick(std::vector<std::string>{"\"1\"", "\"2\"", "\"3\"", "*", "W/\"1\"", "\"1\", \"2\"", "1",
                                               "\"", "\"9999999999999999999999\"", "\"1-0123456789abcdef\""});
  };
  for (const auto* parameter : parameters_of(operation, "header")) {
    const auto name = json::text_of(*parameter, "name");
    if (name == "Idempotency-Key") {
      if (dice_.percent(parameter->find("required") != nullptr ? 95 : 40)) add("idempotency-key", draw_key());
    } else if (name == "Last-Event-ID") {
      if (dice_.percent(30)) add("last-event-id", known_.any("after", dice_).value_or("none"));
    } else if (name == "Prefer") {
      if (dice_.percent(30))
        add("prefer", dice_.pick(std::vector<std::string>{"return=minimal", "return=representation",
                                                          "respond-async, return=minimal", "="}));
    } else if (dice_.percent(name == "If-Match" && request.method == "PUT" ? 90 : 15)) {
      add(name == "If-Match" ? "if-match" : "if-none-match", tag());
    }
  }
  if (dice_.percent(3))
    add("accept", dice_.pick(std::vector<std::string>{"application/json", "text/plain", "*/*;q=0",
                                                      "application/*", ";"}));
  if (dice_.percent(3)) add("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  if (dice_.percent(2)) add("content-encoding", "gzip");
}

// What belongs together: a cart that is there, its version, and no other total than it has.
void request_drawing::fit(value& body) {
  const auto* members = body.as_object();
  if (members == nullptr || body.find("cart_id") == nullptr || !dice_.percent(85)) return;
  const auto cart = known_.any("cart", dice_);
  const auto version = cart ? known_.version_of(*cart) : std::nullopt;
  if (!version) return;
  auto changed = *members;
  const bool keeps_total = dice_.percent(15);
  std::erase_if(changed, [&](const auto& one) {
    return one.name == "cart_id" || one.name == "cart_version" ||
           (one.name == "expected_total" && !keeps_total);
  });
  changed.push_back({"cart_id", value{*cart}});
  changed.push_back({"cart_version", value{*version}});
  body = value{std::move(changed)};
}

std::string request_drawing::draw_file(drawn_request& request) {
  const bool csv = dice_.percent(30);
  request.fields.emplace_back("content-type",
                              dice_.percent(90) ? (csv ? "text/csv" : "application/x-ndjson") : "text/plain");
  if (csv)
    return "title,sku,price,currency\nTea," + draw_text(1, 8, 20, dice_) + ",1.50,EUR\n" +
           draw_text(0, 40, 20, dice_) + "\n";
  std::string lines;
  for (auto n = 1 + dice_.below(3); n > 0; --n) {
    const bool adjusts = dice_.percent(50);
    const auto* schema = adjusts ? "#/components/schemas/NewAdjustment" : "#/components/schemas/NewProduct";
    value::object line;
    line.push_back({adjusts ? "adjustment" : "product",
                    draw_value(document_, resolve(document_, schema), known_, dice_)});
    auto whole = value{std::move(line)};
    if (dice_.percent(30)) spoil_value(whole, dice_);
    lines += json::canonical(whole) + "\n";
  }
  return lines;
}

void request_drawing::draw_body(const gateway::route& route, const value& operation, drawn_request& request) {
  if (route.body == gateway::body_use::none) return;
  if (route.body == gateway::body_use::file) {
    request.body = draw_file(request);
    return;
  }
  if (route.body == gateway::body_use::optional_json && dice_.percent(40)) return;
  const auto& schema =
      *operation.find("requestBody")->find("content")->find("application/json")->find("schema");
  auto body = draw_value(document_, schema, known_, dice_);
  fit(body);
  if (route.method == "PUT" && body.find("id") != nullptr && dice_.percent(85)) {
    auto members = *body.as_object();
    std::erase_if(members, [](const auto& one) { return one.name == "id"; });
    body = value{std::move(members)};
  }
  if (dice_.percent(30)) spoil_value(body, dice_);
  request.body = json::canonical(body);
  if (dice_.percent(6)) request.body = spoil_text(std::move(request.body), dice_);
  request.fields.emplace_back("content-type", dice_.percent(97) ? "application/json" : "text/plain");
}

}  // namespace souk::tests
