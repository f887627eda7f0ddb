#pragma once

#include "runtime/entity/decision.hpp"
#include "runtime/types.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

/// What is not deterministic comes in here and nowhere else; each seam has a real and a simulated side. The
/// other seams: storage (`persistence/storage.hpp`), coordinator (`runtime/cluster/coordinator.hpp`), node
/// transport
/// (`runtime/cluster/transport.hpp`), payment provider (a port's worker, `runtime::world_request`).
namespace souk::runtime {

/// Time. Wall time is data only; deadlines use the monotonic clock.
class clock {
 public:
  virtual ~clock() = default;
  virtual timestamp now() const = 0;                    ///< Wall time, UTC.
  virtual std::chrono::nanoseconds steady() const = 0;  ///< Monotonic, from an arbitrary start.
};

/// Randomness and fresh ids. Any thread on the real side.
class random_source : public id_source {
 public:
  virtual void fill(std::span<std::uint8_t> bytes) = 0;
  virtual std::uint64_t next_u64() = 0;
};

/// The operating system's clocks.
std::shared_ptr<clock> make_system_clock();

/// The operating system's random numbers.
std::shared_ptr<random_source> make_system_random();

}  // namespace souk::runtime
