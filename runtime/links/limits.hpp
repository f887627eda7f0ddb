#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace souk::links {

/// The versions of the envelope that this build speaks.
inline constexpr std::uint32_t lowest_version = 1;
inline constexpr std::uint32_t highest_version = 1;

/// The largest envelope, in bytes: eight times the largest piece of a snapshot or batch of a replica. A
/// longer one ends its connection before any of it is read.
inline constexpr std::size_t envelope_bytes_max = 8u << 20;
/// The first envelope on a connection, before the other side is known to belong here.
inline constexpr std::size_t first_envelope_bytes_max = 4u << 10;
/// Effects in one envelope; a longer batch travels in several.
inline constexpr std::size_t batch_items_max = 1'000;
/// Bytes of effects in one envelope, about: a batch is cut where it passes this.
inline constexpr std::size_t batch_bytes_max = 1u << 20;
/// Rows of an index in one envelope: a query asks for no more.
inline constexpr std::size_t index_rows_max = 1'000;

/// Every bound of a link that may differ from cluster to cluster, and why it is what it is.
struct link_limits {
  /// A link that says nothing else says this often that it lives.
  std::chrono::milliseconds heartbeat_interval{200};
  /// A link that hears nothing for so long is lost: four heartbeats may be late.
  std::chrono::milliseconds loss_timeout{1'000};
  /// To connect, to agree on TLS, and to be greeted.
  std::chrono::milliseconds handshake_timeout{2'000};
  /// The first wait before a lost link is dialled again; doubled up to the other. Half of it is random.
  std::chrono::milliseconds redial_first{50};
  std::chrono::milliseconds redial_most{1'000};

  /// Bytes waiting to be sent to one node; beyond, requests are refused, and half as much more ends the link:
  /// what repeats itself is sent again on the next one. A third of a second at 100 MB/s.
  std::size_t send_queue_bytes_max = 32u << 20;
  /// Bytes received and not yet taken up; beyond, the socket is read no further and the other side waits.
  std::size_t receive_window_bytes = 8u << 20;

  /// Requests under way to one shard of one node; the next one is refused.
  std::size_t pending_max = 20'000;
  /// How long a request without a deadline of its own is waited for.
  std::chrono::milliseconds pending_timeout{30'000};
  /// How often deadlines are looked at.
  std::chrono::milliseconds pending_tick{100};
};

}  // namespace souk::links
