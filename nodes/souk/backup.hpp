#pragma once

#include "nodes/souk/commands.hpp"

#include <string>
#include <vector>

namespace souk::cli {

struct backup_options {
  std::string backup;                ///< The folder of the backup.
  std::vector<std::string> folders;  ///< Data folders: read from, or made.
  bool offline = false;              ///< No node of the cluster is there to say which copies are in sync.
};

/// `souk backup`: what data folders hold, also while soukd works on them.
int make_backup(const settings& settings, const backup_options& options);

/// `souk restore`: data folders for a first start.
int restore(const settings& settings, const backup_options& options);

}  // namespace souk::cli
