#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace souk::cluster_test {

/// A real etcd of one or more members on loopback, with free ports and a data folder of its own; it ends with
/// the object, whatever became of the members. Throws `std::runtime_error` when it does not come up.
class etcd_process {
 public:
  /// `tls`: it speaks to clients with a certificate of its own CA alone.
  explicit etcd_process(std::size_t members = 1, bool tls = false);
  ~etcd_process();
  etcd_process(const etcd_process&) = delete;
  etcd_process& operator=(const etcd_process&) = delete;

  /// "127.0.0.1:port" of each member.
  std::vector<std::string> endpoints() const;

  /// With `tls`: a PEM text that a client needs, "ca.pem", "client.pem" or "client.key".
  std::string pem(const std::string& what) const;

  void pause(std::size_t member = 0);        ///< SIGSTOP.
  void resume(std::size_t member = 0);       ///< SIGCONT.
  void kill(std::size_t member = 0);         ///< kill -9.
  void start_again(std::size_t member = 0);  ///< With the same data; returns when it is ready to serve.

 private:
  struct member {
    std::string name;
    std::string client;  // "127.0.0.1:port"
    std::string peer;
    pid_t pid = 0;
    int ready = -1;  // a socket that etcd tells when it serves
  };

  void launch(member& started);
  void wait_until_ready(member& started);
  void end(member& ended);

  std::filesystem::path folder_;
  bool tls_;
  std::string initial_cluster_;
  std::vector<member> members_;
};

}  // namespace souk::cluster_test
