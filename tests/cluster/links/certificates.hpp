#pragma once

#include "runtime/links/certificate_folder.hpp"
#include "runtime/links/tls_files.hpp"

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

namespace souk::cluster_test {

/// A folder of its own with a CA and certificates for some nodes; gone with this.
class certificates {
 public:
  explicit certificates(const std::vector<std::string>& nodes) {
    std::string pattern = (std::filesystem::temp_directory_path() / "souk-links-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder_ = pattern;
    make(nodes);
  }
  ~certificates() { std::filesystem::remove_all(folder_); }
  certificates(const certificates&) = delete;
  certificates& operator=(const certificates&) = delete;

  void make(const std::vector<std::string>& nodes, bool renew = false) const {
    links::fill_certificate_folder({.folder = folder_, .nodes = nodes, .renew = renew});
  }

  links::tls_files of(const std::string& node) const {
    return {(folder_ / (node + ".pem")).string(), (folder_ / (node + ".key")).string(),
            (folder_ / "ca.pem").string()};
  }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

}  // namespace souk::cluster_test
