#pragma once

#include "runtime/entity/decision.hpp"

#include <algorithm>
#include <string>
#include <string_view>

/// Clients whose commands are answered by a later decision, as states and events keep them.
namespace souk::checkout {

/// Names the command being decided, so that a later decision can answer it.
template <class Waiter>
Waiter waiter_of(const runtime::context& context) {
  Waiter waiter;
  waiter.set_command_id(std::string{context.command.begin(), context.command.end()});
  waiter.set_request_id(std::string{context.request_id});
  return waiter;
}

template <class Waiter>
runtime::command_id command_of(const Waiter& waiter) {
  runtime::command_id id{};
  const auto& bytes = waiter.command_id();
  std::copy_n(bytes.begin(), std::min(bytes.size(), id.size()), id.begin());
  return id;
}

}  // namespace souk::checkout
