#pragma once

#include <cstdint>

/// Levels of the cluster's format that a decider asks for before it writes what only later versions know: see
/// docs/coordination.md. Each change of what is written is a level, and stands here by its name.
namespace souk::formats {

/// Carts, checkouts and orders that belong to a customer.
inline constexpr std::uint32_t owners = 2;

/// That a key was used.
inline constexpr std::uint32_t key_use = 3;

/// Endpoints of webhooks, a kind of entity.
inline constexpr std::uint32_t webhooks = 4;

/// How far events are in streams of NATS, a kind of entity.
inline constexpr std::uint32_t nats_sinks = 5;

/// Holds that say whose they are, and buyers, a kind of entity.
inline constexpr std::uint32_t hold_limits = 6;

/// Customers and the market of the Online Marketplace benchmark, kinds of entities.
inline constexpr std::uint32_t marketplace = 7;

/// The newest that this version writes.
inline constexpr std::uint32_t newest = marketplace;

}  // namespace souk::formats
