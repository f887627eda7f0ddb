#pragma once

#include "runtime/messages.hpp"

#include <caf/behavior.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace souk::testing {

/// What a scripted shard was asked, in order, and what it says to it.
struct shard_script {
  /// The answer to a request; nothing: it stays silent.
  std::function<std::optional<runtime::response>(const runtime::request&)> answer;
  std::function<runtime::index_page(const runtime::index_query&)> page;
  std::vector<runtime::request> requests;
  std::vector<runtime::index_query> queries;
};

/// Stands where a shard would and follows a script.
inline caf::behavior scripted_shard(caf::event_based_actor* self, std::shared_ptr<shard_script> script) {
  return {
      [self, script](const runtime::request& request) {
        script->requests.push_back(request);
        if (!script->answer) return;
        auto response = script->answer(request);
        if (!response) return;
        response->correlation = request.correlation;
        self->send(request.reply_to, *std::move(response));
      },
      [self, script](const runtime::index_query& query) {
        script->queries.push_back(query);
        runtime::index_page page = script->page ? script->page(query) : runtime::index_page{};
        page.correlation = query.correlation;
        self->send(query.reply_to, std::move(page));
      },
  };
}

}  // namespace souk::testing
