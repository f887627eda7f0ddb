#pragma once

#include <chrono>
#include <stdexcept>
#include <string>

using X509 = struct x509_st;

namespace souk::links {

/// Who a node is, on disk, in PEM. A CA of the cluster's own: whoever has a certificate of it is a member.
struct tls_files {
  std::string certificate;  ///< Its common name is the node's id.
  std::string key;
  std::string ca;
};

/// The files do not make a node: one is missing, does not belong to the others, or is out of date.
class bad_certificate : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Checks the files as a start does. Throws `bad_certificate`, saying which and why.
void check(const tls_files& files, const std::string& node);

/// When the certificate ends. Throws `bad_certificate`.
std::chrono::sys_seconds expiry_of(const tls_files& files);

/// Whom a certificate is for; empty if it does not say.
std::string common_name(const X509* certificate);

}  // namespace souk::links
