#include "nodes/soukd/tokens.hpp"

#include "runtime/telemetry/log.hpp"

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <utility>
#include <variant>
#include <vector>

namespace souk::nodes {

namespace {

gateway::token_keys read_keys(const std::filesystem::path& file) {
  const auto refuse = [&file](const std::string& why) {
    throw std::runtime_error(file.string() + ": " + why);
  };
  std::error_code ignored;
  std::ifstream in{file, std::ios::binary};
  if (!in.is_open() || !std::filesystem::is_regular_file(file, ignored)) refuse("cannot be read");
  // A byte more than there may be, so that more is noticed.
  std::string text(gateway::token_key_bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  auto read = gateway::parse_token_keys(text);
  if (const auto* wrong = std::get_if<std::string>(&read)) refuse(*wrong);
  return std::get<gateway::token_keys>(std::move(read));
}

}  // namespace

void refuse_bad_tokens(const config::settings& settings, const std::string& file) {
  if (!settings.auth.given()) return;
  try {
    (void)read_keys(settings.auth.jwks);
  } catch (const std::runtime_error& error) {
    throw config::config_error(file, {{settings.auth.line, std::string{"auth.jwks: "} + error.what()}});
  }
}

token_keys_watch::token_keys_watch(const config::auth_settings& settings)
    : settings_(settings),
      files_({settings_.jwks}),
      tokens_(std::make_shared<gateway::access_tokens>(
          gateway::token_rules{settings_.issuer, settings_.audience}, read_keys(settings_.jwks))),
      thread_([this](const std::stop_token& ending) { watch(ending); }) {}

void token_keys_watch::watch(const std::stop_token& ending) {
  std::unique_lock lock{mutex_};
  while (!ending.stop_requested()) {
    ended_.wait_for(lock, ending, settings_.reload_interval, [] { return false; });
    if (files_.look() == gateway::watched_files::news::changed) read_again();
  }
}

void token_keys_watch::read_again() {
  try {
    tokens_->replace(read_keys(settings_.jwks));
    ++reloads_;
    log::info("the keys of access tokens were read again", {{"keys", tokens_->keys()}});
  } catch (const std::runtime_error& error) {
    ++reloads_failed_;
    log::error("the keys of access tokens cannot be used; the earlier ones stay", {{"why", error.what()}});
  }
}

void token_keys_watch::add_metrics(telemetry::registry& registry) const {
  using type = telemetry::registry::type;
  const auto add = [&](type kind, const char* name, const char* help, auto value) {
    registry.add_reading(kind, name, help, [value] { return static_cast<double>(value()); });
  };
  add(type::gauge, "souk_token_keys", "Keys that access tokens are verified with.",
      [this] { return tokens_->keys(); });
  add(type::counter, "souk_token_keys_reloads_total", "Times that new keys were taken up.",
      [this] { return reloads_.load(); });
  add(type::counter, "souk_token_keys_reloads_failed_total", "Times that new keys could not be used.",
      [this] { return reloads_failed_.load(); });
  add(type::gauge, "souk_tokens_remembered", "Access tokens that need not be verified again.",
      [this] { return tokens_->remembered(); });
  add(type::counter, "souk_tokens_verified_total", "Access tokens that were verified and good.",
      [this] { return tokens_->verified(); });
  registry.add_readings(
      type::counter, "souk_tokens_refused_total", "Access tokens that were refused.", [this] {
        std::vector<telemetry::registry::labelled_value> values;
        for (std::size_t n = 0; n < gateway::token_faults; ++n) {
          const auto why = static_cast<gateway::token_fault>(n);
          values.push_back(
              {{{"why", std::string{gateway::name_of(why)}}}, static_cast<double>(tokens_->refused(why))});
        }
        return values;
      });
}

}  // namespace souk::nodes
