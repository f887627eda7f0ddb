#pragma once

#include "runtime/types.hpp"

/// Commerce: what each kind of entity decides, and how clients reach it.
namespace souk::kinds {

/// Numbers of the entity kinds, as journalled: never changed, never reused.
inline constexpr runtime::kind_id product = 1;
inline constexpr runtime::kind_id sku = 2;
inline constexpr runtime::kind_id stock = 3;
inline constexpr runtime::kind_id cart = 4;
inline constexpr runtime::kind_id checkout = 5;
inline constexpr runtime::kind_id payment = 6;
inline constexpr runtime::kind_id order = 7;
inline constexpr runtime::kind_id keyring = 8;
inline constexpr runtime::kind_id import_job = 9;
inline constexpr runtime::kind_id webhook = 10;
inline constexpr runtime::kind_id buyer = 11;
inline constexpr runtime::kind_id nats_sink = 12;
inline constexpr runtime::kind_id marketplace_customer = 13;
inline constexpr runtime::kind_id market = 14;

}  // namespace souk::kinds
