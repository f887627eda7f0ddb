// bench_order: orders of three lines, sold by a whole shop in one thread from one seed, so that a tool that
// counts instructions (callgrind) counts the same ones every time. Counted are rounds of cart, lines,
// checkout with payment, each request as bytes through the gate and each answer as bytes again; not the
// start, the goods and the first rounds.
#include "actors/gateway/gate.hpp"
#include "actors/gateway/listener_output.hpp"
#include "actors/testkit/json_text.hpp"
#include "actors/testkit/simulated_shop.hpp"

#include <fmt/format.h>
#include <valgrind/callgrind.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

namespace gateway = souk::gateway;
using souk::testkit::member_of;
using souk::testkit::simulated_shop;

constexpr std::uint64_t seed = 1;
constexpr std::size_t skus = 1'000;
constexpr std::size_t shoppers = 32;  // at once, so that commits are shared as in a busy shop
constexpr std::size_t warm_rounds = 4;
constexpr std::size_t rounds = 16;
constexpr std::chrono::seconds patience{10};

/// What a client does is not counted.
class uncounted {
 public:
  uncounted() { CALLGRIND_TOGGLE_COLLECT; }
  ~uncounted() { CALLGRIND_TOGGLE_COLLECT; }
  uncounted(const uncounted&) = delete;
  uncounted& operator=(const uncounted&) = delete;
};

struct shopper {
  std::string cart;
  std::string version;
};

class sale {
 public:
  explicit sale(simulated_shop& shop) : shop_(shop) {}

  /// Every shopper fills a cart and buys it.
  void round() {
    all([&] { return post("/v1/carts", R"({"currency":"USD"})"); },
        [](shopper& of, const std::string& body) { of.cart = member_of(body, "id"); });
    all([&] { return post("/v1/carts/" + at().cart + "/items", lines()); },
        [](shopper& of, const std::string& body) { of.version = member_of(body, "version"); });
    all(
        [&] {
          return post("/v1/checkouts",
                      fmt::format(R"({{"cart_id":"{}","cart_version":{},"email":"shopper@example.org",)"
                                  R"("payment":{{"provider":"test","token":"tok_ok"}}}})",
                                  at().cart, at().version));
        },
        [](shopper&, const std::string& body) {
          if (member_of(body, "order").empty()) throw std::runtime_error(body);
        });
  }

 private:
  shopper& at() { return shoppers_.at(turn_); }

  std::string lines() {
    const uncounted client;
    std::string items;
    for (int line = 0; line < 3; ++line)
      items += fmt::format(R"({}{{"sku":"SKU{}","quantity":{}}})", line == 0 ? "" : ",",
                           next_sku_++ * 7 % skus, line + 1);
    return R"({"items":[)" + items + "]}";
  }

  std::string post(const std::string& target, const std::string& body) {
    const uncounted client;
    return fmt::format(
        "POST {} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench\r\nAccept: application/json\r\n"
        "Content-Type: application/json\r\nIdempotency-Key: key-{}\r\nContent-Length: {}\r\n\r\n{}",
        target, ++key_, body.size(), body);
  }

  /// Sends one request of every shopper, and waits for all the answers.
  void all(const std::function<std::string()>& request,
           const std::function<void(shopper&, const std::string&)>& answered) {
    std::size_t left = shoppers;
    for (turn_ = 0; turn_ < shoppers; ++turn_) {
      auto read = through_gate(request());
      shopper& of = at();
      shop_.send(read.method, read.path, read.body, std::move(read.fields),
                 [&, this](const gateway::http_response& response) {
                   write(response);
                   const uncounted client;
                   if (response.status / 100 != 2) throw std::runtime_error(response.body);
                   answered(of, response.body);
                   --left;
                 });
    }
    if (!shop_.drive().run_until([&] { return left == 0; }, patience)) throw std::runtime_error("no answer");
  }

  static gateway::http_request through_gate(std::string_view bytes) {
    gateway::gate gate{{}};
    while (!gate.complete())
      bytes.remove_prefix(gate.feed(bytes));
    if (gate.refused()) throw std::runtime_error("refused by the gate");
    return gate.take();
  }

  void write(gateway::http_response response) {
    append_answer(out_, std::move(response), {.common_fields = "Date: Sun, 01 Mar 2026 00:00:00 GMT\r\n"});
    out_.consume(out_.bytes_unsent());
  }

  simulated_shop& shop_;
  std::vector<shopper> shoppers_{shoppers};
  std::size_t turn_ = 0;
  std::size_t next_sku_ = 0;
  std::uint64_t key_ = 0;
  gateway::output_queue out_;
};

}  // namespace

int main() {
  try {
    simulated_shop shop{seed};
    for (std::size_t sku = 0; sku < skus; ++sku)
      shop.stock("SKU" + std::to_string(sku), 1'000'000);
    sale sale{shop};
    for (std::size_t round = 0; round < warm_rounds; ++round)
      sale.round();
    CALLGRIND_ZERO_STATS;
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_TOGGLE_COLLECT;
    for (std::size_t round = 0; round < rounds; ++round)
      sale.round();
    CALLGRIND_TOGGLE_COLLECT;
    std::printf("%zu orders\n", rounds * shoppers);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_order: %s\n", error.what());
    return 1;
  }
}
