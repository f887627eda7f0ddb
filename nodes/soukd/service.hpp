#pragma once

#include "nodes/config/config.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

namespace souk::nodes {

/// What one process runs.
struct service_options {
  config::settings settings;
  config::node_settings node;
  bool test_mode = false;
  /// The node cannot go on: its storage failed, or something was restarted too often. On any thread; must end
  /// the process.
  std::function<void(const std::string& reason)> on_fatal;
  /// Asked while the start waits for the cluster: whether the process was told to end meanwhile. May be
  /// empty.
  std::function<bool()> told_to_end;
};

/// The process was told to end before it served.
class start_given_up : public std::runtime_error {
 public:
  start_given_up() : std::runtime_error("told to end before it served") {}
};

/// Where a running service can be reached.
struct service_addresses {
  std::string http;   ///< "127.0.0.1:8080", with the port that was chosen.
  std::string https;  ///< Empty: not served.
  std::string admin;
  std::string marketplace;  ///< Empty: not served.
};

/// One node of a shop: storage, runtime, gateways, listeners. Belongs to the thread that made it.
class service {
 public:
  virtual ~service() = default;
  /// Refuses new connections, answers what is running, writes out the state, ends.
  virtual void stop() = 0;
  virtual const service_addresses& addresses() const = 0;
};

/// Opens the data folder, starts everything and returns when the node serves; of a cluster, when it takes
/// part in it, however long that takes. Throws what an operator can act on: `std::runtime_error` with the
/// folder, file or address in its text.
std::unique_ptr<service> start_service(service_options options);

}  // namespace souk::nodes
