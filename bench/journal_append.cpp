// How fast the journal takes records: batches of 300-byte records over 16 shards, each batch one durable
// commit. The folder is made in TMPDIR: point it at the disk to be measured, not at memory.

#include "persistence/lmdb_storage.hpp"

#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using souk::persistence::commit_status;
using souk::persistence::journal_entry;

constexpr std::uint16_t shard_count = 16;

/// A new data folder, removed with everything in it at the end.
class scratch_store {
 public:
  scratch_store() : folder_((fs::temp_directory_path() / "souk-bench-XXXXXX").string()) {
    if (::mkdtemp(folder_.data()) == nullptr) throw std::runtime_error("no temporary folder");
    souk::persistence::lmdb_options options;
    options.folder = folder_;
    options.shard_count = shard_count;
    options.random_bytes = [](std::size_t count) { return std::string(count, 'b'); };
    storage_ = souk::persistence::open_lmdb(options);
  }
  ~scratch_store() {
    storage_.reset();
    fs::remove_all(folder_);
  }
  scratch_store(const scratch_store&) = delete;
  scratch_store& operator=(const scratch_store&) = delete;
  souk::persistence::journal& log() { return storage_->log(); }

 private:
  std::string folder_;
  std::unique_ptr<souk::persistence::lmdb_storage> storage_;
};

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
