#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// The seam between links and the network. The real side is `tls_transport.hpp`, the simulated one
/// `runtime/testkit/network.hpp`.
namespace souk::links {

/// What happens on a connection.
struct connection_event {
  enum class type { opened, received, closed };
  type what = type::opened;
  std::string name;                    ///< opened: whom the other side's certificate names.
  std::vector<std::string> envelopes;  ///< received: whole ones, in order. None: a long one is on its way.
  std::size_t bytes = 0;               ///< received: to be given back by `consumed`.
  std::string reason;                  ///< closed.
};

/// Takes the events of one connection, in order: `opened`, then any number of `received`, then `closed`; or
/// `closed` alone. Called by the transport on its own thread: hands on, does not work.
using connection_sink = std::function<void(connection_event)>;

/// One connection between two nodes. It delivers whole envelopes in order, or ends. All calls from any
/// thread; none waits.
class connection {
 public:
  virtual ~connection() = default;

  /// Queues an envelope, given in two parts. What is queued at once is sent at once.
  virtual void send(std::string_view stamp, std::string_view content) = 0;
  /// Bytes queued and not yet handed to the system.
  virtual std::size_t queued_bytes() const = 0;
  /// Bytes of `received` events that were dealt with: while too many are not, nothing more is read.
  virtual void consumed(std::size_t bytes) = 0;
  /// An accepted connection is read beyond its first envelope only when somebody has taken it up.
  virtual void adopt(connection_sink sink) = 0;
  /// Ends it at once. No event comes any more but those on their way.
  virtual void close() = 0;
  /// Ends it when what is queued is sent, or after a second. No event comes any more either.
  virtual void finish() = 0;
};
using connection_ptr = std::shared_ptr<connection>;

/// Takes the events of connections that others opened, until they are adopted.
using accept_sink = std::function<void(const connection_ptr&, connection_event)>;

/// Opens and accepts connections for one node. Any thread. After its end no sink is called.
class transport {
 public:
  virtual ~transport() = default;
  /// From now on connections are accepted.
  virtual void accept(accept_sink sink) = 0;
  /// Opens a connection to "host:port". Failure is a `closed` event, never an exception.
  virtual connection_ptr dial(const std::string& address, connection_sink sink) = 0;
};

}  // namespace souk::links
