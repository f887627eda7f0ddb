#include "nodes/soukd/privileges.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <vector>

namespace souk::nodes {

namespace {

constexpr std::uint16_t first_free_port = 1024;   // below it only root, or who has the capability, listens
constexpr std::size_t user_text_max = 16 * 1024;  // what the system keeps of a user

struct identity {
  uid_t user = 0;
  gid_t group = 0;
};

void demand(bool done, std::string_view what) {
  if (!done)
    throw std::system_error(errno, std::generic_category(), "process.user: cannot " + std::string{what});
}

identity identity_of(const std::string& user) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> text(user_text_max);
  getpwnam_r(user.c_str(), &entry, text.data(), text.size(), &found);
  if (found == nullptr) throw std::runtime_error("process.user: there is no user \"" + user + "\" here");
  return {entry.pw_uid, entry.pw_gid};
}

bool listens_low(const config::node_settings& node) {
  const auto low = [](const std::optional<config::endpoint>& at) {
    return at && at->port != 0 && at->port < first_free_port;
  };
  return low(node.http) || low(node.https) || low(node.proxied) || low(node.admin);
}

void keep_only(std::uint32_t capabilities) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  sets[0].effective = sets[0].permitted = capabilities;
  demand(syscall(SYS_capset, &header, sets.data()) == 0, "give up capabilities");
}

void give_folder(const std::filesystem::path& folder, const identity& to) {
  if (!std::filesystem::create_directories(folder)) return;
  demand(chown(folder.c_str(), to.user, to.group) == 0, "give " + folder.string() + " to it");
}

}  // namespace

void become(const std::string& user, const config::node_settings& node) {
  const auto wanted = identity_of(user);
  if (geteuid() != wanted.user) {
    if (!runs_as_root())
      throw std::runtime_error("process.user is \"" + user +
                               "\": soukd must be started by root or by that user");
    give_folder(node.data, wanted);
    const bool low = listens_low(node);
    demand(prctl(PR_SET_KEEPCAPS, low ? 1 : 0) == 0, "keep capabilities");
    demand(initgroups(user.c_str(), wanted.group) == 0, "take its groups");
    demand(setresgid(wanted.group, wanted.group, wanted.group) == 0, "take its group");
    demand(setresuid(wanted.user, wanted.user, wanted.user) == 0, "become it");
    keep_only(low ? 1U << CAP_NET_BIND_SERVICE : 0U);
    // As of any process of that user: without, it could not count its own open files.
    demand(prctl(PR_SET_DUMPABLE, 1) == 0, "look at its own files");
  }
  demand(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "give up gaining privileges");
}

bool runs_as_root() { return geteuid() == 0; }

}  // namespace souk::nodes
