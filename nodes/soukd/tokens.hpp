#pragma once

#include "actors/gateway/access_tokens.hpp"
#include "actors/gateway/watched_files.hpp"
#include "nodes/config/config.hpp"
#include "runtime/telemetry/metrics.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace souk::nodes {

/// Refuses a file of keys that cannot be used. `file` is where the settings are from. Throws
/// `config::config_error`.
void refuse_bad_tokens(const config::settings& settings, const std::string& file);

/// Keeps the keys of the issuer of staff's tokens as they are on disk. A file that cannot be used leaves the
/// earlier keys in use, and is told to the log. Looks on a thread of its own.
class token_keys_watch {
 public:
  /// Reads the file. Throws `std::runtime_error` with what is wrong with it.
  explicit token_keys_watch(const config::auth_settings& settings);

  const std::shared_ptr<gateway::access_tokens>& tokens() const { return tokens_; }

  /// What is counted about tokens; the watch must outlive the registry's use.
  void add_metrics(telemetry::registry& registry) const;

 private:
  void watch(const std::stop_token& ending);
  void read_again();

  const config::auth_settings settings_;
  gateway::watched_files files_;  // before the file is read: what changes meanwhile is met by the first look
  std::shared_ptr<gateway::access_tokens> tokens_;
  std::atomic<std::uint64_t> reloads_ = 0;
  std::atomic<std::uint64_t> reloads_failed_ = 0;
  std::mutex mutex_;
  std::condition_variable_any ended_;
  std::jthread thread_;  // at last: it uses all of these
};

}  // namespace souk::nodes
