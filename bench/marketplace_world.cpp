#include "bench/marketplace_world.hpp"

#include "bench/progress.hpp"
#include "bench/shop_client.hpp"
#include "bench/workers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <stdexcept>

namespace souk::bench {
namespace {

constexpr int loading_jobs = 32;
constexpr std::int64_t price_max = 9'999;
constexpr std::int64_t freight_max = 999;

class loading {
 public:
  loading(const marketplace_options& options, const marketplace_world& world)
      : options_(options), world_(world), progress_("loading", "records", pieces()) {}

  std::size_t pieces() const { return world_.sellers() + options_.customers + 2 * world_.products().size(); }

  task<void> do_piece(worker& me, std::size_t piece) {
    body_of(me, piece);
    const http_answer& answer = co_await me.link.send(request_);
    if (!answer.ok())
      throw std::runtime_error(
          fmt::format("loading the marketplace: {} {}{}", answer.status, answer.body, answer.failure));
    progress_.done(++done_);
  }

 private:
  void body_of(worker& me, std::size_t piece) {
    body_.clear();
    if (piece < world_.sellers()) return seller(me, piece + 1);
    piece -= world_.sellers();
    if (piece < options_.customers) return customer(me, piece + 1);
    piece -= options_.customers;
    if (piece < world_.products().size()) return product(me, piece);
    stock(me, piece - world_.products().size());
  }

  void seller(worker& me, std::size_t id) {
    fmt::format_to(
        std::back_inserter(body_),
        R"({{"id":{0},"name":"Seller {0}","company_name":"Company {0}","email":"s{0}@example.org",)"
        R"("phone":"555","mobile_phone":"556","cpf":"{0:011}","cnpj":"{0:014}","address":"Street {0}",)"
        R"("complement":"","city":"Town","state":"ST","zip_code":"{0:05}"}})",
        id);
    post(me, "/seller");
  }
  void customer(worker& me, std::size_t id) {
    fmt::format_to(
        std::back_inserter(body_),
        R"({{"id":{0},"first_name":"First {0}","last_name":"Last {0}","address":"Street {0}",)"
        R"("complement":"","birth_date":"1980-01-01","zip_code":"{0:05}","city":"Town","state":"ST",)"
        R"("card_number":"4000{0:012}","card_security_number":"123","card_expiration":"1230",)"
        R"("card_holder_name":"First {0} Last {0}","card_type":"VISA","success_payment_count":0,)"
        R"("failed_payment_count":0,"delivery_count":0,"data":""}})",
        id);
    post(me, "/customer");
  }
  void product(worker& me, std::size_t product) {
    write_product(body_, world_, product);
    post(me, "/product");
  }
  void stock(worker& me, std::size_t product) {
    fmt::format_to(std::back_inserter(body_),
                   R"({{"seller_id":{},"product_id":{},"qty_available":{},"qty_reserved":0,"order_count":0,)"
                   R"("ytd":0,"data":"","version":"0"}})",
                   world_.seller_of(product), world_.product_of(product), options_.stock);
    post(me, "/stock");
  }
  void post(worker& me, std::string_view target) { request_ = me.text.post(target, {}, body_); }

  const marketplace_options& options_;
  const marketplace_world& world_;
  progress_line progress_;
  std::uint64_t done_ = 0;
  std::string body_;
  std::string_view request_;
};

}  // namespace

skewed::skewed(std::size_t count, double constant) : count_(count) {
  if (constant <= 0) return;
  double sum = 0;
  for (std::size_t rank = 1; rank <= count; ++rank)
    upto_.push_back(sum += std::pow(static_cast<double>(rank), -constant));
  for (double& share : upto_)
    share /= sum;
}

std::size_t skewed::draw(std::mt19937_64& random) const {
  if (upto_.empty()) return static_cast<std::size_t>(random() % count_);
  const double at = std::uniform_real_distribution<double>{0, 1}(random);
  const auto found = std::upper_bound(upto_.begin(), upto_.end(), at);
  return std::min(static_cast<std::size_t>(found - upto_.begin()), count_ - 1);
}

marketplace_world::marketplace_world(const marketplace_options& options)
    : per_seller_(options.per_seller),
      sellers_(std::max<std::size_t>(options.products / options.per_seller, 1)),
      products_(sellers_ * per_seller_),
      customers_(options.customers),
      random_(std::random_device{}()),
      by_seller_(sellers_, options.seller_skew),
      by_product_(per_seller_, options.product_skew) {
  for (known_product& product : products_) {
    product.price = draw_price();
    product.freight = static_cast<std::int64_t>(number(freight_max + 1));
  }
}

std::int64_t marketplace_world::draw_price() { return 1 + static_cast<std::int64_t>(number(price_max)); }

std::optional<std::size_t> marketplace_world::find(std::int64_t seller_id, std::int64_t product_id) const {
  const bool known = seller_id >= 1 && static_cast<std::size_t>(seller_id) <= sellers_ && product_id >= 1 &&
                     static_cast<std::size_t>(product_id) <= per_seller_;
  if (!known) return std::nullopt;
  return static_cast<std::size_t>(seller_id - 1) * per_seller_ + static_cast<std::size_t>(product_id - 1);
}

std::string cents_text(std::int64_t cents) { return fmt::format("{}.{:02}", cents / 100, cents % 100); }

void write_product(std::string& body, const marketplace_world& world, std::size_t product) {
  const known_product& known = world.products()[product];
  fmt::format_to(std::back_inserter(body),
                 R"({{"seller_id":{0},"product_id":{1},"name":"Article {2}","sku":"SKU{2:013}",)"
                 R"("category":"things","description":"An article of the marketplace.","price":{3},)"
                 R"("freight_value":{4},"version":"{5}","status":"approved"}})",
                 world.seller_of(product), world.product_of(product), product, cents_text(known.price),
                 cents_text(known.freight), known.version);
}

void load_marketplace(const marketplace_options& options, const marketplace_world& world) {
  shop_client({options.server, {}}).send("PATCH", "/cleanup", {}, {}, {});
  event_loop loop;
  loading work(options, world);
  share_work(loop, {options.server, {}}, loading_jobs, work.pieces(),
             [&](worker& me, std::size_t piece) { return work.do_piece(me, piece); });
}

}  // namespace souk::bench
