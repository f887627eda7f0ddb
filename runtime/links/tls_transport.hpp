#pragma once

#include "runtime/links/limits.hpp"
#include "runtime/links/tls_files.hpp"
#include "runtime/links/transport.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace souk::links {

struct tls_transport_options {
  std::string node;
  std::string listen;  ///< "host:port"; port 0 takes any free one.
  tls_files files;
  link_limits limits;
  /// For tests on one machine: without files it makes a certificate of its own and believes everybody's.
  bool insecure = false;
};

/// Connections over TCP with TLS 1.3 and certificates on both sides, all on one thread of its own.
///
/// Why not CAF's own remoting, as the rest is CAF: measured with 0.17.6 and its OpenSSL module, while a
/// connect to a machine that swallows packets was under way (which takes the kernel two minutes to give up)
/// every other connect waited behind it for more than 40 s, for one actor makes them all, one after the
/// other, without a timeout: a node cut off would keep the rest of a cluster from finding itself again. The
/// bytes for a peer that is stopped pile up without a bound that we could see (300 MB, asked for at once),
/// lengths on the wire are believed, and no certificate is tied to a node. Here connects do not wait for each
/// other, queues are bounded and can be looked at, and a link is ended when its actor says so. Actors are as
/// location transparent with proxies of ours (`remote_shard.hpp`) as with CAF's.
///
/// On the wire: per envelope its length, four bytes, big endian, then its bytes. Integrity and secrecy are
/// TLS's. Certificates are read again for new connections, so they can be renewed without a restart.
class tls_transport : public transport {
 public:
  /// The port that is listened on.
  virtual std::uint16_t port() const = 0;
  /// Ends all connections and the thread. When it returns no sink is called any more, none is held, and what
  /// is asked of it afterwards is ignored: for whoever owns what the sinks lead to.
  virtual void stop() = 0;
};

/// Listens at once; accepts when told to. Throws `bad_certificate`, or `std::system_error` if the address is
/// not to be had.
std::unique_ptr<tls_transport> make_tls_transport(tls_transport_options options);

}  // namespace souk::links
