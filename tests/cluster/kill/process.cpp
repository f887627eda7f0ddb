#include "tests/cluster/kill/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>

namespace souk::cluster_test {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (const std::string& text : texts)
    all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

int wait_for(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "waitpid");
  return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

process::~process() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  ::close(output_);
}

std::string process::start(const start_options& options, std::chrono::seconds patience) {
  std::vector<std::string> environment = options.environment;
  for (char** own = environ; *own != nullptr; ++own)
    environment.emplace_back(*own);
  const auto arguments = pointers(options.command);
  const auto variables = pointers(environment);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  const int log = ::open(options.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(log, STDERR_FILENO);
    ::execve(arguments[0], arguments.data(), variables.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  ::close(log);
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  pid_ = child;
  output_ = ends[0];
  return read_line(output_, patience);
}

std::string process::read_line(int from, std::chrono::seconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::string line;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd ready{from, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) == 0) {
      end(SIGKILL);
      throw std::runtime_error("did not say that it is ready within " + std::to_string(patience.count()) +
                               " s");
    }
    char c = 0;
    const ssize_t got = ::read(from, &c, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      const int code = end(0);
      throw std::runtime_error("ended (" + std::to_string(code) + ") before it was ready");
    }
    if (c == '\n') return line;
    line.push_back(c);
  }
}

int process::end(int signal) {
  if (signal != 0) ::kill(pid_, signal);
  const int code = wait_for(pid_);
  said_.clear();
  std::array<char, 4'096> piece{};
  pollfd ready{output_, POLLIN, 0};
  while (::poll(&ready, 1, 0) > 0) {
    const ssize_t got = ::read(output_, piece.data(), piece.size());
    if (got <= 0) break;
    said_.append(piece.data(), static_cast<std::size_t>(got));
  }
  ::close(output_);
  pid_ = 0;
  output_ = -1;
  return code;
}

}  // namespace souk::cluster_test
