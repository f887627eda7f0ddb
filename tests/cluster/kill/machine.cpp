#include "tests/cluster/kill/machine.hpp"

#include <boost/json.hpp>

#include <csignal>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace souk::cluster_test {
namespace {

namespace fs = std::filesystem;

/// A start may replay a journal, on a busy machine.
constexpr std::chrono::seconds start_patience{60};

/// Short times, so that a run of a minute sees what an operator sees in a day: checkouts that expire,
/// entities that are put away and woken, a state that is flushed.
constexpr std::string_view config = R"(
cluster { name = "kill-check" shard_count = 4 }
http { request_deadline = 5s }
storage { map_initial = 16MiB flush_interval = 100ms flush_bytes = 64KiB }
entities { idle_timeout = 1s }
checkout { hold_ttl = 4s authentication_time = 2s }
cart { ttl = 1h }
log { level = "warn" format = "text" }
)";

/// What a ready line says, "NAME {json}".
boost::json::object read_ready(const std::string& line) {
  const std::size_t brace = line.find('{');
  if (brace == std::string::npos) throw std::runtime_error("not a ready line: " + line);
  return boost::json::parse(std::string_view{line}.substr(brace)).as_object();
}

bench::endpoint address_in(const boost::json::object& ready, std::string_view member) {
  return bench::parse_url("http://" + std::string{ready.at(member).as_string()});
}

}  // namespace

machine::machine(machine_options options) : options_(std::move(options)) {}

void machine::first_start() {
  for (const char* folder : {"node", "provider", "node-platter", "provider-platter"})
    fs::create_directories(options_.root / folder);
  start_provider();
  write_config();
  start_node({});
}

void machine::cut_power(bool provider_too) {
  node_.end(SIGKILL);
  lose_unsynced("node");
  if (provider_too) {
    provider_.end(SIGKILL);
    lose_unsynced("provider");
  }
}

void machine::restart() {
  if (!provider_.running()) start_provider();
  start_node(options_.drop_sync);
}

int machine::shut_down() {
  const int code = node_.end(SIGTERM);
  provider_.end(SIGTERM);
  return code;
}

int machine::verify_chain() {
  process check;
  process::start_options how = options_for("verify", {});
  how.environment.clear();
  how.command = {options_.programs / "souk", "verify", options_.root / "node"};
  check.start(how, start_patience);
  return check.end(0);
}

bench::shop machine::shop() const {
  return {http_, bench::read_key_file(options_.root / "node" / "admin.key")};
}

bench::shop machine::guest() const { return {http_, {}}; }

void machine::write_config() const {
  std::ofstream out{options_.root / "cluster.conf"};
  out << config << "payments { timeout = 500ms test { url = \"http://" << provider_at_.authority()
      << "\" } }\n";
}

void machine::start_node(const std::string& drop_sync) {
  process::start_options how = options_for("node", drop_sync);
  how.command = {options_.programs / "soukd",
                 "--config",
                 options_.root / "cluster.conf",
                 "--data",
                 options_.root / "node",
                 "--http",
                 http_.authority(),
                 "--admin",
                 admin_.authority()};
  const boost::json::object ready = read_ready(node_.start(how, start_patience));
  http_ = address_in(ready, "http");
  admin_ = address_in(ready, "admin");
}

void machine::start_provider() {
  process::start_options how = options_for("provider", {});
  how.command = {options_.programs / "souk", "test-provider", "--listen",
                 provider_at_.authority(),   "--ledger",      options_.root / "provider" / "ledger"};
  provider_at_ = address_in(read_ready(provider_.start(how, start_patience)), "http");
}

void machine::lose_unsynced(const std::string& name) const {
  if (!options_.shim) return;
  const fs::path folder = options_.root / name;
  fs::remove_all(folder);
  fs::copy(options_.root / (name + "-platter"), folder, fs::copy_options::recursive);
}

process::start_options machine::options_for(const std::string& name, const std::string& drop_sync) const {
  process::start_options how;
  how.log = options_.root / (name + ".log");
  if (!options_.shim) return how;
  const fs::path shim = options_.programs / "libsouk_powercut.so";
  if (!fs::exists(shim))
    throw std::runtime_error(shim.string() + " is missing; the loader would go on without it");
  how.environment = {"LD_PRELOAD=" + shim.string(), "SOUK_POWERCUT_FOLDER=" + (options_.root / name).string(),
                     "SOUK_POWERCUT_PLATTER=" + (options_.root / (name + "-platter")).string(),
                     "SOUK_POWERCUT_LEAK=" + std::to_string(options_.leak_per_cent),
                     "SOUK_POWERCUT_SEED=" + std::to_string(options_.seed)};
  if (!drop_sync.empty()) how.environment.push_back("SOUK_POWERCUT_DROP_SYNC=" + drop_sync);
  return how;
}

}  // namespace souk::cluster_test
