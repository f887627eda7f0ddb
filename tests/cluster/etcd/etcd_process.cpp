#include "tests/cluster/etcd/etcd_process.hpp"

#include "runtime/links/certificate_folder.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace souk::cluster_test {
namespace {

constexpr std::chrono::seconds patience{30};

std::system_error failure(const char* what) { return {errno, std::generic_category(), what}; }

// Held until the process may take it.
class free_port {
 public:
  free_port() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_, generic, size) != 0 || ::getsockname(socket_, generic, &size) != 0)
      throw failure("no free port");
    number_ = ntohs(address.sin_port);
  }
  ~free_port() { ::close(socket_); }
  free_port(const free_port&) = delete;
  free_port& operator=(const free_port&) = delete;

  std::string endpoint() const { return "127.0.0.1:" + std::to_string(number_); }

 private:
  int socket_;
  int number_ = 0;
};

std::filesystem::path new_folder() {
  auto pattern = (std::filesystem::temp_directory_path() / "souk-etcd-XXXXXX").string();
  if (!::mkdtemp(pattern.data())) throw failure("mkdtemp");
  return pattern;
}

// What a service manager would listen on: etcd says there when it serves.
int listen_for_readiness(const std::filesystem::path& path) {
  std::filesystem::remove(path);
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  if (::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) throw failure("bind");
  return socket;
}

}  // namespace

etcd_process::etcd_process(std::size_t members, bool tls) : folder_(new_folder()), tls_(tls) {
  if (tls_) links::fill_certificate_folder({.folder = folder_, .nodes = {"client"}});
  {
    std::vector<free_port> ports(2 * members);
    for (std::size_t i = 0; i < members; ++i) {
      member next{.name = "m" + std::to_string(i),
                  .client = ports[2 * i].endpoint(),
                  .peer = ports[2 * i + 1].endpoint()};
      if (i > 0) initial_cluster_ += ',';
      initial_cluster_ += next.name + "=http://" + next.peer;
      members_.push_back(std::move(next));
    }
  }
  for (auto& each : members_)
    launch(each);
  for (auto& each : members_)
    wait_until_ready(each);
}

etcd_process::~etcd_process() {
  for (auto& each : members_)
    end(each);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

std::vector<std::string> etcd_process::endpoints() const {
  std::vector<std::string> all;
  for (const auto& each : members_)
    all.push_back(each.client);
  return all;
}

std::string etcd_process::pem(const std::string& what) const {
  std::ifstream in{folder_ / what};
  return {std::istreambuf_iterator<char>{in}, {}};
}

void etcd_process::pause(std::size_t member) { ::kill(members_.at(member).pid, SIGSTOP); }
void etcd_process::resume(std::size_t member) { ::kill(members_.at(member).pid, SIGCONT); }
void etcd_process::kill(std::size_t member) { end(members_.at(member)); }
void etcd_process::start_again(std::size_t member) {
  launch(members_.at(member));
  wait_until_ready(members_.at(member));
}

void etcd_process::launch(member& started) {
  const auto socket = folder_ / (started.name + ".ready");
  started.ready = listen_for_readiness(socket);
  const std::string clients = (tls_ ? "https://" : "http://") + started.client;
  std::vector<std::string> arguments{"etcd",
                                     "--name=" + started.name,
                                     "--data-dir=" + (folder_ / started.name).string(),
                                     "--listen-client-urls=" + clients,
                                     "--advertise-client-urls=" + clients,
                                     "--listen-peer-urls=http://" + started.peer,
                                     "--initial-advertise-peer-urls=http://" + started.peer,
                                     "--initial-cluster=" + initial_cluster_,
                                     "--initial-cluster-state=new",
                                     "--logger=zap",
                                     "--log-outputs=stderr"};
  if (tls_) {
    arguments.push_back("--cert-file=" + (folder_ / "etcd.pem").string());
    arguments.push_back("--key-file=" + (folder_ / "etcd.key").string());
    arguments.push_back("--trusted-ca-file=" + (folder_ / "ca.pem").string());
    arguments.push_back("--client-cert-auth");
  }
  std::vector<char*> pointers;
  for (const auto& argument : arguments)
    pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  const auto log = (folder_ / (started.name + ".log")).string();
  const auto notify = "NOTIFY_SOCKET=" + socket.string();

  const pid_t child = ::fork();
  if (child < 0) throw failure("fork");
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int file = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(file, STDOUT_FILENO);
    ::dup2(file, STDERR_FILENO);
    ::putenv(const_cast<char*>(notify.c_str()));
    ::execvp(pointers[0], pointers.data());
    ::_exit(127);
  }
  started.pid = child;
}

void etcd_process::wait_until_ready(member& started) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd readable{started.ready, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&readable, 1, static_cast<int>(left.count())) <= 0)
      throw std::runtime_error("etcd " + started.name + " is not ready in time; its log is in " +
                               folder_.string());
    char text[256];
    const auto size = ::recv(started.ready, text, sizeof(text), 0);
    if (size > 0 &&
        std::string_view{text, static_cast<std::size_t>(size)}.find("READY=1") != std::string_view::npos)
      return;
  }
}

void etcd_process::end(member& ended) {
  if (ended.pid == 0) return;
  ::kill(ended.pid, SIGKILL);
  while (::waitpid(ended.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  ::close(ended.ready);
  ended.pid = 0;
  ended.ready = -1;
}

}  // namespace souk::cluster_test
