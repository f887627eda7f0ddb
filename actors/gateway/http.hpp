#pragma once

#include "actors/gateway/client_address.hpp"

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::runtime {
class clock;
}

namespace souk::gateway {

/// The methods that pass the gate.
inline constexpr std::array<std::string_view, 6> served_methods{"GET", "HEAD",  "POST",
                                                                "PUT", "PATCH", "DELETE"};

/// A request as it passed the strict gate: complete, its head well-formed, its body within the limit.
struct http_request {
  std::string method;  ///< One of `served_methods`.
  std::string path;    ///< As sent, percent-encoding intact, without the query.
  std::string query;   ///< Without its "?", percent-encoding intact; empty for none.
  std::vector<std::pair<std::string, std::string>>
      fields;  ///< Names in lower case, values trimmed, in order.
  std::string body;
  std::string client;  ///< The address that it came from, as limits see it; empty: from within the node.
  /// The body's file instead of `body`, where the listener was told to spool and a body came. Written but not
  /// synced; the taker removes it.
  std::filesystem::path spooled;

  /// The first field of that (lower-case) name, or nothing.
  std::optional<std::string_view> field(std::string_view name) const;
};

/// Takes one piece of a body that goes on; any thread, at most once. An empty piece, and dropping it, end the
/// body.
class piece_taker {
 public:
  virtual ~piece_taker() = default;
  virtual void take(std::string piece) = 0;
};

/// A body that goes on for as long as both sides want it to. It is asked for its next piece when the client's
/// network has taken the one before: who reads slowly is told slowly, and never more than one piece waits.
class body_stream {
 public:
  virtual ~body_stream() = default;
  /// From the listener's thread: must not block.
  virtual void next(std::unique_ptr<piece_taker> taker) = 0;
};

/// Who may keep an answer, and what a browser may do with it. The listener has the fields that say so at
/// hand.
enum class answer_kind : std::uint8_t {
  personal,   ///< Of one customer or of staff, or an error: nobody keeps it.
  catalogue,  ///< Who got it may keep it, and asks by its ETag whether it still holds.
  page,       ///< As `catalogue`, and for people: it brings a Content-Security-Policy of its own.
};

/// An answer. Content-Length, Date, Connection and the like are the listener's.
struct http_response {
  int status = 200;
  answer_kind kind = answer_kind::personal;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  bool close = false;  ///< Close the connection after it.
  /// Set: what follows `body`, until the connection ends; dropped when it does.
  std::shared_ptr<body_stream> more = nullptr;
};

/// Takes the one answer to one request; any thread, at most once. Dropping it unanswered closes the
/// connection.
class responder {
 public:
  virtual ~responder() = default;
  virtual void respond(http_response response) = 0;
};

/// What a listener hands on, from its own thread: must not block.
using request_handler = std::function<void(http_request, std::unique_ptr<responder>)>;

/// Where a listener listens, beside its own address.
struct listener_address {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: any free one.
};

/// Limits of one listener. Each has a reason in docs/operators.md.
struct listener_options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;  ///< 0: any free one.
  std::size_t head_bytes_max = 16'384;
  std::size_t head_fields_max = 100;
  std::size_t body_bytes_max = 1 << 20;
  std::size_t connections_max = 10'000;
  /// Of one client address. As many as in all: no limit of its own.
  std::size_t connections_per_address_max = 10'000;
  std::size_t pipeline_max = 16;  ///< Requests of one connection read ahead of their answers.
  unsigned head_timeout_ms = 10'000;
  unsigned body_timeout_ms = 30'000;  ///< Begins anew as long as 500 bytes a second come.
  unsigned idle_timeout_ms = 75'000;
  unsigned write_timeout_ms = 30'000;
  /// For a request that may have a large body: the limit and the folder to spool it to. Empty: never.
  std::function<std::optional<std::size_t>(std::string_view method, std::string_view path)> spool_limit;
  std::filesystem::path spool_folder;
  /// Where proxies reach it, whose connections begin with a header of the PROXY protocol, version 2. Only
  /// those of trusted addresses are taken.
  std::optional<listener_address> proxied;
  /// Proxies that are believed what they say of who is behind them, there and in the field Forwarded.
  address_set trusted;
  /// Empty: the operating system's.
  std::shared_ptr<runtime::clock> clock;
  /// Told of each request that is refused before the handler could see it, as far as it was read, and of the
  /// answer. On the listener's thread; must not block or throw. May be empty.
  std::function<void(const http_request& request, const http_response& response)> on_refusal;
};

/// An HTTP/1.1 server on sockets with a thread of its own. Refuses, before the handler sees them, all
/// requests that are not exactly what the RFCs allow, as problem+json.
class listener {
 public:
  virtual ~listener() = default;
  virtual std::uint16_t port() const = 0;
  virtual std::uint16_t proxied_port() const = 0;  ///< 0: there is none.
  virtual std::size_t connections() const = 0;
  /// Refuses new connections, answers `Connection: close`, and returns when all running requests are answered
  /// or `timeout_ms` is over. Blocks its caller: for the process that stops, not for actors.
  virtual void drain(unsigned timeout_ms) = 0;
};

/// Binds and starts. Throws `std::system_error` with the address in its text.
std::unique_ptr<listener> make_listener(const listener_options& options, request_handler handler);

}  // namespace souk::gateway
