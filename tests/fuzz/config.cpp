// cluster.conf: whatever the file is, it is read or refused with the line where it is wrong.
#include "nodes/config/config.hpp"

#include "nodes/config/document.hpp"
#include "tests/fuzz/target.hpp"

#include <algorithm>
#include <string>

namespace souk::config {
namespace {

using souk::fuzz::demand;

void check_document(std::string_view text) {
  const auto document = parse_document(text);
  const auto lines = static_cast<unsigned>(std::count(text.begin(), text.end(), '\n')) + 1;
  for (const auto& problem : document.problems) {
    demand(problem.line <= lines, "a problem is within the file");
    demand(!problem.text.empty(), "a problem is said");
  }
}

void use(const settings& found) {
  demand(!found.nodes.empty(), "there is a node");
  for (const auto& node : found.nodes) {
    try {
      const auto chosen = choose_node(found, {.node = node.id});
      demand(chosen.id == node.id, "a node is chosen by its id");
      refuse_unprotected(found, chosen, false);
    } catch (const config_error&) {
      // A cluster without certificates.
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = souk::fuzz::text_of(data, size);
  check_document(text);
  try {
    use(parse_settings(text, "cluster.conf"));
  } catch (const config_error& error) {
    demand(std::string_view{error.what()}.starts_with("cluster.conf"), "an error names the file");
    const auto& problems = error.problems();
    demand(std::is_sorted(problems.begin(), problems.end(),
                          [](const problem& a, const problem& b) { return a.line < b.line; }),
           "problems are in the file's order");
  }
  return 0;
}

}  // namespace souk::config
