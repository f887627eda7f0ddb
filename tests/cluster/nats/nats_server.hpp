#pragma once

#include "tests/cluster/kill/process.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace souk::cluster_test {

/// A message of a stream.
struct stored_message {
  std::string subject;
  std::string id;  ///< Nats-Msg-Id.
  std::string body;
};

/// A real nats-server with JetStream in a folder of its own, on a port of its own on 127.0.0.1.
class nats_server {
 public:
  /// `more`: further lines of its configuration.
  explicit nats_server(std::string more = {});
  ~nats_server();
  nats_server(const nats_server&) = delete;
  nats_server& operator=(const nats_server&) = delete;

  /// On the port and folder that it had. Returns when it takes connections.
  void start();
  /// kill -9.
  void kill();

  std::uint16_t port() const { return port_; }
  std::string url(const std::string& scheme = "nats") const;
  const std::filesystem::path& folder() const { return folder_; }

  /// All messages of a stream, in its order; none if it is not there. By a client of its own, without TLS.
  std::vector<stored_message> messages(const std::string& stream) const;

 private:
  std::filesystem::path folder_;
  std::uint16_t port_ = 0;
  process server_;
};

}  // namespace souk::cluster_test
