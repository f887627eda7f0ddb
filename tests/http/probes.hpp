#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace souk::tests {

/// One line of `tests/http/probes.tsv`, which explains the columns.
struct probe {
  int row = 0;
  std::string name;
  std::vector<int> statuses;
  bool closes = false;
  std::string bytes;
};

/// The bytes that a table writes with escapes and repetitions.
std::string probe_bytes(const std::string& text);

/// All probes. Throws if the file is not there or malformed; the working directory is the repository.
std::vector<probe> load_probes();

}  // namespace souk::tests
