#pragma once

#include "tests/http/raw_client.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

using SSL = struct ssl_st;
using SSL_CTX = struct ssl_ctx_st;
using SSL_SESSION = struct ssl_session_st;

namespace souk::tests {

/// What a client offers. It believes in every certificate.
struct tls_offer {
  int version_min = 0;  ///< TLS1_2_VERSION and the like; 0: whatever there is, from TLS 1.0 on.
  int version_max = 0;
  std::string ciphers;             ///< Of TLS 1.2 and before, as OpenSSL names them; empty: usual ones.
  std::string host;                ///< SNI.
  std::vector<std::string> alpn;   ///< Protocols.
  SSL_SESSION* session = nullptr;  ///< To resume.
};

/// The same by TLS. Throws `std::runtime_error` if there is no handshake.
class tls_client final : public raw_client {
 public:
  explicit tls_client(std::uint16_t port, const tls_offer& offer = {});
  ~tls_client() override;

  /// Sends close_notify, not the end of the socket.
  void end() override;

  SSL* native() { return ssl_.get(); }
  bool resumed() const;
  /// The name of whom the server says that it is.
  std::string server_name() const;
  /// The serial number of the server's certificate.
  std::string certificate() const;

 private:
  std::ptrdiff_t put(const char* bytes, std::size_t size) override;
  std::ptrdiff_t take(char* bytes, std::size_t size) override;

  std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context_;
  std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
};

}  // namespace souk::tests
