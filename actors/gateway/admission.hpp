#pragma once

#include "actors/gateway/step.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace souk::gateway {

/// What a request is for: limits and figures are by these.
enum class traffic : std::uint8_t { browse, cart, checkout, admin };
inline constexpr std::size_t traffic_classes = 4;
std::string_view name_of(traffic of);

/// So many requests in a window, and no more than that at once.
struct quota {
  std::uint64_t requests = 0;  ///< 0: no limit.
  std::chrono::nanoseconds window{};
};

/// Token buckets by key, as the generic cell rate algorithm has them: of each bucket only the moment is kept
/// at which it will be full again, so a bucket that is full needs no place. In any window from t on at most
/// twice the quota passes (a full bucket and what flows in), in the long run the quota.
///
/// Bounded: a key too many displaces the bucket that is nearest to being full, whose owner so gains least.
class bucket_table {
 public:
  explicit bucket_table(std::size_t keys_max) : keys_max_(keys_max) {}

  struct verdict {
    bool admitted = true;
    std::uint64_t left = 0;                  ///< Requests that would still pass at once.
    std::chrono::nanoseconds full_in{};      ///< Until the whole quota is there again.
    std::chrono::nanoseconds retry_after{};  ///< Until one passes; 0 if it is admitted.
  };
  /// Whether one would pass, and what is there now. Precondition: the quota is not 0.
  verdict look(std::string_view key, const quota& quota, std::chrono::nanoseconds now) const;
  /// Takes one from the bucket of `key` if it passes, and says what is there then. Precondition: the quota is
  /// not 0. `now` does not run backwards.
  verdict take(std::string_view key, const quota& quota, std::chrono::nanoseconds now);

  std::size_t size() const { return full_at_.size(); }

 private:
  using moments = std::multimap<std::chrono::nanoseconds, std::string>;

  void forget(moments::iterator bucket);

  std::size_t keys_max_;
  moments by_moment_;
  std::map<std::string, moments::iterator, std::less<>> full_at_;
};

/// Limits of the requests of one client address, of one credential, and of all of one tenant's clients
/// together, by what they are for.
struct admission_options {
  std::chrono::seconds window{10};
  std::array<std::uint64_t, traffic_classes> address{};     ///< Requests in a window; 0: no limit.
  std::array<std::uint64_t, traffic_classes> credential{};  ///< As well.
  std::array<std::uint64_t, traffic_classes> tenant{};      ///< As well.
  /// Clients that are remembered in each class; some 300 bytes each.
  std::size_t clients_max = 50'000;
};
/// Whether any of them is a limit.
bool limits_anybody(const admission_options& options);

/// Admits or refuses requests by how many have come from the same client, or for the same tenant. One for all
/// gateways of a node; the limits hold for the cluster and are divided over the nodes that are there, rounded
/// up. Any thread.
class admission {
 public:
  /// `nodes`: how many nodes the cluster has now; asked at most once a second. Empty: this one.
  explicit admission(const admission_options& options, std::function<std::size_t()> nodes = {});

  enum class party : std::uint8_t { address, credential, tenant };

  /// Whose requests one is counted with. An empty `key` is nobody, who has no limits.
  struct asker {
    party by;
    std::string_view key;
  };

  /// Counts a request with all of `askers`, or, if it is over the limit of any, with none of them: whom one
  /// limit keeps waiting does not use up another meanwhile. Adds to `fields` what the client is to know of
  /// the limits that there are. Returns the problem if it is over one.
  std::optional<json::problem> admit(std::span<const asker> askers, traffic what,
                                     std::chrono::nanoseconds now, header_fields& fields);

  std::uint64_t refused(party by, traffic what) const;
  /// Clients that are remembered now.
  std::size_t clients() const;

 private:
  struct counted {
    const std::uint64_t requests = 0;  ///< 0: as many as they like.
    std::uint64_t refused = 0;
    bucket_table buckets;
  };

  counted* limit_of(const asker& asker, traffic what);
  quota share_of(const counted& of, std::chrono::nanoseconds now);
  void tell(party by, traffic what, const bucket_table::verdict& verdict, header_fields& fields) const;
  const counted& at(party by, traffic what) const;

  const admission_options options_;
  const std::function<std::size_t()> nodes_;
  mutable std::mutex mutex_;
  std::map<std::pair<party, traffic>, counted> counted_;
  std::size_t nodes_now_ = 1;
  std::chrono::nanoseconds nodes_asked_at_{-1};
};

inline constexpr std::array admission_parties{admission::party::address, admission::party::credential,
                                              admission::party::tenant};
std::string_view name_of(admission::party by);

}  // namespace souk::gateway
