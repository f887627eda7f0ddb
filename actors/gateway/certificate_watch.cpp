#include "actors/gateway/certificate_watch.hpp"

#include "actors/gateway/listener_connection.hpp"
#include "runtime/seams/seams.hpp"

#include <boost/asio/post.hpp>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace souk::gateway {

namespace asio = boost::asio;

namespace {

/// Tickets are under one key for so long: whoever steals it reads TLS 1.2 sessions of half a day at most.
constexpr std::chrono::hours ticket_key_life{12};

std::chrono::sys_seconds wall_of(const listener_core& core) {
  return std::chrono::floor<std::chrono::seconds>(core.options.clock->now());
}

std::vector<std::filesystem::path> files_of(const tls_options& options) {
  std::vector<std::filesystem::path> files{options.main.certificate, options.main.key};
  for (const auto& one : options.others)
    files.insert(files.end(), {one.certificate, one.key});
  return files;
}

}  // namespace

certificate_watch::certificate_watch(std::shared_ptr<listener_core> core)
    : core_(std::move(core)), looked_at_(core_->now) {
  const auto& options = *core_->tls_settings;
  known_ = std::make_shared<memory>(memory{watched_files{files_of(options)}, wall_of(*core_)});
  core_->identity = std::make_shared<const tls_identity>(options, known_->read_at);
  core_->tls.expiry_s = core_->identity->expiry().time_since_epoch().count();
  core_->handshaker.emplace(1);
}

void certificate_watch::look() {
  if (core_->now - looked_at_ < std::chrono::milliseconds{core_->tls_settings->reload_interval_ms}) return;
  looked_at_ = core_->now;
  asio::post(*core_->handshaker, [core = core_, known = known_] { look_on_disk(core, *known); });
}

void certificate_watch::look_on_disk(const std::shared_ptr<listener_core>& core, memory& known) {
  const auto& options = *core->tls_settings;
  const auto now = wall_of(*core);
  const auto news = known.files.look();
  const bool changed = news == watched_files::news::changed;
  if (news == watched_files::news::changing || (!changed && now - known.read_at < ticket_key_life)) return;
  known.read_at = now;
  std::string problem;
  try {
    auto identity = std::make_shared<const tls_identity>(options, now);
    core->tls.expiry_s = identity->expiry().time_since_epoch().count();
    asio::post(core->io, [core, identity = std::move(identity)] { core->identity = identity; });
  } catch (const bad_tls_files& error) {
    problem = error.what();
  }
  if (!changed && problem.empty()) return;  // only new keys for tickets
  ++(problem.empty() ? core->tls.reloads : core->tls.reloads_failed);
  if (options.reloaded) options.reloaded(problem);
}

}  // namespace souk::gateway
