#include "actors/json/writer.hpp"
#include "bench/audit.hpp"
#include "bench/goods.hpp"
#include "bench/random_keys.hpp"
#include "bench/scenarios.hpp"
#include "bench/workers.hpp"

#include <boost/json/parse.hpp>
#include <fmt/format.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace souk::bench {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;
using steady_clock = std::chrono::steady_clock;

// A client goes elsewhere after so long a silence ...
constexpr milliseconds silence_max{3'000};
// ... and asks until it is told, with pauses; longer than any node is away.
constexpr std::chrono::seconds ask_again_for{60};
constexpr milliseconds pause{100};

// What is sent again and again, and what it was answered first.
struct purchase {
  std::string key;
  std::string body;
  int status = 0;
  std::string answer;
  std::string order;
};

struct retry_tally {
  std::uint64_t equal = 0;      // answered as at first, byte by byte, and said to be a replay
  std::uint64_t different = 0;  // answered in another way
  std::uint64_t passing = 0;    // no answer, or one that says: later. The same retry asks again.
  std::uint64_t given_up = 0;
  std::string first_different;

  void note(const purchase& bought, const http_answer& answer) {
    if (answer.status == bought.status && answer.body == bought.answer && answer.replayed) {
      ++equal;
      return;
    }
    if (different++ == 0)
      first_different =
          fmt::format("{}{} {}", answer.status, answer.replayed ? " replayed" : "", answer.body);
  }
};

// A client with a connection to each node.
class repeater {
 public:
  repeater(event_loop& loop, const std::vector<endpoint>& nodes, const std::string& key,
           const purchase& bought, retry_tally& tally, std::size_t at)
      : loop_(loop), bought_(bought), tally_(tally), at_(at % nodes.size()) {
    for (const endpoint& node : nodes) {
      links_.push_back(std::make_unique<connection>(loop, node, silence_max));
      request_text text(node, key);
      requests_.emplace_back(text.post("/v1/checkouts", bought.key, bought.body));
    }
  }

  // So many retries, evenly over a time.
  task<void> repeat(int count, steady_clock::duration over) {
    const auto started = steady_clock::now();
    for (int i = 0; i < count && !loop_.failed(); ++i) {
      const auto due = started + over * i / count;
      co_await loop_.sleep(std::max(due - steady_clock::now(), steady_clock::duration::zero()));
      co_await retry();
    }
  }

 private:
  task<void> retry() {
    const auto end = steady_clock::now() + ask_again_for;
    while (steady_clock::now() < end) {
      const http_answer& answer = co_await links_[at_]->send(requests_[at_]);
      if (!is_passing(answer)) {
        tally_.note(bought_, answer);
        co_return;
      }
      ++tally_.passing;
      at_ = (at_ + 1) % links_.size();
      co_await loop_.sleep(pause);
    }
    ++tally_.given_up;
  }

  event_loop& loop_;
  const purchase& bought_;
  retry_tally& tally_;
  std::size_t at_;
  std::vector<std::unique_ptr<connection>> links_;
  std::vector<std::string> requests_;
};

task<void> check_out(worker& me, purchase& bought) {
  const http_answer& answer = co_await me.link.send(me.text.post("/v1/checkouts", bought.key, bought.body));
  bought.status = answer.status;
  bought.answer = answer.status == 0 ? answer.failure : answer.body;
}

// Fills a cart and buys it, once.
purchase buy_once(const shop& shop, shop_client& client) {
  random_keys keys;
  const std::string sku = make_scarce_sku(client, "bench-retries", 10);
  const json::value cart =
      client.post("/v1/carts", keys.next(), fmt::format(R"({{"currency":"{}"}})", goods_currency));
  const std::string id = text_member(cart, "id");
  const json::value filled = client.post(fmt::format("/v1/carts/{}/items", id), keys.next(),
                                         fmt::format(R"({{"items":[{{"sku":"{}","quantity":1}}]}})", sku));
  purchase bought{
      .key = std::string(keys.next()),
      .body = fmt::format(
          R"({{"cart_id":"{}","cart_version":{},"payment":{{"provider":"test","token":"tok_ok"}}}})", id,
          integer_member(filled, "version"))};
  event_loop loop;
  worker me(loop, shop);
  loop.spawn(check_out(me, bought));
  loop.run();
  if (bought.status != 201) throw std::runtime_error("the checkout was answered " + bought.answer);
  bought.order = text_member(member(json::parse(bought.answer), "order"), "id");
  return bought;
}

void print(const stage& stage, const retries_options& options, const retry_tally& tally, std::uint64_t orders,
           std::uint64_t charges, const audit_report& books) {
  if (!stage.json) {
    fmt::print("{} retries over {} connections: {} answered as at first, {} differently, {} not at all\n",
               options.count, options.connections, tally.equal, tally.different, tally.given_up);
    fmt::print("{} times no answer came, or \"later\"; {} orders and {} charges came of it\n", tally.passing,
               orders, charges);
    if (tally.different != 0) fmt::print("the first that differs: {}\n", tally.first_different);
    for (const std::string& finding : books.findings)
      fmt::print("{}\n", finding);
    return;
  }
  souk::json::writer out;
  out.begin_object().key("scenario").string("retries").key("retries").integer(options.count);
  out.key("connections").integer(options.connections);
  out.key("equal").integer(static_cast<std::int64_t>(tally.equal));
  out.key("different").integer(static_cast<std::int64_t>(tally.different));
  out.key("given_up").integer(static_cast<std::int64_t>(tally.given_up));
  out.key("asked_again").integer(static_cast<std::int64_t>(tally.passing));
  out.key("orders").integer(static_cast<std::int64_t>(orders));
  out.key("charges").integer(static_cast<std::int64_t>(charges));
  if (tally.different != 0) out.key("first_different").string(tally.first_different);
  out.key("findings").integer(static_cast<std::int64_t>(books.findings_count)).end_object();
  fmt::print("{}\n", std::move(out).take());
}

}  // namespace

bool run_retries(const stage& stage, const retries_options& options) {
  shop_client client(stage.with_key);
  const audit_report before = audit(client);
  const purchase bought = buy_once(stage.with_key, client);

  std::vector<endpoint> nodes;
  nodes.reserve(options.nodes.size() + 1);
  for (const std::string& url : options.nodes)
    nodes.push_back(parse_url(url));
  if (nodes.empty()) nodes.push_back(stage.with_key.server);

  event_loop loop;
  retry_tally tally;
  std::vector<std::unique_ptr<repeater>> repeaters;
  for (int i = 0; i < options.connections; ++i) {
    const int count = options.count * (i + 1) / options.connections - options.count * i / options.connections;
    repeaters.push_back(std::make_unique<repeater>(loop, nodes, stage.with_key.key, bought, tally,
                                                   static_cast<std::size_t>(i)));
    loop.spawn(repeaters.back()->repeat(count, std::chrono::seconds(options.seconds)));
  }
  loop.run();

  const audit_report books = audit(client, {bought.order});
  const std::uint64_t orders = books.orders - before.orders;
  const std::uint64_t charges = books.charges - before.charges;
  print(stage, options, tally, orders, charges, books);
  return tally.equal == static_cast<std::uint64_t>(options.count) && orders == 1 && charges == 1 &&
         books.fine();
}

}  // namespace souk::bench
