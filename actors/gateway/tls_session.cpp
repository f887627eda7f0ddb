#include "actors/gateway/tls_session.hpp"

#include "runtime/links/openssl_owners.hpp"
#include "runtime/links/openssl_reading.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

namespace souk::gateway {

namespace {

using links::freed_by;
using context_ptr = std::unique_ptr<SSL_CTX, freed_by<SSL_CTX_free>>;

/// For TLS 1.2: forward secrecy and authenticated encryption alone. What clients of ten years ago speak.
constexpr const char* ciphers_1_2 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* ciphers_1_3 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* groups = "X25519:P-256:P-384";
/// How long a client may resume: through a visit, not through a day.
constexpr long session_seconds = 2 * 3'600;
constexpr std::string_view protocol = "http/1.1";
/// The smallest keys that are taken: 112 bits of security, so RSA from 2,048.
constexpr int security_level = 2;

std::string last_error() { return links::reason_of(ERR_peek_last_error(), "unreadable"); }

/// OpenSSL's own socket, but for a write to a client that is gone: that must be no signal.
int send_quietly(BIO* bio, const char* bytes, int size) {
  const auto sent =
      ::send(static_cast<int>(BIO_get_fd(bio, nullptr)), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  BIO_clear_retry_flags(bio);
  if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

const BIO_METHOD* quiet_socket() {
  static const BIO_METHOD* const method = [] {
    const BIO_METHOD* plain = BIO_s_socket();
    BIO_METHOD* made = BIO_meth_new(BIO_TYPE_SOCKET, "socket without signals");
    BIO_meth_set_write(made, send_quietly);
    BIO_meth_set_read(made, BIO_meth_get_read(plain));
    BIO_meth_set_ctrl(made, BIO_meth_get_ctrl(plain));
    BIO_meth_set_create(made, BIO_meth_get_create(plain));
    BIO_meth_set_destroy(made, BIO_meth_get_destroy(plain));
    return made;
  }();
  return method;
}

/// Clients that know ALPN and want something else than HTTP/1.1 are not meant for us.
int choose_protocol(SSL* /*session*/, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned offered_size, void* /*unused*/) {
  for (unsigned at = 0; at < offered_size; at += 1 + offered[at]) {
    const std::string_view one{reinterpret_cast<const char*>(offered + at + 1), offered[at]};
    if (one != protocol) continue;
    *chosen = offered + at + 1;
    *chosen_size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

context_ptr new_context() {
  context_ptr context{SSL_CTX_new(TLS_server_method())};
  if (!context) throw bad_tls_files("no TLS: " + last_error());
  auto* made = context.get();
  SSL_CTX_set_security_level(made, security_level);
  SSL_CTX_set_min_proto_version(made, TLS1_2_VERSION);
  SSL_CTX_set_max_proto_version(made, TLS1_3_VERSION);
  SSL_CTX_set_options(made, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(
      made, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_cipher_list(made, ciphers_1_2);
  SSL_CTX_set_ciphersuites(made, ciphers_1_3);
  SSL_CTX_set1_groups_list(made, groups);
  // Sessions are in their clients' tickets; nothing is kept here.
  SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(made, session_seconds);
  SSL_CTX_set_session_id_context(made, reinterpret_cast<const unsigned char*>("souk"), 4);
  SSL_CTX_set_alpn_select_cb(made, choose_protocol, nullptr);
  return context;
}

std::chrono::sys_seconds end_of(const X509* certificate) {
  return links::end_of(certificate).value_or(std::chrono::sys_seconds{});  // one without is over
}

/// Reads one pair into a context.
void use(SSL_CTX* context, const certificate_files& files, std::chrono::sys_seconds now) {
  const auto certificate = files.certificate.string();
  const auto key = files.key.string();
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1)
    throw bad_tls_files("certificate " + certificate + ": " + last_error());
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1)
    throw bad_tls_files("key " + key + ": " + last_error());
  if (SSL_CTX_check_private_key(context) != 1)
    throw bad_tls_files("key " + key + " does not belong to certificate " + certificate);
  if (end_of(SSL_CTX_get0_certificate(context)) <= now)
    throw bad_tls_files("certificate " + certificate + " has expired");
}

}  // namespace

struct tls_identity::named {
  context_ptr context;
};

tls_identity::tls_identity(const tls_options& options, std::chrono::sys_seconds now)
    : expiry_(std::chrono::sys_seconds::max()) {
  std::vector<certificate_files> files{options.main};
  files.insert(files.end(), options.others.begin(), options.others.end());
  for (const auto& one : files) {
    auto context = new_context();
    use(context.get(), one, now);
    expiry_ = std::min(expiry_, end_of(SSL_CTX_get0_certificate(context.get())));
    all_.push_back({std::move(context)});
  }
  SSL_CTX_set_tlsext_servername_callback(all_.front().context.get(), choose);
  SSL_CTX_set_tlsext_servername_arg(all_.front().context.get(), this);
}

tls_identity::~tls_identity() = default;

int tls_identity::choose(SSL* session, int* /*alert*/, void* self) {
  const char* host = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
  if (host == nullptr) return SSL_TLSEXT_ERR_OK;
  for (const auto& one : static_cast<const tls_identity*>(self)->all_)
    if (X509_check_host(SSL_CTX_get0_certificate(one.context.get()), host, 0, 0, nullptr) == 1) {
      SSL_set_SSL_CTX(session, one.context.get());
      break;
    }
  return SSL_TLSEXT_ERR_OK;
}

tls_session::tls_session(std::shared_ptr<const tls_identity> identity, int socket)
    : identity_(std::move(identity)), ssl_(SSL_new(identity_->all_.front().context.get())) {
  BIO* bio = ssl_ == nullptr ? nullptr : BIO_new(quiet_socket());
  if (bio == nullptr) {
    SSL_free(ssl_);
    throw std::bad_alloc();
  }
  BIO_set_fd(bio, socket, BIO_NOCLOSE);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_accept_state(ssl_);
}

tls_session::~tls_session() { SSL_free(ssl_); }

tls_session::outcome tls_session::handshake() {
  ERR_clear_error();
  return outcome_of(SSL_do_handshake(ssl_));
}

tls_session::outcome tls_session::read(std::span<char> into, std::size_t& count) {
  ERR_clear_error();
  return outcome_of(SSL_read_ex(ssl_, into.data(), into.size(), &count));
}

tls_session::outcome tls_session::write(std::string_view bytes, std::size_t& count) {
  ERR_clear_error();
  return outcome_of(SSL_write_ex(ssl_, bytes.data(), bytes.size(), &count));
}

void tls_session::end() {
  ERR_clear_error();
  SSL_shutdown(ssl_);
}

bool tls_session::resumed() const { return SSL_session_reused(ssl_) == 1; }

tls_session::outcome tls_session::outcome_of(int result) {
  if (result == 1) return outcome::done;
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return outcome::wants_read;
    case SSL_ERROR_WANT_WRITE:
      return outcome::wants_write;
    case SSL_ERROR_ZERO_RETURN:
      return outcome::ended;
    default:
      ERR_clear_error();
      return outcome::failed;
  }
}

void check(const tls_options& options, std::chrono::sys_seconds now) { tls_identity{options, now}; }

}  // namespace souk::gateway
