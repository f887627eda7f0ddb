#pragma once

#include "runtime/cluster/coordination_store.hpp"

#include <memory>
#include <string>
#include <vector>

namespace souk::runtime {

/// Where etcd is, and how to speak to it.
struct etcd_options {
  std::vector<std::string> endpoints;  ///< "host:port" of its members, at least one.
  /// TLS, with PEM texts (not paths): all three or none. etcd's certificate must name its endpoint.
  std::string ca;
  std::string certificate;
  std::string key;
};

/// The coordination store over etcd 3.4 or later, through gRPC, with one thread of its own.
///
/// Speaks to one member at a time; when that gives no answer or cannot reach the others, it goes on with the
/// next, and watches end as `broken`. Needs no answer to be made: etcd may come later. Throws
/// `std::invalid_argument` if the options cannot be.
std::unique_ptr<coordination_store> make_etcd_client(etcd_options options);

}  // namespace souk::runtime
