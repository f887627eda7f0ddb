#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace souk::tests {

/// An answer as it came over the wire.
struct raw_answer {
  int status = 0;
  std::string head;  ///< With the status line and the empty line.
  std::string body;

  /// The value of a field, or nothing.
  std::optional<std::string> field(std::string_view name) const;
};

/// A socket to a server on this machine that sends exactly the bytes it is told to. Every wait ends after
/// some seconds.
class raw_client {
 public:
  explicit raw_client(std::uint16_t port);
  raw_client(const raw_client&) = delete;
  raw_client& operator=(const raw_client&) = delete;
  virtual ~raw_client();

  /// Sends all of it, in pieces of the sizes that `cut` gives. False: the server closed before it had all.
  bool send(std::string_view bytes, const std::function<std::size_t()>& cut);
  bool send(std::string_view bytes);
  /// Sends as much as goes without waiting, and says how much.
  std::size_t send_some(std::string_view bytes);
  /// Nothing more will be sent.
  virtual void end();

  /// The next answer, or nothing if the connection ends. `head_only`: to a HEAD request.
  std::optional<raw_answer> read(bool head_only = false);
  /// What comes until `last` has come, with it; what came if the connection ends before.
  std::string read_until(std::string_view last);
  /// Whether the connection ends, with nothing more coming.
  bool ends();

 protected:
  /// Whether the socket gets so far in time.
  bool wait(short events) const;
  int socket() const { return socket_; }
  /// As send() and recv() of a socket that does not end the process.
  virtual std::ptrdiff_t put(const char* bytes, std::size_t size);
  virtual std::ptrdiff_t take(char* bytes, std::size_t size);

 private:
  bool receive();

  int socket_ = -1;
  std::string buffer_;
};

}  // namespace souk::tests
