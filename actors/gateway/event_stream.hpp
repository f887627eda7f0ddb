#pragma once

#include "actors/gateway/call.hpp"
#include "actors/gateway/event_merge.hpp"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

/// Events that are told to a client as they come, over a connection that stays: server-sent events, of
/// `GET /v1/events/stream`. They are read as pages of the feed are, a page for each piece of the body.
namespace souk::gateway {

/// How often a reader's shards are asked while nothing happens. What a reader who waits costs each shard is
/// two short looks a second.
inline constexpr std::chrono::milliseconds stream_poll{500};
/// A reader who has heard nothing for so long is told where it is: proxies close what is silent, and one who
/// has gone is noticed by it.
inline constexpr std::chrono::seconds stream_heartbeat{15};
/// Events in one piece, and so what waits at most for a slow reader.
inline constexpr std::uint32_t stream_page = 100;

/// How many may follow at a time. Any thread.
class stream_places {
 public:
  explicit stream_places(std::size_t most) : most_(most) {}
  /// A place, given back when it is dropped; null: all are taken. The places outlive it.
  static std::shared_ptr<void> take(const std::shared_ptr<stream_places>& places);
  std::size_t taken() const { return taken_; }

 private:
  const std::size_t most_;
  std::atomic<std::size_t> taken_ = 0;
};

/// Who follows: what it asked, and how far it is. Belongs to the gateway that took its request, but for
/// `gone`.
struct event_reader {
  gateway::call call;
  event_filter filter;
  event_positions at;
  std::chrono::nanoseconds heard_at{};  ///< When it was told something last, by the steady clock.
  bool ended = false;                   ///< It was told why there is no more.
  std::atomic<bool> gone = false;       ///< Its connection is closed.
  std::shared_ptr<void> place;
};

/// listener → gateway, through the body that goes on: its reader can take the next piece.
struct event_pull {
  std::shared_ptr<event_reader> reader;
  std::shared_ptr<piece_taker> taker;
};

/// The body of one reader's answer.
class event_stream final : public body_stream {
 public:
  explicit event_stream(std::shared_ptr<event_reader> reader) : reader_(std::move(reader)) {}
  event_stream(const event_stream&) = delete;
  event_stream& operator=(const event_stream&) = delete;
  ~event_stream() override { reader_->gone = true; }

  void next(std::unique_ptr<piece_taker> taker) override { pull({reader_, std::move(taker)}); }
  const std::shared_ptr<event_reader>& reader() const { return reader_; }

  /// Hands a pull to the gateway; set by it before the answer leaves.
  std::function<void(event_pull)> pull;

 private:
  std::shared_ptr<event_reader> reader_;
};

/// Asks for a reader's next piece: an answer whose body is text/event-stream, empty if there is nothing now.
step read_on(const std::shared_ptr<event_reader>& reader, const services& services);

/// Where a reader is, for who has heard nothing for long: a comment, and an id that it can go on from.
std::string heartbeat_of(const event_reader& reader, const services& services);

/// The last that a reader hears: an event of the type `error` with the problem.
std::string farewell(std::string_view problem);

}  // namespace souk::gateway
