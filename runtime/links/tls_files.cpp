#include "runtime/links/tls_files.hpp"

#include "runtime/links/openssl_owners.hpp"
#include "runtime/links/openssl_reading.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <cstdio>
#include <memory>

namespace souk::links {

namespace {

using store_ptr = std::unique_ptr<X509_STORE, freed_by<X509_STORE_free>>;
using store_context_ptr = std::unique_ptr<X509_STORE_CTX, freed_by<X509_STORE_CTX_free>>;

std::string last_error() { return reason_of(ERR_get_error(), "unreadable"); }

bio_ptr open(const std::string& path, const char* what) {
  if (path.empty()) throw bad_certificate(std::string{"no "} + what + " is set, for links between nodes");
  bio_ptr file{BIO_new_file(path.c_str(), "r")};
  if (!file) throw bad_certificate(std::string{what} + " " + path + ": " + last_error());
  return file;
}

x509_ptr read_certificate(const std::string& path, const char* what) {
  auto file = open(path, what);
  x509_ptr certificate{PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr)};
  if (!certificate) throw bad_certificate(std::string{what} + " " + path + ": " + last_error());
  return certificate;
}

key_ptr read_key(const std::string& path) {
  auto file = open(path, "key");
  key_ptr key{PEM_read_bio_PrivateKey(file.get(), nullptr, nullptr, nullptr)};
  if (!key) throw bad_certificate("key " + path + ": " + last_error());
  return key;
}

}  // namespace

std::string common_name(const X509* certificate) {
  const auto* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  const auto* value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(ASN1_STRING_length(value))};
}

void check(const tls_files& files, const std::string& node) {
  const auto certificate = read_certificate(files.certificate, "certificate");
  const auto key = read_key(files.key);
  const auto ca = read_certificate(files.ca, "CA");
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    throw bad_certificate("key " + files.key + " does not belong to certificate " + files.certificate);
  }
  store_ptr store{X509_STORE_new()};
  X509_STORE_add_cert(store.get(), ca.get());
  store_context_ptr context{X509_STORE_CTX_new()};
  X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr);
  if (X509_verify_cert(context.get()) != 1) {
    const auto why = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
    ERR_clear_error();
    throw bad_certificate("certificate " + files.certificate + " is not good under CA " + files.ca + ": " +
                          why);
  }
  if (common_name(certificate.get()) != node)
    throw bad_certificate("certificate " + files.certificate + " is for " + common_name(certificate.get()) +
                          ", not for node " + node);
}

std::chrono::sys_seconds expiry_of(const tls_files& files) {
  const auto certificate = read_certificate(files.certificate, "certificate");
  const auto end = end_of(certificate.get());
  if (!end) throw bad_certificate("certificate " + files.certificate + " has no end");
  return *end;
}

}  // namespace souk::links
