#include "bench/shop_client.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>

namespace souk::bench {
namespace {

namespace json = boost::json;

constexpr std::chrono::milliseconds first_pause{50};
constexpr std::chrono::milliseconds pause_max{2000};
constexpr std::size_t errors_shown_max = 3;

json::value parse_answer(const http_answer& answer, std::string_view target) {
  if (answer.body.empty()) return nullptr;
  boost::system::error_code error;
  json::value body = json::parse(answer.body, error);
  if (error) {
    throw refused(answer.status, "not_json",
                  fmt::format("{}: the answer is not JSON: {}", target, error.message()));
  }
  return body;
}

std::string string_or(const json::object& object, std::string_view name, std::string fallback) {
  const json::value* found = object.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::move(fallback);
}

const json::object& object_of(const json::value& value) {
  if (!value.is_object()) throw refused(200, "unexpected", "an answer holds something else than an object");
  return value.get_object();
}

task<void> exchange_once(connection& link, std::string_view request, const http_answer*& out) {
  out = &co_await link.send(request);
}

task<void> sleep_once(event_loop& loop, std::chrono::milliseconds duration) { co_await loop.sleep(duration); }

}  // namespace

std::string read_key_file(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) {
    throw std::runtime_error(
        fmt::format("no key can be read from {}: name the file that the server wrote on its first start "
                    "(<data>/admin.key) with "
                    "--key-file",
                    file.string()));
  }
  std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) throw std::runtime_error(file.string() + " is empty");
  text = text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (!printable) throw std::runtime_error(file.string() + " does not hold a key");
  return text;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view unreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string encoded;
  for (const char c : text) {
    if (unreserved.find(c) != std::string_view::npos) {
      encoded.push_back(c);
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

problem_text read_problem(const http_answer& answer) {
  if (answer.status == 0) return {"no_answer", answer.failure};
  boost::system::error_code error;
  const json::value body = json::parse(answer.body, error);
  if (error || !body.is_object()) return {fmt::format("http_{}", answer.status), {}};
  const json::object& problem = body.get_object();
  problem_text text{string_or(problem, "code", fmt::format("http_{}", answer.status)),
                    string_or(problem, "detail", {})};
  const json::value* errors = problem.if_contains("errors");
  if (errors == nullptr || !errors->is_array()) return text;
  const json::array& places = errors->get_array();
  for (std::size_t i = 0; i < places.size() && i < errors_shown_max; ++i) {
    if (!places[i].is_object()) continue;
    const json::object& place = places[i].get_object();
    text.detail +=
        fmt::format(" [{}: {}]", string_or(place, "pointer", "?"), string_or(place, "detail", "?"));
  }
  if (places.size() > errors_shown_max)
    text.detail += fmt::format(" and {} more", places.size() - errors_shown_max);
  return text;
}

bool is_passing(const http_answer& answer) {
  switch (answer.status) {
    case 0:
    case 429:
    case 503:
    case 504:
      return true;
    case 409:
      return read_problem(answer).code == "idempotency_in_flight";
    default:
      return false;
  }
}

task<http_answer*> patience::send(connection& link, std::string_view request, histogram& times) {
  auto pause = first_pause;
  for (int attempt = 1;; ++attempt) {
    http_answer& answer = co_await link.send(request);
    if (answer.status != 0) times.record(answer.elapsed_ns);
    if (attempt == attempts_max || !is_passing(answer)) co_return &answer;
    ++repeats_;
    co_await loop_.sleep(pause);
    pause = std::min(pause * 2, pause_max);
  }
}

shop_client::shop_client(const shop& target)
    : link_(loop_, target.server), text_(target.server, target.key), authority_(target.server.authority()) {}

const http_answer& shop_client::exchange(std::string_view method, std::string_view target,
                                         std::string_view request) {
  const http_answer* answer = nullptr;
  loop_.spawn(exchange_once(link_, request, answer));
  loop_.run();
  if (answer->status == 0) throw unreachable(answer->failure);
  if (!answer->ok()) {
    const problem_text problem = read_problem(*answer);
    throw refused(answer->status, problem.code,
                  fmt::format("{} {} on {}: {} {}: {}", method, target, authority_, answer->status,
                              problem.code, problem.detail));
  }
  return *answer;
}

json::value shop_client::get(std::string_view target) {
  return parse_answer(exchange("GET", target, text_.get(target)), target);
}

std::string shop_client::get_text(std::string_view target) {
  return exchange("GET", target, text_.get(target)).body;
}

json::value shop_client::post(std::string_view target, std::string_view key, std::string_view body) {
  return send("POST", target, key, "application/json", body);
}

json::value shop_client::send(std::string_view method, std::string_view target, std::string_view key,
                              std::string_view type, std::string_view body) {
  return parse_answer(exchange(method, target, text_.make(method, target, key, type, body, {})), target);
}

void shop_client::pause(std::chrono::milliseconds duration) {
  loop_.spawn(sleep_once(loop_, duration));
  loop_.run();
}

void shop_client::for_each(const std::string& target, const std::function<void(const json::object&)>& visit) {
  const char separator = target.find('?') == std::string::npos ? '?' : '&';
  std::string page_target = target;
  for (;;) {
    const json::value page = get(page_target);
    const json::value& data = member(page, "data");
    if (!data.is_array()) throw refused(200, "unexpected", target + ": `data` is not a list");
    for (const json::value& element : data.get_array()) {
      if (!element.is_object()) throw refused(200, "unexpected", target + ": an element is not an object");
      visit(element.get_object());
    }
    const json::value* more = page.get_object().if_contains("has_more");
    if (more == nullptr || !more->is_bool() || !more->get_bool()) return;
    page_target =
        fmt::format("{}{}cursor={}", target, separator, percent_encoded(text_member(page, "next_cursor")));
  }
}

void check_access(const shop& shop) { shop_client(shop).get_text("/v1/admin/status"); }

const json::value& member(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  if (found == nullptr) throw refused(200, "unexpected", fmt::format("an answer lacks `{}`", name));
  return *found;
}

std::string text_member(const json::object& object, std::string_view name) {
  const json::value& found = member(object, name);
  if (!found.is_string())
    throw refused(200, "unexpected", fmt::format("`{}` of an answer is not a string", name));
  return std::string(found.get_string());
}

std::int64_t integer_member(const json::object& object, std::string_view name) {
  const json::value& found = member(object, name);
  if (!found.is_int64())
    throw refused(200, "unexpected", fmt::format("`{}` of an answer is not an integer", name));
  return found.get_int64();
}

std::int64_t total_of(const json::object& object, std::string_view type) {
  const json::value& totals = member(object, "totals");
  if (totals.is_array()) {
    for (const json::value& total : totals.get_array()) {
      if (text_member(total, "type") == type) return integer_member(total, "amount");
    }
  }
  throw refused(200, "unexpected", fmt::format("an answer has no total of type {}", type));
}

const json::value& member(const json::value& object, std::string_view name) {
  return member(object_of(object), name);
}
std::string text_member(const json::value& object, std::string_view name) {
  return text_member(object_of(object), name);
}
std::int64_t integer_member(const json::value& object, std::string_view name) {
  return integer_member(object_of(object), name);
}
std::int64_t total_of(const json::value& object, std::string_view type) {
  return total_of(object_of(object), type);
}

}  // namespace souk::bench
