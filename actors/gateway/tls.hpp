#pragma once

#include "actors/gateway/http.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace souk::gateway {

/// Who a server is to its clients, on disk, in PEM.
struct certificate_files {
  std::filesystem::path certificate;  ///< With the certificates between it and its root behind it.
  std::filesystem::path key;
};

/// TLS at a listener: where, as whom, and within which limits.
struct tls_options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8443;  ///< 0: any free one.
  certificate_files main;     ///< For clients that name no host, or one that no certificate is for.
  std::vector<certificate_files> others;  ///< For the hosts that they name themselves.
  /// From the accepted connection to the end of the handshake: a slow one holds a connection as a slow head
  /// does.
  unsigned handshake_timeout_ms = 10'000;
  /// How often the files are looked at. What has changed is taken up when it looks the same twice, so that a
  /// certificate and a key that are written one after the other are read together.
  unsigned reload_interval_ms = 1'000;
  /// How long browsers are to use nothing but TLS (Strict-Transport-Security); 0: they are not told.
  std::chrono::seconds hsts{std::chrono::hours{24 * 365}};
  /// Told of each reload, with what is wrong with the new files (then the earlier ones stay) or nothing. On
  /// a thread of the listener's; may be empty.
  std::function<void(const std::string& problem)> reloaded;
};

/// Files that make no server: unreadable, not belonging to each other, or out of date. Says which and why.
class bad_tls_files : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Reads the files as a start does, at that time. Throws `bad_tls_files`.
void check(const tls_options& options, std::chrono::sys_seconds now);

/// What a listener counts about TLS. Any thread.
struct tls_figures {
  std::atomic<std::uint64_t> handshakes = 0;  ///< Completed, resumed ones among them.
  std::atomic<std::uint64_t> resumed = 0;
  std::atomic<std::uint64_t> failed = 0;  ///< Refused, broken off or too slow.
  std::atomic<std::uint64_t> reloads = 0;
  std::atomic<std::uint64_t> reloads_failed = 0;
  std::atomic<std::int64_t> expiry_s = 0;  ///< When the first certificate in use ends, since 1970.
};

/// A listener with a second address where the same is served by TLS. The limits hold for both together.
class tls_listener : public listener {
 public:
  virtual std::uint16_t tls_port() const = 0;
  virtual const tls_figures& tls() const = 0;
};

/// Binds and starts. Throws `std::system_error` with the address in its text, and `bad_tls_files`.
std::unique_ptr<tls_listener> make_listener(const listener_options& options, const tls_options& tls,
                                            request_handler handler);

}  // namespace souk::gateway
