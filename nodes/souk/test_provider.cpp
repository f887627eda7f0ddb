#include "nodes/souk/test_provider.hpp"

#include "actors/gateway/http.hpp"
#include "actors/payment/provider_ledger.hpp"
#include "actors/payment/provider_server.hpp"
#include "nodes/souk/commands.hpp"
#include "runtime/seams/seams.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace souk::cli {
namespace {

gateway::listener_options parse_listen(std::string_view text) {
  gateway::listener_options options;
  const auto colon = text.rfind(':');
  const auto port = colon == std::string_view::npos ? std::string_view{} : text.substr(colon + 1);
  const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), options.port);
  if (port.empty() || ec != std::errc{} || end != port.data() + port.size())
    throw std::invalid_argument("--listen must look like 127.0.0.1:9090, not " + std::string{text});
  options.address = text.substr(0, colon);
  return options;
}

}  // namespace

int run_test_provider(const test_provider_options& options) {
  const auto listening = parse_listen(options.listen);
  // Before any thread is there, so that all of them leave the signals to this one.
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);

  const auto server =
      payment::make_provider_server(listening, payment::open_file_ledger(options.ledger),
                                    runtime::make_system_clock(), [](const std::string& what) {
                                      // What is on the disk is not known: the next start reads it.
                                      fmt::print(stderr, "souk: the ledger failed: {}\n", what);
                                      std::_Exit(exit_found_wrong);
                                    });
  fmt::print("SOUK_TEST_PROVIDER_READY {{\"http\":\"{}:{}\",\"pid\":{}}}\n", listening.address,
             server->port(), ::getpid());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&ends, &signal);
  return exit_fine;
}

}  // namespace souk::cli
