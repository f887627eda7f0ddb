#pragma once

#include "actors/gateway/http.hpp"
#include "actors/gateway/tenant_shares.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

namespace souk::gateway {

struct route;

/// How far a shopper has come with what is asked for. What has come further is worth more, and is refused
/// later; what staff asks for goes with the last.
enum class progress : std::uint8_t { browsing, new_cart, cart, new_checkout, finishing };
inline constexpr std::size_t progress_steps = 5;
std::string_view name_of(progress of);
/// Null: no such route.
progress progress_of(const route* route);

struct overload_options {
  /// How long half of the calls may take before too many are under way. Some times what a commit takes; a
  /// checkout takes some five times as long as a call for a cart, and is to be bearable too.
  std::chrono::milliseconds target{20};
  /// Over so long calls are looked at together: longer than a commit of a disk that hesitates.
  std::chrono::milliseconds interval{100};
  /// The limit falls when so many intervals one after the other were too slow: a burst is no overload.
  unsigned intervals_patient = 3;
  /// The limit of calls under way, at first and whenever nothing is refused for a while ...
  std::size_t calls_usual = 512;
  /// ... at least: what a slow disk delays must be let wait together, or it would be slow for few ...
  std::size_t calls_least = 128;
  /// ... and at most: they cost memory.
  std::size_t calls_most = 8'192;
};

/// Decides how many calls a node has under way. Where calls take long that depend on nothing but the node
/// there are more than it can do, and they only wait. Such calls are those that look at something and those
/// for carts, each of which is one entity and one commit; what takes long in a checkout may be a payment, or
/// a stock that everybody wants. So the limit is lowered while the median of an interval is above the
/// target, and raised while it is reached and calls are quick. Below it those that are worth least are
/// refused first. Whatever was admitted goes through. Where several tenants ask, each has its part of the
/// limit (`tenant_shares`), within which this order holds.
///
/// No clock, no lock. `now` does not run backwards.
class overload_control {
 public:
  explicit overload_control(const overload_options& options);

  /// Whether a tenant's call may begin: not null; then `ended` follows.
  tenant_shares::part* begin(progress what, std::string_view tenant, std::chrono::nanoseconds now);
  /// A call is over. `took`: from when it was read; nothing where it says nothing, as it was refused or
  /// failed.
  void ended(progress what, tenant_shares::part& of, std::optional<std::chrono::nanoseconds> took,
             std::chrono::nanoseconds now);

  std::size_t under_way() const { return shares_.under_way(); }
  /// Tenants that ask for anything.
  std::size_t tenants() const { return shares_.active(); }
  std::size_t limit() const { return limit_; }
  /// The median of the last interval in which any ended, of the slower of two kinds: calls that look at
  /// something, and those for carts.
  std::chrono::nanoseconds delay() const { return delay_; }
  std::uint64_t refused(progress what) const { return refused_.at(static_cast<std::size_t>(what)); }

 private:
  /// What calls of a kind took in this interval; of more than fit the latest.
  class sample {
   public:
    void add(std::chrono::nanoseconds took) { took_.at(count_++ % took_.size()) = took; }
    /// And forgets them; nothing where there were none.
    std::optional<std::chrono::nanoseconds> take_median();

   private:
    static constexpr std::size_t most = 255;  // a median of so many is off by a tenth at most, mostly

    std::array<std::chrono::nanoseconds, most> took_{};
    std::size_t count_ = 0;
  };

  void look(std::chrono::nanoseconds now);
  void adapt(const std::optional<std::chrono::nanoseconds>& delay);
  std::size_t limit_of(progress what) const;

  const overload_options options_;
  tenant_shares shares_;
  std::size_t most_under_way_ = 0;  // in this interval
  std::size_t limit_;
  sample looking_;
  sample carts_;
  std::chrono::nanoseconds delay_{};
  std::chrono::nanoseconds interval_ends_{-1};
  unsigned slow_intervals_ = 0;
  bool reached_ = false;  // in this interval
  std::array<std::uint64_t, progress_steps> refused_{};
};

/// An `overload_control` for all requests that reach a node from outside. Any thread.
class overload_guard : public std::enable_shared_from_this<overload_guard> {
 public:
  overload_guard(const overload_options& options, std::shared_ptr<runtime::clock> clock);

  /// Begins a call: the responder to be used in place of the given one, so that its end is seen. Null: it
  /// is refused, and `responder` is as it was.
  std::unique_ptr<responder> begin(progress what, std::string_view tenant,
                                   std::unique_ptr<responder>& responder);

  struct figures {
    std::size_t under_way = 0;
    std::size_t limit = 0;
    std::size_t tenants = 0;
    std::chrono::nanoseconds delay{};
    std::array<std::uint64_t, progress_steps> refused{};
  };
  figures read() const;

 private:
  friend class watched_responder;
  void ended(progress what, tenant_shares::part& of, std::chrono::nanoseconds since, int status);

  const std::shared_ptr<runtime::clock> clock_;
  mutable std::mutex mutex_;
  overload_control control_;
};

}  // namespace souk::gateway
