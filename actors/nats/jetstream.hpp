#pragma once

#include "actors/nats/stream_link.hpp"
#include "runtime/seams/seams.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace souk::nats {

struct jetstream_options {
  std::vector<std::string> servers;  ///< "nats://HOST:PORT", or all "tls://HOST:PORT"; at least one.
  std::string stream = "SOUK";
  std::string prefix = "souk";  ///< The stream takes all subjects below it.
  /// Whether the stream is looked for, and made where there is none. Otherwise somebody else sees to it.
  bool create = true;
  // Of a stream that is made here:
  std::chrono::milliseconds duplicate_window{std::chrono::minutes{2}};
  std::uint16_t replicas = 1;
  // Who the node is to the servers. Read again with each connection.
  std::string user;  ///< With the password that is the file's first line; or
  std::filesystem::path password_file;
  std::filesystem::path credentials;  ///< NATS credentials: a JWT and its seed.
  std::filesystem::path certificate;  ///< PEM, with its key; for tls.
  std::filesystem::path key;
  std::filesystem::path ca;  ///< Whom servers' certificates are held against; empty: the system's.
  /// From publishing to the stream's answer.
  std::chrono::milliseconds timeout{5'000};
  /// To one server: then the next one is tried.
  std::chrono::milliseconds connect_timeout{2'000};
  /// After a connection that could not be made: until then all is away.
  std::chrono::milliseconds connect_interval{1'000};
};

/// A stream of NATS JetStream, over one connection at a time that is made when something is published. Each
/// event bears its id as Nats-Msg-Id and names the stream that it is for; what that answers is the result.
/// Has a thread of its own beside those of the client library, and there is one in a process at a time.
std::shared_ptr<stream_link> make_jetstream(const jetstream_options& options,
                                            std::shared_ptr<runtime::clock> clock);

}  // namespace souk::nats
