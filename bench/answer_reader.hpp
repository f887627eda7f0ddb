#pragma once

#include "bench/http_client.hpp"

#include <boost/json/monotonic_resource.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/value.hpp>

#include <array>
#include <optional>

namespace souk::bench {

/// Reads the JSON of one answer after the other in one block of memory, so that a load generator that looks
/// at every answer costs little beside the server it measures. One thread.
class answer_reader {
 public:
  answer_reader() = default;
  answer_reader(const answer_reader&) = delete;
  answer_reader& operator=(const answer_reader&) = delete;

  /// The body of an answer, null if it is not JSON; valid until the next call.
  const boost::json::value& read(const http_answer& answer);

 private:
  // Holds an answer with a few dozen lines; larger ones take more from the heap.
  std::array<unsigned char, 64 * 1024> memory_{};
  std::optional<boost::json::monotonic_resource> resource_;
  std::optional<boost::json::value> value_;
  boost::json::parser parser_;
};

}  // namespace souk::bench
