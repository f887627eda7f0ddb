#include "runtime/links/certificate_folder.hpp"

#include "runtime/links/certificates.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <system_error>

namespace souk::links {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t node_id_max = 32;

[[noreturn]] void fail(const fs::path& file) {
  throw std::system_error(errno, std::generic_category(), file.string());
}

std::string read(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  if (!in) fail(file);
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// Written beside it and renamed: a node may be reading.
void write(const fs::path& file, const std::string& text, mode_t mode) {
  fs::path draft = file;
  draft += ".new";
  const int opened = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (opened < 0) fail(draft);
  const bool done =
      ::write(opened, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(opened) == 0;
  ::close(opened);
  if (!done || ::rename(draft.c_str(), file.c_str()) != 0) fail(draft);
}

void write_papers(const fs::path& folder, const std::string& name, const identity_papers& papers) {
  // The key first: whoever finds the certificate finds its key.
  write(folder / (name + ".key"), papers.key, S_IRUSR | S_IWUSR);
  write(folder / (name + ".pem"), papers.certificate, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH);
}

class certificate_folder {
 public:
  explicit certificate_folder(fs::path folder) : folder_(std::move(folder)) {
    fs::create_directories(folder_);
    if (fs::exists(folder_ / "ca.key")) {
      authority_ = {read(folder_ / "ca.pem"), read(folder_ / "ca.key")};
    } else {
      authority_ = make_authority("souk cluster");
      keep("ca", authority_);
    }
  }

  void add(const std::string& name, certificate_request wanted, bool renew) {
    if (fs::exists(folder_ / (name + ".pem")) && !renew) return;
    wanted.common_name = name;
    keep(name, issue(authority_, wanted));
  }

  std::vector<std::string> made;

 private:
  void keep(const std::string& name, const identity_papers& papers) {
    write_papers(folder_, name, papers);
    made.push_back(name + ".pem");
  }

  fs::path folder_;
  identity_papers authority_;
};

void refuse_bad_name(const std::string& node) {
  const bool fits = !node.empty() && node.size() <= node_id_max &&
                    node.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos;
  if (!fits) throw std::invalid_argument("not a node's id: " + node);
  if (node == "ca" || node == "etcd" || node == "https")
    throw std::invalid_argument("a node called " + node + " would have the files of another");
}

}  // namespace

std::vector<std::string> fill_certificate_folder(const certificate_folder_options& options) {
  for (const auto& node : options.nodes)
    refuse_bad_name(node);
  certificate_folder folder{options.folder};
  for (const auto& node : options.nodes)
    folder.add(node, {.hosts = {node, "localhost", "127.0.0.1"}}, options.renew);
  certificate_request etcd{.hosts = {"localhost", "127.0.0.1"}};
  etcd.hosts.insert(etcd.hosts.end(), options.etcd_hosts.begin(), options.etcd_hosts.end());
  folder.add("etcd", std::move(etcd), options.renew);
  return std::move(folder.made);
}

bool make_https_certificate(const fs::path& folder, const std::vector<std::string>& hosts, bool renew) {
  const bool good = !hosts.empty() && std::all_of(hosts.begin(), hosts.end(), [](const std::string& host) {
    return !host.empty() && host.find_first_of(", \n") == std::string::npos;
  });
  if (!good) throw std::invalid_argument("a certificate needs the names of its hosts");
  fs::create_directories(folder);
  if (fs::exists(folder / "https.pem") && !renew) return false;
  write_papers(folder, "https", make_self_signed({.common_name = hosts.front(), .hosts = hosts}));
  return true;
}

}  // namespace souk::links
