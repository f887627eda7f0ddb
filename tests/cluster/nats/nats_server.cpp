#include "tests/cluster/nats/nats_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <nats/nats.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace souk::cluster_test {

namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds patience{20};

std::uint16_t free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  if (::bind(socket, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0)
    throw std::runtime_error("no free port");
  ::close(socket);
  return ntohs(address.sin_port);
}

bool takes_connections(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  const bool taken = ::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  ::close(socket);
  return taken;
}

void check(natsStatus status, const char* what) {
  if (status != NATS_OK) throw std::runtime_error(fmt::format("{}: {}", what, natsStatus_GetText(status)));
}

stored_message message_of(natsMsg* message) {
  const char* id = nullptr;
  (void)natsMsgHeader_Get(message, "Nats-Msg-Id", &id);
  return {natsMsg_GetSubject(message),
          id == nullptr ? "" : id,
          {natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message))}};
}

}  // namespace

nats_server::nats_server(std::string more) : port_(free_port()) {
  std::string pattern = (fs::temp_directory_path() / "souk-nats-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
  folder_ = pattern;
  std::ofstream{folder_ / "server.conf"}
      << fmt::format("listen: 127.0.0.1:{}\njetstream {{ store_dir: \"{}\" }}\n{}\n", port_,
                     (folder_ / "store").string(), more);
}

nats_server::~nats_server() {
  if (server_.running()) kill();
  fs::remove_all(folder_);
}

void nats_server::start() {
  // It says nothing on its standard output, which is what a process is waited by.
  const auto command = fmt::format("echo starts; exec {} -c {} -l {}", NATS_SERVER,
                                   (folder_ / "server.conf").string(), (folder_ / "server.log").string());
  server_.start({.command = {"/bin/sh", "-c", command}, .environment = {}, .log = folder_ / "stderr.log"},
                patience);
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!takes_connections(port_)) {
    if (std::chrono::steady_clock::now() > until) throw std::runtime_error("nats-server does not listen");
    ::poll(nullptr, 0, 10);
  }
}

void nats_server::kill() { server_.end(SIGKILL); }

std::string nats_server::url(const std::string& scheme) const {
  return fmt::format("{}://127.0.0.1:{}", scheme, port_);
}

std::vector<stored_message> nats_server::messages(const std::string& stream) const {
  natsConnection* connection = nullptr;
  check(natsConnection_ConnectTo(&connection, url().c_str()), "connect");
  jsCtx* context = nullptr;
  check(natsConnection_JetStream(&context, connection, nullptr), "JetStream");
  jsStreamInfo* info = nullptr;
  std::vector<stored_message> found;
  const auto status = js_GetStreamInfo(&info, context, stream.c_str(), nullptr, nullptr);
  if (status == NATS_OK) {
    // Of an empty stream both are 0, which is no message's number.
    for (auto sequence = std::max<std::uint64_t>(info->State.FirstSeq, 1); sequence <= info->State.LastSeq;
         ++sequence) {
      natsMsg* message = nullptr;
      check(js_GetMsg(&message, context, stream.c_str(), sequence, nullptr, nullptr), "message");
      found.push_back(message_of(message));
      natsMsg_Destroy(message);
    }
    jsStreamInfo_Destroy(info);
  }
  jsCtx_Destroy(context);
  natsConnection_Destroy(connection);
  return found;
}

}  // namespace souk::cluster_test
