#include "nodes/backup/backup.hpp"
#include "nodes/backup/backup_files.hpp"
#include "persistence/data_folder.hpp"
#include "persistence/lmdb_storage.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace souk::backup {

namespace {

namespace fs = std::filesystem;

void require_done(persistence::commit_status status, const fs::path& folder) {
  if (status != persistence::commit_status::done)
    throw std::runtime_error(folder.string() + ": no space left");
}

std::string from_hex(const std::string& digits) {
  const auto value = [](char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += static_cast<char>(value(digits[i]) * 16 + value(digits[i + 1]));
  return bytes;
}

void require_absent(const fs::path& folder) {
  if (fs::exists(folder) && !(fs::is_directory(folder) && fs::is_empty(folder)))
    throw std::runtime_error(folder.string() + ": is not empty; a backup is restored into a new folder");
}

/// The epoch of the last record that the rows stand for is below those that follow.
std::uint64_t epoch_before(const pb::Shard& told, const pb::Piece& piece) {
  return piece.records().empty() ? told.epoch() : std::min(told.epoch(), piece.records(0).epoch());
}

void put_piece(persistence::storage& storage, persistence::shard_id shard, const pb::Shard& told,
               pb::Piece& piece, bool& begun, const fs::path& folder) {
  std::vector<persistence::row_change> rows;
  for (auto& row : *piece.mutable_rows())
    rows.push_back({std::move(*row.mutable_key()), std::move(*row.mutable_value())});
  if (!rows.empty()) require_done(storage.state().write(rows), folder);
  if (piece.records().empty()) return;
  if (!std::exchange(begun, true) && told.applied() > 0)
    require_done(storage.log().restart(shard, told.applied(), epoch_before(told, piece)), folder);
  std::vector<persistence::journal_entry> entries;
  for (auto& record : *piece.mutable_records())
    entries.push_back({shard, record.index(), record.epoch(), std::move(*record.mutable_payload())});
  require_done(storage.log().append(entries), folder);
}

void put_shard(persistence::storage& storage, persistence::shard_id shard, const pb::Shard& told,
               const fs::path& source, const fs::path& folder) {
  bool begun = false;
  read_shard(shard_file(source, shard), told,
             [&](pb::Piece& piece) { put_piece(storage, shard, told, piece, begun, folder); });
  if (!begun && told.applied() > 0)
    require_done(storage.log().restart(shard, told.applied(), told.epoch()), folder);
  if (storage.log().bounds(shard).last != told.last_index())
    throw persistence::damage(shard_file(source, shard).string() + ": does not end as the manifest says");
}

void make_data_folder(const pb::Manifest& manifest, const fs::path& source, const fs::path& folder,
                      const std::function<std::string(std::size_t)>& random_bytes) {
  auto draft = folder;
  draft += ".part";
  fs::remove_all(draft);  // of a restore that was interrupted
  {
    persistence::lmdb_options options;
    options.folder = draft;
    options.shard_count = static_cast<std::uint16_t>(manifest.shard_count());
    options.random_bytes = random_bytes;
    options.cluster_secret = from_hex(manifest.cluster_secret());
    const auto storage = persistence::open_lmdb(options);
    for (int shard = 0; shard < manifest.shards_size(); ++shard)
      put_shard(*storage, static_cast<persistence::shard_id>(shard), manifest.shards(shard), source, draft);
  }
  fs::rename(draft, folder);
  persistence::sync_folder(fs::absolute(folder).parent_path());
}

}  // namespace

backup_report restore_backup(const fs::path& source, const std::vector<fs::path>& folders,
                             const std::function<std::string(std::size_t)>& random_bytes) {
  for (const auto& folder : folders)
    require_absent(folder);
  const auto manifest = read_manifest(source);
  backup_report report;
  report.shards = static_cast<std::uint16_t>(manifest.shard_count());
  for (int shard = 0; shard < manifest.shards_size(); ++shard) {
    const auto& told = manifest.shards(shard);
    report.bytes += told.bytes();
    read_shard(shard_file(source, static_cast<std::size_t>(shard)), told, [&](const pb::Piece& piece) {
      report.rows += static_cast<std::uint64_t>(piece.rows_size());
      report.records += static_cast<std::uint64_t>(piece.records_size());
    });
  }
  for (const auto& folder : folders)
    make_data_folder(manifest, source, folder, random_bytes);
  return report;
}

}  // namespace souk::backup
