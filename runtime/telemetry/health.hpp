#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace souk::telemetry {

/// What an admin listener answers.
struct admin_answer {
  int status = 200;
  std::string content_type;
  std::string body;
};

/// One condition of being ready.
struct readiness {
  std::string name;  ///< "shards", "storage".
  bool ready = false;
  std::string detail;  ///< "14 of 16 serve". May be empty.
};

/// What the admin listener knows; each function may be called from any thread.
struct admin_sources {
  std::function<std::vector<readiness>()> ready;
  std::function<std::string()> metrics;
};

/// GET /livez, /readyz and /metrics. Nothing for any other path.
///
/// /livez answers as long as the process can: it depends on nothing, because a process that is restarted for
/// what it waits for only makes things worse. /readyz answers 503 while something is missing, and says what.
std::optional<admin_answer> answer_admin(std::string_view path, const admin_sources& sources);

}  // namespace souk::telemetry
