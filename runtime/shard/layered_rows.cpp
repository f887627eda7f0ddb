#include "runtime/shard/layered_rows.hpp"

#include <algorithm>
#include <utility>

namespace souk::runtime {

namespace {

// What of a layer lies in a range, ready to be merged in the order of the scan.
using row = std::pair<std::string_view, const std::optional<std::string>*>;

std::vector<row> cut_out(const layered_rows::layer& layer, std::string_view from, std::string_view to,
                         bool descending) {
  std::vector<row> rows;
  auto end = layer.lower_bound(to);
  for (auto it = layer.lower_bound(from); it != end; ++it)
    rows.emplace_back(it->first, &it->second);
  if (descending) std::reverse(rows.begin(), rows.end());
  return rows;
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
  if (found != pending_.end() && found->second && !flushing_.contains(key)) {
    pending_.erase(found);
    return;
  }
  erase(std::move(key));
}

std::optional<std::string> layered_rows::get(std::string_view key) const {
  if (auto found = pending_.find(key); found != pending_.end()) return found->second;
  if (auto found = flushing_.find(key); found != flushing_.end()) return found->second;
  return disk_.get(key);
}

void layered_rows::scan(std::string_view from, std::string_view to, persistence::scan_order order,
                        const std::function<bool(std::string_view, std::string_view)>& visit) const {
  if (from >= to) return;
  const bool descending = order == persistence::scan_order::descending;
  auto newest = cut_out(pending_, from, to, descending);
  auto older = cut_out(flushing_, from, to, descending);
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

std::vector<persistence::row_change> layered_rows::begin_flush() {
  flushing_ = std::move(pending_);
  pending_.clear();
  pending_bytes_ = 0;
  std::vector<persistence::row_change> changes;
  changes.reserve(flushing_.size());
  for (const auto& [key, value] : flushing_)
    changes.push_back({key, value});
  return changes;
}

void layered_rows::abandon_flush() {
  for (auto& [key, value] : flushing_) {
    pending_bytes_ += key.size() + (value ? value->size() : 0);
    pending_.emplace(key, std::move(value));
  }
  flushing_.clear();
}

void layered_rows::reset() {
  pending_.clear();
  flushing_.clear();
  pending_bytes_ = 0;
}

}  // namespace souk::runtime
