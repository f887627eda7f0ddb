#include "nodes/backup/backup.hpp"

#include "nodes/backup/backup_files.hpp"
#include "nodes/backup/cut.hpp"
#include "nodes/soukd/joined_cluster.hpp"
#include "persistence/checksum.hpp"
#include "persistence/data_folder.hpp"
#include "persistence/lmdb_storage.hpp"
#include "persistence/record.pb.h"
#include "runtime/shard/keys.hpp"
#include "runtime/shard/state.pb.h"

#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

namespace souk::backup {

namespace {

namespace fs = std::filesystem;
namespace keys = runtime::keys;

// A journal may be trimmed between the looks at state and journal, which happens every few seconds and takes
// a moment: so often in a row it does not.
constexpr int looks_most = 20;

/// A state was written out in the moment between the two looks.
struct look_again {};

struct source {
  std::unique_ptr<persistence::frozen_folder> folder;
  const persistence::journal* log = nullptr;
  std::string cluster_id;
  std::string secret;  // hexadecimal
};

struct chosen_copy {
  const source* from = nullptr;
  runtime::pb::ShardHeader header;
  persistence::journal_bounds bounds;
};

source open_source(const fs::path& path) {
  source opened;
  opened.folder = persistence::freeze_folder(path);
  const auto& identity = opened.folder->identity();
  opened.cluster_id = identity.cluster_id;
  opened.secret = persistence::hex(std::string_view(identity.cluster_secret));
  if (const auto joined = nodes::read_joined(path)) {
    opened.cluster_id = joined->id;
    opened.secret = joined->secret;
  }
  return opened;
}

/// All states first, then all journals: whatever a state knows of another shard, that one's journal has.
std::vector<source> look_at(const std::vector<fs::path>& folders) {
  std::vector<source> sources;
  sources.reserve(folders.size());
  for (const auto& folder : folders)
    sources.push_back(open_source(folder));
  for (std::size_t n = 0; n < sources.size(); ++n) {
    if (sources[n].cluster_id != sources.front().cluster_id)
      throw std::runtime_error(folders[n].string() + ": belongs to another shop than " +
                               folders.front().string());
    sources[n].log = &sources[n].folder->freeze_log();
  }
  return sources;
}

runtime::pb::ShardHeader header_of(const source& source, shard_id shard) {
  runtime::pb::ShardHeader header;
  const auto row = source.folder->state().get(keys::shard_header(shard));
  if (row && !header.ParseFromString(*row))
    throw persistence::damage("state: the header of shard " + std::to_string(shard) + " cannot be read");
  return header;
}

/// The copy that has seen most; an unfinished one is none.
chosen_copy choose(const std::vector<source>& sources, shard_id shard) {
  std::optional<chosen_copy> best;
  for (const auto& source : sources) {
    if (source.folder->state().get(keys::snapshot_mark(shard))) continue;
    chosen_copy copy{&source, header_of(source, shard), source.log->bounds(shard)};
    if (copy.bounds.last == 0) continue;
    if (copy.bounds.first > copy.header.applied() + 1) throw look_again{};
    if (copy.bounds.last < copy.header.applied())
      throw persistence::damage("shard " + std::to_string(shard) + ": its state is ahead of its journal");
    const auto newness = [](const chosen_copy& of) {
      return std::pair{of.bounds.last_epoch, of.bounds.last};
    };
    if (!best || newness(copy) > newness(*best)) best = std::move(copy);
  }
  if (!best)
    throw std::runtime_error("shard " + std::to_string(shard) +
                             " is in none of these folders; name those of more nodes");
  return *best;
}

record_facts facts_of(const persistence::journal_entry& entry) {
  persistence::pb::Record record;
  if (!record.ParseFromString(entry.payload))
    throw persistence::damage("record " + std::to_string(entry.index) + " of shard " +
                              std::to_string(entry.shard) + " cannot be read");
  record_facts facts{entry.index, {}, {}, {}};
  for (const auto& effect : record.effects())
    facts.sent.emplace_back(effect.to_shard(), effect.number());
  if (record.has_received()) facts.received = {record.received().from_shard(), record.received().number()};
  for (const auto& told : record.acknowledged())
    facts.acknowledged.emplace_back(told.to_shard(), told.watermark());
  return facts;
}

copy_facts facts_of(const chosen_copy& copy, shard_id shard) {
  copy_facts facts;
  facts.applied = copy.header.applied();
  for (const auto& out : copy.header.out())
    if (out.next() > 0) facts.sent[static_cast<shard_id>(out.to_shard())] = out.next() - 1;
  for (const auto& in : copy.header.in())
    facts.received[static_cast<shard_id>(in.from_shard())] = {in.watermark(),
                                                              {in.above().begin(), in.above().end()}};
  const auto range = keys::starting_with(keys::effects_prefix(shard));
  copy.from->folder->state().scan(range.from, range.to, persistence::scan_order::ascending,
                                  [&](std::string_view key, auto) {
                                    const auto effect = keys::parse_effect(key);
                                    facts.outstanding[effect.to].insert(effect.number);
                                    return true;
                                  });
  copy.from->log->read(shard, facts.applied + 1, [&](const persistence::journal_entry& entry) {
    facts.records.push_back(facts_of(entry));
    return true;
  });
  return facts;
}

pb::Shard write_shard(const fs::path& file, const chosen_copy& copy, shard_id shard, std::uint64_t last,
                      backup_report& report) {
  shard_writer out{file};
  for (const auto& range : keys::in_snapshots(shard))
    copy.from->folder->state().scan(range.from, range.to, persistence::scan_order::ascending,
                                    [&](std::string_view key, std::string_view value) {
                                      out.add_row(key, value);
                                      ++report.rows;
                                      return true;
                                    });
  pb::Shard told;
  told.set_applied(copy.header.applied());
  told.set_epoch(copy.header.epoch());
  told.set_last_index(last);
  copy.from->log->read(shard, told.applied() + 1, [&](const persistence::journal_entry& entry) {
    if (entry.index > last) return false;
    out.add_record(entry);
    ++report.records;
    return true;
  });
  out.finish();
  told.set_bytes(out.bytes());
  told.set_digest(out.digest());
  report.bytes += out.bytes();
  return told;
}

struct moment {
  std::vector<source> sources;
  std::vector<chosen_copy> copies;
};

moment look(const std::vector<fs::path>& folders) {
  for (int looks = 1;; ++looks) {
    try {
      moment seen{look_at(folders), {}};
      const auto shards = seen.sources.front().folder->identity().shard_count;
      for (shard_id shard = 0; shard < shards; ++shard)
        seen.copies.push_back(choose(seen.sources, shard));
      return seen;
    } catch (const look_again&) {
      if (looks == looks_most) throw std::runtime_error("the journals were trimmed at every look; try again");
    }
  }
}

}  // namespace

backup_report write_backup(const fs::path& target, const std::vector<fs::path>& folders,
                           std::int64_t time_ms) {
  if (fs::exists(target)) throw std::runtime_error(target.string() + ": is there already; name a new folder");
  const moment seen = look(folders);
  std::vector<copy_facts> facts;
  facts.reserve(seen.copies.size());
  for (shard_id shard = 0; shard < seen.copies.size(); ++shard)
    facts.push_back(facts_of(seen.copies[shard], shard));
  const auto cut = consistent_cut(facts);
  facts.clear();

  auto draft = target;
  draft += ".part";
  fs::remove_all(draft);  // of a backup that was interrupted
  persistence::make_folder(draft);
  pb::Manifest manifest;
  manifest.set_cluster_id(seen.sources.front().cluster_id);
  manifest.set_cluster_secret(seen.sources.front().secret);
  manifest.set_shard_count(static_cast<std::uint32_t>(seen.copies.size()));
  manifest.set_time_ms(time_ms);
  backup_report report;
  report.shards = static_cast<std::uint16_t>(seen.copies.size());
  for (shard_id shard = 0; shard < seen.copies.size(); ++shard)
    *manifest.add_shards() =
        write_shard(shard_file(draft, shard), seen.copies[shard], shard, cut[shard], report);
  write_manifest(draft, manifest);
  persistence::sync_folder(draft);
  fs::rename(draft, target);
  persistence::sync_folder(fs::absolute(target).parent_path());
  return report;
}

}  // namespace souk::backup
