#include "actors/json/writer.hpp"
#include "actors/values/id.hpp"
#include "bench/goods.hpp"
#include "bench/open_loop.hpp"
#include "bench/pulse_figures.hpp"
#include "bench/random_keys.hpp"
#include "bench/scenarios.hpp"
#include "bench/workers.hpp"
#include "runtime/cluster/placement.hpp"

#include <boost/json/array.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

namespace souk::bench {
namespace {

using clock = arrivals::clock;

constexpr std::string_view cart_prefix = "crt_";
// Until each of n shards has a cart, some n log n are made; more of them than this for each shard, and the
// ids are not spread as they ought to be.
constexpr std::size_t carts_per_shard_max = 64;
// Between attempts of a write: short against the pauses that are to be measured, and no load to speak of.
constexpr std::chrono::milliseconds repeat_after{20};
// At the end writes that are still unanswered are tried for so long: longer than the server's own deadline.
constexpr std::chrono::seconds last_attempts{15};
constexpr std::string_view minimal = "Prefer: return=minimal\r\n";

// What is written to of one shard: the one line of a cart, a unit at a time.
struct probed_shard {
  std::uint16_t number = 0;
  std::string cart;
  pulse_figures figures;
  std::uint64_t next = 0;        // Write to be taken up.
  std::uint64_t failed = 0;      // Refused for good.
  std::uint64_t unanswered = 0;  // Still being repeated at the end.
  std::int64_t counted = 0;      // Units in the cart afterwards.

  auto confirmed() const { return static_cast<std::int64_t>(figures.latency().count()); }
  // Each write that was confirmed is in the cart, once; what got no answer may be.
  bool right() const {
    return failed == 0 && counted >= confirmed() &&
           counted <= confirmed() + static_cast<std::int64_t>(unanswered) && confirmed() > 0;
  }
};

std::uint16_t count_shards(shop_client& client) {
  const boost::json::value cluster = client.get("/v1/admin/cluster");
  const boost::json::value* shards =
      cluster.is_object() ? cluster.get_object().if_contains("shards") : nullptr;
  if (shards == nullptr || !shards->is_array() || shards->get_array().empty())
    throw std::runtime_error("a pulse is taken of a cluster's shards, and this node is alone");
  return static_cast<std::uint16_t>(shards->get_array().size());
}

// A cart in each shard, found by making carts until there is one.
std::vector<probed_shard> open_carts(shop_client& client) {
  const std::uint16_t count = count_shards(client);
  std::vector<std::string> found(count);
  random_keys keys;
  std::size_t missing = count;
  for (std::size_t made = 0; missing > 0; ++made) {
    if (made == count * carts_per_shard_max) throw std::runtime_error("new carts do not reach all shards");
    const auto cart =
        client.post("/v1/carts", keys.next(), fmt::format(R"({{"currency":"{}"}})", goods_currency));
    std::string id = text_member(cart, "id");
    const auto part = values::part_of(cart_prefix, id);
    if (!part) throw std::runtime_error("an id of a cart that is none: " + id);
    std::string& place = found[runtime::shard_of_partition("main", values::partition_of_part(*part), count)];
    if (place.empty()) --missing;
    place = std::move(id);
  }
  std::vector<probed_shard> shards;
  shards.reserve(count);
  for (std::uint16_t i = 0; i < count; ++i)
    shards.push_back({i, found[i], pulse_figures(clock::now())});
  return shards;
}

class pulse_run {
 public:
  pulse_run(event_loop& loop, const pulse_options& options)
      : loop_(loop),
        options_(options),
        begun_(clock::now()),
        closing_(begun_ + std::chrono::seconds(options.seconds)) {}

  // Shards take turns within the interval, so that writes do not come in bursts.
  void start(const endpoint& server, std::vector<probed_shard>& shards) {
    for (probed_shard& shard : shards) {
      shard.figures = pulse_figures(begun_);
      const arrivals turns(options_.rate * static_cast<double>(shards.size()), begun_);
      const arrivals due(options_.rate, turns.at(shard.number));
      for (int i = 0; i < options_.connections; ++i) {
        writers_.push_back(std::make_unique<worker>(loop_, shop{server, {}}));
        loop_.spawn(write_until_closing(*writers_.back(), shard, due));
      }
    }
  }

 private:
  task<void> write_until_closing(worker& me, probed_shard& shard, arrivals due) {
    while (due.at(shard.next) < closing_ && !loop_.failed()) {
      const auto intended = due.at(shard.next++);
      co_await loop_.sleep_until(intended);
      co_await write(me, shard, intended);
    }
  }

  // The same write, under the same key, until it is known to have happened.
  task<void> write(worker& me, probed_shard& shard, clock::time_point intended) {
    const std::string target = "/v1/carts/" + shard.cart + "/items";
    const std::string body = fmt::format(R"({{"sku":"{}","quantity":1}})", goods_sku(0));
    const std::string_view request = me.text.post(target, keys_.next(), body, minimal);
    while (true) {
      const http_answer& answer = co_await me.link.send(request);
      const auto now = clock::now();
      if (answer.ok()) {
        shard.figures.answered(intended, now);
        co_return;
      }
      shard.figures.refused(read_problem(answer).code, answer.elapsed_ns);
      const bool again = is_passing(answer) && now < closing_ + last_attempts;
      if (!again) {
        ++(is_passing(answer) ? shard.unanswered : shard.failed);
        co_return;
      }
      co_await loop_.sleep(repeat_after);
    }
  }

  event_loop& loop_;
  const pulse_options& options_;
  clock::time_point begun_;
  clock::time_point closing_;
  random_keys keys_;
  std::vector<std::unique_ptr<worker>> writers_;
};

// Units in the cart's only line; -1 where it cannot be read.
std::int64_t count_units(shop_client& client, const std::string& cart) {
  const boost::json::value body = client.get("/v1/carts/" + cart);
  const auto& lines = member(body, "lines");
  if (!lines.is_array() || lines.get_array().size() != 1) return -1;
  return integer_member(lines.get_array().front(), "quantity");
}

// Moments of the one clock as those of the other.
class wall_time {
 public:
  std::int64_t ms(clock::time_point moment) const {
    const auto at = wall_ + std::chrono::duration_cast<std::chrono::system_clock::duration>(moment - steady_);
    return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
  }

 private:
  clock::time_point steady_ = clock::now();
  std::chrono::system_clock::time_point wall_ = std::chrono::system_clock::now();
};

double ms_of(std::uint64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e6; }
double pause_ms(const pulse_figures& figures) {
  return std::chrono::duration<double, std::milli>(figures.pause()).count();
}

void write_figures(json::writer& out, const pulse_options& options, const pulse_figures& figures,
                   const wall_time& wall) {
  const auto quantile = [&](double fraction) {
    return fmt::format("{:.1f}", ms_of(figures.latency().quantile(fraction)));
  };
  out.key("writes").integer(static_cast<std::int64_t>(figures.latency().count()));
  out.key("p50_ms").raw(quantile(0.5)).key("p99_ms").raw(quantile(0.99)).key("max_ms").raw(quantile(1));
  if (options.late_ms > 0)
    out.key("late").integer(static_cast<std::int64_t>(
        figures.latency().count_over(static_cast<std::uint64_t>(options.late_ms * 1e6))));
  out.key("pause_ms").raw(fmt::format("{:.1f}", pause_ms(figures)));
  out.key("pause_from").integer(wall.ms(figures.pause_from()));
  out.key("refusals").begin_object();
  for (const auto& [code, count] : figures.refusals())
    out.key(code).integer(static_cast<std::int64_t>(count));
  out.end_object().key("slowest_refusal_ms").raw(fmt::format("{:.1f}", ms_of(figures.slowest_refusal_ns())));
}

bool is_apart(const pulse_options& options, const probed_shard& shard) {
  return std::find(options.apart.begin(), options.apart.end(), shard.number) != options.apart.end();
}

// Shards of one of the two groups together; nothing of a group that is empty.
std::optional<pulse_figures> summed_up(const pulse_options& options, const std::vector<probed_shard>& shards,
                                       bool apart) {
  std::optional<pulse_figures> sum;
  for (const probed_shard& shard : shards) {
    if (is_apart(options, shard) != apart) continue;
    if (sum) sum->add(shard.figures);
    if (!sum) sum = shard.figures;
  }
  return sum;
}

void print_json(const pulse_options& options, const std::vector<probed_shard>& shards, bool right) {
  const wall_time wall;
  json::writer out;
  out.begin_object().key("scenario").string("pulse").key("rate").raw(fmt::format("{}", options.rate));
  out.key("seconds").integer(options.seconds).key("right").boolean(right);
  for (const bool apart : {true, false}) {
    const auto sum = summed_up(options, shards, apart);
    if (!sum) continue;
    out.key(apart ? "apart" : "others").begin_object();
    write_figures(out, options, *sum, wall);
    out.end_object();
  }
  out.key("shards").begin_array();
  for (const probed_shard& shard : shards) {
    out.begin_object().key("shard").integer(shard.number).key("apart").boolean(is_apart(options, shard));
    write_figures(out, options, shard.figures, wall);
    out.key("failed").integer(static_cast<std::int64_t>(shard.failed));
    out.key("unanswered").integer(static_cast<std::int64_t>(shard.unanswered));
    out.key("counted").integer(shard.counted).end_object();
  }
  out.end_array().end_object();
  fmt::print("{}\n", std::move(out).take());
}

void print_table(const std::vector<probed_shard>& shards) {
  fmt::print("{:>6}{:>9}{:>11}{:>11}{:>11}{:>11}\n", "shard", "writes", "p50 ms", "p99 ms", "max ms",
             "pause ms");
  for (const probed_shard& shard : shards) {
    const histogram& latency = shard.figures.latency();
    fmt::print("{:>6}{:>9}{:>11.1f}{:>11.1f}{:>11.1f}{:>11.1f}", shard.number, latency.count(),
               ms_of(latency.quantile(0.5)), ms_of(latency.quantile(0.99)), ms_of(latency.max()),
               pause_ms(shard.figures));
    for (const auto& [code, count] : shard.figures.refusals())
      fmt::print("  {} {}", count, code);
    if (!shard.right())
      fmt::print("  WRONG: {} confirmed, {} failed, {} unanswered, {} counted", shard.confirmed(),
                 shard.failed, shard.unanswered, shard.counted);
    fmt::print("\n");
  }
}

}  // namespace

bool run_pulse(const stage& stage, const pulse_options& options) {
  prepare_goods(stage.with_key, 1);
  shop_client client(stage.with_key);
  std::vector<probed_shard> shards = open_carts(client);
  event_loop loop;
  pulse_run run(loop, options);
  run.start(stage.with_key.server, shards);
  loop.run();
  for (probed_shard& shard : shards)
    shard.counted = count_units(client, shard.cart);
  const bool right =
      std::all_of(shards.begin(), shards.end(), [](const probed_shard& shard) { return shard.right(); });
  stage.json ? print_json(options, shards, right) : print_table(shards);
  return right;
}

}  // namespace souk::bench
