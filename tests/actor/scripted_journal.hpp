#pragma once

#include "actors/kinds.hpp"
#include "actors/order/order.pb.h"
#include "persistence/record.pb.h"
#include "runtime/messages.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace souk::testing {

/// A shard's journal of cancelled orders, one a record, as its shard shows it to readers.
struct scripted_journal {
  std::vector<std::string> subjects;  ///< Of the records, from 1 on.
  std::uint64_t first = 1;            ///< What was before is trimmed.
  bool of_two_tenants = false;        ///< Every second record is "other"'s.

  void happen(std::size_t count) {
    while (count-- > 0)
      subjects.push_back("S" + std::to_string(subjects.size()));
  }

  runtime::index_page page(const runtime::index_query& query, runtime::timestamp now) const {
    runtime::index_page page;
    auto& extent = page.journal.emplace();
    const auto from = query.journal->index == 0 ? first : query.journal->index;
    extent = {first, std::max(first, from), 1, from < first};
    for (; !extent.lost && extent.next <= subjects.size() && page.rows.size() < query.limit; ++extent.next) {
      order::pb::Event event;
      event.mutable_canceled()->set_reason("because");
      persistence::pb::Record record;
      record.set_tenant(of_two_tenants && extent.next % 2 == 0 ? "other" : "main");
      record.set_kind(kinds::order);
      record.set_key(subjects[extent.next - 1]);
      record.set_time_ms(runtime::to_ms(now));
      record.set_first_version(1);
      record.add_events(event.SerializeAsString());
      page.rows.emplace_back(runtime::to_bytes({extent.next, 1, 1}), record.SerializeAsString());
    }
    page.more = extent.next <= subjects.size();
    return page;
  }
};

}  // namespace souk::testing
