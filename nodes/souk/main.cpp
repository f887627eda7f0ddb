#include "nodes/souk/backup.hpp"
#include "nodes/souk/bench_commands.hpp"
#include "nodes/souk/certs.hpp"
#include "nodes/souk/cluster_commands.hpp"
#include "nodes/souk/commands.hpp"
#include "nodes/souk/simulate.hpp"
#include "nodes/souk/test_provider.hpp"
#include "runtime/mutant.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>

namespace souk::cli {
namespace {

constexpr int jobs_max = 1024;
constexpr int nodes_max = 26;  // called a to z

// The command line: options are bound to plain structs, and the command that was named becomes `chosen`.
class command_line {
 public:
  command_line() {
    app_.require_subcommand(1);
    app_.fallthrough();  // global options may follow the command
    app_.add_option("--url", settings_.url, "Where the shop listens")->capture_default_str();
    app_.add_option("--key-file", settings_.key_file, "The file with the secret key")->capture_default_str();
    app_.add_flag("--json", settings_.json, "Answer for machines");
    app_.footer("Exits 0 for fine, 1 for found wrong, 2 for usage, 3 for unreachable.");
    add_looks();
    add_verify();
    add_backup();
    add_keys();
    add_goods();
    add_test_provider();
    add_simulate();
    add_certs();
    add_cluster();
    add_bench(app_, bench_, settings_, [this](std::function<int()> run) { chosen_ = std::move(run); });
  }

  CLI::App& app() { return app_; }
  int run() const { return chosen_(); }

 private:
  CLI::App* command(CLI::App& parent, const std::string& name, const std::string& purpose,
                    std::function<int()> run) {
    CLI::App* added = parent.add_subcommand(name, purpose);
    added->callback([this, run = std::move(run)] { chosen_ = run; });
    return added;
  }

  void add_looks() {
    command(app_, "status", "What a node says of itself", [this] { return show_status(settings_); });
    command(app_, "tree", "The live supervision tree with its restarts",
            [this] { return show_tree(settings_); });
    command(app_, "quarantine", "Messages that were set aside",
            [this] { return show_quarantine(settings_); });
    command(app_, "audit", "Check stock against its ledger, and charges against orders",
            [this] { return run_audit(settings_); });
    command(app_, "levels", "What is on hand, reserved and available",
            [this] { return show_levels(settings_, name_); })
        ->add_option("SKU", name_)
        ->required();
    command(app_, "order", "One order", [this] { return show_order(settings_, name_); })
        ->add_option("ID", name_)
        ->required();
  }

  void add_verify() {
    command(app_, "verify", "Check every journal record of a data folder that no process has open",
            [this] { return verify_folder(settings_, name_); })
        ->add_option("DIR", name_)
        ->required()
        ->check(CLI::ExistingDirectory);
  }

  void add_backup() {
    CLI::App* backup = command(app_, "backup", "Write what data folders hold, also while soukd works on them",
                               [this] { return make_backup(settings_, backup_); });
    add_backup_options(*backup, "A node's data folder on this machine; more where it has not all shards");
    backup->add_flag("--offline", backup_.offline, "The cluster is down: nobody is asked who is in sync");
    add_backup_options(*command(app_, "restore", "Make data folders of a backup, for a first start",
                                [this] { return restore(settings_, backup_); }),
                       "A new data folder; of a cluster one for each node");
  }

  void add_backup_options(CLI::App& to, const std::string& folders) {
    to.add_option("DIR", backup_.backup, "The folder of the backup")->required();
    to.add_option("--data", backup_.folders, folders)->required();
  }

  void add_keys() {
    CLI::App* keys = app_.add_subcommand("keys", "Keys of staff, programs and shop fronts");
    keys->require_subcommand(1);
    CLI::App* list = command(*keys, "list", "All keys, without their secrets",
                             [this] { return list_keys(settings_, key_.tenant); });
    CLI::App* create = command(*keys, "create", "Make a key and show its secret, once",
                               [this] { return create_key(settings_, key_); });
    create->add_option("LABEL", key_.label, "What it is for")->required();
    create->add_option("--scope", key_.scopes,
                       "What it opens, such as orders:read; may be repeated. None: all");
    create->add_option("--expires-at", key_.expires_at, "When it ends, such as 2027-01-31T00:00:00Z");
    create->add_flag("--publishable", key_.publishable, "For a shop front: opens what is open to everybody");
    CLI::App* revoke =
        command(*keys, "revoke", "End a key", [this] { return revoke_key(settings_, name_, key_.tenant); });
    revoke->add_option("ID", name_)->required();
    for (CLI::App* each : {list, create, revoke})
      each->add_option("--tenant", key_.tenant,
                       "Of another tenant than the key's own; its first key makes one there");
  }

  void add_goods() {
    CLI::App* importing = command(app_, "import", "Bring in products and stock",
                                  [this] { return import_file(settings_, import_); });
    importing->add_option("FILE", import_.file, "A file, plain or zstd; - for standard input")->required();
    importing->add_option("--format", import_.format, "souk (NDJSON), csv, or online-retail")
        ->check(CLI::IsMember({"souk", "csv", "online-retail"}))
        ->capture_default_str();
    add_jobs(importing, import_.jobs);
    command(app_, "export", "Products and stock as NDJSON that import takes",
            [this] { return export_shop(settings_); });

    CLI::App* replaying = command(app_, "replay", "Sell a year of the Online Retail data set",
                                  [this] { return replay_year(settings_, replay_); });
    replaying->add_option("FILE", replay_.file, "The CSV file, plain or zstd; - for standard input")
        ->required();
    replaying->add_option("--skipped", replay_.skipped,
                          "Write every skipped line and its reason to this file");
    add_jobs(replaying, replay_.jobs);
  }

  void add_test_provider() {
    CLI::App* provider =
        command(app_, "test-provider", "The payment provider of tests, with books of its own",
                [this] { return run_test_provider(test_provider_); });
    provider->add_option("--listen", test_provider_.listen, "Where to listen; port 0: any free one")
        ->capture_default_str();
    provider->add_option("--ledger", test_provider_.ledger, "The file of its books")->capture_default_str();
  }

  void add_simulate() {
    CLI::App* simulating = command(
        app_, "simulate", "Run whole clusters in one thread each, with faults drawn from seeds", [this] {
#ifdef SOUK_MUTANTS
          if (!simulate_.mutant.empty()) return hunt_mutant(settings_, simulate_);
#endif
          return simulate(settings_, simulate_);
        });
    simulating->add_option("--seed", simulate_.seed, "The first seed")->capture_default_str();
    simulating->add_option("--seeds", simulate_.seeds, "How many seeds, from there on")
        ->check(CLI::PositiveNumber)
        ->capture_default_str();
    simulating->add_option("--jobs", simulate_.jobs, "Processes at work at the same time")
        ->check(CLI::Range(1, jobs_max))
        ->capture_default_str();
    simulating->add_option("--nodes", simulate_.nodes, "Nodes of a cluster; drawn from the seed if not given")
        ->check(CLI::Range(1, nodes_max));
    simulating->add_option("--profile", simulate_.profile, "What goes wrong; of a day nothing")
        ->check(CLI::IsMember({"calm", "storm", "disk", "network", "hot", "day"}))
        ->capture_default_str();
    simulating->add_flag("--shrink", simulate_.shrink, "Cut a run that fails down as far as it still fails");
    simulating->add_option("--trace", simulate_.trace, "Write every event of one seed to this file");
#ifdef SOUK_MUTANTS
    simulating->add_option("--mutant", simulate_.mutant, "A planted bug to look for; \"list\" names them");
#endif
  }

  void add_certs() {
    CLI::App* certs = app_.add_subcommand("certs", "Certificates of a cluster");
    certs->require_subcommand(1);
    CLI::App* init = command(*certs, "init", "Make what is missing: a CA, and certificates of nodes and etcd",
                             [this] { return make_certs(settings_, certs_); });
    init->add_option("DIR", certs_.folder)->required();
    init->add_option("--nodes", certs_.nodes, "Ids of nodes, as in a,b,c")->delimiter(',')->required();
    init->add_option("--etcd", certs_.etcd_hosts, "Where etcd's members are reached, besides localhost")
        ->delimiter(',');
    init->add_flag("--renew", certs_.renew, "Make these anew, under the CA that is there");
    CLI::App* https = command(*certs, "https", "Make https.pem and https.key, self-signed, to try out TLS",
                              [this] { return make_https_certs(settings_, certs_); });
    https->add_option("DIR", certs_.folder)->required();
    https->add_option("--hosts", certs_.hosts, "How clients reach it (default: localhost,127.0.0.1)")
        ->delimiter(',');
    https->add_flag("--renew", certs_.renew, "Make it anew");
  }

  void add_cluster() {
    CLI::App* cluster = app_.add_subcommand("cluster", "The nodes and shards of a cluster");
    cluster->require_subcommand(1);
    command(*cluster, "status", "Nodes, shards, primaries, who is in sync", [this] {
      return show_cluster(settings_, lag_);
    })->add_flag("--lag", lag_, "Ask every node how many records its copies lack");
    command(*cluster, "init", "Whether the cluster is there and each shard has a primary",
            [this] { return init_cluster(settings_); });
    command(*cluster, "verify", "Compare the states of all copies of all shards",
            [this] { return verify_cluster(settings_, verify_seconds_); })
        ->add_option("--seconds", verify_seconds_, "How long a shard that is written to is asked for again")
        ->check(CLI::Range(0, 3600))
        ->capture_default_str();
    add_order(*cluster, "join", "Let a node register again that was removed", true, false);
    add_order(*cluster, "drain", "Hand all primaries of a node over to others", true, false);
    add_order(*cluster, "undrain", "Let a node have primaries again", true, false);
    add_order(*cluster, "remove", "Move a node's copies elsewhere, then let it register no more", true,
              false);
    add_order(*cluster, "move", "Make a node primary of a shard", true, true);
    add_order(*cluster, "rebalance", "Spread primaries evenly, now", false, false);
    add_order(*cluster, "finalize",
              "Let all nodes write the newest format that all know; there is no way back", false, false);
    add_order(*cluster, "force", "Make a node primary of a shard that has no member in sync left", true, true)
        ->add_flag("--accept-loss", cluster_.accept_loss, "What only those had is lost");
  }

  CLI::App* add_order(CLI::App& cluster, const std::string& name, const std::string& purpose, bool of_a_node,
                      bool of_a_shard) {
    CLI::App* order = command(cluster, name, purpose, [this, name, of_a_shard] {
      cluster_.command = name;
      cluster_.of_a_shard = of_a_shard;
      return order_cluster(settings_, cluster_);
    });
    if (of_a_shard) order->add_option("SHARD", cluster_.shard)->required();
    if (of_a_node) order->add_option("NODE", cluster_.node)->required();
    order->add_flag("--dry-run", cluster_.dry_run, "Say what would be done, and do nothing");
    return order;
  }

  static void add_jobs(CLI::App* to, int& jobs) {
    to->add_option("--jobs", jobs, "Connections at work at the same time")
        ->check(CLI::Range(1, jobs_max))
        ->capture_default_str();
  }

  CLI::App app_{"Souk: the operator's and tester's command line", "souk"};
  settings settings_;
  backup_options backup_;
  import_options import_;
  replay_options replay_;
  test_provider_options test_provider_;
  simulate_options simulate_;
  certs_options certs_;
  cluster_options cluster_;
  int verify_seconds_ = 60;
  bool lag_ = false;
  bench_options bench_;
  key_options key_;
  std::string name_;
  std::function<int()> chosen_;
};

int complain(const std::exception& error, int code) {
  fmt::print(stderr, "souk: {}\n", error.what());
  return code;
}

int run(int argc, char** argv) {
  command_line line;
  try {
    line.app().parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return line.app().exit(error) == 0 ? exit_fine : exit_usage;
  }
  try {
    return line.run();
  } catch (const bench::unreachable& error) {
    return complain(error, exit_unreachable);
  } catch (const std::invalid_argument& error) {
    return complain(error, exit_usage);
  } catch (const std::exception& error) {
    return complain(error, exit_found_wrong);
  }
}

}  // namespace
}  // namespace souk::cli

int main(int argc, char** argv) { return souk::cli::run(argc, argv); }
