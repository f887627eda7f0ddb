// bench_holds: holds and releases in process, without HTTP, with full durability, on one sku and on many.
//
// A bench actor takes the place of one shard: it sends `Hold` and `EndHold` commands in its numbered streams,
// as checkouts of that shard would, and counts a hold when the stock's answer has come back, which is after
// its commit. So a hold here is what it is in a shop: one decision, one journal record, one effect each way.

#include "actors/checkout/checkout.pb.h"
#include "actors/kinds.hpp"
#include "actors/shop/shop.hpp"
#include "actors/stock/stock.hpp"
#include "persistence/lmdb_storage.hpp"
#include "runtime/node/node.hpp"
#include "runtime/node/scheduler.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace {

namespace checkout = souk::checkout;
namespace kinds = souk::kinds;
namespace persistence = souk::persistence;
namespace runtime = souk::runtime;
namespace shop = souk::shop;
namespace stock = souk::stock;
using namespace std::chrono_literals;

// Holds under way at a time: what some hundred shoppers keep a hot item busy with.
constexpr std::size_t window = 512;
constexpr std::int64_t units_of_each = 1'000'000;
constexpr std::size_t many_skus = 10'000;

struct start_load {
  std::vector<std::string> skus;
};

// What the measuring thread reads.
struct counters {
  std::atomic<std::uint64_t> holds{0};
  std::atomic<std::uint64_t> releases{0};
  std::atomic<std::uint64_t> refused{0};
  std::atomic<std::uint64_t> stocked{0};
  std::atomic<bool> going{true};
};

struct desk_state {
  static inline const char* name = "bench";
  const runtime::routing_table* routing = nullptr;
  counters* count = nullptr;
  runtime::shard_id self_shard = 0;
  std::string checkout_key;
  std::vector<std::string> skus;
  std::size_t turn = 0;
  std::map<runtime::shard_id, std::uint64_t> sent;
  std::map<runtime::shard_id, runtime::received_numbers> received;
  std::uint64_t next_hold = 0;
};

using desk_actor = caf::stateful_actor<desk_state>;

void send_effect(desk_actor* self, runtime::stream_batch& batch, const std::string& sku,
                 stock::pb::Command command) {
  auto& state = self->state;
  auto to = stock::address_of("main", sku);
  batch.items.push_back({++state.sent[batch.to],
                         std::move(to),
                         {"main", kinds::checkout, state.checkout_key},
                         std::make_shared<const stock::pb::Command>(std::move(command)),
                         {},
                         0,
                         {},
                         {}});
}

runtime::stream_batch& batch_to(desk_actor* self, std::map<runtime::shard_id, runtime::stream_batch>& batches,
                                const std::string& sku) {
  auto to = self->state.routing->shard_of(stock::address_of("main", sku));
  auto& batch = batches[to];
  batch.from = self->state.self_shard;
  batch.to = to;
  return batch;
}

void hold_next(desk_actor* self, std::map<runtime::shard_id, runtime::stream_batch>& batches) {
  auto& state = self->state;
  const auto& sku = state.skus[state.turn++ % state.skus.size()];
  stock::pb::Command command;
  auto& hold = *command.mutable_hold();
  // The line says which sku it was when the answer comes.
  hold.set_hold_id("hld_" + std::to_string(++state.next_hold));
  hold.set_quantity(1);
  hold.set_expires_at_ms(4'102'444'800'000);  // 2100: nothing expires in a bench
  hold.set_checkout_key(state.checkout_key);
  hold.set_checkout_id("chk_" + state.checkout_key);
  hold.set_line(static_cast<std::uint32_t>((state.turn - 1) % state.skus.size()));
  hold.set_quoted(true);
  send_effect(self, batch_to(self, batches, sku), sku, std::move(command));
}

void release(desk_actor* self, std::map<runtime::shard_id, runtime::stream_batch>& batches,
             const checkout::pb::Held& held) {
  const auto& sku = self->state.skus[held.line()];
  stock::pb::Command command;
  command.mutable_release()->set_hold_id(held.hold_id());
  send_effect(self, batch_to(self, batches, sku), sku, std::move(command));
}

void post(desk_actor* self, std::map<runtime::shard_id, runtime::stream_batch>& batches) {
  for (auto& [to, batch] : batches)
    self->send(self->state.routing->shard(to), std::move(batch));
}

caf::behavior desk(desk_actor* self, const runtime::routing_table* routing, counters* count,
                   runtime::shard_id shard, std::string checkout_key) {
  self->state.routing = routing;
  self->state.count = count;
  self->state.self_shard = shard;
  self->state.checkout_key = std::move(checkout_key);
  return {
      [self](const start_load& load) {
        self->state.skus = load.skus;
        self->state.turn = 0;
        std::map<runtime::shard_id, runtime::stream_batch> batches;
        for (std::size_t n = 0; n < window; ++n)
          hold_next(self, batches);
        post(self, batches);
      },
      [self](const runtime::stream_batch& batch) {
        auto& state = self->state;
        auto& received = state.received[batch.from];
        std::map<runtime::shard_id, runtime::stream_batch> batches;
        for (const auto& item : batch.items) {
          if (received.contains(item.number)) continue;
          received.add(item.number);
          const auto& held = static_cast<const checkout::pb::Command&>(*item.command).held();
          ++(held.ok() ? state.count->holds : state.count->refused);
          if (held.ok()) {
            release(self, batches, held);
            ++state.count->releases;
          }
          if (state.count->going) hold_next(self, batches);
        }
        post(self, batches);
        self->send(state.routing->shard(batch.from),
                   runtime::stream_ack{state.self_shard,
                                       batch.from,
                                       received.watermark(),
                                       {received.above().begin(), received.above().end()}});
      },
      [](const runtime::stream_ack&) {},
      [self](const runtime::response& response) {
        if (response.outcome == runtime::outcome::answered && response.answer.status == 201)
          ++self->state.count->stocked;
      },
  };
}

}  // namespace

CAF_BEGIN_TYPE_ID_BLOCK(souk_bench, caf::first_custom_type_id + 500)
CAF_ADD_TYPE_ID(souk_bench, (start_load))
CAF_END_TYPE_ID_BLOCK(souk_bench)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(start_load)

namespace {

// A node on a folder of its own, with the bench in the place of one of its shards.
class bench_node {
 public:
  explicit bench_node(const std::filesystem::path& folder) {
    runtime::use_node_scheduler(settings_, {.threads = 2});
    system_.emplace(settings_);
    persistence::lmdb_options storage;
    storage.folder = folder;
    storage.random_bytes = [this](std::size_t count) {
      std::string bytes(count, '\0');
      random_->fill({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
      return bytes;
    };
    storage_ = persistence::open_lmdb(storage);
    shop_ = shop::make_shop();
    runtime::node_options options;
    options.storage = storage_.get();
    options.shard_count = storage_->identity().shard_count;
    options.kinds = shop_.entities;
    options.time = runtime::make_system_clock();
    options.random = random_;
    options.on_fatal = [](const std::string& reason) {
      std::fprintf(stderr, "bench_holds: %s\n", reason.c_str());
      std::_Exit(1);
    };
    node_.emplace(*system_, std::move(options));
    node_->start({}, {});
    node_->wait_until_serving();
    take_a_shard();
  }

  ~bench_node() {
    caf::anon_send_exit(desk_, caf::exit_reason::user_shutdown);
    desk_ = nullptr;
    std::atomic<bool> ended{false};
    caf::actor_cast<caf::strong_actor_ptr>(node_->root())->get()->attach_functor([&ended](const caf::error&) {
      ended = true;
      ended.notify_all();
    });
    node_->stop();
    ended.wait(false);
    node_->let_go();
  }

  void stock_up(const std::vector<std::string>& skus) {
    const auto before = count.stocked.load();
    for (const auto& sku : skus) {
      runtime::request request;
      request.to = stock::address_of("main", sku);
      auto command = std::make_shared<stock::pb::Command>();
      command->mutable_adjust()->set_delta(units_of_each);
      command->mutable_adjust()->set_reason("received");
      command->mutable_adjust()->set_movement_id("mov_" + sku);
      request.command = command;
      random_->fill(request.id);
      request.admin = true;
      request.reply_to = desk_;
      caf::anon_send(node_->routing()->shard(node_->routing()->shard_of(request.to)), request);
    }
    while (count.stocked < before + skus.size())
      wait(5ms);
  }

  // Holds and releases a second over `duration`, after a warm-up.
  double run(const std::vector<std::string>& skus, std::chrono::seconds duration) {
    stock_up(skus);
    count.going = true;
    caf::anon_send(desk_, start_load{skus});
    wait(1s);
    const auto before = count.holds + count.releases;
    const auto began = std::chrono::steady_clock::now();
    wait(duration);
    const auto done = count.holds + count.releases - before;
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    count.going = false;
    for (auto last = count.holds.load();; last = count.holds.load()) {  // what is under way comes to its end
      wait(200ms);
      if (count.holds == last) break;
    }
    return static_cast<double>(done) / took.count();
  }

  const runtime::writer_figures& writers() { return node_->writers(); }
  counters count;

 private:
  static void wait(std::chrono::milliseconds duration) {
    const auto until = std::chrono::steady_clock::now() + duration;
    timespec rest{0, 1'000'000};
    while (std::chrono::steady_clock::now() < until)
      nanosleep(&rest, nullptr);
  }

  void take_a_shard() {
    // Any key will do whose shard the bench then stands for.
    const std::string key = "BENCHBENCHBENCHBENCH";
    const auto shard = node_->routing()->shard_of({"main", kinds::checkout, key});
    desk_ = system_->spawn(desk, node_->routing().get(), &count, shard, key);
    std::const_pointer_cast<runtime::routing_table>(node_->routing())->set(shard, desk_);
    bench_shard_ = shard;
  }

 public:
  // Skus that do not live in the bench's own shard.
  std::vector<std::string> make_skus(std::size_t count, const std::string& prefix) {
    std::vector<std::string> skus;
    for (std::size_t n = 0; skus.size() < count; ++n) {
      auto sku = prefix + std::to_string(n);
      if (node_->routing()->shard_of(stock::address_of("main", sku)) != bench_shard_)
        skus.push_back(std::move(sku));
    }
    return skus;
  }

 private:
  std::shared_ptr<runtime::random_source> random_ = runtime::make_system_random();
  caf::actor_system_config settings_;
  std::unique_ptr<persistence::lmdb_storage> storage_;
  shop::shop shop_;
  std::optional<caf::actor_system> system_;
  std::optional<runtime::node> node_;
  caf::actor desk_;
  runtime::shard_id bench_shard_ = 0;
};

}  // namespace

// usage: bench_holds [SECONDS]
int main(int argc, char** argv) {
  const std::chrono::seconds seconds{argc > 1 ? std::atoi(argv[1]) : 10};
  auto folder = std::filesystem::temp_directory_path() / ("bench_holds." + std::to_string(getpid()));
  double one = 0;
  double many = 0;
  std::uint64_t refused = 0;
  double records_per_commit = 0;
  {
    bench_node node{folder};
    one = node.run(node.make_skus(1, "one-"), seconds);
    many = node.run(node.make_skus(many_skus, "many-"), seconds);
    refused = node.count.refused;
    records_per_commit =
        static_cast<double>(node.writers().records) / static_cast<double>(node.writers().commits);
  }
  std::filesystem::remove_all(folder);
  std::printf(R"({"scenario":"holds","seconds":%lld,"one_sku_per_s":%.0f,"skus":%zu,"many_skus_per_s":%.0f,)"
              R"("one_to_many":%.2f,"refused":%llu,"records_per_commit":%.1f})"
              "\n",
              static_cast<long long>(seconds.count()), one, many_skus, many, one / many,
              static_cast<unsigned long long>(refused), records_per_commit);
  return refused == 0 ? 0 : 1;
}
