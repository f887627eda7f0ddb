// soukd: one node of a shop.

#include "nodes/config/config.hpp"
#include "nodes/soukd/https.hpp"
#include "nodes/soukd/privileges.hpp"
#include "nodes/soukd/service.hpp"
#include "nodes/soukd/tokens.hpp"
#include "runtime/telemetry/log.hpp"

#include <CLI/CLI.hpp>
#include <pthread.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <utility>

namespace {

constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

struct arguments {
  std::string config;
  souk::config::overrides overrides;
  bool test_mode = false;
  bool insecure_loopback = false;
  bool alone = false;
};

/// The same shop on one node: no etcd, a provider of its own.
souk::config::settings alone(souk::config::settings settings) {
  settings.cluster.coordinator = "embedded";
  settings.payments.test.url.clear();
  return settings;
}

// Signals are taken by the main thread alone, one at a time, so nothing runs inside a handler.
sigset_t block_signals() {
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGINT);
  sigaddset(&ending, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return ending;
}

int run(const arguments& arguments) {
  const auto ending = block_signals();
  auto settings =
      arguments.config.empty() ? souk::config::settings{} : souk::config::load_settings(arguments.config);
  if (arguments.alone) settings = alone(std::move(settings));
  auto node = souk::config::choose_node(settings, arguments.overrides);
  souk::config::refuse_unprotected(settings, node, arguments.insecure_loopback);
  // Before any file is opened: whoever is to open it again later must be able to.
  if (!settings.process.user.empty()) souk::nodes::become(settings.process.user, node);
  souk::nodes::refuse_bad_https(settings, node, arguments.config);
  souk::nodes::refuse_bad_tokens(settings, arguments.config);
  souk::log::start(souk::log::level_of(settings.log.level).value_or(souk::log::level::info),
                   souk::log::format_of(settings.log.format).value_or(souk::log::format::automatic));
  if (souk::nodes::runs_as_root()) souk::log::warn("runs as root: process.user names whom to become instead");

  souk::nodes::service_options options;
  options.settings = settings;
  options.node = node;
  options.test_mode = arguments.test_mode;
  options.on_fatal = [](const std::string& reason) {
    souk::log::error("the node cannot go on", {{"reason", reason}});
    souk::log::stop();
    std::_Exit(exit_failed);
  };
  options.told_to_end = [] {
    sigset_t waiting;
    return sigpending(&waiting) == 0 &&
           (sigismember(&waiting, SIGINT) == 1 || sigismember(&waiting, SIGTERM) == 1);
  };
  auto service = souk::nodes::start_service(std::move(options));
  const auto& at = service->addresses();
  const auto https = at.https.empty() ? std::string{} : R"("https":")" + at.https + R"(",)";
  const auto marketplace =
      at.marketplace.empty() ? std::string{} : R"("marketplace":")" + at.marketplace + R"(",)";
  std::printf(R"(SOUK_READY {"node":"%s","http":"%s",%s%s"admin":"%s","pid":%d})"
              "\n",
              node.id.c_str(), at.http.c_str(), https.c_str(), marketplace.c_str(), at.admin.c_str(),
              getpid());
  std::fflush(stdout);

  int signal_number = 0;
  sigwait(&ending, &signal_number);
  souk::log::info("ending", {{"signal", signal_number}});
  service->stop();
  service.reset();
  souk::log::stop();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  arguments arguments;
  CLI::App app{"soukd: one node of a Souk shop"};
  app.add_option("--config", arguments.config, "cluster.conf; without it the defaults hold");
  app.add_option("--node", arguments.overrides.node, "which node of cluster.conf this is");
  app.add_option("--data", arguments.overrides.data, "its data folder");
  app.add_option("--http", arguments.overrides.http, "where clients come in, as 127.0.0.1:8080; port 0: any");
  app.add_option("--https", arguments.overrides.https, "where clients come in by TLS, with http.tls");
  app.add_option("--admin", arguments.overrides.admin, "where health and metrics are shown");
  app.add_option("--marketplace", arguments.overrides.marketplace,
                 "where clients of the Online Marketplace benchmark come in, without any key");
  app.add_option("--link", arguments.overrides.link, "where the other nodes reach this one");
  app.add_flag("--alone", arguments.alone,
               "one node that owns all, whatever cluster.conf says of a cluster and of the test provider");
  app.add_flag("--insecure-loopback", arguments.insecure_loopback,
               "for tests: a cluster on 127.0.0.1 without certificates");
  app.add_flag("--test-mode", arguments.test_mode,
               "open the routes under /v1/test that break things on purpose");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : exit_usage;
  }
  try {
    return run(arguments);
  } catch (const souk::config::config_error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return exit_usage;
  } catch (const souk::nodes::start_given_up&) {
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "soukd: %s\n", error.what());
    return exit_failed;
  }
}
