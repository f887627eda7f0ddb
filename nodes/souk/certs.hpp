#pragma once

#include "nodes/souk/commands.hpp"

#include <string>
#include <vector>

namespace souk::cli {

struct certs_options {
  std::string folder;
  std::vector<std::string> nodes;
  std::vector<std::string> etcd_hosts;
  std::vector<std::string> hosts{"localhost", "127.0.0.1"};
  bool renew = false;
};

/// `souk certs init`: a cluster's authority, and certificates for its nodes and its etcd.
int make_certs(const settings& settings, const certs_options& options);

/// `souk certs https`: a self-signed certificate to try out TLS towards clients.
int make_https_certs(const settings& settings, const certs_options& options);

}  // namespace souk::cli
