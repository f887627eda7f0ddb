#pragma once

#include "actors/gateway/tls_session.hpp"
#include "actors/gateway/watched_files.hpp"

#include <chrono>
#include <memory>

namespace souk::gateway {

struct listener_core;

/// Keeps a listener's certificates as they are on disk: new connections get the new ones, those that are
/// there keep theirs. Belongs to the listener's thread; files are read on its handshaker's.
class certificate_watch {
 public:
  /// Reads the files. Throws `bad_tls_files`.
  explicit certificate_watch(std::shared_ptr<listener_core> core);

  /// Looks at the files if it is time to.
  void look();

 private:
  /// What the handshaker's thread remembers between two looks.
  struct memory {
    watched_files files;
    std::chrono::sys_seconds read_at;
  };

  static void look_on_disk(const std::shared_ptr<listener_core>& core, memory& known);

  std::shared_ptr<listener_core> core_;
  std::shared_ptr<memory> known_;
  std::chrono::milliseconds looked_at_;
};

}  // namespace souk::gateway
