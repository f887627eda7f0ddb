#pragma once

#include "actors/gateway/tls.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using SSL = struct ssl_st;
using SSL_CTX = struct ssl_ctx_st;

namespace souk::gateway {

/// The certificates as they were read at one moment, and all that sessions under them share: TLS 1.2 and 1.3
/// with forward secrecy and authenticated encryption alone, HTTP/1.1 by ALPN, no renegotiation, no
/// compression, no early data, tickets under keys of its own. Made anew for new files, and to change the
/// tickets' keys. Any thread.
class tls_identity {
 public:
  /// Throws `bad_tls_files`.
  tls_identity(const tls_options& options, std::chrono::sys_seconds now);
  tls_identity(const tls_identity&) = delete;
  tls_identity& operator=(const tls_identity&) = delete;
  ~tls_identity();

  /// When the first of its certificates ends.
  std::chrono::sys_seconds expiry() const { return expiry_; }

 private:
  friend class tls_session;
  struct named;

  static int choose(SSL* session, int* alert, void* self);

  std::vector<named> all_;  ///< The main one first.
  std::chrono::sys_seconds expiry_;
};

/// One client's TLS on a socket that does not block. One thread at a time.
class tls_session {
 public:
  enum class outcome { done, wants_read, wants_write, ended, failed };

  tls_session(std::shared_ptr<const tls_identity> identity, int socket);
  tls_session(const tls_session&) = delete;
  tls_session& operator=(const tls_session&) = delete;
  ~tls_session();

  /// Goes on with the handshake as far as it goes without waiting. Costs a signature.
  outcome handshake();
  /// One record at most. `ended`: the client will send no more.
  outcome read(std::span<char> into, std::size_t& count);
  /// One record at most. After `wants_write` it must be called again with the same bytes; more may follow.
  outcome write(std::string_view bytes, std::size_t& count);
  /// Tells the client that nothing more comes, if that goes without waiting.
  void end();

  bool resumed() const;
  /// Nobody waits for it any more: a step that has not begun need not be made.
  std::atomic<bool> abandoned = false;

 private:
  outcome outcome_of(int result);

  std::shared_ptr<const tls_identity> identity_;
  SSL* ssl_;
};

}  // namespace souk::gateway
