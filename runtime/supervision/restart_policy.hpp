#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

/// Who starts whom, and what happens when one of them ends: OTP's terms, on CAF.
namespace souk::supervision {

using duration = std::chrono::nanoseconds;

/// When a child that ended by itself is started again.
enum class restart : std::uint8_t {
  permanent,  ///< Always.
  transient,  ///< Only when it failed.
  temporary,  ///< Never.
};

/// Which other children start again with one that failed.
enum class strategy : std::uint8_t {
  one_for_one,   ///< None.
  one_for_all,   ///< All.
  rest_for_one,  ///< Those that were started after it.
};

/// How many restarts are normal: more than `restarts_max` within `window` and the supervisor gives up.
struct intensity {
  std::uint32_t restarts_max = 5;
  duration window = std::chrono::seconds{30};
};

/// How long to wait before a restart. The first one happens at once.
struct back_off {
  duration first = std::chrono::milliseconds{10};  ///< Before the second restart in a row; then it doubles.
  duration max = std::chrono::seconds{1};
  duration quiet = std::chrono::minutes{1};  ///< After running this long a failure counts as the first again.
};

/// The wait before restarting what failed `failures` times in a row (1 or more). `random`: any number; it
/// picks a point in the upper half of the doubled wait, so that what failed together does not come back
/// together.
duration restart_delay(const back_off& back_off, std::uint32_t failures, std::uint64_t random);

/// What a supervisor has to do next, in the order of the steps. Stopping what has ended meanwhile does
/// nothing.
struct step {
  enum class action : std::uint8_t {
    start,     ///< Start `child`, then report `started` when it is ready, or `ended` if that failed.
    stop,      ///< Stop `child`, then report `ended`.
    wait,      ///< Report `due(ticket)` after `delay`.
    finish,    ///< All children have ended, as asked by `shut_down`.
    escalate,  ///< All children have ended because there were too many restarts, or none would help: fail.
  };
  action what = action::finish;
  std::size_t child = 0;
  duration delay{};
  std::uint64_t ticket = 0;

  bool operator==(const step&) const = default;
};

using steps = std::vector<step>;

/// The rules of one supervisor over its fixed list of children, without actors: it is told what happened and
/// answers what to do. Children start in order and stop in reverse order, each when the one before it is
/// ready, or has ended; only under one_for_one all start at once. Not thread-safe. Times are monotonic, from
/// any start.
class restart_policy {
 public:
  enum class status : std::uint8_t {
    idle,      ///< Not started yet, or stopped and about to start again.
    starting,  ///< A `start` step was handed out; not ready yet.
    running,
    stopping,  ///< A `stop` step was handed out.
    waiting,   ///< Failed (or went with one that did) and is waiting for its restart.
    finished,  ///< Ended and will not be started again.
  };

  restart_policy(const std::vector<restart>& children, strategy strategy, intensity intensity,
                 back_off back_off);

  /// Begins: call once, first.
  steps start();
  /// The child is ready. Ignored unless it was starting.
  steps started(std::size_t child, duration now);
  /// The child has ended, whether it was asked to or not, or could not be started (`failed`).
  steps ended(std::size_t child, bool failed, duration now, std::uint64_t random);
  /// The child has ended because of something that no restart mends: all others are stopped, then `escalate`.
  steps broken(std::size_t child);
  /// A wait is over. Harmless if it is stale.
  steps due(std::uint64_t ticket);
  /// Stops all children for good. Ends with `finish`.
  steps shut_down();

  std::size_t size() const { return children_.size(); }
  status status_of(std::size_t child) const { return children_.at(child).now; }
  /// How often the child was started again.
  std::uint64_t restarts_of(std::size_t child) const;
  /// Nothing is being started, stopped or waited for: all children that are to run do.
  bool settled() const { return !closing() && recoveries_.empty(); }
  /// The children are being stopped for good.
  bool closing() const { return mode_ != mode::open; }

 private:
  enum class mode : std::uint8_t { open, shutting_down, escalating, closed };
  enum class phase : std::uint8_t { stopping, waiting, starting };

  struct child_record {
    restart when = restart::permanent;
    status now = status::idle;
    std::uint32_t failures = 0;  ///< In a row.
    std::uint64_t starts = 0;
    duration started_at{};
  };

  /// Children from `first` to before `end` are being stopped, then started again.
  struct recovery {
    std::size_t first = 0;
    std::size_t end = 0;
    phase at = phase::stopping;
    std::size_t next = 0;  ///< While starting: the child whose turn it is.
    duration delay{};      ///< Between the last stop and the first start.
    std::uint64_t ticket = 0;
  };

  std::vector<recovery>::iterator recovery_of(std::size_t child);
  /// The last one that runs or is starting.
  std::optional<std::size_t> last_living(std::size_t first, std::size_t end) const;
  bool any_stopping(std::size_t first, std::size_t end) const;
  bool too_many_restarts(duration now);

  steps recover(std::size_t child, duration now, std::uint64_t random);
  /// Asks the next child to stop, or begins the wait when all have ended.
  steps advance(recovery& recovery);
  /// Starts the next child that is to run, or ends the recovery.
  steps start_next(std::vector<recovery>::iterator recovery);
  steps close(mode mode);
  steps stop_next();

  std::vector<child_record> children_;
  strategy strategy_;
  intensity intensity_;
  back_off back_off_;
  mode mode_ = mode::open;
  std::vector<recovery> recoveries_;  ///< Their ranges do not overlap.
  std::deque<duration> restarts_;     ///< When, within the window; at most one more than allowed.
  std::uint64_t last_ticket_ = 0;
};

}  // namespace souk::supervision
