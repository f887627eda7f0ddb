#pragma once

#include "persistence/record.pb.h"
#include "persistence/storage.hpp"
#include "runtime/entity/kind.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace souk::runtime {

/// What is known of an entity while it is in memory, and how it comes from rows and records and goes back.
/// Belongs to one actor.
struct entity_memory {
  /// Visits the rows with from <= key < to, in order.
  using row_reader =
      std::function<void(std::string_view from, std::string_view to,
                         const std::function<bool(std::string_view key, std::string_view value)>& visit)>;

  /// An entity that does not exist yet.
  void begin(const entity_kind& of);
  /// Takes in its rows, which are all that start with `prefix`. Throws `undecodable`.
  void load(const std::string& prefix, const row_reader& read);
  void load(const std::string& prefix, const persistence::state_store& state);
  /// Takes in a record after those that it knows; what it knows already changes nothing.
  /// Throws `undecodable`.
  void replay(const persistence::pb::Record& record);
  /// Adds the rows that changed since it was loaded or saved, with its header.
  void save(const std::string& prefix, std::vector<persistence::row_change>& rows);

  const entity_kind* kind = nullptr;
  std::unique_ptr<entity_state> state;
  std::uint64_t version = 0;
  std::int64_t last_ms = 0;
  std::vector<std::pair<std::string, std::int64_t>> timers;  // name, due

 private:
  bool take_row(std::string_view row, std::string_view value);
};

}  // namespace souk::runtime
