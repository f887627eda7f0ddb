#include "persistence/lmdb_state.hpp"

#include "persistence/byte_order.hpp"
#include "persistence/checksum.hpp"
#include "persistence/record_frame.hpp"
#include "persistence/sequence.hpp"

#include <algorithm>
#include <array>
#include <ranges>
#include <stdexcept>
#include <utility>

namespace souk::persistence {

namespace {

constexpr std::size_t header_bytes = 8;
/// What a row holds of its value; the rest is in parts.
constexpr std::size_t inline_bytes_max = part_bytes_max - header_bytes;
static_assert(record_bytes_max / part_bytes_max + 1 <= UINT16_MAX);

std::size_t parts_of(std::size_t value_bytes) {
  return value_bytes <= inline_bytes_max
             ? 0
             : (value_bytes - inline_bytes_max + part_bytes_max - 1) / part_bytes_max;
}

std::string part_key(std::string_view key, std::size_t part) {
  std::array<char, 2> number{};
  store_big_endian(number.data(), static_cast<std::uint16_t>(part));
  return std::string(key).append(number.data(), number.size());
}

std::size_t value_bytes_of(std::string_view row) {
  return row.size() < header_bytes ? 0 : load_big_endian<std::uint32_t>(row, sizeof(std::uint32_t));
}

std::uint32_t sum_of(std::string_view key, std::string_view value) {
  std::array<char, sizeof(std::uint32_t)> length{};
  store_big_endian(length.data(), static_cast<std::uint32_t>(value.size()));
  return crc32c(value, crc32c({length.data(), length.size()}, crc32c(key)));
}

}  // namespace

lmdb_state::lmdb_state(lmdb_environment& environment) : environment_(environment) {
  const auto databases = environment.open_databases({"rows", "parts"});
  rows_ = databases[0];
  parts_ = databases[1];
}

commit_status lmdb_state::write_all(std::span<const row_changes> parts) {
  auto changes = std::views::join(parts);
  std::size_t rows = 0;
  auto intent = lmdb_environment::intent::remove;
  for (const row_change& change : changes) {
    check_row_change(change);
    rows += 1;
    if (change.value) {
      rows += parts_of(change.value->size());
      intent = lmdb_environment::intent::add;
    }
  }
  if (rows == 0) {
    return commit_status::done;
  }
  return environment_.write(intent, rows, [&](MDB_txn* txn) {
    lmdb_cursor cursor(txn, rows_);
    for (const row_change& change : changes) {
      apply(txn, cursor, change);
    }
  });
}

void lmdb_state::apply(MDB_txn* txn, lmdb_cursor& rows, const row_change& change) {
  const bool present = rows.move(MDB_SET, change.key);
  const std::size_t parts_before = present ? parts_of(value_bytes_of(rows.value())) : 0;
  const std::size_t parts_after = change.value ? parts_of(change.value->size()) : 0;
  if (present && !change.value) {
    rows.remove();
  }
  if (parts_before > parts_after) {
    lmdb_cursor parts(txn, parts_);
    for (std::size_t part = parts_after; part < parts_before; ++part) {
      if (parts.move(MDB_SET, part_key(change.key, part))) {
        parts.remove();
      }
    }
  }
  if (change.value) {
    put(txn, rows, change.key, *change.value);
  }
}

void lmdb_state::put(MDB_txn* txn, lmdb_cursor& rows, std::string_view key, std::string_view value) {
  std::array<char, header_bytes> header{};
  store_big_endian(header.data(), sum_of(key, value));
  store_big_endian(header.data() + sizeof(std::uint32_t), static_cast<std::uint32_t>(value.size()));
  scratch_.assign(header.data(), header.size());
  scratch_.append(value.substr(0, inline_bytes_max));
  rows.put(key, scratch_);
  if (value.size() <= inline_bytes_max) {
    return;
  }
  lmdb_cursor parts(txn, parts_);
  for (std::size_t at = inline_bytes_max, part = 0; at < value.size(); at += part_bytes_max, ++part) {
    parts.put(part_key(key, part), value.substr(at, part_bytes_max));
  }
}

std::optional<std::string> lmdb_state::get(std::string_view key) const {
  check_row_key(key);
  const lmdb_environment::view view(environment_);
  const auto row = get_row(view.txn(), rows_, key);
  if (!row) {
    return std::nullopt;
  }
  std::string scratch;
  const std::string_view value = value_of(view.txn(), key, *row, scratch);
  return value.data() == scratch.data() ? std::move(scratch) : std::string(value);
}

void lmdb_state::scan(std::string_view from, std::string_view to, scan_order order,
                      const std::function<bool(std::string_view, std::string_view)>& visit) const {
  if (from >= to) {
    return;
  }
  const bool ascending = order == scan_order::ascending;
  const lmdb_environment::view view(environment_);
  lmdb_cursor cursor(view.txn(), rows_);
  bool found = false;
  if (ascending) {
    found = from.empty() ? cursor.move(MDB_FIRST) : cursor.move(MDB_SET_RANGE, from);
  } else {
    found = cursor.move(MDB_SET_RANGE, to) ? cursor.move(MDB_PREV) : cursor.move(MDB_LAST);
  }
  std::string scratch;
  while (found && (ascending ? cursor.key() < to : cursor.key() >= from)) {
    if (!visit(cursor.key(), value_of(view.txn(), cursor.key(), cursor.value(), scratch))) {
      return;
    }
    found = cursor.move(ascending ? MDB_NEXT : MDB_PREV);
  }
}

/// Checks a row and returns its value: in the page, or put together in `scratch`. Throws `damage`.
std::string_view lmdb_state::value_of(MDB_txn* txn, std::string_view key, std::string_view row,
                                      std::string& scratch) const {
  const auto place = [&] { return environment_.file() + ": row " + hex(key); };
  const std::size_t value_bytes = value_bytes_of(row);
  const std::size_t row_bytes = header_bytes + std::min(value_bytes, inline_bytes_max);
  if (row.size() != row_bytes) {
    throw damage(place() + ": it has " + std::to_string(row.size()) + " bytes, expected " +
                 std::to_string(row_bytes));
  }
  std::string_view value = row.substr(header_bytes);
  if (const std::size_t parts = parts_of(value_bytes); parts > 0) {
    scratch.assign(value);
    lmdb_cursor cursor(txn, parts_);
    for (std::size_t part = 0; part < parts; ++part) {
      if (!cursor.move(MDB_SET, part_key(key, part))) {
        throw damage(place() + ": part " + std::to_string(part + 1) + " of " + std::to_string(parts) +
                     " is missing");
      }
      scratch.append(cursor.value());
    }
    value = scratch;
  }
  if (value.size() != value_bytes) {
    throw damage(place() + ": its value has " + std::to_string(value.size()) + " bytes, expected " +
                 std::to_string(value_bytes));
  }
  const auto stored = load_big_endian<std::uint32_t>(row, 0);
  const auto computed = sum_of(key, value);
  if (stored != computed) {
    throw damage(place() + ": its content has the checksum " + hex(computed) + ", expected " + hex(stored));
  }
  return value;
}

}  // namespace souk::persistence
