#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace souk::nats {

/// An event as NATS gets it.
struct publication {
  std::string subject;  ///< Of NATS: "souk.main.order.placed.v1".
  std::string id;       ///< Of the event: within its duplicate window the stream keeps one of each.
  std::string body;     ///< JSON.
};

/// What came of it.
struct publish_result {
  enum class kind : std::uint8_t {
    stored,     ///< The stream has it on its disks, as it promises.
    duplicate,  ///< It had it already.
    refused,    ///< The stream says no to this event.
    away,       ///< Nobody answered, or nobody could: NATS is not there, or not ready.
  };
  kind what = kind::away;
  std::string why;  ///< Of the last two, for people.
};

/// The way to a stream of NATS. Any thread.
class stream_link {
 public:
  using result_handler = std::function<void(publish_result)>;

  virtual ~stream_link() = default;

  /// Publishes once, and hands what came of it to `then`, at most once, on any thread. A link may stay
  /// silent: then it is never called, or late.
  virtual void publish(publication publication, result_handler then) = 0;
};

}  // namespace souk::nats
