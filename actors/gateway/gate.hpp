#pragma once

#include "actors/gateway/http.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace souk::gateway {

/// Bounds of one request.
struct gate_limits {
  std::size_t head_bytes_max = 16 * 1024;
  std::size_t head_fields_max = 100;
  std::size_t target_bytes_max = 8'000;  ///< RFC 9110 asks for at least as many.
  std::size_t body_bytes_max = 1 << 20;
  /// Where the body may be larger, and goes to a file: its limit. Empty: nowhere.
  std::function<std::optional<std::size_t>(std::string_view method, std::string_view path)> spool_limit;
};

/// Why a request does not pass.
struct gate_refusal {
  std::string_view code;    ///< Of the problem table.
  std::string_view detail;  ///< One sentence for the developer who reads it.
  bool close = true;        ///< Where the next request begins is not known, or not trusted.
};

/// Reads HTTP/1.1 requests from a stream of bytes, strictly: what the RFCs do not allow, or leave to
/// interpretation, is refused, because two readers that differ about one byte are a hole. It has no
/// socket and no clock, and what it says does not depend on how the bytes are cut.
///
/// Feed it until it is `complete`, which it is after a refusal as well; then take the request and call
/// `next`. A refusal with `close` ends it for good. One without is a request that is well framed but will not
/// be handled: its body was read and dropped.
class gate {
 public:
  /// `limits` must outlive it.
  explicit gate(const gate_limits& limits) : limits_(limits) {}

  /// Takes bytes up to the end of the request and says how many.
  std::size_t feed(std::string_view bytes);

  bool complete() const { return progress_.state == state::complete; }
  /// No byte of a request has come yet.
  bool idle() const { return progress_.head_bytes == 0; }
  bool reading_body() const { return progress_.state >= state::body && !complete(); }
  const std::optional<gate_refusal>& refused() const { return refusal_; }

  /// From `reading_body` on: the client waits for a 100 before it sends the body.
  bool expects_continue() const { return progress_.expects_continue; }
  /// From `reading_body` on: the body is to go to a file, piece by piece.
  bool spools() const { return progress_.spools; }
  /// Bytes of body that were read so far.
  std::size_t body_bytes() const { return progress_.body_bytes; }
  /// How much of it was not taken yet.
  std::size_t buffered_bytes() const { return request_.body.size(); }
  /// What has come of the body since the last call.
  std::string take_body() { return std::exchange(request_.body, {}); }

  bool is_head() const { return request_.method == "HEAD"; }
  bool is_http_1_0() const { return progress_.minor_version == 0; }
  /// Whether the client lets the connection live on after this request.
  bool keeps_alive() const { return progress_.keeps_alive; }

  /// The request, when it is complete and not refused.
  http_request take() { return std::move(request_); }
  /// Makes ready for the next request.
  void next();

 private:
  enum class state : std::uint8_t {
    start,
    start_lf,
    method,
    target,
    version,
    version_lf,
    field_start,
    field_name,
    field_value,
    field_lf,
    head_lf,
    body,  ///< From here on the head is behind us.
    chunk_size,
    chunk_extension,
    chunk_size_lf,
    chunk_data,
    chunk_data_cr,
    chunk_data_lf,
    trailer_start,
    trailer_name,
    trailer_value,
    trailer_lf,
    end_lf,
    complete,
  };
  /// Where a chunk extension stands: `;name`, `;name=token`, `;name="quoted"`.
  enum class extension : std::uint8_t { name_start, name, value_start, value, quoted, escaped, quoted_end };

  /// How far one request has come.
  struct progress {
    gate::state state = gate::state::start;
    gate::extension extension = gate::extension::name_start;
    int minor_version = 1;
    bool drops_body = false;
    bool spools = false;
    bool expects_continue = false;
    bool keeps_alive = false;
    std::size_t empty_lines = 0;
    std::size_t head_bytes = 0;
    std::size_t body_bytes = 0;
    std::size_t body_bytes_max = 0;
    std::uint64_t left = 0;  ///< Of the body, or of the chunk.
    std::size_t chunk_digits = 0;
    std::size_t chunk_extension_bytes = 0;
    std::size_t chunks = 0;
    std::size_t trailer_bytes = 0;
    std::size_t trailer_fields = 0;
    bool name_empty = true;  ///< Of a trailer field.
  };

  struct framing;

  // Each takes bytes from `at` on and says where it stopped.
  const char* step(const char* at, const char* end);
  const char* step_head(const char* at, const char* end);
  const char* read_start(const char* at);
  const char* read_method(const char* at, const char* end);
  const char* read_target(const char* at, const char* end);
  const char* read_version(const char* at, const char* end);
  const char* read_field_start(const char* at);
  const char* read_field_name(const char* at, const char* end);
  const char* read_field_value(const char* at, const char* end);
  const char* read_body(const char* at, const char* end);
  const char* read_chunk_size(const char* at);
  const char* read_chunk_extension(const char* at);
  const char* read_trailer_start(const char* at);
  const char* read_trailer_name(const char* at);
  const char* read_trailer_value(const char* at);
  bool expect(char c, char wanted, state then);

  void end_method();
  void end_target();
  void end_version();
  void end_field();
  void end_head();
  void end_chunk_size();
  void begin_chunk();
  framing find_framing() const;
  bool check_host(const framing& framing);
  bool check_length(const framing& framing);
  bool check_coding(const framing& framing);
  void check_repeats(const framing& framing);
  void check_method();
  void check_path();
  void check_expectation(const framing& framing, bool has_body);
  bool limit_body(std::uint64_t length);

  /// Refuses for good.
  void fail(std::string_view code, std::string_view detail);
  void malformed(std::string_view detail) { fail("malformed_request", detail); }
  /// Refuses, but reads on: where the request ends is known.
  void decline(std::string_view code, std::string_view detail);

  const gate_limits& limits_;
  progress progress_;
  http_request request_;
  std::string target_;
  std::string version_;
  std::string authority_;  ///< Of a target in absolute form.
  std::optional<gate_refusal> refusal_;
};

}  // namespace souk::gateway
