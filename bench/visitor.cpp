#include "bench/visitor.hpp"

#include "bench/goods.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <stdexcept>

namespace souk::bench {
namespace {

constexpr std::size_t pages_remembered = 5;

}  // namespace

window_display look_into_window(const shop& shop, std::size_t skus) {
  window_display window{{}, skus};
  shop_client client(shop);
  std::string target = fmt::format("/v1/products?category={}&limit=100", goods_category);
  for (std::size_t page = 0; page < pages_remembered; ++page) {
    const boost::json::value list = client.get(target);
    for (const boost::json::value& product : member(list, "data").as_array())
      window.products.push_back(text_member(product, "id"));
    if (!member(list, "has_more").as_bool()) break;
    target = fmt::format("/v1/products?category={}&limit=100&cursor={}", goods_category,
                         percent_encoded(text_member(list, "next_cursor")));
  }
  if (window.products.empty()) throw std::runtime_error("no product is listed in category bench");
  return window;
}

visitor::visitor(worker& hands, shopping_tally& tally, const window_display& window)
    : hands_(hands), tally_(tally), window_(window) {}

task<bool> visitor::look_around(random_keys& random) {
  const std::string list = fmt::format("/v1/products?category={}&limit=20", goods_category);
  const std::string product = "/v1/products/" + window_.products[random.number(window_.products.size())];
  const std::string sku = goods_sku(random.number(window_.skus));
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

task<bool> visitor::look(std::string_view name, std::string_view target, int status,
                         std::string_view fields) {
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

}  // namespace souk::bench
