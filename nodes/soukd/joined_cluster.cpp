#include "nodes/soukd/joined_cluster.hpp"

#include "persistence/data_folder.hpp"
#include "runtime/shard/keys.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>

namespace souk::nodes {

namespace {

namespace fs = std::filesystem;

constexpr const char* file_name = "cluster";

[[noreturn]] void fail(const fs::path& file) {
  throw std::system_error(errno, std::generic_category(), file.string());
}

}  // namespace

std::optional<joined_cluster> read_joined(const fs::path& folder) {
  const auto file = folder / file_name;
  if (!fs::exists(file)) return std::nullopt;
  std::ifstream in{file};
  joined_cluster cluster;
  if (!std::getline(in, cluster.id) || !std::getline(in, cluster.secret) || cluster.id.empty() ||
      cluster.secret.empty())
    throw std::runtime_error(file.string() + ": cannot be read; it names the folder's cluster");
  return cluster;
}

void write_joined(const fs::path& folder, const joined_cluster& cluster) {
  const auto file = folder / file_name;
  const auto draft = folder / "cluster.new";
  const auto text = cluster.id + "\n" + cluster.secret + "\n";
  const int opened = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (opened < 0) fail(draft);
  const bool done =
      ::write(opened, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(opened) == 0;
  ::close(opened);
  if (!done || ::rename(draft.c_str(), file.c_str()) != 0) fail(draft);
  persistence::sync_folder(folder);
}

void refuse_other_use(const fs::path& folder, bool clustered, persistence::storage& storage,
                      std::uint16_t shard_count) {
  const bool joined = fs::exists(folder / file_name);
  if (!clustered && joined)
    throw std::runtime_error(folder.string() +
                             ": belongs to a node of a cluster; cluster.coordinator must be \"etcd\"");
  if (!clustered || joined) return;
  for (persistence::shard_id shard = 0; shard < shard_count; ++shard)
    if (storage.state().get(runtime::keys::coordinator_record(shard)))
      throw std::runtime_error(folder.string() +
                               ": belongs to a shop of one node, which cannot join a cluster as it is");
}

}  // namespace souk::nodes
