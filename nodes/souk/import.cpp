#include "actors/json/writer.hpp"
#include "bench/progress.hpp"
#include "bench/workers.hpp"
#include "nodes/souk/commands.hpp"
#include "nodes/souk/retail.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <xxhash.h>

#include <array>
#include <chrono>
#include <utility>

namespace souk::cli {
namespace {

constexpr std::size_t import_bytes_max = std::size_t{256} << 20;  // as much as the server takes at once
constexpr std::chrono::milliseconds poll_every{200};

// Units of one sku that are received once: the reference sees to it, whatever happens to idempotency records.
struct delivery {
  std::string sku;
  std::int64_t units = 0;
  std::string reference;
};

// One product to be made by calls of its own, and what is delivered of it.
struct product_to_import {
  std::string name;  // for people
  std::string key;   // what its idempotency keys begin with
  std::string body;  // as POST /v1/products takes it
  std::vector<delivery> deliveries;
};

// Makes products and receives their stock by keyed calls, so that a repeat adds nothing.
class product_import {
 public:
  product_import(const std::vector<product_to_import>& products, bench::event_loop& loop)
      : products_(products), patience_(loop), progress_("importing", "products", products.size()) {}

  bench::task<void> take_in(bench::worker& me, std::size_t index) {
    const product_to_import& product = products_[index];
    co_await create(me, product);
    for (const delivery& delivery : product.deliveries) {
      co_await receive(me, product, delivery);
    }
    progress_.done(++done_);
  }

  std::uint64_t products_made = 0;
  std::uint64_t products_there = 0;
  std::uint64_t units_received = 0;
  std::uint64_t units_there = 0;

 private:
  [[noreturn]] static void give_up(const std::string& what, const bench::http_answer& answer) {
    const bench::problem_text problem = bench::read_problem(answer);
    if (answer.status == 0) throw bench::unreachable(problem.detail);
    const std::string hint = problem.code == "idempotency_key_reused"
                                 ? " (it was imported before, from a file that describes it otherwise)"
                                 : "";
    throw bench::refused(
        answer.status, problem.code,
        fmt::format("{}: {} {}: {}{}", what, answer.status, problem.code, problem.detail, hint));
  }

  bench::task<void> create(bench::worker& me, const product_to_import& product) {
    const std::string key = product.key + "-product";
    const std::string_view request = me.text.post("/v1/products", key, product.body);
    const bench::http_answer& answer = *co_await patience_.send(me.link, request, times_);
    if (!answer.ok()) give_up("product " + product.name, answer);
    ++(answer.replayed ? products_there : products_made);
  }

  bench::task<void> receive(bench::worker& me, const product_to_import& product, const delivery& delivery) {
    json::writer out;
    out.begin_object().key("sku").string(delivery.sku).key("delta").integer(delivery.units);
    out.key("reason").string("received").key("reference").string(delivery.reference).end_object();
    const std::string body = std::move(out).take();
    const std::string key = product.key + "-stock-" + bench::percent_encoded(delivery.sku);
    const std::string_view request = me.text.post("/v1/inventory/adjustments", key, body);
    const bench::http_answer& answer = *co_await patience_.send(me.link, request, times_);
    const bool there = answer.replayed || answer.status == 409;  // 409: the reference is known
    if (!answer.ok() && !there) give_up("stock of " + delivery.sku, answer);
    (there ? units_there : units_received) += static_cast<std::uint64_t>(delivery.units);
  }

  const std::vector<product_to_import>& products_;
  bench::patience patience_;
  bench::progress_line progress_;
  bench::histogram times_;
  std::uint64_t done_ = 0;
};

int import_products(const settings& settings, const bench::shop& shop, int jobs,
                    const std::vector<product_to_import>& products) {
  const auto started = std::chrono::steady_clock::now();
  bench::event_loop loop;
  product_import job(products, loop);
  bench::share_work(loop, shop, jobs, products.size(),
                    [&job](bench::worker& me, std::size_t index) { return job.take_in(me, index); });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  if (settings.json) {
    fmt::print(
        R"({{"products":{},"products_there":{},"units_received":{},"units_there":{},"seconds":{:.3f}}})"
        "\n",
        job.products_made, job.products_there, job.units_received, job.units_there, seconds);
  } else {
    fmt::print("{} products made, {} were there; {} units received, {} were there; {:.1f} s\n",
               job.products_made, job.products_there, job.units_received, job.units_there, seconds);
  }
  return exit_fine;
}

std::string read_whole(const std::string& file) {
  const auto source = open_input(file);
  std::string all;
  std::array<char, 64 * 1024> buffer{};
  while (const std::size_t count = source->read(buffer.data(), buffer.size())) {
    all.append(buffer.data(), count);
    if (all.size() > import_bytes_max)
      throw std::runtime_error(file + ": more than 256 MiB cannot be imported at once; split it");
  }
  return all;
}

// Waits until the server has worked through the file.
boost::json::value await_import(bench::shop_client& client, boost::json::value job) {
  const std::string target = "/v1/imports/" + bench::text_member(job, "id");
  bench::progress_line progress("importing", "lines", 0);
  while (bench::text_member(job, "status") == "running") {
    client.pause(poll_every);
    job = client.get(target);
    progress.done(static_cast<std::uint64_t>(bench::integer_member(job, "lines")));
  }
  return job;
}

void print_import(const boost::json::value& job) {
  for (const boost::json::value& error : bench::member(job, "errors").as_array()) {
    fmt::print("line {}: {}: {}\n", bench::integer_member(error, "line"), bench::text_member(error, "code"),
               bench::text_member(error, "detail"));
  }
  fmt::print("{} lines: {} products, {} adjustments, {} failed: {}\n", bench::integer_member(job, "lines"),
             bench::integer_member(job, "products"), bench::integer_member(job, "adjustments"),
             bench::integer_member(job, "failed_lines"), bench::text_member(job, "status"));
}

// Hands the file to the server. Its key comes from its content: the same file again is the same import.
int import_souk(const settings& settings, const import_options& options) {
  const bench::shop shop = settings.with_key();
  const std::string body = read_whole(options.file);
  const std::string key = fmt::format("import-{:016x}", XXH3_64bits(body.data(), body.size()));
  const char* type = options.format == "csv" ? "text/csv" : "application/x-ndjson";
  bench::shop_client client(shop);
  const boost::json::value job = await_import(client, client.send("POST", "/v1/imports", key, type, body));
  if (settings.json) {
    fmt::print("{}\n", boost::json::serialize(job));
  } else {
    print_import(job);
  }
  const bool whole =
      bench::text_member(job, "status") == "completed" && bench::integer_member(job, "failed_lines") == 0;
  return whole ? exit_fine : exit_found_wrong;
}

product_to_import of_article(const retail::article& article) {
  json::writer out;
  out.begin_object().key("title").string(article.title).key("description").string(article.title);
  out.key("categories").begin_array().string("online-retail").end_array();
  out.key("variants").begin_array().begin_object().key("sku").string(article.code);
  out.key("price").unit_price(article.price).end_object().end_array().end_object();
  product_to_import product;
  product.name = article.code;
  product.key = "online-retail-" + bench::percent_encoded(article.code);
  product.body = std::move(out).take();
  if (article.needed > 0)
    product.deliveries.push_back({article.code, article.needed, "online-retail/opening"});
  return product;
}

int import_retail(const settings& settings, const import_options& options) {
  const bench::shop shop = settings.with_key();
  const auto source = open_input(options.file);
  const retail::year year = retail::read_year(*source);
  bench::check_access(shop);
  std::vector<product_to_import> products;
  products.reserve(year.articles.size());
  for (const retail::article& article : year.articles)
    products.push_back(of_article(article));
  return import_products(settings, shop, options.jobs, products);
}

}  // namespace

int import_file(const settings& settings, const import_options& options) {
  return options.format == "online-retail" ? import_retail(settings, options)
                                           : import_souk(settings, options);
}

}  // namespace souk::cli
