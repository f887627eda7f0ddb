#pragma once

#include "actors/gateway/http.hpp"

#include <caf/actor.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

/// What simulated clients share: requests as HTTP brings them, without the sockets.
namespace souk::testkit {

using http_fields = std::vector<std::pair<std::string, std::string>>;
using http_answer_handler = std::function<void(const gateway::http_response&)>;

/// Hands a request to a gateway as the listener would, from the address that a field `forwarded` names, or
/// from nowhere. `target` may have a query; a body is JSON. `then` hears the answer in the middle of the
/// gateway's step, at most once.
void send_http(const caf::actor& gateway, const std::string& method, const std::string& target,
               const std::string& body, http_fields fields, http_answer_handler then);

/// Whether an answer says for certain what became of a keyed request, so that a good client does not repeat
/// it: not where the connection broke, nor an error of the server, nor that the first one still runs.
bool is_certain(const gateway::http_response& response);

/// Makes a product of one variant at this price, a JSON object, and receives units of it. `post` sends a body
/// to a target as the shop's staff. Throws if one of the two is not made.
void put_on_sale(
    const std::string& sku, const std::string& price, std::int64_t units,
    const std::function<gateway::http_response(const std::string& target, const std::string& body)>& post);

}  // namespace souk::testkit
