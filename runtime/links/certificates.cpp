#include "runtime/links/certificates.hpp"

#include "runtime/links/openssl_owners.hpp"
#include "runtime/links/openssl_reading.hpp"

#include <arpa/inet.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string_view>

namespace souk::links {

namespace {

constexpr long seconds_a_day = 86'400;
/// A clock that is behind by less than this takes a new certificate for good.
constexpr long seconds_of_grace = 3'600;
constexpr int serial_bits = 127;

using number_ptr = std::unique_ptr<BIGNUM, freed_by<BN_free>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, freed_by<X509_EXTENSION_free>>;

void require(bool done, const char* what) {
  if (done) return;
  const auto reason = reason_of(ERR_get_error(), "");
  throw std::runtime_error(std::string{"certificate: "} + what + (reason.empty() ? "" : ": ") + reason);
}

key_ptr new_key() {
  key_ptr key{EVP_EC_gen("P-256")};
  require(key != nullptr, "no key can be made");
  return key;
}

std::string text_of(BIO* memory) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(memory, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

identity_papers to_text(X509* certificate, EVP_PKEY* key) {
  const bio_ptr one{BIO_new(BIO_s_mem())};
  const bio_ptr other{BIO_new(BIO_s_mem())};
  require(PEM_write_bio_X509(one.get(), certificate) == 1, "it cannot be written");
  require(PEM_write_bio_PKCS8PrivateKey(other.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1,
          "its key cannot be written");
  return {text_of(one.get()), text_of(other.get())};
}

bio_ptr reading(const std::string& text) {
  return bio_ptr{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const extension_ptr extension{X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str())};
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "an extension is refused");
}

/// All but its issuer, its extensions and its signature.
x509_ptr blank(const std::string& name, EVP_PKEY* key, int days) {
  x509_ptr certificate{X509_new()};
  constexpr long version_3 = 2;
  X509_set_version(certificate.get(), version_3);
  const number_ptr serial{BN_new()};
  require(BN_rand(serial.get(), serial_bits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1, "no random number");
  BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate.get()));
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -seconds_of_grace);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), days * seconds_a_day);
  X509_set_pubkey(certificate.get(), key);
  auto* subject = X509_get_subject_name(certificate.get());
  require(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                     reinterpret_cast<const unsigned char*>(name.data()),
                                     static_cast<int>(name.size()), -1, 0) == 1,
          "its name is refused");
  return certificate;
}

/// Eight hexadecimal digits that tell keys apart.
std::string mark_of(EVP_PKEY* key) {
  const x509_ptr holder{X509_new()};
  X509_set_pubkey(holder.get(), key);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  require(X509_pubkey_digest(holder.get(), EVP_sha256(), digest, &size) == 1, "its key has no digest");
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (int i = 0; i < 4; ++i) {
    text += digits[digest[i] >> 4];
    text += digits[digest[i] & 15];
  }
  return text;
}

void sign(X509* certificate, EVP_PKEY* with) {
  require(X509_sign(certificate, with, EVP_sha256()) > 0, "it cannot be signed");
}

std::string alternative_names(const std::vector<std::string>& hosts) {
  std::string names;
  for (const auto& host : hosts) {
    unsigned char binary[sizeof(in6_addr)];
    const bool address =
        inet_pton(AF_INET, host.c_str(), binary) == 1 || inet_pton(AF_INET6, host.c_str(), binary) == 1;
    if (!names.empty()) names += ',';
    names += (address ? "IP:" : "DNS:") + host;
  }
  return names;
}

}  // namespace

identity_papers make_authority(const std::string& name) {
  const auto key = new_key();
  const auto certificate = blank(name + " " + mark_of(key.get()), key.get(), ca_days);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
  add_extension(certificate.get(), certificate.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
  add_extension(certificate.get(), certificate.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  add_extension(certificate.get(), certificate.get(), NID_subject_key_identifier, "hash");
  sign(certificate.get(), key.get());
  return to_text(certificate.get(), key.get());
}

identity_papers make_self_signed(const certificate_request& wanted) {
  const auto key = new_key();
  const auto certificate = blank(wanted.common_name, key.get(), wanted.days);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate.get()));
  add_extension(certificate.get(), certificate.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate.get(), certificate.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(certificate.get(), certificate.get(), NID_ext_key_usage, "serverAuth");
  add_extension(certificate.get(), certificate.get(), NID_subject_key_identifier, "hash");
  add_extension(certificate.get(), certificate.get(), NID_subject_alt_name, alternative_names(wanted.hosts));
  sign(certificate.get(), key.get());
  return to_text(certificate.get(), key.get());
}

identity_papers issue(const identity_papers& authority, const certificate_request& wanted) {
  const auto certificate_text = reading(authority.certificate);
  const auto key_text = reading(authority.key);
  const x509_ptr ca{PEM_read_bio_X509(certificate_text.get(), nullptr, nullptr, nullptr)};
  require(ca != nullptr, "the authority's certificate cannot be read");
  const key_ptr ca_key{PEM_read_bio_PrivateKey(key_text.get(), nullptr, nullptr, nullptr)};
  require(ca_key != nullptr, "the authority's key cannot be read");
  require(X509_check_private_key(ca.get(), ca_key.get()) == 1, "the authority's key is of another one");

  const auto key = new_key();
  const auto certificate = blank(wanted.common_name, key.get(), wanted.days);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(ca.get()));
  add_extension(certificate.get(), ca.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(certificate.get(), ca.get(), NID_key_usage, "critical,digitalSignature");
  add_extension(certificate.get(), ca.get(), NID_ext_key_usage, "serverAuth,clientAuth");
  add_extension(certificate.get(), ca.get(), NID_subject_key_identifier, "hash");
  add_extension(certificate.get(), ca.get(), NID_authority_key_identifier, "keyid");
  if (!wanted.hosts.empty())
    add_extension(certificate.get(), ca.get(), NID_subject_alt_name, alternative_names(wanted.hosts));
  sign(certificate.get(), ca_key.get());
  return to_text(certificate.get(), key.get());
}

}  // namespace souk::links
