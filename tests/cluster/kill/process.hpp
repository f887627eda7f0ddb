#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace souk::cluster_test {

/// A program of ours as a process of its own. It dies with the thread that started it.
class process {
 public:
  struct start_options {
    std::vector<std::string> command;      ///< The program and its arguments.
    std::vector<std::string> environment;  ///< "NAME=value", beside our own.
    std::filesystem::path log;             ///< Its standard error is appended here.
  };

  process() = default;
  process(const process&) = delete;
  process& operator=(const process&) = delete;
  ~process();

  /// Starts it and waits for the first line of its standard output, which it returns. Throws
  /// `std::runtime_error` if the process ends or `patience` is over before that line.
  std::string start(const start_options& options, std::chrono::seconds patience);

  /// Sends a signal and waits for the end; returns the exit code, or minus the signal that ended it.
  int end(int signal);

  /// What it wrote to its standard output after the first line; of one that has ended.
  const std::string& said() const { return said_; }

  bool running() const { return pid_ != 0; }
  pid_t pid() const { return pid_; }

 private:
  std::string read_line(int from, std::chrono::seconds patience);

  pid_t pid_ = 0;
  int output_ = -1;
  std::string said_;
};

}  // namespace souk::cluster_test
