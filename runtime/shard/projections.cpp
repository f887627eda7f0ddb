#include "runtime/shard/projections.hpp"

#include "runtime/shard/keys.hpp"
#include "runtime/shard/state.pb.h"

#include <memory>
#include <string>
#include <unordered_map>

namespace souk::runtime {

void restore_projections(shard_id shard, const entity_catalogue& kinds,
                         const persistence::state_store& state) {
  struct restored {
    std::unique_ptr<entity_state> state;
    std::uint64_t version = 0;
  };
  for (const auto& projection : kinds.projections) {
    const auto& kind = kinds.kind(projection->source());
    std::unordered_map<address, restored> entities;
    const auto range = keys::starting_with(keys::kind_prefix(shard, kind.id()));
    state.scan(
        range.from, range.to, persistence::scan_order::ascending,
        [&](std::string_view key, std::string_view value) {
          auto row = keys::parse_entity_row(key);
          if (!row)
            throw persistence::damage("state: a row of " + std::string{kind.name()} + " has no address");
          auto& entity = entities[row->address];
          if (!entity.state) entity.state = kind.initial();
          if (row->row == keys::entity_header_row) {
            entity.version = parse_as<pb::EntityHeader>(value)->version();
          } else {
            kind.load_row(*entity.state, row->row, value);
          }
          return true;
        });
    for (const auto& [address, entity] : entities)
      projection->restore(address, entity.version, *entity.state);
  }
}

}  // namespace souk::runtime
