#include "tests/http/tls_client.hpp"

#include "runtime/links/openssl_reading.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>

namespace souk::tests {

namespace {

constexpr long wait_seconds = 10;

std::string last_error() { return links::reason_of(ERR_peek_last_error(), "the connection ended"); }

}  // namespace

tls_client::tls_client(std::uint16_t port, const tls_offer& offer)
    : raw_client(port), context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free), ssl_(nullptr, SSL_free) {
  ::signal(SIGPIPE, SIG_IGN);
  const timeval patience{wait_seconds, 0};
  ::setsockopt(socket(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  auto* context = context_.get();
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, offer.version_min == 0 ? TLS1_VERSION : offer.version_min);
  SSL_CTX_set_max_proto_version(context, offer.version_max);
  SSL_CTX_set_options(context, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (!offer.ciphers.empty() && SSL_CTX_set_cipher_list(context, offer.ciphers.c_str()) != 1)
    throw std::runtime_error("no such cipher: " + offer.ciphers);
  ssl_.reset(SSL_new(context));
  if (!offer.host.empty()) SSL_set_tlsext_host_name(ssl_.get(), offer.host.c_str());
  std::string protocols;
  for (const auto& protocol : offer.alpn)
    protocols += static_cast<char>(protocol.size()) + protocol;
  SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(protocols.data()),
                      static_cast<unsigned>(protocols.size()));
  if (offer.session != nullptr) SSL_set_session(ssl_.get(), offer.session);
  SSL_set_fd(ssl_.get(), socket());
  ERR_clear_error();
  if (SSL_connect(ssl_.get()) != 1) throw std::runtime_error(last_error());
}

tls_client::~tls_client() {
  // Else its session would be taken for broken, and not be resumed.
  if (ssl_) SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

void tls_client::end() { SSL_shutdown(ssl_.get()); }

bool tls_client::resumed() const { return SSL_session_reused(ssl_.get()) == 1; }

std::string tls_client::server_name() const {
  char name[256] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(ssl_.get())), NID_commonName,
                            name, sizeof name);
  return name;
}

std::string tls_client::certificate() const {
  const auto* serial = X509_get0_serialNumber(SSL_get0_peer_certificate(ssl_.get()));
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(serial)),
          static_cast<std::size_t>(ASN1_STRING_length(serial))};
}

std::ptrdiff_t tls_client::put(const char* bytes, std::size_t size) {
  ERR_clear_error();
  return SSL_write(ssl_.get(), bytes, static_cast<int>(size));
}

std::ptrdiff_t tls_client::take(char* bytes, std::size_t size) {
  ERR_clear_error();
  errno = 0;
  const int count = SSL_read(ssl_.get(), bytes, static_cast<int>(size));
  if (count > 0) return count;
  return SSL_get_error(ssl_.get(), count) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
}

}  // namespace souk::tests
