#include "actors/import/import_events.hpp"

#include "actors/import/import_job.hpp"

#include <array>

namespace souk::import_job {
namespace {

using row = events::event_row<pb::Event>;

constexpr std::array table{
    row{pb::Event::kOpened, "import.opened.v1",
        [](json::writer& out, const pb::Event& event) {
          out.key("id").string(event.opened().import_id());
          out.key("format").string(event.opened().format());
        }},
    row{pb::Event::kAdvanced, "import.advanced.v1",
        [](json::writer& out, const pb::Event& event) {
          const auto& advanced = event.advanced();
          out.key("lines").integer(static_cast<std::int64_t>(advanced.to_line()));
          out.key("products").integer(static_cast<std::int64_t>(advanced.products()));
          out.key("adjustments").integer(static_cast<std::int64_t>(advanced.adjustments()));
          out.key("failed_lines").integer(static_cast<std::int64_t>(advanced.failed_lines()));
        }},
    row{pb::Event::kFinished, "import.finished.v1",
        [](json::writer& out, const pb::Event& event) {
          if (!event.finished().failure().empty()) out.key("failure").string(event.finished().failure());
        }},
};

}  // namespace

events::event_kind event_kind() { return events::make_event_kind<import_decider, table>(); }

}  // namespace souk::import_job
