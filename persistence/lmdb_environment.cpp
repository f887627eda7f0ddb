#include "persistence/lmdb_environment.hpp"

#include "persistence/disk_full.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

namespace souk::persistence {

namespace {

constexpr unsigned readers_max = 1024;
constexpr std::uint64_t map_pages_min = 16;
/// The file is lengthened by this much at a time: seldom, and little wasted.
constexpr std::uint64_t allocation_step_bytes = 16ULL << 20;
/// Pages that any write may take: paths to the root, the free list.
constexpr std::uint64_t pages_per_write = 64;
constexpr std::uint64_t reserve_bytes_max = 16ULL << 20;

/// Views that this thread has open, of any environment.
thread_local std::size_t own_views = 0;

class lmdb_category : public std::error_category {
 public:
  const char* name() const noexcept override { return "lmdb"; }
  std::string message(int code) const override { return mdb_strerror(code); }
};

std::error_code to_error(int code) {
  static const lmdb_category category;
  return code > 0 ? std::error_code(code, std::generic_category()) : std::error_code(code, category);
}

/// Signals from inside a write transaction that has to be given up; nothing of it counts.
class map_is_full : public std::system_error {
  using std::system_error::system_error;
};
class storage_is_full : public std::system_error {
  using std::system_error::system_error;
};

std::uint64_t round_down(std::uint64_t bytes, std::uint64_t step) { return bytes / step * step; }

struct abort_transaction {
  void operator()(MDB_txn* txn) const { mdb_txn_abort(txn); }
};

}  // namespace

void check_lmdb(int code, std::string_view what) {
  if (code == MDB_SUCCESS) {
    return;
  }
  if (code == MDB_MAP_FULL) {
    throw map_is_full(to_error(code), std::string(what));
  }
  if (says_disk_full(code)) {
    throw storage_is_full(to_error(code), std::string(what));
  }
  if (code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND || code == MDB_INVALID) {
    throw damage(std::string(what) + ": " + mdb_strerror(code));
  }
  throw std::system_error(to_error(code), std::string(what));
}

MDB_val to_value(std::string_view bytes) { return {bytes.size(), const_cast<char*>(bytes.data())}; }

std::string_view to_bytes(const MDB_val& value) {
  return {static_cast<const char*>(value.mv_data), value.mv_size};
}

lmdb_cursor::lmdb_cursor(MDB_txn* txn, MDB_dbi database) {
  check_lmdb(mdb_cursor_open(txn, database, &cursor_), "opening a cursor");
}

lmdb_cursor::~lmdb_cursor() { mdb_cursor_close(cursor_); }

bool lmdb_cursor::move(MDB_cursor_op operation, std::string_view key) {
  key_ = to_value(key);
  const int code = mdb_cursor_get(cursor_, &key_, &value_, operation);
  if (code == MDB_NOTFOUND) {
    return false;
  }
  check_lmdb(code, "reading a row");
  return true;
}

void lmdb_cursor::put(std::string_view key, std::string_view value, unsigned flags) {
  MDB_val k = to_value(key);
  MDB_val v = to_value(value);
  check_lmdb(mdb_cursor_put(cursor_, &k, &v, flags), "storing a row");
}

void lmdb_cursor::remove() { check_lmdb(mdb_cursor_del(cursor_, 0), "removing a row"); }

std::optional<std::string_view> get_row(MDB_txn* txn, MDB_dbi database, std::string_view key) {
  MDB_val k = to_value(key);
  MDB_val v{};
  const int code = mdb_get(txn, database, &k, &v);
  if (code == MDB_NOTFOUND) {
    return std::nullopt;
  }
  check_lmdb(code, "reading a row");
  return to_bytes(v);
}

void put_row(MDB_txn* txn, MDB_dbi database, std::string_view key, std::string_view value) {
  MDB_val k = to_value(key);
  MDB_val v = to_value(value);
  check_lmdb(mdb_put(txn, database, &k, &v, 0), "storing a row");
}

lmdb_environment::lmdb_environment(environment_options options)
    : options_(std::move(options)), file_((options_.folder / "data.mdb").string()) {
  constexpr ::mode_t folder_mode = 0700;
  constexpr ::mode_t file_mode = 0600;
  if (!options_.read_only && ::mkdir(options_.folder.c_str(), folder_mode) != 0 && errno != EEXIST) {
    throw std::system_error(errno, std::generic_category(), options_.folder.string());
  }
  std::unique_ptr<MDB_env, decltype(&mdb_env_close)> env(
      [] {
        MDB_env* created = nullptr;
        check_lmdb(mdb_env_create(&created), "making an environment");
        return created;
      }(),
      &mdb_env_close);
  const auto system_page = static_cast<std::uint64_t>(4096);
  options_.map_bytes_max = round_down(options_.map_bytes_max, system_page);
  options_.map_bytes_initial =
      std::min(round_down(options_.map_bytes_initial, system_page), options_.map_bytes_max);
  if (options_.map_bytes_initial < map_pages_min * system_page) {
    throw std::invalid_argument(options_.folder.string() + ": a map needs at least " +
                                std::to_string(map_pages_min * system_page) + " bytes");
  }
  check_lmdb(mdb_env_set_mapsize(env.get(), options_.map_bytes_initial), file_);
  check_lmdb(mdb_env_set_maxdbs(env.get(), options_.databases_max), file_);
  check_lmdb(mdb_env_set_maxreaders(env.get(), readers_max), file_);
  const unsigned flags = MDB_NOTLS | (options_.read_only ? MDB_RDONLY : 0U);
  check_lmdb(mdb_env_open(env.get(), options_.folder.c_str(), flags, file_mode), file_);
  int dead_readers = 0;
  check_lmdb(mdb_reader_check(env.get(), &dead_readers), file_);
  MDB_stat stat{};
  check_lmdb(mdb_env_stat(env.get(), &stat), file_);
  page_bytes_ = stat.ms_psize;
  allocated_bytes_ = std::filesystem::file_size(file_);
  env_ = env.release();
}

lmdb_environment::~lmdb_environment() {
  if (frozen_ != nullptr) {
    mdb_txn_abort(frozen_);
  }
  for (MDB_txn* txn : idle_) {
    mdb_txn_abort(txn);
  }
  mdb_env_close(env_);
}

std::vector<MDB_dbi> lmdb_environment::open_databases(const std::vector<std::string>& names) {
  MDB_txn* begun = nullptr;
  check_lmdb(mdb_txn_begin(env_, nullptr, options_.read_only ? MDB_RDONLY : 0U, &begun), file_);
  std::unique_ptr<MDB_txn, abort_transaction> txn(begun);
  check_lmdb(mdb_dbi_open(txn.get(), nullptr, 0, &names_), file_);
  for (const std::string& name : names) {
    const unsigned flags = options_.read_only ? 0U : MDB_CREATE;
    check_lmdb(mdb_dbi_open(txn.get(), name.c_str(), flags, &databases_.emplace_back()), file_ + ": " + name);
  }
  check_lmdb(mdb_txn_commit(txn.release()), file_);
  return databases_;
}

std::string lmdb_environment::fact(const std::string& name) const {
  const view view(*this);
  return std::string(get_row(view.txn(), names_, name).value_or(""));
}

void lmdb_environment::set_fact(const std::string& name, std::string_view value) {
  const auto status = write(intent::add, 1, [&](MDB_txn* txn) { put_row(txn, names_, name, value); });
  if (status != commit_status::done) {
    throw std::runtime_error(file_ + ": no space left");
  }
}

void lmdb_environment::freeze() { check_lmdb(mdb_txn_begin(env_, nullptr, MDB_RDONLY, &frozen_), file_); }

MDB_txn* lmdb_environment::enter() const {
  if (frozen_ != nullptr) {
    return frozen_;
  }
  MDB_txn* txn = nullptr;
  {
    std::unique_lock lock(gate_);
    // A thread that already has a view must get in: the resize it would wait for waits for that view.
    gate_changed_.wait(lock, [this] { return !resizing_ || own_views > 0; });
    ++views_;
    if (!idle_.empty()) {
      txn = idle_.back();
      idle_.pop_back();
    }
  }
  const int code = txn != nullptr ? mdb_txn_renew(txn) : mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn);
  if (code != MDB_SUCCESS) {
    const std::lock_guard lock(gate_);
    --views_;
    gate_changed_.notify_all();
    check_lmdb(code, file_);
  }
  ++own_views;
  return txn;
}

void lmdb_environment::leave(MDB_txn* txn) const {
  if (txn == frozen_) {
    return;
  }
  mdb_txn_reset(txn);
  --own_views;
  const std::lock_guard lock(gate_);
  idle_.push_back(txn);
  --views_;
  if (resizing_) {
    gate_changed_.notify_all();
  }
}

lmdb_environment::view::view(const lmdb_environment& environment)
    : environment_(environment), txn_(environment.enter()) {}

lmdb_environment::view::~view() { environment_.leave(txn_); }

void lmdb_environment::check_may_write() const {
  if (own_views > 0) {
    throw std::logic_error(file_ + ": a write inside a read of the same thread");
  }
  if (failed_) {
    throw std::runtime_error(file_ + ": a commit failed before; the process has to end");
  }
}

bool lmdb_environment::promise_room(std::size_t pages) {
  check_may_write();
  try {
    const std::size_t needed = pages + reserve_bytes() / page_bytes_;
    if (!make_room(0, needed) || !allocates_) {
      return false;
    }
    // A map at its limit may still have pages that are free again, which nobody counts here.
    MDB_envinfo info{};
    check_lmdb(mdb_env_info(env_, &info), file_);
    return (info.me_last_pgno + 1 + needed + pages_per_write) * page_bytes_ <= info.me_mapsize;
  } catch (const std::system_error&) {
    failed_ = true;
    throw;
  }
}

commit_status lmdb_environment::write(intent what, std::size_t pages,
                                      const std::function<void(MDB_txn*)>& change) {
  check_may_write();
  const std::uint64_t reserve = what == intent::add ? reserve_bytes() : 0;
  try {
    for (;;) {
      if (!make_room(reserve, pages)) {
        return commit_status::storage_full;
      }
      if (attempt(options_.map_bytes_max - reserve, change)) {
        return commit_status::done;
      }
      if (!grow()) {
        return commit_status::storage_full;
      }
    }
  } catch (const storage_is_full&) {
    return commit_status::storage_full;
  } catch (const std::system_error&) {
    failed_ = true;
    throw;
  }
}

/// False: the map is too small. `bytes_max` is how much of it may be in use afterwards.
bool lmdb_environment::attempt(std::uint64_t bytes_max, const std::function<void(MDB_txn*)>& change) {
  MDB_envinfo info{};
  check_lmdb(mdb_env_info(env_, &info), file_);
  MDB_txn* begun = nullptr;
  check_lmdb(mdb_txn_begin(env_, nullptr, 0, &begun), file_);
  std::unique_ptr<MDB_txn, abort_transaction> txn(begun);
  try {
    change(txn.get());
    // Counting asks every database; with a map that is still small there is nothing to find.
    if (info.me_mapsize > bytes_max && pages_used(txn.get()) * page_bytes_ > bytes_max) {
      throw storage_is_full(to_error(ENOSPC), file_);
    }
    commit(txn.release());
    return true;
  } catch (const map_is_full&) {
    return false;
  }
}

void lmdb_environment::commit(MDB_txn* txn) {
  MDB_envinfo before{};
  check_lmdb(mdb_env_info(env_, &before), file_);
  const int code = mdb_txn_commit(txn);
  if (says_disk_full(code)) {
    // LMDB writes all pages, syncs them, and only then names them in its meta page. So a full disk is clean
    // as long as it stopped before the meta page; a failure there makes LMDB refuse the next transaction.
    MDB_txn* probe = nullptr;
    const int probed = mdb_txn_begin(env_, nullptr, 0, &probe);
    if (probed == MDB_SUCCESS) {
      mdb_txn_abort(probe);
    }
    MDB_envinfo after{};
    check_lmdb(mdb_env_info(env_, &after), file_);
    if (probed == MDB_SUCCESS && after.me_last_txnid == before.me_last_txnid) {
      throw storage_is_full(to_error(ENOSPC), file_);
    }
    throw std::system_error(to_error(code), file_);
  }
  check_lmdb(code, file_);
}

bool lmdb_environment::grow() {
  MDB_envinfo info{};
  check_lmdb(mdb_env_info(env_, &info), file_);
  if (info.me_mapsize >= options_.map_bytes_max) {
    return false;
  }
  // A backup that was killed pins pages until somebody looks.
  int dead_readers = 0;
  check_lmdb(mdb_reader_check(env_, &dead_readers), file_);
  const std::uint64_t bytes = std::min<std::uint64_t>(2 * info.me_mapsize, options_.map_bytes_max);
  std::unique_lock lock(gate_);
  resizing_ = true;
  gate_changed_.wait(lock, [this] { return views_ == 0; });
  const int code = mdb_env_set_mapsize(env_, bytes);
  resizing_ = false;
  lock.unlock();
  gate_changed_.notify_all();
  if (code != MDB_SUCCESS) {
    throw std::system_error(to_error(code), file_ + ": growing the map to " + std::to_string(bytes));
  }
  return true;
}

bool lmdb_environment::make_room(std::uint64_t reserve, std::size_t pages) {
  MDB_envinfo info{};
  check_lmdb(mdb_env_info(env_, &info), file_);
  const std::uint64_t end = (info.me_last_pgno + 1) * page_bytes_;
  const std::uint64_t need = (pages + pages_per_write) * page_bytes_;
  // Growing in time spares the work of a transaction that does not fit.
  while (end + need > info.me_mapsize && grow()) {
    check_lmdb(mdb_env_info(env_, &info), file_);
  }
  return allocate(std::min<std::uint64_t>(end + need + reserve, info.me_mapsize));
}

bool lmdb_environment::allocate(std::uint64_t bytes) {
  // Without this the kernel may find the disk full in the middle of a commit, which LMDB reports as an I/O
  // error when a write was cut short.
  if (bytes <= allocated_bytes_ || !allocates_) {
    return true;
  }
  mdb_filehandle_t handle = -1;
  check_lmdb(mdb_env_get_fd(env_, &handle), file_);
  MDB_envinfo info{};
  check_lmdb(mdb_env_info(env_, &info), file_);
  const std::uint64_t ahead =
      std::max(bytes, std::min<std::uint64_t>(allocated_bytes_ + allocation_step_bytes, info.me_mapsize));
  for (const std::uint64_t end : {ahead, bytes}) {
    const auto offset = static_cast<::off_t>(allocated_bytes_);
    int code = 0;
    do {
      code = ::fallocate(handle, 0, offset, static_cast<::off_t>(end) - offset) == 0 ? 0 : errno;
    } while (code == EINTR);
    if (code == 0) {
      allocated_bytes_ = end;
      return true;
    }
    if (code == EOPNOTSUPP) {
      allocates_ = false;
      return true;
    }
    if (!says_disk_full(code)) {
      throw std::system_error(to_error(code), file_);
    }
  }
  return false;
}

std::uint64_t lmdb_environment::pages_used(MDB_txn* txn) const {
  constexpr MDB_dbi free_list = 0;
  constexpr std::uint64_t meta_pages = 2;
  std::uint64_t pages = meta_pages;
  const auto add = [&](MDB_dbi database) {
    MDB_stat stat{};
    check_lmdb(mdb_stat(txn, database, &stat), file_);
    pages += stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
  };
  add(free_list);
  add(names_);
  std::ranges::for_each(databases_, add);
  return pages;
}

std::uint64_t lmdb_environment::bytes_used() const {
  const view reader(*this);
  return pages_used(reader.txn()) * page_bytes_;
}

std::uint64_t lmdb_environment::reserve_bytes() const {
  constexpr std::uint64_t share = 16;
  return std::min(options_.map_bytes_max / share, reserve_bytes_max);
}

}  // namespace souk::persistence
