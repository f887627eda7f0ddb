#pragma once

#include "actors/webhook/delivery_plan.hpp"
#include "runtime/messages.hpp"

#include <vector>

namespace souk::webhook {

/// What a page of a shard's journal, asked for from `from` on, amounts to. Throws `gateway::unknown_event`,
/// and `std::runtime_error` for rows that cannot be read. Precondition: the page is one of a journal, and
/// nothing of it is lost.
std::vector<feed_step> steps_of(const pb::Place& from, const runtime::index_page& page);

}  // namespace souk::webhook
