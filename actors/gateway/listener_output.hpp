#pragma once

#include "actors/gateway/http.hpp"

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

namespace souk::gateway {

/// Bytes on their way to a client: small pieces run together, large bodies stay where they are.
class output_queue {
 public:
  /// Bodies above this size are not copied.
  static constexpr std::size_t copied_bytes_max = 16 * 1024;

  /// Where to append text.
  std::string& text();
  /// Appends a body.
  void append(std::string body);

  bool empty() const { return bytes_unsent() == 0; }
  std::size_t bytes_unsent() const;

  /// The pieces, the first one from `first_offset` on.
  const std::deque<std::string>& pieces() const { return pieces_; }
  std::size_t first_offset() const { return sent_; }
  /// Forgets bytes that were sent.
  void consume(std::size_t bytes);

 private:
  /// Buffers up to this size are kept for the next answer.
  static constexpr std::size_t kept_bytes_max = 64 * 1024;

  std::deque<std::string> pieces_;
  std::size_t sent_ = 0;       ///< Of the first piece.
  bool last_is_body_ = false;  ///< The last piece is a body of its own: text goes to a new one.
};

/// How one answer is framed.
struct answer_frame {
  bool head_only = false;  ///< To a HEAD request.
  bool close = false;
  bool http_1_0 = false;
  std::string_view common_fields;  ///< Server and Date, as lines.
};

/// Appends an answer: status line, fields, and the body unless its status or method has none. Control
/// characters in field values are percent-encoded, so that no value can end its line.
void append_answer(output_queue& out, http_response response, const answer_frame& frame);

}  // namespace souk::gateway
