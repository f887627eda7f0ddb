#include "tests/http/raw_client.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace souk::tests {

namespace {

constexpr int wait_ms = 10'000;

}  // namespace

std::optional<std::string> raw_answer::field(std::string_view name) const {
  std::size_t line = head.find("\r\n") + 2;
  while (line < head.size()) {
    const auto end = head.find("\r\n", line);
    const auto colon = head.find(": ", line);
    if (colon < end && colon - line == name.size() &&
        ::strncasecmp(head.data() + line, name.data(), name.size()) == 0)
      return head.substr(colon + 2, end - colon - 2);
    line = end + 2;
  }
  return std::nullopt;
}

raw_client::raw_client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::system_error(errno, std::generic_category(), "connect");
}

raw_client::~raw_client() { ::close(socket_); }

bool raw_client::wait(short events) const {
  pollfd waiting{socket_, events, 0};
  return ::poll(&waiting, 1, wait_ms) == 1;
}

bool raw_client::send(std::string_view bytes, const std::function<std::size_t()>& cut) {
  while (!bytes.empty()) {
    if (!wait(POLLOUT)) return false;
    const auto size = std::min(std::max<std::size_t>(cut(), 1), bytes.size());
    const auto sent = put(bytes.data(), size);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool raw_client::send(std::string_view bytes) {
  return send(bytes, [&] { return bytes.size(); });
}

std::size_t raw_client::send_some(std::string_view bytes) {
  const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

void raw_client::end() { ::shutdown(socket_, SHUT_WR); }

std::ptrdiff_t raw_client::put(const char* bytes, std::size_t size) {
  return ::send(socket_, bytes, size, MSG_NOSIGNAL);
}

std::ptrdiff_t raw_client::take(char* bytes, std::size_t size) {
  if (wait(POLLIN)) return ::recv(socket_, bytes, size, 0);
  errno = ETIMEDOUT;
  return -1;
}

bool raw_client::receive() {
  std::array<char, 65'536> piece;
  const auto count = take(piece.data(), piece.size());
  if (count <= 0) return false;
  buffer_.append(piece.data(), static_cast<std::size_t>(count));
  return true;
}

std::optional<raw_answer> raw_client::read(bool head_only) {
  std::size_t head_end = 0;
  while ((head_end = buffer_.find("\r\n\r\n")) == std::string::npos)
    if (!receive()) return std::nullopt;
  raw_answer answer;
  answer.head = buffer_.substr(0, head_end + 4);
  buffer_.erase(0, head_end + 4);
  answer.status = std::stoi(answer.head.substr(9, 3));
  const auto length = head_only ? 0 : std::stoul(answer.field("Content-Length").value_or("0"));
  while (buffer_.size() < length)
    if (!receive()) return std::nullopt;
  answer.body = buffer_.substr(0, length);
  buffer_.erase(0, length);
  return answer;
}

std::string raw_client::read_until(std::string_view last) {
  std::size_t at = 0;
  while ((at = buffer_.find(last)) == std::string::npos)
    if (!receive()) return std::exchange(buffer_, {});
  const auto text = buffer_.substr(0, at + last.size());
  buffer_.erase(0, at + last.size());
  return text;
}

bool raw_client::ends() {
  if (!buffer_.empty()) return false;
  std::array<char, 64> piece;
  const auto count = take(piece.data(), piece.size());
  return count == 0 || (count < 0 && errno == ECONNRESET);
}

}  // namespace souk::tests
