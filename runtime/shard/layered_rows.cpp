#include "runtime/shard/layered_rows.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

namespace souk::runtime {

namespace {

// What of a layer lies in a range, ready to be merged in the order of the scan.
using row = std::pair<std::string_view, const std::optional<std::string>*>;

std::vector<row> cut_out(const layered_rows::layer& layer, std::string_view from, std::string_view to) {
  std::vector<row> rows;
  auto end = layer.lower_bound(to);
  for (auto it = layer.lower_bound(from); it != end; ++it)
    rows.emplace_back(it->first, &it->second);
  return rows;
}

auto place_in(const std::vector<persistence::row_change>& rows, std::string_view key) {
  return std::ranges::lower_bound(
      rows, key, std::less<>{},
      [](const persistence::row_change& row) -> std::string_view { return row.key; });
}

const persistence::row_change* find_in(const persistence::shared_rows& rows, std::string_view key) {
  if (!rows) return nullptr;
  const auto found = place_in(*rows, key);
  return found != rows->end() && found->key == key ? &*found : nullptr;
}

std::vector<row> cut_out(const persistence::shared_rows& rows, std::string_view from, std::string_view to) {
  std::vector<row> cut;
  if (!rows) return cut;
  const auto end = place_in(*rows, to);
  for (auto it = place_in(*rows, from); it != end; ++it)
    cut.emplace_back(it->key, &it->value);
  return cut;
}

}  // namespace

void layered_rows::change(std::string key, std::optional<std::string> value) {
  pending_bytes_ += key.size() + (value ? value->size() : 0);
  pending_.insert_or_assign(std::move(key), std::move(value));
}

void layered_rows::put(std::string key, std::string value) { change(std::move(key), std::move(value)); }

void layered_rows::erase(std::string key) { change(std::move(key), std::nullopt); }

void layered_rows::erase_unique(std::string key) {
  auto found = pending_.find(key);
  if (found != pending_.end() && found->second && find_in(flushing_, key) == nullptr) {
    pending_.erase(found);
    return;
  }
  erase(std::move(key));
}

std::optional<std::string> layered_rows::get(std::string_view key) const {
  if (auto found = pending_.find(key); found != pending_.end()) return found->second;
  if (const auto* found = find_in(flushing_, key)) return found->value;
  return disk_.get(key);
}

void layered_rows::scan(std::string_view from, std::string_view to, persistence::scan_order order,
                        const std::function<bool(std::string_view, std::string_view)>& visit) const {
  if (from >= to) return;
  const bool descending = order == persistence::scan_order::descending;
  auto newest = cut_out(pending_, from, to);
  auto older = cut_out(flushing_, from, to);
  if (descending) {
    std::ranges::reverse(newest);
    std::ranges::reverse(older);
  }
  auto comes_before = [descending](std::string_view a, std::string_view b) {
    return descending ? a > b : a < b;
  };

  // The two layers in memory become one list in which the newest wins.
  std::vector<row> memory;
  memory.reserve(newest.size() + older.size());
  auto n = newest.begin();
  auto o = older.begin();
  while (n != newest.end() || o != older.end()) {
    if (o == older.end() || (n != newest.end() && !comes_before(o->first, n->first))) {
      if (o != older.end() && o->first == n->first) ++o;
      memory.push_back(*n++);
    } else {
      memory.push_back(*o++);
    }
  }

  auto m = memory.begin();
  bool go_on = true;
  auto visit_memory = [&] {
    if (*m->second) go_on = visit(m->first, **m->second);
    ++m;
  };
  disk_.scan(from, to, order, [&](std::string_view key, std::string_view value) {
    while (go_on && m != memory.end() && comes_before(m->first, key))
      visit_memory();
    if (go_on && m != memory.end() && m->first == key) {
      visit_memory();
    } else if (go_on) {
      go_on = visit(key, value);
    }
    return go_on;
  });
  while (go_on && m != memory.end())
    visit_memory();
}

persistence::shared_rows layered_rows::begin_flush() {
  std::vector<persistence::row_change> changes;
  changes.reserve(pending_.size());
  while (!pending_.empty()) {
    auto row = pending_.extract(pending_.begin());
    changes.push_back({std::move(row.key()), std::move(row.mapped())});
  }
  pending_bytes_ = 0;
  flushing_ = std::make_shared<const std::vector<persistence::row_change>>(std::move(changes));
  return flushing_;
}

void layered_rows::reset() {
  pending_.clear();
  flushing_.reset();
  pending_bytes_ = 0;
}

}  // namespace souk::runtime
