#pragma once

#include "actors/webhook/target.hpp"
#include "runtime/seams/seams.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace souk::webhook {

/// A POST to a receiver.
struct posting {
  std::string url;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;  ///< JSON.
};

/// What came of it.
struct post_result {
  int status = 0;           ///< 0: no answer came.
  std::string failure;      ///< Then: why, for people; never anything that a receiver said.
  std::string retry_after;  ///< The field's value, or empty.
};

/// The way to receivers. Any thread.
class courier {
 public:
  using result_handler = std::function<void(post_result)>;

  virtual ~courier() = default;

  /// Makes one request, follows nothing, and hands what came of it to `then`, at most once, on any thread. A
  /// receiver may stay silent: then it is never called, or late.
  virtual void post(posting posting, result_handler then) = 0;
};

struct http_courier_options {
  target_rules rules;
  /// Requests under way at a time, over all endpoints; further ones wait, within their time.
  std::size_t connections_max = 256;
  /// From the name to the end of the answer's head: receivers should answer first and work later.
  std::chrono::milliseconds timeout{15'000};
  /// Of an answer's head; its body is not read at all.
  std::uint32_t head_bytes_max = 8u << 10;
  /// Certificates that are trusted, PEM; empty: the system's.
  std::filesystem::path ca;
};

/// Over HTTP/1.1 and sockets, each request on a connection of its own, with a thread of its own. A name is
/// resolved once for each request; every address is held against the rules, and the connection goes to an
/// address that passed, not to the name. Servers of https must show a certificate for the name.
/// Throws `std::runtime_error` if `ca` cannot be read.
std::unique_ptr<courier> make_http_courier(const http_courier_options& options,
                                           std::shared_ptr<runtime::clock> clock);

}  // namespace souk::webhook
