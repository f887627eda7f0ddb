#include "bench/progress.hpp"
#include "bench/workers.hpp"
#include "nodes/souk/commands.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <array>
#include <deque>
#include <vector>

namespace souk::cli {
namespace {

namespace json = boost::json;

constexpr int export_jobs = 8;

// A product as `POST /v1/products` takes it: what the server adds of its own is left out.
json::object importable(const json::object& product) {
  constexpr std::array<std::string_view, 7> members{"id",         "title",     "description", "categories",
                                                    "attributes", "image_url", "status"};
  constexpr std::array<std::string_view, 4> variant_members{"sku", "title", "options", "price"};
  json::object out;
  for (const std::string_view name : members) {
    if (const json::value* found = product.if_contains(name)) out.emplace(name, *found);
  }
  json::array variants;
  for (const json::value& variant : bench::member(product, "variants").as_array()) {
    json::object& copy = variants.emplace_back(json::object()).as_object();
    for (const std::string_view name : variant_members) {
      if (const json::value* found = variant.as_object().if_contains(name)) copy.emplace(name, *found);
    }
  }
  out.emplace("variants", std::move(variants));
  return out;
}

// One product with what its variants have on hand at the default location.
class product_exporter {
 public:
  product_exporter(bench::event_loop& loop, const std::vector<json::object>& products)
      : patience_(loop), products_(products), progress_("exporting", "products", products.size()) {}

  bench::task<void> export_one(bench::worker& me, std::size_t index) {
    json::object stock;
    const json::object product = importable(products_[index]);
    for (const json::value& variant : product.at("variants").as_array()) {
      const std::string sku = bench::text_member(variant, "sku");
      const std::int64_t units = co_await on_hand(me, sku);
      if (units > 0) stock.emplace(sku, units);
    }
    json::object line;
    line.emplace("product", product);
    line.emplace("stock", std::move(stock));
    fmt::print("{}\n", json::serialize(line));
    progress_.done(++done_);
  }

 private:
  bench::task<std::int64_t> on_hand(bench::worker& me, const std::string& sku) {
    const std::string target = "/v1/inventory/levels?sku=" + bench::percent_encoded(sku);
    const std::string_view request = me.text.get(target);
    const bench::http_answer& answer = *co_await patience_.send(me.link, request, times_);
    if (answer.status == 404) co_return 0;
    if (!answer.ok()) {
      const bench::problem_text problem = bench::read_problem(answer);
      throw bench::refused(answer.status, problem.code, "levels of " + sku + ": " + problem.detail);
    }
    const json::value levels = json::parse(answer.body);
    std::int64_t units = 0;
    for (const json::value& level : bench::member(levels, "data").as_array()) {
      if (bench::text_member(level, "location") == "default")
        units += bench::integer_member(level, "on_hand");
    }
    co_return units;
  }

  bench::patience patience_;
  const std::vector<json::object>& products_;
  bench::progress_line progress_;
  bench::histogram times_;
  std::uint64_t done_ = 0;
};

}  // namespace

int export_shop(const settings& settings) {
  const bench::shop shop = settings.with_key();
  std::vector<json::object> products;
  bench::shop_client(shop).for_each("/v1/products?limit=100",
                                    [&](const json::object& product) { products.push_back(product); });
  bench::event_loop loop;
  product_exporter exporter(loop, products);
  bench::share_work(
      loop, shop, export_jobs, products.size(),
      [&exporter](bench::worker& me, std::size_t index) { return exporter.export_one(me, index); });
  return exit_fine;
}

}  // namespace souk::cli
