// bench_stages: what each stage of a request costs by itself, in one thread: parse, route, decide, apply,
// encode, journal, reply. Measured are the very requests, records and answers of one order (cart, three lines
// in one call, checkout with payment), which a shop in memory sells first; only the journal is on a disk
// (TMPDIR). What lies between the stages, mailboxes and effects, is in `bench_order`.
#include "actors/cart/cart.pb.h"
#include "actors/gateway/gate.hpp"
#include "actors/gateway/listener_output.hpp"
#include "actors/gateway/routes.hpp"
#include "actors/kinds.hpp"
#include "actors/shop/shop.hpp"
#include "actors/stock/stock.hpp"
#include "actors/testkit/json_text.hpp"
#include "actors/testkit/simulated_shop.hpp"
#include "bench/scratch_store.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace {

namespace gateway = souk::gateway;
namespace kinds = souk::kinds;
namespace persistence = souk::persistence;
namespace runtime = souk::runtime;
using souk::testkit::member_of;
using souk::testkit::simulated_shop;

constexpr std::uint64_t seed = 1;
constexpr std::array<std::string_view, 3> call_names{"cart", "items", "checkout"};

/// All that is seen of one order.
struct seen_order {
  std::vector<std::string> requests;  ///< As bytes, in the order of `call_names`.
  std::vector<gateway::http_response> answers;
  std::vector<persistence::pb::Record> records;
};

std::string bytes_of(std::string_view target, std::string_view key, std::string_view body) {
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: bench\r\nAccept: application/json\r\n"
      "Content-Type: application/json\r\nIdempotency-Key: {}\r\nContent-Length: {}\r\n\r\n{}",
      target, key, body.size(), body);
}

/// Sells one order in memory, and remembers what passed.
class observer {
 public:
  seen_order sell() {
    for (int sku = 0; sku < 3; ++sku)
      shop_.stock("SKU" + std::to_string(sku), 1'000);
    const std::vector<std::uint64_t> before = ends();
    const std::string cart = ask("/v1/carts", R"({"currency":"USD"})");
    const std::string id = member_of(cart, "id");
    const std::string filled = ask(
        "/v1/carts/" + id + "/items",
        R"({"items":[{"sku":"SKU0","quantity":1},{"sku":"SKU1","quantity":2},{"sku":"SKU2","quantity":3}]})");
    const std::string sold = ask(
        "/v1/checkouts", fmt::format(R"({{"cart_id":"{}","cart_version":{},"email":"shopper@example.org",)"
                                     R"("payment":{{"provider":"test","token":"tok_ok"}}}})",
                                     id, member_of(filled, "version")));
    if (member_of(sold, "order").empty()) throw std::runtime_error(sold);
    read_records(before);
    return std::move(seen_);
  }

 private:
  std::string ask(const std::string& target, const std::string& body) {
    const std::string key = fmt::format("key-{}", seen_.requests.size());
    auto answer = shop_.call("POST", target, body, {{"idempotency-key", key}});
    if (answer.status / 100 != 2) throw std::runtime_error(answer.body);
    seen_.requests.push_back(bytes_of(target, key, body));
    seen_.answers.push_back(answer);
    return answer.body;
  }

  std::vector<std::uint64_t> ends() {
    std::vector<std::uint64_t> last;
    for (runtime::shard_id shard = 0; shard < souk::testkit::simulation_options{}.shard_count; ++shard)
      last.push_back(shop_.storage().log().bounds(shard).last);
    return last;
  }

  void read_records(const std::vector<std::uint64_t>& before) {
    shop_.drive().advance(
        std::chrono::seconds{1});  // What follows the answer: the cart and the stocks hear of it.
    for (runtime::shard_id shard = 0; shard < before.size(); ++shard) {
      shop_.storage().log().read(shard, before[shard] + 1, [this](const persistence::journal_entry& entry) {
        const std::string& payload = entry.payload;
        if (!seen_.records.emplace_back().ParseFromString(payload)) throw std::runtime_error("a record");
        return true;
      });
    }
  }

  simulated_shop shop_{seed};
  seen_order seen_;
};

const seen_order& order() {
  static const seen_order seen = observer{}.sell();
  return seen;
}

const souk::shop::shop& shop() {
  static const souk::shop::shop made = souk::shop::make_shop();
  return made;
}

gateway::http_request through_gate(std::string_view bytes) {
  static const gateway::gate_limits limits;
  gateway::gate gate{limits};
  while (!gate.complete())
    bytes.remove_prefix(gate.feed(bytes));
  if (gate.refused()) throw std::runtime_error("refused by the gate");
  return gate.take();
}

/// Names what the calls of an order are measured by.
void of_each_call(benchmark::internal::Benchmark* benchmark) {
  for (std::size_t call = 0; call < call_names.size(); ++call)
    benchmark->Arg(static_cast<std::int64_t>(call));
}
std::size_t call_of(benchmark::State& state) {
  const auto call = static_cast<std::size_t>(state.range(0));
  state.SetLabel(std::string(call_names.at(call)));
  return call;
}

/// Bytes become a request.
void parse(benchmark::State& state) {
  const std::string& bytes = order().requests.at(call_of(state));
  for (auto _ : state)
    benchmark::DoNotOptimize(through_gate(bytes));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK(parse)->Apply(of_each_call);

/// A request becomes a command, or a question: route, query, key, body, and the handler's first step.
void route(benchmark::State& state) {
  gateway::services services;
  services.catalogue = shop().catalogue;
  services.credentials = shop().credentials;
  services.clock = runtime::make_system_clock();
  services.random = runtime::make_system_random();
  services.secret = std::string(32, 's');
  const auto request =
      std::make_shared<const gateway::http_request>(through_gate(order().requests.at(call_of(state))));
  for (auto _ : state) {
    auto taken = gateway::take_up(request, services);
    if (std::holds_alternative<gateway::refusal>(taken)) throw std::runtime_error("refused");
    const auto& call = std::get<gateway::call>(taken);
    benchmark::DoNotOptimize(call.route->handle(call, services));
  }
}
BENCHMARK(route)->Apply(of_each_call);

/// An entity as it was after the records of the order up to its last event.
struct lived_entity {
  const runtime::entity_kind* kind = nullptr;
  std::unique_ptr<runtime::entity_state> state;
  std::uint64_t version = 0;
};

void evolve_by(lived_entity& entity, const persistence::pb::Record& record) {
  for (const std::string& event : record.events())
    entity.kind->evolve(*entity.state, *entity.kind->parse_event(event), runtime::from_ms(record.time_ms()),
                        ++entity.version);
}

class counting_ids final : public runtime::id_source {
 public:
  std::string next_part() override { return fmt::format("{:0>20}", ++last_); }

 private:
  std::uint64_t last_ = 0;
};

void decide_again(benchmark::State& state, const runtime::address& self, lived_entity& entity,
                  const google::protobuf::Message& command) {
  counting_ids ids;
  const runtime::context context{
      self, runtime::from_ms(order().records.front().time_ms()), entity.version, ids, {}, "req"};
  for (auto _ : state)
    benchmark::DoNotOptimize(entity.kind->decide(*entity.state, command, context));
}

/// Three lines come into an empty cart.
void decide_items(benchmark::State& state) {
  for (const auto& record : order().records) {
    if (record.kind() != kinds::cart) continue;
    lived_entity cart{&shop().entities.kind(kinds::cart), shop().entities.kind(kinds::cart).initial()};
    evolve_by(cart, record);
    souk::cart::pb::Command command;
    auto& add = *command.mutable_add_items();
    add.set_stocks_asked(true);
    for (int sku = 0; sku < 3; ++sku) {
      auto& item = *add.add_items();
      item.set_sku("SKU" + std::to_string(sku));
      item.set_quantity(sku + 1);
      auto& offer = *add.add_offers();
      offer.set_sku(item.sku());
      offer.set_title(item.sku());
      offer.mutable_price()->set_amount(1'000);
      offer.mutable_price()->set_currency("USD");
      offer.set_for_sale(true);
    }
    return decide_again(state, {"main", kinds::cart, record.key()}, cart, command);
  }
}
BENCHMARK(decide_items);

/// A stock holds units.
void decide_hold(benchmark::State& state) {
  const auto& kind = shop().entities.kind(kinds::stock);
  lived_entity stock{&kind, kind.initial()};
  const runtime::address self = souk::stock::address_of("main", "SKU0");
  persistence::pb::Record record;
  souk::stock::pb::Event event;
  event.set_schema(1);
  event.mutable_moved()->set_movement_id("mov_1");
  event.mutable_moved()->set_delta(1'000);
  event.mutable_moved()->set_reason("received");
  record.add_events(event.SerializeAsString());
  evolve_by(stock, record);
  souk::stock::pb::Command command;
  auto& hold = *command.mutable_hold();
  hold.set_hold_id("hld_1");
  hold.set_quantity(1);
  hold.set_expires_at_ms(4'102'444'800'000);
  hold.set_checkout_key(std::string(20, '1'));
  hold.set_checkout_id("chk_1");
  hold.set_quoted(true);
  decide_again(state, self, stock, command);
}
BENCHMARK(decide_hold);

/// All events of the order are read back and applied, to each entity in turn: as a start does it, and a
/// follower. Those of stocks, of which the beginning is not among them, are only read.
void apply(benchmark::State& state) {
  std::int64_t events = 0;
  for (auto _ : state) {
    std::vector<std::pair<std::string, lived_entity>> entities;
    for (const auto& record : order().records) {
      if (record.events_size() == 0) continue;
      const auto& kind = shop().entities.kind(static_cast<runtime::kind_id>(record.kind()));
      events += record.events_size();
      if (record.kind() == kinds::stock) {
        for (const std::string& event : record.events())
          benchmark::DoNotOptimize(kind.parse_event(event));
        continue;
      }
      const std::string name = fmt::format("{}/{}", record.kind(), record.key());
      auto found =
          std::find_if(entities.begin(), entities.end(), [&](const auto& one) { return one.first == name; });
      if (found == entities.end()) {
        entities.emplace_back(name, lived_entity{&kind, kind.initial()});
        found = entities.end() - 1;
      }
      evolve_by(found->second, record);
    }
  }
  state.SetItemsProcessed(events);
}
BENCHMARK(apply);

/// All records of the order become bytes.
void encode(benchmark::State& state) {
  std::size_t bytes = 0;
  for (auto _ : state) {
    for (const auto& record : order().records) {
      const std::string written = record.SerializeAsString();
      bytes += written.size();
      benchmark::DoNotOptimize(written.data());
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * order().records.size()));
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}
BENCHMARK(encode);

/// So many orders are committed together, on the disk: what each of them costs is the time by their number.
void journal(benchmark::State& state) {
  souk::bench::scratch_store store;
  std::vector<std::string> payloads;
  for (const auto& record : order().records)
    payloads.push_back(record.SerializeAsString());
  const auto orders = static_cast<std::size_t>(state.range(0));
  std::vector<std::uint64_t> last(souk::bench::scratch_store::shard_count);
  std::vector<persistence::journal_entry> batch(orders * payloads.size());
  std::size_t appended = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto shard = static_cast<persistence::shard_id>(appended++ % last.size());
      batch[i] = {shard, ++last[shard], 1, payloads[i % payloads.size()]};
    }
    if (store.log().append(batch) != persistence::commit_status::done) {
      state.SkipWithError("the storage is full");
      break;
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * orders));
}
BENCHMARK(journal)->ArgName("orders")->Arg(1)->Arg(4)->Arg(16)->Arg(64)->UseRealTime();

/// An answer becomes bytes. Its copy, which the loop needs, is counted too.
void reply(benchmark::State& state) {
  const gateway::http_response& answer = order().answers.at(call_of(state));
  gateway::output_queue out;
  for (auto _ : state) {
    append_answer(out, answer, {.common_fields = "Date: Sun, 01 Mar 2026 00:00:00 GMT\r\n"});
    out.consume(out.bytes_unsent());
  }
}
BENCHMARK(reply)->Apply(of_each_call);

}  // namespace

BENCHMARK_MAIN();
