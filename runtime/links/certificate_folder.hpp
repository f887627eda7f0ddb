#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace souk::links {

struct certificate_folder_options {
  std::filesystem::path folder;
  std::vector<std::string> nodes;  ///< Ids: 1 to 32 of a-z, 0-9, "-" and "_".
  /// Where etcd's members are reached: its clients check that. More than localhost and 127.0.0.1.
  std::vector<std::string> etcd_hosts;
  bool renew = false;  ///< Makes the certificates of these nodes, and etcd's, anew; never the CA.
};

/// Fills a folder with what a cluster needs for TLS: `ca.pem` and `ca.key` (which no node needs: keep it
/// away), `NODE.pem` and `NODE.key` for each node, which are also what it shows etcd, and `etcd.pem` and
/// `etcd.key` for etcd's members, towards clients and each other. What is there stays: repeat it to add a
/// node. Keys are readable by their owner alone; each file is complete before it stands at its name. Returns
/// the certificates made, by file name. Throws `std::invalid_argument` for a name that cannot be, and
/// `std::runtime_error`.
std::vector<std::string> fill_certificate_folder(const certificate_folder_options& options);

/// Writes `https.pem` and `https.key` into a folder: a certificate of its own for these hosts (names and IP
/// addresses, at least one), outside any cluster's CA, for a server that clients are to try out. What is
/// there stays unless `renew`. Returns whether it was made. Throws `std::invalid_argument` and
/// `std::runtime_error`.
bool make_https_certificate(const std::filesystem::path& folder, const std::vector<std::string>& hosts,
                            bool renew);

}  // namespace souk::links
