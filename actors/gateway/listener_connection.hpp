#pragma once

#include "actors/gateway/gate.hpp"
#include "actors/gateway/http.hpp"
#include "actors/gateway/listener_output.hpp"
#include "actors/gateway/listener_spool.hpp"
#include "actors/gateway/tls_session.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace souk::gateway {

class connection;

/// What came of one request of one connection: an answer, or nothing if it was dropped. Or a piece of the
/// body that goes on.
struct completion {
  std::shared_ptr<connection> to;
  std::uint64_t sequence = 0;
  std::optional<http_response> response;
  std::optional<std::string> piece = std::nullopt;
};

/// What the connections of one listener share. All of it belongs to the listener's thread, but for the inbox.
struct listener_core {
  listener_core(listener_options listening, std::optional<tls_options> serving_tls, request_handler handling);

  /// Hands on an answer. Any thread. Many answers make one wake-up.
  void complete(completion done);
  /// Takes no more answers.
  void stop_completions();
  /// A connection that had requests, or could get some, will have none any more.
  void connection_ended();
  /// How many too many a client has with one more.
  std::size_t beyond_its_own(const std::string& client) const;
  /// Tells the drainer, if there is one and nothing is left.
  void end_drain();
  /// An id for a request that brought none.
  std::string make_request_id();
  /// Reads the clock for all connections.
  void read_clock();

  const listener_options options;
  const std::optional<tls_options> tls_settings;
  const gate_limits limits;
  request_handler handler;
  boost::asio::io_context io{1};  // one thread runs it
  /// Writes spooled bodies; there only if some are.
  std::optional<boost::asio::thread_pool> spooler;
  /// Makes handshakes, whose signatures would keep others waiting, and reads certificates; there only with
  /// TLS.
  std::optional<boost::asio::thread_pool> handshaker;
  std::shared_ptr<const tls_identity> identity;
  tls_figures tls;
  std::vector<char> scratch;  ///< What a connection reads into.
  std::chrono::milliseconds now{0};
  std::string common_fields;
  std::string tls_common_fields;
  std::vector<std::shared_ptr<connection>> connections;
  std::unordered_map<std::string, std::size_t> connections_of;  ///< By client; never 0.
  std::atomic<std::size_t> connection_count = 0;
  std::size_t serving = 0;  ///< Connections that may still have requests.
  bool refuses = false;     ///< An answer of this round was a 503.
  bool draining = false;
  std::optional<std::promise<void>> drained;

 private:
  void deliver();

  std::int64_t date_seconds_ = -1;
  std::uint64_t request_ids_ = 0;
  std::string request_id_prefix_;
  std::mutex inbox_mutex_;
  std::vector<completion> inbox_;
  bool inbox_closed_ = false;
};

/// One client: reads requests through a gate, hands them on, and writes the answers in the order of the
/// requests. Belongs to the listener's thread.
///
/// It reads only while it has room for what comes: at most `pipeline_max` requests wait for their answers,
/// and at most `unsent_bytes_max` of answers wait for the client. So a slow reader stops being read.
class connection : public std::enable_shared_from_this<connection> {
 public:
  /// `tls`: nothing on a plain connection. `proxied`: it begins with the header of a proxy.
  connection(std::shared_ptr<listener_core> core, boost::asio::ip::tcp::socket socket,
             std::shared_ptr<const tls_identity> tls, bool proxied);

  void start();
  /// The answer to a request. `pump` follows.
  void answer(std::uint64_t sequence, std::optional<http_response> response);
  /// The next piece of the body that goes on; an empty one ends it. `pump` follows.
  void add(std::string piece);
  /// Does what can be done now: writes, goes on reading, closes.
  void pump();
  /// Looks whether something has taken too long.
  void tick();
  /// Ends it as soon as what it was asked is answered.
  void drain();
  void close();
  /// Answers 503 and closes: there are too many connections, as `why` says in a sentence.
  void turn_away(std::string_view why);

  /// Since when it has waited for a request, if it does.
  std::optional<std::chrono::milliseconds> idle_since() const;

  /// Whose it is, as limits see it.
  const std::string& client() const { return client_; }
  /// Whether its other end is a proxy that is believed.
  bool from_trusted() const { return from_trusted_; }

  std::size_t position = 0;  ///< Among the listener's connections.

 private:
  static constexpr std::size_t unsent_bytes_max = 256 * 1024;
  static constexpr std::size_t spool_piece_bytes = 256 * 1024;
  /// How long, and for how many bytes, a closing connection waits for the client to have read its answer:
  /// closing it with bytes unread would make the network throw the answer away.
  static constexpr std::chrono::milliseconds linger_time{2'000};
  static constexpr std::size_t linger_bytes_max = 4 << 20;
  /// A body that comes slower is a client that holds a connection for the sake of it.
  static constexpr std::size_t body_bytes_per_second_min = 500;

  /// One request that is not answered yet, or whose turn has not come.
  struct exchange {
    std::optional<http_response> response;
    bool dropped = false;
    bool head_only = false;
    bool http_1_0 = false;

    bool settled() const { return response || dropped; }
  };

  void wait_for_handshake(boost::asio::socket_base::wait_type what);
  void step_handshake();
  void on_handshake(tls_session::outcome outcome);
  /// Like the socket's; by TLS at most one record, of the first buffer.
  std::size_t read_some(boost::system::error_code& ec);
  std::size_t write_some(std::span<const boost::asio::const_buffer> buffers, boost::system::error_code& ec);
  void close_socket();
  bool can_take() const;
  void arm_read();
  void on_readable();
  /// Feeds the gate and returns what it may not have yet.
  std::string_view consume(std::string_view bytes);
  /// Takes the header of a proxy from what came first. Gives what follows it; nothing until it is whole.
  std::string_view take_proxy_header(std::string_view bytes);
  /// Whose request this is.
  std::string client_of(const http_request& request) const;
  void note_progress();
  void finish_request();
  void refuse(const gate_refusal& refusal);
  void spool_piece();
  void on_spooled(bool written);
  void advance();
  void send(exchange done, bool close);
  /// False: it is closed.
  bool flush();
  /// Asks for the next piece, if all before it is sent.
  void ask_for_more();
  void watch_reader();
  void arm_write();
  void linger();
  void discard();
  void end_service();
  void check_body_rate();

  const std::shared_ptr<listener_core> core_;
  boost::asio::ip::tcp::socket socket_;
  std::string peer_;  ///< The address of the other end, or of whom a proxy says that it is.
  std::string client_;
  std::string proxy_bytes_;  ///< Of a header that is not whole.
  std::optional<tls_session> tls_;
  gate gate_;
  std::string pending_;  ///< Bytes that were read but that the gate may not have yet.
  std::vector<exchange> exchanges_;
  std::uint64_t first_sequence_ = 0;  ///< Of exchanges_.front().
  output_queue out_;
  std::shared_ptr<spool_file> spool_;
  std::shared_ptr<body_stream> more_;  ///< The body that goes on; nothing else is read or answered then.
  bool asked_for_more_ = false;
  std::chrono::milliseconds since_{0};  ///< When the present phase of reading began.
  std::chrono::milliseconds written_at_{0};
  std::chrono::milliseconds linger_until_{0};
  std::size_t lingered_bytes_ = 0;
  std::size_t body_bytes_seen_ = 0;  ///< At `since_`.
  bool from_trusted_ = false;
  bool awaits_proxy_ = false;
  bool handshaking_ = false;
  bool stepping_ = false;          ///< A step of the handshake is under way: the socket is not ours.
  bool read_wants_write_ = false;  ///< TLS has something to send before it can go on reading.
  bool in_request_ = false;        ///< A request has begun to come.
  bool in_body_ = false;
  bool continue_due_ = false;
  bool spooling_ = false;
  bool reading_ = false;  ///< A wait for readability is under way.
  bool writing_ = false;  ///< A wait for writability is under way.
  bool eof_ = false;
  bool closing_ = false;  ///< No request is taken any more.
  bool lingering_ = false;
  bool closed_ = false;
  bool served_ = true;  ///< Counted in core_->serving.
};

}  // namespace souk::gateway
