/// A power cut for a process that does not know: preloaded (LD_PRELOAD), it watches what the process writes
/// under one folder, and keeps in a second folder what a disk would surely hold if the power went now. A
/// write gets there when it is synced, and not before. After kill -9 that folder stands in for the first.
///
///     SOUK_POWERCUT_FOLDER     the folder to watch, absolute
///     SOUK_POWERCUT_PLATTER    the folder that holds what was synced, absolute
///     SOUK_POWERCUT_DROP_SYNC  "calls": fsync and fdatasync do nothing, as in an engine that forgot them;
///     "all":
///                              synchronous descriptors neither
///     SOUK_POWERCUT_LEAK       per cent of the writes that reach the platter at once, as a kernel may write
///     any
///                              page back early (default 0)
///     SOUK_POWERCUT_SEED       chooses which of them
///
/// Modelled: writes by any descriptor of a file, O_DSYNC and O_SYNC, truncation, allocation, renaming and
/// removal (they last when their folder is synced, or for a new file when the file is). Not modelled: writing
/// through shared maps, which ends the process with a message, except in LMDB's lock file.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;

/// The library's function behind ours.
template <class Function>
Function* real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

[[noreturn]] void give_up(const std::string& why) {
  const std::string line = "powercut: " + why + "\n";
  static auto* const write_out = real<decltype(::write)>("write");
  (void)!write_out(STDERR_FILENO, line.data(), line.size());
  std::abort();
}

struct settings {
  std::string folder;
  std::string platter;
  bool drop_calls = false;
  bool drop_all = false;
  unsigned leak_per_cent = 0;
  std::uint64_t seed = 1;
};

const settings& configured() {
  static const settings read = [] {
    const auto text = [](const char* name) -> std::string {
      const char* value = std::getenv(name);
      return value == nullptr ? "" : value;
    };
    settings made{text("SOUK_POWERCUT_FOLDER"), text("SOUK_POWERCUT_PLATTER")};
    made.drop_all = text("SOUK_POWERCUT_DROP_SYNC") == "all";
    made.drop_calls = made.drop_all || text("SOUK_POWERCUT_DROP_SYNC") == "calls";
    if (const std::string leak = text("SOUK_POWERCUT_LEAK"); !leak.empty())
      made.leak_per_cent = static_cast<unsigned>(std::stoul(leak));
    if (const std::string seed = text("SOUK_POWERCUT_SEED"); !seed.empty()) made.seed = std::stoull(seed);
    if (made.folder.empty() || made.platter.empty())
      give_up("SOUK_POWERCUT_FOLDER and SOUK_POWERCUT_PLATTER must be set");
    return made;
  }();
  return read;
}

enum class what : std::uint8_t { write, resize, lengthen };

/// A change of a file that is not on the platter yet.
struct change {
  off_t offset = 0;   ///< Of a write; or the new length, of a lengthening the least.
  std::string bytes;  ///< Of a write.
  what kind = what::write;
};

/// One file of the watched folder, whatever its name and however many descriptors it has.
struct watched_file {
  std::mutex mutex;
  fs::path lasting;             ///< Where it is on the platter.
  int platter = -1;             ///< Open there, once something of it is.
  std::vector<change> pending;  ///< In order.
  bool opaque = false;          ///< Opened as a stream, whose writes cannot be seen: copied whole at a sync.
};

/// A change of a folder that is not on the platter yet.
struct renaming {
  fs::path from;
  fs::path to;  ///< Empty: removed.
};

constexpr std::size_t descriptors_max = 1 << 20;

/// Everything we know; made once and never destroyed, for a process may write until its very end.
struct watch {
  std::array<std::atomic<watched_file*>, descriptors_max> by_descriptor{};
  std::mutex mutex;  ///< Guards the rest.
  std::map<std::pair<dev_t, ino_t>, std::unique_ptr<watched_file>> by_inode;
  std::vector<renaming> renamings;
  std::atomic<std::uint64_t> draws{0};
};

watch& all() {
  static watch* const made = new watch;
  return *made;
}

watched_file* file_of(int descriptor) {
  if (descriptor < 0 || static_cast<std::size_t>(descriptor) >= descriptors_max) return nullptr;
  return all().by_descriptor[static_cast<std::size_t>(descriptor)].load(std::memory_order_acquire);
}

void forget(int descriptor) {
  if (descriptor >= 0 && static_cast<std::size_t>(descriptor) < descriptors_max)
    all().by_descriptor[static_cast<std::size_t>(descriptor)].store(nullptr, std::memory_order_release);
}

std::string path_of(int descriptor) {
  std::array<char, 4096> target{};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size());
  return length <= 0 ? std::string{} : std::string{target.data(), static_cast<std::size_t>(length)};
}

std::string absolute(const char* path) {
  std::error_code ignored;
  return fs::absolute(path, ignored).lexically_normal().string();
}

bool is_watched(std::string_view path) {
  const std::string& folder = configured().folder;
  return path.size() > folder.size() + 1 && path.starts_with(folder) && path[folder.size()] == '/' &&
         !path.ends_with("lock.mdb");
}

fs::path on_platter(std::string_view path) {
  return configured().platter + std::string{path.substr(configured().folder.size())};
}

/// Puts a change on the platter.
void apply(watched_file& file, const change& change) {
  static auto* const open_file = real<int(const char*, int, ...)>("open");
  static auto* const write_at = real<decltype(::pwrite)>("pwrite");
  static auto* const resize = real<int(int, off_t)>("ftruncate");
  if (file.platter < 0) {
    fs::create_directories(file.lasting.parent_path());
    file.platter = open_file(file.lasting.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file.platter < 0) give_up("cannot open " + file.lasting.string());
  }
  struct stat status{};
  const bool longer =
      change.kind == what::lengthen && ::fstat(file.platter, &status) == 0 && status.st_size < change.offset;
  if ((change.kind == what::resize || longer) && resize(file.platter, change.offset) != 0)
    give_up("cannot resize " + file.lasting.string());
  for (std::size_t done = 0; done < change.bytes.size();) {
    const ssize_t wrote = write_at(file.platter, change.bytes.data() + done, change.bytes.size() - done,
                                   change.offset + static_cast<off_t>(done));
    if (wrote <= 0) give_up("cannot write " + file.lasting.string());
    done += static_cast<std::size_t>(wrote);
  }
}

/// Forgets where a file was on the platter.
void detach(watched_file& file, fs::path lasting) {
  static auto* const close_file = real<decltype(::close)>("close");
  if (file.platter >= 0) close_file(file.platter);
  file.platter = -1;
  file.lasting = std::move(lasting);
}

/// One coin for each write, the same for the same seed and count.
bool leaks() {
  if (configured().leak_per_cent == 0) return false;
  std::uint64_t x = configured().seed + 0x9E3779B97F4A7C15ULL * (1 + all().draws.fetch_add(1));
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return (x ^ (x >> 31)) % 100 < configured().leak_per_cent;
}

/// Set while we open files ourselves.
thread_local bool at_work = false;

void watch_descriptor(int descriptor, bool stream) {
  if (descriptor < 0 || at_work) return;
  forget(descriptor);
  const std::string path = path_of(descriptor);
  struct stat status{};
  if (!is_watched(path) || ::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return;
  if (static_cast<std::size_t>(descriptor) >= descriptors_max) give_up("too many descriptors");
  const std::scoped_lock lock{all().mutex};
  auto& file = all().by_inode[{status.st_dev, status.st_ino}];
  // An inode whose last name went may come back as another file.
  if (!file || status.st_size == 0) {
    if (!file) file = std::make_unique<watched_file>();
    const std::scoped_lock file_lock{file->mutex};
    if (file->pending.empty()) detach(*file, on_platter(path));
  }
  file->opaque = file->opaque || stream;
  all().by_descriptor[static_cast<std::size_t>(descriptor)].store(file.get(), std::memory_order_release);
}

void note(watched_file& file, int descriptor, change change) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  const bool synchronous = (flags & (O_DSYNC | O_SYNC)) != 0 && !configured().drop_all;
  if (synchronous || leaks()) apply(file, change);
  file.pending.push_back(std::move(change));
}

std::string gather(const struct iovec* parts, int count, std::size_t length) {
  std::string bytes;
  bytes.reserve(length);
  for (int i = 0; i < count && bytes.size() < length; ++i)
    bytes.append(static_cast<const char*>(parts[i].iov_base),
                 std::min(parts[i].iov_len, length - bytes.size()));
  return bytes;
}

/// Runs a write of `real_write` and notes what it wrote. `offset` < 0: at the descriptor's own position.
template <class Write>
ssize_t watched_write(int descriptor, const struct iovec* parts, int count, off_t offset, Write real_write) {
  watched_file* file = file_of(descriptor);
  if (file == nullptr) return real_write();
  const std::scoped_lock lock{file->mutex};
  const ssize_t wrote = real_write();
  if (wrote <= 0) return wrote;
  const int kept = errno;
  if (offset < 0) offset = ::lseek(descriptor, 0, SEEK_CUR) - wrote;
  note(*file, descriptor, {offset, gather(parts, count, static_cast<std::size_t>(wrote))});
  errno = kept;
  return wrote;
}

int watched_resize(int descriptor, off_t length, int result, what kind = what::resize) {
  watched_file* file = file_of(descriptor);
  if (file == nullptr || result != 0) return result;
  const std::scoped_lock lock{file->mutex};
  note(*file, descriptor, {length, {}, kind});
  return result;
}

/// All files that last at `from` last at `to` from now on. The watch is locked.
void move_files(const fs::path& from, const fs::path& to) {
  for (auto& [inode, file] : all().by_inode) {
    const std::scoped_lock lock{file->mutex};
    if (file->lasting == from) detach(*file, to);
  }
}

void sync_folder(const std::string& path) {
  const std::scoped_lock lock{all().mutex};
  std::vector<renaming> later;
  for (renaming& renaming : all().renamings) {
    if (renaming.from.parent_path() != path && renaming.to.parent_path() != path) {
      later.push_back(std::move(renaming));
      continue;
    }
    const fs::path from = on_platter(renaming.from.string());
    if (renaming.to.empty()) {
      fs::remove(from);
      move_files(from, from);
      continue;
    }
    const fs::path to = on_platter(renaming.to.string());
    // Its name lasts, what was in it does not.
    if (!fs::exists(from)) std::ofstream{from};
    static auto* const rename_file = real<int(const char*, const char*)>("rename");
    if (rename_file(from.c_str(), to.c_str()) != 0) give_up("cannot rename " + from.string());
    move_files(to, to);
    move_files(from, to);
  }
  all().renamings = std::move(later);
}

template <class Sync>
int watched_sync(int descriptor, Sync real_sync) {
  watched_file* file = file_of(descriptor);
  if (file == nullptr) {
    const int result = real_sync();
    struct stat status{};
    if (result == 0 && !configured().drop_calls && ::fstat(descriptor, &status) == 0 &&
        S_ISDIR(status.st_mode))
      sync_folder(path_of(descriptor));
    return result;
  }
  if (configured().drop_calls) return 0;
  const std::scoped_lock lock{file->mutex};
  const int result = real_sync();
  if (result != 0) return result;
  const int kept = errno;
  if (file->opaque) {
    fs::create_directories(file->lasting.parent_path());
    at_work = true;
    fs::copy_file(path_of(descriptor), file->lasting, fs::copy_options::overwrite_existing);
    at_work = false;
  } else {
    apply(*file, {});  // An empty file lasts too.
    for (const change& change : file->pending)
      apply(*file, change);
  }
  file->pending.clear();
  errno = kept;
  return result;
}

void note_renaming(const std::string& from, const std::string& to) {
  if (!is_watched(from) && !is_watched(to)) return;
  const std::scoped_lock lock{all().mutex};
  all().renamings.push_back({from, to});
}

std::string at_folder(int folder, const char* path) {
  if (path[0] == '/' || folder == AT_FDCWD) return absolute(path);
  return (fs::path{path_of(folder)} / path).lexically_normal().string();
}

mode_t mode_argument(int flags, va_list arguments) {
  const bool given = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  return given ? static_cast<mode_t>(va_arg(arguments, int)) : 0;
}

/// Opens by the library's function of that name and watches the result.
template <class... Where>
int watched_open(const char* name, int flags, mode_t mode, Where... where) {
  auto* const open_file = real<int(Where..., int, ...)>(name);
  const int descriptor = open_file(where..., flags, mode);
  const int kept = errno;
  watch_descriptor(descriptor, false);
  if ((flags & O_TRUNC) != 0) watched_resize(descriptor, 0, descriptor < 0 ? -1 : 0);
  errno = kept;
  return descriptor;
}

void refuse_shared_map(int descriptor, int protection, int flags) {
  if ((protection & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0 && file_of(descriptor) != nullptr)
    give_up("cannot judge what is written through a shared map of " + path_of(descriptor));
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_argument(flags, arguments);
  va_end(arguments);
  return watched_open("open", flags, mode, path);
}

int open64(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_argument(flags, arguments);
  va_end(arguments);
  return watched_open("open64", flags, mode, path);
}

int openat(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_argument(flags, arguments);
  va_end(arguments);
  return watched_open("openat", flags, mode, folder, path);
}

int openat64(int folder, const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_argument(flags, arguments);
  va_end(arguments);
  return watched_open("openat64", flags, mode, folder, path);
}

int creat(const char* path, mode_t mode) {
  return watched_open("open", O_CREAT | O_WRONLY | O_TRUNC, mode, path);
}

FILE* fopen(const char* path, const char* mode) {
  static auto* const open_stream = real<decltype(::fopen)>("fopen");
  FILE* stream = open_stream(path, mode);
  if (stream != nullptr) watch_descriptor(fileno(stream), true);
  return stream;
}

FILE* fopen64(const char* path, const char* mode) {
  static auto* const open_stream = real<decltype(::fopen)>("fopen64");
  FILE* stream = open_stream(path, mode);
  if (stream != nullptr) watch_descriptor(fileno(stream), true);
  return stream;
}

int fclose(FILE* stream) {
  static auto* const close_stream = real<decltype(::fclose)>("fclose");
  forget(fileno(stream));
  return close_stream(stream);
}

int close(int descriptor) {
  static auto* const close_file = real<decltype(::close)>("close");
  forget(descriptor);
  return close_file(descriptor);
}

ssize_t write(int descriptor, const void* bytes, size_t length) {
  static auto* const write_out = real<decltype(::write)>("write");
  const struct iovec part{const_cast<void*>(bytes), length};
  return watched_write(descriptor, &part, 1, -1, [&] { return write_out(descriptor, bytes, length); });
}

ssize_t writev(int descriptor, const struct iovec* parts, int count) {
  static auto* const write_out = real<decltype(::writev)>("writev");
  return watched_write(descriptor, parts, count, -1, [&] { return write_out(descriptor, parts, count); });
}

ssize_t pwrite(int descriptor, const void* bytes, size_t length, off_t offset) {
  static auto* const write_out = real<decltype(::pwrite)>("pwrite");
  const struct iovec part{const_cast<void*>(bytes), length};
  return watched_write(descriptor, &part, 1, offset,
                       [&] { return write_out(descriptor, bytes, length, offset); });
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t length, off64_t offset) {
  return pwrite(descriptor, bytes, length, offset);
}

ssize_t pwritev(int descriptor, const struct iovec* parts, int count, off_t offset) {
  static auto* const write_out = real<decltype(::pwritev)>("pwritev");
  return watched_write(descriptor, parts, count, offset,
                       [&] { return write_out(descriptor, parts, count, offset); });
}

ssize_t pwritev64(int descriptor, const struct iovec* parts, int count, off64_t offset) {
  return pwritev(descriptor, parts, count, offset);
}

int ftruncate(int descriptor, off_t length) noexcept {
  static auto* const resize = real<int(int, off_t)>("ftruncate");
  return watched_resize(descriptor, length, resize(descriptor, length));
}

int ftruncate64(int descriptor, off64_t length) noexcept { return ftruncate(descriptor, length); }

int fallocate(int descriptor, int mode, off_t offset, off_t length) {
  static auto* const allocate = real<decltype(::fallocate)>("fallocate");
  const int result = allocate(descriptor, mode, offset, length);
  if (mode == 0) return watched_resize(descriptor, offset + length, result, what::lengthen);
  if (result == 0 && mode != FALLOC_FL_KEEP_SIZE && file_of(descriptor) != nullptr)
    give_up("cannot judge a hole in " + path_of(descriptor));
  return result;
}

int fallocate64(int descriptor, int mode, off64_t offset, off64_t length) {
  return fallocate(descriptor, mode, offset, length);
}

int posix_fallocate(int descriptor, off_t offset, off_t length) {
  static auto* const allocate = real<decltype(::posix_fallocate)>("posix_fallocate");
  const int result = allocate(descriptor, offset, length);
  return watched_resize(descriptor, offset + length, result, what::lengthen);
}

int posix_fallocate64(int descriptor, off64_t offset, off64_t length) {
  return posix_fallocate(descriptor, offset, length);
}

int fsync(int descriptor) {
  static auto* const sync_file = real<decltype(::fsync)>("fsync");
  return watched_sync(descriptor, [&] { return sync_file(descriptor); });
}

int fdatasync(int descriptor) {
  static auto* const sync_file = real<decltype(::fdatasync)>("fdatasync");
  return watched_sync(descriptor, [&] { return sync_file(descriptor); });
}

int rename(const char* from, const char* to) noexcept {
  static auto* const rename_file = real<int(const char*, const char*)>("rename");
  const int result = rename_file(from, to);
  if (result == 0) note_renaming(absolute(from), absolute(to));
  return result;
}

int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
  static auto* const rename_file = real<int(int, const char*, int, const char*)>("renameat");
  const int result = rename_file(from_folder, from, to_folder, to);
  if (result == 0) note_renaming(at_folder(from_folder, from), at_folder(to_folder, to));
  return result;
}

int unlink(const char* path) noexcept {
  static auto* const remove_file = real<int(const char*)>("unlink");
  const int result = remove_file(path);
  if (result == 0) note_renaming(absolute(path), {});
  return result;
}

int unlinkat(int folder, const char* path, int flags) noexcept {
  static auto* const remove_file = real<int(int, const char*, int)>("unlinkat");
  const int result = remove_file(folder, path, flags);
  if (result == 0) note_renaming(at_folder(folder, path), {});
  return result;
}

int remove(const char* path) noexcept {
  static auto* const remove_file = real<int(const char*)>("remove");
  const int result = remove_file(path);
  if (result == 0) note_renaming(absolute(path), {});
  return result;
}

void* mmap(void* address, size_t length, int protection, int flags, int descriptor, off_t offset) noexcept {
  static auto* const map_file = real<void*(void*, size_t, int, int, int, off_t)>("mmap");
  refuse_shared_map(descriptor, protection, flags);
  return map_file(address, length, protection, flags, descriptor, offset);
}

void* mmap64(void* address, size_t length, int protection, int flags, int descriptor,
             off64_t offset) noexcept {
  return mmap(address, length, protection, flags, descriptor, offset);
}
}
