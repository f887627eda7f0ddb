#include "bench/goods.hpp"
#include "bench/scenarios.hpp"
#include "bench/shopper.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace souk::bench {
namespace {

namespace json = boost::json;

constexpr int items_per_call_max = 500;
constexpr std::string_view minimal = "Prefer: return=minimal\r\n";

// What one turn at one size of cart measured.
struct turn {
  int lines = 0;
  std::uint64_t adds = 0;
  double add_us = 0;  // the mean of a call that adds to such a cart
  double p50_us = 0;
};

// A cart with a given number of lines that is added to again and again, without growing: units of a sku that
// is in it, then a line of its own, which is taken out again.
class filled_cart {
 public:
  filled_cart(event_loop& loop, const endpoint& server, shopping_tally& tally, int lines)
      : me_(loop, server, tally), tally_(tally), lines_(lines) {}

  task<void> fill() {
    const bool opened = co_await me_.open_cart();
    if (!opened) co_return;
    target_ = "/v1/carts/" + me_.cart_id() + "/items";
    for (int from = 0; from < lines_; from += items_per_call_max) {
      std::string body = R"({"items":[)";
      for (int i = from; i < std::min(lines_, from + items_per_call_max); ++i) {
        body += fmt::format(R"({}{{"sku":"{}","quantity":1}})", i == from ? "" : ",",
                            goods_sku(static_cast<std::size_t>(i)));
      }
      body += "]}";
      const http_answer* added = co_await add("fill", body);
      if (added == nullptr) co_return;
    }
    filled_ = true;
  }

  task<void> add_until_closing(histogram& adds, const closing_time& closing) {
    while (filled_ && !closing.reached()) {
      const auto inside = me_.keys().number(static_cast<std::size_t>(lines_));
      const std::string more = fmt::format(R"({{"sku":"{}","quantity":1}})", goods_sku(inside));
      const std::string fresh =
          fmt::format(R"({{"sku":"{}","quantity":1}})", goods_sku(static_cast<std::size_t>(lines_)));
      const http_answer* merged = co_await add("add", more);
      if (merged == nullptr) co_return;
      adds.record(merged->elapsed_ns);
      const http_answer* added = co_await add("add", fresh);
      if (added == nullptr) co_return;
      adds.record(added->elapsed_ns);
      const std::string line = changed_line(*added, goods_sku(static_cast<std::size_t>(lines_)));
      if (line.empty()) co_return;
      const bool taken_out = co_await take_out(line);
      if (!taken_out) co_return;
    }
  }

 private:
  task<const http_answer*> add(std::string_view call, std::string_view body) {
    const std::string_view request = me_.hands().text.post(target_, me_.keys().next(), body, minimal);
    const http_answer& answer = co_await me_.hands().link.send(request);
    tally_.times[call].record(answer.elapsed_ns);
    if (answer.status == 200) co_return &answer;
    tally_.note_error(answer);
    co_return nullptr;
  }

  task<bool> take_out(const std::string& line) {
    const std::string target = target_ + "/" + line;
    const std::string_view request =
        me_.hands().text.make("DELETE", target, me_.keys().next(), {}, {}, minimal);
    const http_answer& answer = co_await me_.hands().link.send(request);
    tally_.times["remove"].record(answer.elapsed_ns);
    if (answer.status != 200) tally_.note_error(answer);
    co_return answer.status == 200;
  }

  // The id of the one changed line, which must be that sku's; empty and counted as wrong if it is not.
  std::string changed_line(const http_answer& answer, const std::string& sku) {
    const json::value& body = me_.reader().read(answer);
    const json::value* lines = body.is_object() ? body.get_object().if_contains("lines") : nullptr;
    if (lines != nullptr && lines->is_array() && lines->get_array().size() == 1) {
      const json::value& line = lines->get_array().front();
      if (text_member(line, "sku") == sku && integer_member(line, "quantity") == 1)
        return text_member(line, "id");
    }
    tally_.note_wrong("a minimal answer to adding one line: " + answer.body);
    return {};
  }

  shopper me_;
  shopping_tally& tally_;
  int lines_;
  bool filled_ = false;
  std::string target_;
};

turn take_turn(const stage& stage, const cart_sizes_options& options, int lines, shopping_tally& tally) {
  event_loop loop;
  std::vector<std::unique_ptr<filled_cart>> carts;
  for (int i = 0; i < options.shoppers; ++i) {
    carts.push_back(std::make_unique<filled_cart>(loop, stage.with_key.server, tally, lines));
    loop.spawn(carts.back()->fill());
  }
  loop.run();
  histogram adds;
  const closing_time closing{std::chrono::seconds(options.seconds)};
  for (const auto& cart : carts)
    loop.spawn(cart->add_until_closing(adds, closing));
  loop.run();
  return {lines, adds.count(), adds.mean() / 1e3, static_cast<double>(adds.quantile(0.5)) / 1e3};
}

double median_of(const std::vector<turn>& turns, int lines) {
  std::vector<double> means;
  for (const turn& turn : turns) {
    if (turn.lines == lines) means.push_back(turn.add_us);
  }
  std::sort(means.begin(), means.end());
  const std::size_t middle = means.size() / 2;
  return means.size() % 2 == 1 ? means[middle] : (means[middle - 1] + means[middle]) / 2;
}

void print_json(const cart_sizes_options& options, const std::vector<turn>& turns,
                const shopping_tally& tally) {
  souk::json::writer out;
  out.begin_object()
      .key("scenario")
      .string("cart-sizes")
      .key("shoppers")
      .integer(options.shoppers)
      .key("turns")
      .begin_array();
  for (const turn& turn : turns) {
    out.begin_object()
        .key("lines")
        .integer(turn.lines)
        .key("adds")
        .integer(static_cast<std::int64_t>(turn.adds));
    out.key("mean_us")
        .raw(fmt::format("{:.1f}", turn.add_us))
        .key("p50_us")
        .raw(fmt::format("{:.1f}", turn.p50_us));
    out.end_object();
  }
  out.end_array().key("median_us").begin_object();
  for (const int lines : options.lines) {
    out.key(std::to_string(lines)).raw(fmt::format("{:.1f}", median_of(turns, lines)));
  }
  out.end_object().key("ratio").raw(fmt::format(
      "{:.3f}", median_of(turns, options.lines.back()) / median_of(turns, options.lines.front())));
  write_errors(out, tally);
  out.key("calls");
  write_calls(out, tally.times);
  out.end_object();
  fmt::print("{}\n", std::move(out).take());
}

void print_table(const cart_sizes_options& options, const std::vector<turn>& turns,
                 const shopping_tally& tally) {
  fmt::print("{:>8}{:>10}{:>12}{:>12}\n", "lines", "adds", "mean us", "p50 us");
  for (const turn& turn : turns) {
    fmt::print("{:>8}{:>10}{:>12.1f}{:>12.1f}\n", turn.lines, turn.adds, turn.add_us, turn.p50_us);
  }
  for (const int lines : options.lines) {
    fmt::print("a cart of {} lines: median of {} turns {:.1f} us an add\n", lines, options.rounds,
               median_of(turns, lines));
  }
  fmt::print("ratio {:.3f}\n",
             median_of(turns, options.lines.back()) / median_of(turns, options.lines.front()));
  print_errors(tally);
}

}  // namespace

bool run_cart_sizes(const stage& stage, const cart_sizes_options& options) {
  const int most = *std::max_element(options.lines.begin(), options.lines.end());
  prepare_goods(stage.with_key, static_cast<std::size_t>(most) + 1);
  shopping_tally tally;
  std::vector<turn> turns;
  for (int round = 0; round < options.rounds; ++round) {
    for (const int lines : options.lines)
      turns.push_back(take_turn(stage, options, lines, tally));
  }
  stage.json ? print_json(options, turns, tally) : print_table(options, turns, tally);
  const bool measured =
      std::all_of(turns.begin(), turns.end(), [](const turn& turn) { return turn.adds > 0; });
  return measured && tally.errors.empty();
}

}  // namespace souk::bench
