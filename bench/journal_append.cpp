// How fast the journal takes records: batches of 300-byte records over 16 shards, each batch one durable
// commit. The folder is made in TMPDIR: point it at the disk to be measured, not at memory.

#include "bench/scratch_store.hpp"

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

namespace {

using souk::bench::scratch_store;
using souk::persistence::commit_status;
using souk::persistence::journal_entry;

constexpr std::uint16_t shard_count = scratch_store::shard_count;

void append(benchmark::State& state) {
  scratch_store store;
  const auto batch = static_cast<std::size_t>(state.range(0));
  const auto bytes = static_cast<std::size_t>(state.range(1));
  std::vector<journal_entry> entries(batch);
  std::uint64_t appended = 0;
  std::vector<std::uint64_t> last(shard_count);
  for (auto _ : state) {
    for (journal_entry& entry : entries) {
      entry.shard = static_cast<std::uint16_t>(appended++ % shard_count);
      entry.index = ++last[entry.shard];
      entry.epoch = 1;
      entry.payload = std::string(bytes, static_cast<char>(appended));
    }
    if (store.log().append(entries) != commit_status::done) {
      state.SkipWithError("the storage is full");
      break;
    }
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(appended));
  state.SetBytesProcessed(static_cast<std::int64_t>(appended * bytes));
}

BENCHMARK(append)
    ->ArgNames({"batch", "bytes"})
    ->ArgsProduct({{1, 10, 100, 1000}, {300}})
    ->Args({500, 1500})
    ->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
