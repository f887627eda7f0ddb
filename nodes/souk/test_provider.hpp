#pragma once

#include <string>

namespace souk::cli {

struct test_provider_options {
  std::string listen = "127.0.0.1:9090";  ///< Port 0: any free one.
  std::string ledger = "./test-provider.ledger";
};

/// Runs the payment provider of tests as a process of its own until SIGINT or SIGTERM. Prints
/// `SOUK_TEST_PROVIDER_READY {"http":"127.0.0.1:9090","pid":123}` when it serves. Throws
/// `std::invalid_argument` for an address that is none, `std::system_error` for one that cannot be had.
int run_test_provider(const test_provider_options& options);

}  // namespace souk::cli
