#include "bench/goods.hpp"

#include "actors/json/writer.hpp"
#include "bench/progress.hpp"
#include "bench/random_keys.hpp"
#include "bench/workers.hpp"

#include <fmt/format.h>

namespace souk::bench {
namespace {

constexpr std::size_t variants_per_product = 10;
constexpr int preparing_jobs = 32;

void write_variant(json::writer& out, std::string_view sku, std::int64_t price) {
  out.begin_object().key("sku").string(sku).key("title").string(sku);
  out.key("price").money(price, goods_currency).end_object();
}

void begin_product(json::writer& out, const std::string& title) {
  out.begin_object().key("title").string(title).key("description").string("Sold by load generators.");
  out.key("categories").begin_array().string(goods_category).end_array().key("variants").begin_array();
}

std::string adjustment_body(std::string_view sku, std::int64_t units) {
  json::writer out;
  out.begin_object().key("sku").string(sku).key("delta").integer(units);
  out.key("reason").string("received").key("reference").string("bench/opening").end_object();
  return std::move(out).take();
}

// First all products, then their stock.
class preparation {
 public:
  preparation(event_loop& loop, std::size_t count)
      : products_((count + variants_per_product - 1) / variants_per_product),
        skus_(products_ * variants_per_product),
        patience_(loop),
        progress_("preparing", "products and deliveries", products_ + skus_) {}

  std::size_t pieces() const { return products_ + skus_; }

  task<void> do_piece(worker& me, std::size_t index) {
    if (index < products_) {
      co_await make_product(me, index);
    } else {
      co_await receive(me, index - products_);
    }
    progress_.done(++done_);
  }

 private:
  task<void> make_product(worker& me, std::size_t number) {
    json::writer out;
    begin_product(out, fmt::format("Bench article {:05}", number));
    for (std::size_t i = 0; i < variants_per_product; ++i) {
      const std::size_t sku = number * variants_per_product + i;
      write_variant(out, goods_sku(sku), goods_price(sku));
    }
    out.end_array().end_object();
    const std::string body = std::move(out).take();
    const std::string key = fmt::format("bench-product-{:05}", number);
    co_await send(me, "/v1/products", key, body);
  }

  task<void> receive(worker& me, std::size_t number) {
    const std::string sku = goods_sku(number);
    const std::string body = adjustment_body(sku, goods_units);
    const std::string key = "bench-opening-" + sku;
    co_await send(me, "/v1/inventory/adjustments", key, body);
  }

  // A conflict means that it is there already, from a time whose idempotency records have gone.
  task<void> send(worker& me, std::string_view target, std::string_view key, std::string_view body) {
    const std::string_view request = me.text.post(target, key, body);
    const http_answer& answer = *co_await patience_.send(me.link, request, times_);
    if (answer.status == 0) throw unreachable(answer.failure);
    if (answer.ok() || answer.status == 409) co_return;
    const problem_text problem = read_problem(answer);
    if (problem.code == "sku_taken") co_return;
    throw refused(answer.status, problem.code,
                  fmt::format("preparing {}: {} {}: {}", key, answer.status, problem.code, problem.detail));
  }

  std::size_t products_;
  std::size_t skus_;
  patience patience_;
  progress_line progress_;
  histogram times_;
  std::uint64_t done_ = 0;
};

}  // namespace

std::string goods_sku(std::size_t number) { return fmt::format("bench-{:05}", number); }

std::int64_t goods_price(std::size_t number) { return 100 + static_cast<std::int64_t>(number * 37 % 9'900); }

void prepare_goods(const shop& shop, std::size_t count) {
  event_loop loop;
  preparation job(loop, count);
  share_work(loop, shop, preparing_jobs, job.pieces(),
             [&job](worker& me, std::size_t index) { return job.do_piece(me, index); });
}

std::string make_scarce_sku(shop_client& client, std::string_view prefix, std::int64_t units) {
  random_keys keys;
  const std::string sku = fmt::format("{}-{}", prefix, keys.next().substr(0, 8));
  json::writer out;
  begin_product(out, "Scarce bench article");
  write_variant(out, sku, goods_price(0));
  out.end_array().end_object();
  client.post("/v1/products", keys.next(), std::move(out).take());
  client.post("/v1/inventory/adjustments", keys.next(), adjustment_body(sku, units));
  return sku;
}

}  // namespace souk::bench
