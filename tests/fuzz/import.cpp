// Files of products and stock that staff sends, as CSV and as lines of JSON, and the files that `souk`
// replays: a line becomes calls whose bodies are JSON, or a fault that may be journalled.
#include "actors/import/line_reader.hpp"
#include "actors/import/lines.hpp"
#include "actors/json/reader.hpp"
#include "actors/values/utf8.hpp"
#include "nodes/souk/csv.hpp"
#include "tests/fuzz/target.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace souk::import_job {
namespace {

using souk::fuzz::demand;

/// A file in memory, always the same, with other contents each time.
std::filesystem::path file_of(std::string_view bytes) {
  static const int file = ::memfd_create("import", 0);
  demand(file >= 0 && ::ftruncate(file, 0) == 0, "there is a file");
  demand(::pwrite(file, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()),
         "it is written");
  return "/proc/self/fd/" + std::to_string(file);
}

std::vector<std::string> lines_of(std::string_view bytes) {
  line_reader reader{file_of(bytes)};
  std::vector<std::string> lines;
  std::string line;
  bool too_long = false;
  while (reader.next(line, too_long)) {
    demand(!too_long && line.find('\n') == std::string::npos, "a line is one line");
    lines.push_back(line);
  }
  const auto ends = static_cast<std::size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
  demand(lines.size() == ends + (bytes.empty() || bytes.ends_with('\n') ? 0 : 1), "every line is read");
  return lines;
}

void check_fault(const line_fault& fault) {
  demand(!fault.code.empty() && !fault.detail.empty(), "a fault says what it is");
  demand(souk::values::is_utf8(fault.code) && souk::values::is_utf8(fault.detail),
         "a fault can be journalled");
}

template <class Planned>
void check_plan(const Planned& planned) {
  if (const auto* fault = std::get_if<line_fault>(&planned)) return check_fault(*fault);
  const auto& plan = std::get<line_plan>(planned);
  demand(!plan.calls.empty(), "a plan does something");
  for (const auto& call : plan.calls) {
    souk::json::parse_error error;
    const auto body = souk::json::parse(call.body, error);
    // A number's canonical text may have an exponent that is too large: the call is refused for it.
    demand(body || error.detail.find("exponent") != std::string::npos, "a body is JSON");
    demand(call.method == "POST" && call.path.starts_with("/v1/"), "a call is one of ours");
  }
}

/// What was split and is quoted again splits into the same.
void check_split(std::string_view line) {
  const auto fields = split_csv(line);
  if (!fields) return;
  std::string quoted;
  for (const auto& field : *fields) {
    if (&field != &fields->front()) quoted += ',';
    quoted += '"';
    for (const char c : field)
      quoted.append(c == '"' ? 2 : 1, c);
    quoted += '"';
  }
  demand(split_csv(quoted) == fields, "quoted fields are the same fields");
}

class bytes_input : public souk::cli::input {
 public:
  explicit bytes_input(std::string_view bytes) : rest_(bytes) {}
  std::size_t read(char* into, std::size_t size) override {
    const auto count = std::min<std::size_t>({size, rest_.size(), 7});  // so that records lie across reads
    std::copy_n(rest_.data(), count, into);
    rest_.remove_prefix(count);
    return count;
  }
  double progress() const override { return -1; }

 private:
  std::string_view rest_;
};

void read_records(std::string_view bytes) {
  bytes_input source{bytes};
  souk::cli::csv_reader reader{source};
  std::vector<std::string> fields;
  std::uint64_t last = 0;
  try {
    while (reader.next(fields)) {
      demand(!fields.empty(), "a record has a field");
      demand(reader.line() > last, "records come in order");
      last = reader.line();
    }
  } catch (const std::runtime_error&) {
    // A quoted field that never ends.
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = souk::fuzz::text_of(data, size);
  read_records(bytes);
  const auto lines = lines_of(bytes);
  for (const auto& line : lines) {
    check_plan(plan_json_line(line, "imp_1/1"));
    check_split(line);
  }
  if (lines.empty()) return 0;
  const auto head = read_csv_head(lines.front());
  if (const auto* fault = std::get_if<line_fault>(&head)) {
    check_fault(*fault);
    return 0;
  }
  for (const auto& line : lines)
    check_plan(plan_csv_line(line, std::get<csv_columns>(head), "imp_1/1"));
  return 0;
}

}  // namespace souk::import_job
