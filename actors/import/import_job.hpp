#pragma once

#include "actors/import/import_job.pb.h"
#include "actors/kinds.hpp"
#include "runtime/entity/kind.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

/// Imports of files of products and stock.
namespace souk::import_job {

inline constexpr std::string_view id_prefix = "imp_";

/// The index of imports that are not finished, in each shard: the job's key → the name of its file.
inline constexpr std::string_view open_index = "imports/open";

/// Errors that are kept; further ones are only counted.
inline constexpr int errors_max = 100;

struct import_state {
  pb::StateRow row;
  bool row_changed = false;

  bool exists() const { return row.has_job(); }
  bool is_running() const { return row.status() == "running"; }
};

/// One import: what was asked and how far it is. Pure.
struct import_decider {
  using state = import_state;
  using command = pb::Command;
  using event = pb::Event;
  static constexpr runtime::kind_id id = kinds::import_job;
  static constexpr std::string_view name = "import";
  static std::string_view partition_of(std::string_view key) { return key; }

  runtime::decision decide(const state& state, const command& command, const runtime::context& context) const;
  runtime::decision on_timer(const state& state, std::string_view timer,
                             const runtime::context& context) const;
  runtime::decision on_effect_failed(const state& state, const runtime::address& to,
                                     const google::protobuf::Message& command, std::string_view failure,
                                     const runtime::context& context) const;
  void evolve(state& state, const event& event, runtime::timestamp at, std::uint64_t version) const;
  void load_row(state& state, std::string_view row, std::string_view value) const;
  void save_rows(state& state, runtime::row_sink& sink) const;
};

std::shared_ptr<const runtime::entity_kind> make_kind();

}  // namespace souk::import_job
