#pragma once

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <chrono>
#include <ctime>
#include <optional>
#include <string>

/// What OpenSSL says, in our words. Any thread, each about its own failures.
namespace souk::links {

/// Why something failed, and forgets this thread's failures. `code`: from `ERR_get_error` (the first of them)
/// or `ERR_peek_last_error` (the last).
inline std::string reason_of(unsigned long code, const char* otherwise) {
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? otherwise : reason;
}

/// When a certificate ends; nothing if it does not say so.
inline std::optional<std::chrono::sys_seconds> end_of(const X509* certificate) {
  std::tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) != 1) return std::nullopt;
  return std::chrono::sys_seconds{std::chrono::seconds{timegm(&end)}};
}

}  // namespace souk::links
