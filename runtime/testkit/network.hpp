#pragma once

#include "runtime/links/transport.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace souk::runtime::testkit {

/// A network in one thread, in virtual time: what real connections do, and what goes wrong with them, when a
/// test says so. Like TCP it keeps what it cannot deliver and delivers in order, unless told to lose it.
///
/// Every direction between two nodes is a way of its own: a to b may be cut while b to a is not.
class network {
 public:
  using time = std::chrono::nanoseconds;

  /// `now`: virtual time. It must not run backwards.
  explicit network(std::function<time()> now);
  ~network();
  network(const network&) = delete;
  network& operator=(const network&) = delete;

  /// A process of this node starts and listens at `address`. Its certificate names `certified`, as a rule the
  /// node itself.
  std::unique_ptr<links::transport> start(const std::string& node, const std::string& address,
                                          const std::string& certified = {});
  /// The process is gone: others see their connections end, if the ways to them are open.
  void kill(const std::string& node);

  /// Everything from one node to another takes so long from now on; 100 µs otherwise.
  void delay(const std::string& from, const std::string& to, time latency);
  /// What goes this way waits until the way is open again.
  void cut(const std::string& from, const std::string& to);
  void open(const std::string& from, const std::string& to);
  /// Both ways.
  void part(const std::string& one, const std::string& other);
  void join(const std::string& one, const std::string& other);
  /// Ends all connections between the two, seen by both at once.
  void reset(const std::string& one, const std::string& other);
  /// Ends the connection that the envelope after so many further ones is sent on, with that envelope, unseen
  /// by whoever sent it until then: as if a process or a cable were gone.
  void reset_at(std::uint64_t envelopes);
  /// Envelopes sent so far.
  std::uint64_t envelopes() const;
  /// Loses the next envelopes that are sent this way, which no real network does unseen.
  void lose(const std::string& from, const std::string& to, std::size_t envelopes);
  /// Delivers the next two envelopes that are sent this way in the wrong order.
  void swap(const std::string& from, const std::string& to);

  /// Delivers all that is due. Answers whether anything was.
  bool deliver();
  /// When the next thing is due, if anything is on its way.
  std::optional<time> next_due() const;

 private:
  friend class simulated_transport;
  friend class simulated_connection;
  struct core;
  std::shared_ptr<core> core_;
};

}  // namespace souk::runtime::testkit
