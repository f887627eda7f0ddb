#include "bench/http_client.hpp"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <exception>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

/// Creates very many carts in a running shop and prints the ids of some of them, drawn at random.
namespace souk::cluster_test {
namespace {

struct options {
  std::string url;
  std::uint64_t carts = 1'000'000;
  std::size_t connections = 64;
  std::size_t sample = 1'000;
  std::uint64_t seed = 1;
};

class flood {
 public:
  explicit flood(const options& options)
      : options_(options), server_(bench::parse_url(options.url)), random_(options.seed) {}

  std::vector<std::string> run() {
    for (std::size_t i = 0; i < options_.connections; ++i)
      loop_.spawn(create_many());
    loop_.run();
    return sample_;
  }

 private:
  bench::task<void> create_many() {
    bench::connection link{loop_, server_};
    bench::request_text text{server_, {}};
    while (begun_ < options_.carts && !loop_.failed()) {
      ++begun_;
      const bench::http_answer& answer =
          co_await link.send(text.post("/v1/carts", {}, R"({"currency":"EUR"})"));
      if (answer.status != 201)
        throw std::runtime_error(fmt::format("POST /v1/carts: {} {}", answer.status, answer.body));
      keep(answer.body);
    }
  }

  /// Every cart has the same chance to be in the sample.
  void keep(const std::string& body) {
    const std::uint64_t place = created_++ < options_.sample ? created_ - 1 : random_() % created_;
    if (place >= options_.sample) return;
    std::string id{boost::json::parse(body).at("id").as_string()};
    if (place == sample_.size())
      sample_.push_back(std::move(id));
    else
      sample_[place] = std::move(id);
  }

  const options& options_;
  bench::endpoint server_;
  bench::event_loop loop_;
  std::mt19937_64 random_;
  std::uint64_t begun_ = 0;
  std::uint64_t created_ = 0;
  std::vector<std::string> sample_;
};

}  // namespace
}  // namespace souk::cluster_test

int main(int argc, char** argv) {
  souk::cluster_test::options chosen;
  CLI::App app{"Creates carts and prints the ids of some of them"};
  app.add_option("--url", chosen.url, "Where the shop listens")->required();
  app.add_option("--carts", chosen.carts, "How many");
  app.add_option("--connections", chosen.connections, "At work at the same time");
  app.add_option("--sample", chosen.sample, "How many ids to print");
  app.add_option("--seed", chosen.seed, "Chooses them");
  CLI11_PARSE(app, argc, argv);
  try {
    for (const std::string& id : souk::cluster_test::flood{chosen}.run())
      fmt::print("{}\n", id);
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "cart_flood: {}\n", error.what());
    return 1;
  }
}
