#include "tests/cluster/links/tls_node.hpp"

#include <unistd.h>

#include <cstdio>
#include <string>

/// A node with links and nothing behind them but an actor that answers. Lives until it is killed.
/// usage: linked_process NODE LISTEN FOLDER CLUSTER OTHER ADDRESS INCARNATION
int main(int count, char** arguments) {
  if (count != 8) return 2;
  const std::string folder = arguments[3];
  const std::string id = arguments[1];
  souk::cluster_test::tls_node node{
      id,
      arguments[2],
      {folder + "/" + id + ".pem", folder + "/" + id + ".key", folder + "/ca.pem"},
      arguments[4],
      {arguments[5], arguments[6]},
      std::stoull(arguments[7])};
  std::printf("%u\n", node.port());
  std::fflush(stdout);
  ::pause();
}
