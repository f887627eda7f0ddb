#include "bench/goods.hpp"
#include "bench/progress.hpp"
#include "bench/scenarios.hpp"
#include "bench/shopper.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <memory>
#include <stdexcept>

namespace souk::bench {
namespace {

namespace json = boost::json;

constexpr std::chrono::milliseconds pause_after_error{20};
constexpr std::size_t pages_remembered = 5;

// One visitor: a page of a category, a product of it, again with its ETag, a variant, a search.
class visitor {
 public:
  visitor(event_loop& loop, const endpoint& server, shopping_tally& tally,
          const std::vector<std::string>& products, std::size_t skus)
      : loop_(loop), hands_(loop, {server, {}}), tally_(tally), products_(products), skus_(skus) {}

  task<void> look_until_closing(const closing_time& closing, std::uint64_t& looks, progress_line& progress) {
    while (!closing.reached() && !loop_.failed()) {
      const bool fine = co_await look_around();
      if (!fine) {
        co_await loop_.sleep(pause_after_error);
      }
      progress.done(++looks);
    }
  }

 private:
  task<bool> look_around() {
    const std::string list = fmt::format("/v1/products?category={}&limit=20", goods_category);
    const std::string product = "/v1/products/" + products_[random_.number(products_.size())];
    const std::string sku = goods_sku(random_.number(skus_));
    const std::string variant = "/v1/variants/" + sku;
    const bool listed = co_await look("list", list, 200);
    if (!listed) co_return false;
    const bool shown = co_await look("product", product, 200);
    if (!shown) co_return false;
    const std::string known = fmt::format("If-None-Match: {}\r\n", last_->etag);
    const bool unchanged = co_await look("unchanged", product, 304, known);
    if (!unchanged) co_return false;
    const bool variant_shown = co_await look("variant", variant, 200);
    if (!variant_shown) co_return false;
    if (text_member(reader_.read(*last_), "sku") != sku) {
      tally_.note_wrong("the variant " + sku + ": " + last_->body);
      co_return false;
    }
    const bool found = co_await look("search", "/v1/search?q=bench&limit=10", 200);
    co_return found;
  }

  task<bool> look(std::string_view name, std::string_view target, int status, std::string_view fields = "") {
    const std::string_view request = hands_.text.get(target, fields);
    const http_answer& answer = co_await hands_.link.send(request);
    if (answer.status != 0) tally_.times[name].record(answer.elapsed_ns);
    last_ = &answer;
    if (answer.status == status) co_return true;
    if (answer.ok()) {
      tally_.note_wrong(fmt::format("{}: {}", target, answer.body));
    } else {
      tally_.note_error(answer);
    }
    co_return false;
  }

  event_loop& loop_;
  worker hands_;
  shopping_tally& tally_;
  const std::vector<std::string>& products_;
  std::size_t skus_;
  random_keys random_;
  answer_reader reader_;
  const http_answer* last_ = nullptr;
};

std::vector<std::string> some_products(const stage& stage) {
  std::vector<std::string> ids;
  shop_client client(stage.with_key);
  std::string target = fmt::format("/v1/products?category={}&limit=100", goods_category);
  for (std::size_t page = 0; page < pages_remembered; ++page) {
    const json::value list = client.get(target);
    for (const json::value& product : member(list, "data").as_array())
      ids.push_back(text_member(product, "id"));
    if (!member(list, "has_more").as_bool()) break;
    target = fmt::format("/v1/products?category={}&limit=100&cursor={}", goods_category,
                         percent_encoded(text_member(list, "next_cursor")));
  }
  if (ids.empty()) throw std::runtime_error("no product is listed in category bench");
  return ids;
}

}  // namespace

bool run_browse(const stage& stage, const browse_options& options) {
  prepare_goods(stage.with_key, options.skus);
  const std::vector<std::string> products = some_products(stage);
  event_loop loop;
  shopping_tally tally;
  std::uint64_t looks = 0;
  const closing_time closing{std::chrono::seconds(options.seconds)};
  const auto started = std::chrono::steady_clock::now();
  {
    progress_line progress("browsing", "visits", 0);
    std::vector<std::unique_ptr<visitor>> visitors;
    for (int i = 0; i < options.visitors; ++i) {
      visitors.push_back(
          std::make_unique<visitor>(loop, stage.with_key.server, tally, products, options.skus));
      loop.spawn(visitors.back()->look_until_closing(closing, looks, progress));
    }
    loop.run();
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  std::uint64_t calls = 0;
  for (const auto& [name, values] : tally.times.by_name())
    calls += values.count();
  const double rate = static_cast<double>(calls) / seconds;
  if (stage.json) {
    souk::json::writer out;
    out.begin_object().key("scenario").string("browse").key("visitors").integer(options.visitors);
    out.key("seconds")
        .raw(fmt::format("{:.3f}", seconds))
        .key("requests_per_s")
        .raw(fmt::format("{:.1f}", rate));
    write_errors(out, tally);
    out.key("calls");
    write_calls(out, tally.times);
    out.end_object();
    fmt::print("{}\n", std::move(out).take());
  } else {
    fmt::print("{} visitors, {:.1f} s: {:.0f} requests/s\n", options.visitors, seconds, rate);
    print_calls(tally.times);
    print_errors(tally);
  }
  return calls > 0 && tally.errors.empty();
}

}  // namespace souk::bench
