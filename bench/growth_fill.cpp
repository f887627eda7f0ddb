// bench_growth: fills the data folder of a shop with goods, carts and journal records, so that it is as large
// as one that has sold for years; see docs/performance.md, Growth. What is there is what deciders decided, in
// the formats of soukd; only that nobody asked over HTTP, and that products were published without their
// sagas.
#include "actors/cart/cart.hpp"
#include "actors/json/writer.hpp"
#include "actors/product/product.hpp"
#include "actors/sku/sku.hpp"
#include "actors/stock/stock.hpp"
#include "actors/values/id.hpp"
#include "bench/goods.hpp"
#include "bench/progress.hpp"
#include "bench/shop_filler.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>

namespace souk::bench {
namespace {

constexpr std::size_t variants_per_product = 10;
constexpr std::uint64_t records_per_cart = 2;
constexpr std::string_view tenant = "main";

struct growth_options {
  std::string folder;
  std::uint64_t skus = 0;
  std::uint64_t carts = 0;
  std::uint64_t journal_records = 0;
  std::uint64_t behind = 0;
  std::string ids_file;
  std::uint64_t ids = 1'000;
};

values::pb::UnitPrice price_of(std::uint64_t number) {
  values::pb::UnitPrice price;
  price.set_amount(goods_price(number));
  price.set_currency(std::string(goods_currency));
  return price;
}

class growth {
 public:
  explicit growth(const growth_options& options) : options_(options), filler_(options.folder) {}

  void run() {
    const auto begun = std::chrono::steady_clock::now();
    make_goods();
    make_carts();
    const std::uint64_t records = filler_.finish();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    const persistence::storage_usage usage = filler_.usage();
    json::writer out;
    out.begin_object().key("skus").integer(static_cast<std::int64_t>(skus_));
    out.key("carts").integer(static_cast<std::int64_t>(options_.carts));
    out.key("records").integer(static_cast<std::int64_t>(records));
    out.key("journal_records").integer(static_cast<std::int64_t>(options_.journal_records));
    out.key("behind").integer(static_cast<std::int64_t>(options_.behind));
    out.key("state_bytes").integer(static_cast<std::int64_t>(usage.state_bytes));
    out.key("journal_bytes").integer(static_cast<std::int64_t>(usage.journal_bytes));
    out.key("seconds").raw(fmt::format("{:.1f}", seconds)).end_object();
    fmt::print("{}\n", std::move(out).take());
  }

 private:
  // Whole products, as `prepare_goods` makes them.
  void make_goods() {
    progress_line progress("goods", "skus", options_.skus);
    for (std::uint64_t product = 0; skus_ < options_.skus; ++product) {
      make_product(product);
      skus_ += variants_per_product;
      progress.done(skus_);
    }
  }

  void make_product(std::uint64_t number) {
    product::pb::Product product;
    product.set_id(fmt::format("bench-product-{:07}", number));
    product.set_title(fmt::format("Bench article {:05}", number));
    product.set_description("Sold by load generators.");
    product.add_categories(std::string(goods_category));
    product.set_attributes_json("{}");
    product.set_status("active");
    product.set_created_at_ms(runtime::to_ms(filler_.now()));
    product.set_updated_at_ms(runtime::to_ms(filler_.now()));
    product.set_version(1);
    for (std::size_t i = 0; i < variants_per_product; ++i) {
      const std::uint64_t sku = number * variants_per_product + i;
      product::pb::Variant& variant = *product.add_variants();
      variant.set_sku(goods_sku(sku));
      variant.set_title(variant.sku());
      variant.set_options_json("{}");
      *variant.mutable_price() = price_of(sku);
    }
    const runtime::address address = product::address_of(tenant, product.id());
    for (const product::pb::Variant& variant : product.variants())
      make_sku(address.key, product, variant);
    auto event = std::make_shared<product::pb::Event>();
    event->set_schema(1);
    *event->mutable_published()->mutable_product() = std::move(product);
    shop_filler::newcomer(filler_, address).take(event);
  }

  void make_sku(const std::string& product_key, const product::pb::Product& product,
                const product::pb::Variant& variant) {
    sku::pb::Command claim;
    claim.mutable_claim()->set_product_key(product_key);
    claim.mutable_claim()->set_attempt(attempt_);
    shop_filler::newcomer(filler_, sku::address_of(tenant, variant.sku())).tell(claim);

    shop_filler::newcomer stock(filler_, stock::address_of(tenant, variant.sku()));
    stock::pb::Command command;
    stock::pb::Offer& offer = *command.mutable_offer();
    offer.set_product_key(product_key);
    offer.set_product_version(product.version());
    offer.set_title(product::variant_title(product, variant));
    *offer.mutable_price() = variant.price();
    offer.set_for_sale(true);
    offer.set_attempt(attempt_);
    stock.tell(command);
    stock::pb::Adjust& adjust = *command.mutable_adjust();
    adjust.set_delta(goods_units);
    adjust.set_reason("received");
    adjust.set_reference("bench/opening");
    adjust.set_movement_id(
        values::make_id("mov_", filler_.now(), part_of(movements_++, options_.skus + variants_per_product)));
    stock.tell(command);
  }

  // Carts of one line. The last of their records stay in the journal, and the very last are not in the state.
  void make_carts() {
    std::ofstream ids;
    if (!options_.ids_file.empty()) ids.open(options_.ids_file);
    const std::uint64_t each =
        std::max<std::uint64_t>(1, options_.carts / std::max<std::uint64_t>(1, options_.ids));
    const std::uint64_t kept_from = options_.carts - options_.journal_records / records_per_cart;
    const std::uint64_t behind_from = options_.carts - options_.behind / records_per_cart;
    progress_line progress("carts", "carts", options_.carts);
    for (std::uint64_t cart = 0; cart < options_.carts; ++cart) {
      if (cart == kept_from && options_.journal_records > 0) filler_.keep_records();
      if (cart == behind_from && options_.behind > 0) filler_.leave_state_behind();
      const std::string id = make_cart(cart);
      if (ids.is_open() && cart % each == 0) ids << id << '\n';
      progress.done(cart + 1);
    }
    ids.close();
    if (!options_.ids_file.empty() && !ids)
      throw std::runtime_error(options_.ids_file + " cannot be written");
  }

  std::string make_cart(std::uint64_t number) {
    const std::string part = part_of(number, options_.carts);
    const std::string id = values::make_id("crt_", filler_.now(), part);
    shop_filler::newcomer cart(filler_, {std::string(tenant), kinds::cart, part});
    cart::pb::Command command;
    command.mutable_create()->set_cart_id(id);
    command.mutable_create()->set_currency(std::string(goods_currency));
    cart.tell(command);
    cart::pb::AddItems& add = *command.mutable_add_items();
    add.set_minimal(true);
    add.set_single(true);
    add.set_stocks_asked(true);
    cart::pb::Item& item = *add.add_items();
    item.set_sku(goods_sku(number % options_.skus));
    item.set_quantity(1);
    cart::pb::Offer& offer = *add.add_offers();
    offer.set_sku(item.sku());
    offer.set_title(item.sku());
    *offer.mutable_price() = price_of(number % options_.skus);
    offer.set_for_sale(true);
    cart.tell(command);
    return id;
  }

  // Spread evenly over all that there are, and ascending: pages are filled one after the other, where those
  // of random ones would each be written many times.
  static std::string part_of(std::uint64_t number, std::uint64_t count) {
    const auto spread =
        static_cast<std::uint64_t>(static_cast<double>(number) / static_cast<double>(count) * 0x1p40);
    std::array<std::uint8_t, 13> bytes{};
    for (std::size_t i = 0; i < 5; ++i)
      bytes.at(i) = static_cast<std::uint8_t>(spread >> (8 * (4 - i)));
    for (std::size_t i = 0; i < 8; ++i)
      bytes.at(5 + i) = static_cast<std::uint8_t>((number << 4) >> (8 * (7 - i)));
    return values::encode_part(bytes);
  }

  growth_options options_;
  shop_filler filler_;
  std::string attempt_ = "bench";
  std::uint64_t skus_ = 0;
  std::uint64_t movements_ = 0;
};

void check(const growth_options& options) {
  if (options.carts > 0 && options.skus == 0)
    throw std::invalid_argument("--carts: a cart needs --skus to hold");
  if (options.journal_records > records_per_cart * options.carts)
    throw std::invalid_argument("--journal-records: there are two for each of --carts");
  if (options.behind > options.journal_records)
    throw std::invalid_argument("--behind: not more than --journal-records");
}

}  // namespace
}  // namespace souk::bench

int main(int argc, char** argv) {
  souk::bench::growth_options options;
  CLI::App app{"Fills the data folder of a shop, made by soukd and not in use, as if it had sold for years"};
  app.add_option("DIR", options.folder, "The data folder")->required();
  app.add_option("--skus", options.skus, "Skus of `souk bench`, in stock; ten to a product")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{souk::bench::goods_max}));
  app.add_option("--carts", options.carts, "Open carts of one line")->check(CLI::Range(0, 1'000'000'000));
  app.add_option("--journal-records", options.journal_records,
                 "So many of the carts' records stay in the journal");
  app.add_option("--behind", options.behind, "So many of these are not in the state: a start replays them");
  app.add_option("--ids", options.ids_file, "A file for ids of carts, evenly spread");
  app.add_option("--ids-count", options.ids, "How many, about")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    souk::bench::check(options);
    souk::bench::growth(options).run();
    return 0;
  } catch (const std::invalid_argument& error) {
    fmt::print(stderr, "bench_growth: {}\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_growth: {}\n", error.what());
    return 1;
  }
}
