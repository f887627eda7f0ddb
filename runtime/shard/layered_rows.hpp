#pragma once

#include "persistence/storage.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace souk::runtime {

/// The rows of one shard as they stand now: what is on disk, under what is on its way there, under what was
/// decided since. Belongs to the shard.
///
/// A flush moves the newest layer down (`begin_flush`), hands it out to be written, and drops it when it is
/// on disk
/// (`end_flush`).
class layered_rows {
 public:
  using layer = std::map<std::string, std::optional<std::string>, std::less<>>;

  explicit layered_rows(const persistence::state_store& disk) : disk_(disk) {}

  void put(std::string key, std::string value);
  void erase(std::string key);
  /// Removes a row whose key is never written twice: if it is not on its way to the disk yet, it never goes
  /// there.
  void erase_unique(std::string key);

  std::optional<std::string> get(std::string_view key) const;

  /// Visits rows with from <= key < to in order, newest layer first winning, until `visit` returns false.
  void scan(std::string_view from, std::string_view to, persistence::scan_order order,
            const std::function<bool(std::string_view key, std::string_view value)>& visit) const;

  /// Bytes of the newest layer.
  std::size_t pending_bytes() const { return pending_bytes_; }
  bool pending_empty() const { return pending_.empty(); }

  /// Starts a flush: the rows to write, in the order of their keys. They stay visible. A flush must not be
  /// under way.
  persistence::shared_rows begin_flush();
  /// The flush's rows are on disk.
  void end_flush() { flushing_.reset(); }
  /// Forgets all that is not on disk.
  void reset();

 private:
  void change(std::string key, std::optional<std::string> value);

  const persistence::state_store& disk_;
  layer pending_;
  persistence::shared_rows flushing_;  // null: none
  std::size_t pending_bytes_ = 0;
};

}  // namespace souk::runtime
