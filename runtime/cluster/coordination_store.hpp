#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace souk::runtime {

using lease_id = std::int64_t;  ///< 0: none.

/// One key of the store as it stands.
struct stored_value {
  std::string key;
  std::string value;
  std::int64_t revision = 0;  ///< Of its last change; 0 in an answer about one key: it is not there.
  lease_id lease = 0;

  bool operator==(const stored_value&) const = default;
};

/// All keys with a prefix, as of one revision of the store.
struct range_result {
  bool known = false;  ///< False: no answer in time; the rest is empty.
  std::int64_t revision = 0;
  std::vector<stored_value> values;  ///< By key.
  std::string detail;                ///< Why not; for logs.
};

/// If all conditions hold, all changes are made, at one revision; else none.
struct swap_request {
  struct condition {
    std::string key;
    std::int64_t revision = 0;  ///< Of the key's last change; 0: it is not there.
  };
  struct change {
    std::string key;
    std::string value;
    lease_id lease = 0;  ///< Set: the key goes when the lease ends.
    bool remove = false;
  };
  std::vector<condition> conditions;
  std::vector<change> changes;
};

struct swap_result {
  enum class outcome : std::uint8_t {
    done,
    refused,     ///< Nothing was changed, nor will be: a condition does not hold.
    lease_gone,  ///< Nothing was changed, nor will be: the lease of a change has ended.
    unknown,     ///< It may have been done, or may be done later.
  };
  outcome what = outcome::unknown;
  std::int64_t revision = 0;          ///< For `done`: of the changed keys.
  std::vector<stored_value> current;  ///< For `refused`: the keys of the conditions, in their order.
  std::string detail;                 ///< For logs.
};

struct lease_result {
  enum class outcome : std::uint8_t { alive, gone, unknown };
  outcome what = outcome::unknown;
  lease_id lease = 0;
  std::chrono::seconds ttl{0};  ///< What the store made of the wish.
  std::string detail;
};

/// What became of the keys with a prefix since the last event.
struct watch_event {
  enum class kind : std::uint8_t {
    changed,
    compacted,  ///< The last event: revisions in between are gone; only reading everything anew helps.
    broken,     ///< The last event: watch anew from the revision after the last one seen.
  };
  kind what = kind::changed;
  std::int64_t revision = 0;       ///< Everything up to it has been told.
  std::vector<stored_value> puts;  ///< Changes and removals are of different keys: the last one counts.
  std::vector<std::string> removed;
  std::string detail;
};

/// Where a cluster keeps the truth about itself: a small key-value store with revisions, leases and watches,
/// as etcd is one. This is a seam: in a simulation a model that misbehaves stands behind it.
///
/// Everything is asynchronous: a call returns at once, and what came of it is told later, once, on a thread
/// of the store; a callback must not block nor throw: it posts to an actor. No answer after `deadline` is an
/// answer too: unknown. Any thread. Destruction ends what is under way, as unknown; afterwards nothing is
/// called any more.
class coordination_store {
 public:
  using milliseconds = std::chrono::milliseconds;
  template <class Result>
  using callback = std::function<void(Result)>;

  virtual ~coordination_store() = default;

  /// Never stale: as of a moment after the call.
  virtual void range(std::string prefix, milliseconds deadline, callback<range_result> done) = 0;
  /// At most 100 conditions and changes each.
  virtual void swap(swap_request request, milliseconds deadline, callback<swap_result> done) = 0;

  virtual void grant(std::chrono::seconds ttl, milliseconds deadline, callback<lease_result> done) = 0;
  virtual void keep_alive(lease_id lease, milliseconds deadline, callback<lease_result> done) = 0;
  /// Ends it now, with all its keys. `gone`: it has ended.
  virtual void revoke(lease_id lease, milliseconds deadline, callback<lease_result> done) = 0;

  /// Tells all changes of keys with this prefix from `first` (a revision) on, in order, until it ends with
  /// `compacted` or `broken`, or the handle goes; a last event may still arrive meanwhile. It may stall
  /// without a word when the store does: ask for something else now and then, the store notices and breaks
  /// it.
  class watch_handle {
   public:
    virtual ~watch_handle() = default;
  };
  virtual std::unique_ptr<watch_handle> watch(std::string prefix, std::int64_t first,
                                              callback<watch_event> told) = 0;
};

}  // namespace souk::runtime
