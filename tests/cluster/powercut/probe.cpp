#include "persistence/lmdb_storage.hpp"

/// Writes as a named scenario says and ends without warning, as in a power cut. The shim's test runs it.

#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace {

void require(bool held, const char* what) {
  if (held) return;
  std::perror(what);
  std::exit(1);
}

int open_for_writing(const char* name, int flags = 0) {
  const int descriptor = ::open(name, O_RDWR | O_CREAT | flags, 0600);
  require(descriptor >= 0, name);
  return descriptor;
}

void put(int descriptor, const std::string& text, off_t offset) {
  require(::pwrite(descriptor, text.data(), text.size(), offset) == static_cast<ssize_t>(text.size()),
          "pwrite");
}

void sync(int descriptor) { require(::fdatasync(descriptor) == 0, "fdatasync"); }

void sync_folder() {
  const int descriptor = ::open(".", O_RDONLY | O_DIRECTORY);
  require(descriptor >= 0 && ::fsync(descriptor) == 0, "fsync of the folder");
  ::close(descriptor);
}

void synced() {
  const int file = open_for_writing("f");
  put(file, "hello", 0);
  sync(file);
}

void not_synced() { put(open_for_writing("f"), "hello", 0); }

void overwritten_after_the_sync() {
  const int file = open_for_writing("f");
  put(file, "first", 0);
  sync(file);
  put(file, "again", 0);
  put(file, "longer", 5);
}

void synced_through_another_descriptor() {
  put(open_for_writing("f"), "hello", 0);
  sync(open_for_writing("f"));
}

void written_through_a_synchronous_descriptor() {
  put(open_for_writing("f"), "data", 0);
  put(open_for_writing("f", O_DSYNC), "meta", 4);
}

void by_every_call() {
  const int file = open_for_writing("f");
  require(::write(file, "ab", 2) == 2, "write");
  char c[] = "cd";
  char e[] = "ef";
  const struct iovec parts[] = {{c, 2}, {e, 2}};
  require(::writev(file, parts, 2) == 4, "writev");
  require(::pwritev(file, parts, 2, 8) == 4, "pwritev");
  require(::lseek(file, 6, SEEK_SET) == 6 && ::write(file, "gh", 2) == 2, "lseek and write");
  const int appending = open_for_writing("f", O_APPEND);
  require(::write(appending, "!", 1) == 1, "write at the end");
  sync(file);
}

void resized() {
  const int file = open_for_writing("f");
  put(file, "hello", 0);
  sync(file);
  require(::ftruncate(file, 2) == 0, "ftruncate");
}

void resized_and_synced() {
  resized();
  sync(open_for_writing("f"));
}

void lengthened_and_synced() {
  const int file = open_for_writing("f");
  put(file, "hello", 0);
  require(::fallocate(file, 0, 0, 8) == 0 && ::fallocate(file, 0, 0, 3) == 0, "fallocate");
  sync(file);
  require(::fallocate(file, 0, 0, 16) == 0, "fallocate");
}

void renamed() {
  const int file = open_for_writing("f.new");
  put(file, "hello", 0);
  sync(file);
  require(::rename("f.new", "f") == 0, "rename");
}

void renamed_and_synced() {
  renamed();
  sync_folder();
}

void renamed_unsynced_content() {
  put(open_for_writing("f.new"), "hello", 0);
  require(::rename("f.new", "f") == 0, "rename");
  sync_folder();
}

void by_a_stream() {
  std::ofstream out{"f"};
  out << "hello" << std::flush;
  sync(open_for_writing("f"));
}

void mapped_writable() {
  const int file = open_for_writing("f");
  put(file, "hello", 0);
  MDB_env* env = nullptr;
  require(mdb_env_create(&env) == 0 && mdb_env_open(env, ".", MDB_WRITEMAP, 0600) == 0, "mdb_env_open");
}

/// Commits a hundred transactions, each with one key.
void lmdb_commits(unsigned flags) {
  MDB_env* env = nullptr;
  require(mdb_env_create(&env) == 0 && mdb_env_open(env, ".", flags, 0600) == 0, "mdb_env_open");
  for (int i = 0; i < 100; ++i) {
    MDB_txn* txn = nullptr;
    MDB_dbi dbi = 0;
    std::string key = "key" + std::to_string(i);
    std::string bytes(3000, static_cast<char>('a' + i % 26));
    MDB_val k{key.size(), key.data()};
    MDB_val v{bytes.size(), bytes.data()};
    require(mdb_txn_begin(env, nullptr, 0, &txn) == 0, "mdb_txn_begin");
    require(mdb_dbi_open(txn, nullptr, 0, &dbi) == 0 && mdb_put(txn, dbi, &k, &v, 0) == 0, "mdb_put");
    require(mdb_txn_commit(txn) == 0, "mdb_txn_commit");
  }
}

/// Appends two hundred records to the node's journal, and as many rows to its state, in fifty commits each,
/// and ends with all of it open: most records are in the journal's environment, the last ones in its log.
void journal_commits() {
  souk::persistence::lmdb_options options;
  options.folder = "node";
  options.map_bytes_initial = 1 << 20;
  options.shard_count = 4;
  options.random_bytes = [](std::size_t count) { return std::string(count, 'r'); };
  const auto storage = souk::persistence::open_lmdb(options);
  for (std::uint64_t index = 1; index <= 50; ++index) {
    std::vector<souk::persistence::journal_entry> entries;
    std::vector<souk::persistence::row_change> rows;
    for (souk::persistence::shard_id shard = 0; shard < options.shard_count; ++shard) {
      entries.push_back({shard, index, 1, std::string(8000, 'p')});
      rows.push_back({std::to_string(shard) + "/" + std::to_string(index), std::string(2000, 'v')});
    }
    require(storage->log().append(entries) == souk::persistence::commit_status::done, "append");
    require(storage->state().write(rows) == souk::persistence::commit_status::done, "write");
  }
  ::raise(SIGKILL);
}

}  // namespace

int main(int argc, char** argv) {
  const std::map<std::string, std::function<void()>> scenarios{
      {"synced", synced},
      {"not_synced", not_synced},
      {"overwritten_after_the_sync", overwritten_after_the_sync},
      {"synced_through_another_descriptor", synced_through_another_descriptor},
      {"written_through_a_synchronous_descriptor", written_through_a_synchronous_descriptor},
      {"by_every_call", by_every_call},
      {"resized", resized},
      {"resized_and_synced", resized_and_synced},
      {"lengthened_and_synced", lengthened_and_synced},
      {"renamed", renamed},
      {"renamed_and_synced", renamed_and_synced},
      {"renamed_unsynced_content", renamed_unsynced_content},
      {"by_a_stream", by_a_stream},
      {"mapped_writable", mapped_writable},
      {"journal", journal_commits},
      {"lmdb", [] { lmdb_commits(0); }},
      {"lmdb_without_sync", [] { lmdb_commits(MDB_NOSYNC); }},
  };
  if (argc != 3 || ::chdir(argv[2]) != 0 || !scenarios.contains(argv[1])) return 2;
  scenarios.at(argv[1])();
  return ::raise(SIGKILL);
}
