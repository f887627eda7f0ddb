#include "actors/json/writer.hpp"
#include "bench/progress.hpp"
#include "bench/workers.hpp"
#include "nodes/souk/commands.hpp"
#include "nodes/souk/retail.hpp"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <array>
#include <chrono>

namespace souk::cli {
namespace {

constexpr std::size_t import_bytes_max = std::size_t{256} << 20;  // as much as the server takes at once
constexpr std::chrono::milliseconds poll_every{200};
// Names the one delivery of each article; it can be received but once, whatever happens to idempotency
// records.
constexpr std::string_view opening_reference = "online-retail/opening";

std::string read_whole(const std::string& file) {
  const auto source = open_input(file);
  std::string all;
  std::array<char, 64 * 1024> buffer{};
  while (const std::size_t count = source->read(buffer.data(), buffer.size())) {
    all.append(buffer.data(), count);
    if (all.size() > import_bytes_max) {
      throw std::runtime_error(file + ": more than 256 MiB cannot be imported at once; split it");
    }
  }
  return all;
}

// Hands the file to the server and waits until it has taken it in.
int import_souk(const settings& settings, const import_options& options) {
  const std::string body = read_whole(options.file);
  const bool csv = options.format == "csv";
  bench::shop_client client(settings.with_key());
  boost::json::value job =
      client.send("POST", "/v1/imports", {}, csv ? "text/csv" : "application/x-ndjson", body);
  const std::string target = "/v1/imports/" + bench::text_member(job, "id");
  const auto under_way = [&job] {
    const std::string status = bench::text_member(job, "status");
    return status == "queued" || status == "running";
  };
  bench::progress_line progress("importing", "polls", 0);
  std::uint64_t polls = 0;
  while (under_way()) {
    client.pause(poll_every);
    job = client.get(target);
    progress.done(++polls);
  }
  const bool fine = bench::text_member(job, "status") == "completed";
  fmt::print("{}\n", boost::json::serialize(job));
  return fine ? exit_fine : exit_found_wrong;
}

// Makes one product and one delivery of each article.
class retail_import {
 public:
  retail_import(const retail::year& year, bench::event_loop& loop)
      : year_(year), patience_(loop), progress_("stocking", "articles", year.articles.size()) {}

  bench::task<void> take_in(bench::worker& me, std::size_t index) {
    const retail::article& article = year_.articles[index];
    co_await create_product(me, article);
    if (article.needed > 0) {
      co_await receive(me, article);
    }
    progress_.done(++done_);
  }

  std::uint64_t products = 0;
  std::uint64_t products_there = 0;
  std::uint64_t units = 0;
  std::uint64_t units_there = 0;

 private:
  [[noreturn]] static void give_up(const std::string& what, const bench::http_answer& answer) {
    const bench::problem_text problem = bench::read_problem(answer);
    if (answer.status == 0) throw bench::unreachable(problem.detail);
    const std::string hint = problem.code == "idempotency_key_reused"
                                 ? " (another Online Retail file was imported into this shop before)"
                                 : "";
    throw bench::refused(
        answer.status, problem.code,
        fmt::format("{}: {} {}: {}{}", what, answer.status, problem.code, problem.detail, hint));
  }

  bench::task<void> create_product(bench::worker& me, const retail::article& article) {
    souk::json::writer body;
    body.begin_object().key("title").string(article.title).key("description").string(article.title);
    body.key("categories").begin_array().string("online-retail").end_array();
    body.key("variants").begin_array().begin_object().key("sku").string(article.code);
    body.key("price").unit_price(article.price).end_object().end_array().end_object();
    const std::string text = std::move(body).take();
    const std::string key = "online-retail-product-" + bench::percent_encoded(article.code);
    const std::string_view request = me.text.post("/v1/products", key, text);
    const bench::http_answer& answer = *co_await patience_.send(me.link, request, times_);
    if (!answer.ok()) give_up("product " + article.code, answer);
    answer.replayed ? ++products_there : ++products;
  }

  bench::task<void> receive(bench::worker& me, const retail::article& article) {
    souk::json::writer body;
    body.begin_object().key("sku").string(article.code).key("delta").integer(article.needed);
    body.key("reason").string("received").key("reference").string(opening_reference).end_object();
    const std::string text = std::move(body).take();
    const std::string key = "online-retail-opening-" + bench::percent_encoded(article.code);
    const std::string_view request = me.text.post("/v1/inventory/adjustments", key, text);
    const bench::http_answer& answer = *co_await patience_.send(me.link, request, times_);
    const bool there = answer.replayed || answer.status == 409;
    if (!answer.ok() && !there) give_up("stock of " + article.code, answer);
    (there ? units_there : units) += static_cast<std::uint64_t>(article.needed);
  }

  const retail::year& year_;
  bench::patience patience_;
  bench::progress_line progress_;
  bench::histogram times_;
  std::uint64_t done_ = 0;
};

int import_retail(const settings& settings, const import_options& options) {
  const bench::shop shop = settings.with_key();
  const auto source = open_input(options.file);
  const retail::year year = retail::read_year(*source);
  bench::check_access(shop);
  const auto started = std::chrono::steady_clock::now();
  bench::event_loop loop;
  retail_import job(year, loop);
  bench::share_work(loop, shop, options.jobs, year.articles.size(),
                    [&job](bench::worker& me, std::size_t index) { return job.take_in(me, index); });
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  if (settings.json) {
    fmt::print(
        R"({{"products":{},"products_there":{},"units_received":{},"units_there":{},"seconds":{:.3f}}})"
        "\n",
        job.products, job.products_there, job.units, job.units_there, seconds);
  } else {
    fmt::print("{} products made, {} were there; {} units received, {} were there; {:.1f} s\n", job.products,
               job.products_there, job.units, job.units_there, seconds);
  }
  return exit_fine;
}

}  // namespace

int import_file(const settings& settings, const import_options& options) {
  return options.format == "online-retail" ? import_retail(settings, options)
                                           : import_souk(settings, options);
}

}  // namespace souk::cli
