#include "actors/gateway/gateway.hpp"

#include "actors/gateway/access.hpp"
#include "actors/gateway/compression.hpp"
#include "actors/gateway/response.hpp"
#include "actors/gateway/routes.hpp"
#include "actors/gateway/step.hpp"
#include "actors/keyring/keyring.hpp"
#include "runtime/fault_point.hpp"
#include "runtime/supervision/failure.hpp"
#include "runtime/supervision/type_name.hpp"
#include "runtime/telemetry/log.hpp"
#include "runtime/trace_context.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <exception>
#include <filesystem>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

namespace souk::gateway {

namespace {

/// A correlation is the number of an ask and the position of the question in it.
constexpr unsigned position_bits = 16;
constexpr std::uint64_t position_mask = (std::uint64_t{1} << position_bits) - 1;

std::uint64_t correlation_of(std::uint64_t ask, std::size_t position) {
  return (ask << position_bits) | position;
}

bool is_answer(runtime::outcome outcome) {
  return outcome == runtime::outcome::answered || outcome == runtime::outcome::replayed;
}

/// How far one question of an ask is.
struct question_state {
  enum class phase : std::uint8_t { unsent, asked, waiting, answered };
  phase at = phase::unsent;
  bool lost = false;  ///< It went to a shard or over a link that is gone: it may have been done.
  caf::actor asked_of;
  bool remote = false;   ///< That stands for another node: it always says how it ended, if only `unknown`.
  bool missing = false;  ///< Who was asked serves no more; what it said last may be on its way.
  std::chrono::nanoseconds wait_until{};  ///< When waiting for a shard is over; 0: it never had to.
};

/// Gives a reader of events its next piece, or lets it wait for one.
class piece_responder final : public responder {
 public:
  piece_responder(caf::event_based_actor* self, const services& services, event_pull pull)
      : self_(self), services_(services), pull_(std::move(pull)) {}

  void respond(http_response response) override {
    auto& reader = *pull_.reader;
    const auto now = services_.clock->steady();
    const bool well = response.status == 200;
    // That a shard is not served now is over soon; anything else is not.
    if (!well && response.status < 500) {
      reader.ended = true;
      return pull_.taker->take(farewell(response.body));
    }
    if (well && response.body.empty() && now - reader.heard_at >= stream_heartbeat)
      response.body = heartbeat_of(reader, services_);
    if (!well || response.body.empty()) return self_->delayed_send(self_, stream_poll, std::move(pull_));
    reader.heard_at = now;
    pull_.taker->take(std::move(response.body));
  }

 private:
  caf::event_based_actor* self_;
  const services& services_;
  event_pull pull_;
};

/// One request under way: what it was, what it asks, what has come back.
struct open_call {
  gateway::call call;
  std::shared_ptr<gateway::responder> responder;
  bool counted = true;  ///< Of a body that goes on, only its begin is.
  std::chrono::nanoseconds since{};
  std::optional<std::chrono::nanoseconds> waited;
  bool from_within = false;
  std::optional<runtime::shard_id> shard;  ///< That decides it, or was asked first.
  std::chrono::nanoseconds deadline{};
  gateway::ask ask;
  std::vector<question_state> states;
  std::vector<reply> replies;
  std::size_t next = 0;       ///< The first question that was never sent.
  std::size_t under_way = 0;  ///< Asked or waiting.
  std::size_t answered = 0;

  bool keyed() const { return call.keyed(); }
  bool read_only() const { return call.route->read_only; }
};

/// What is to be said of a request when it is answered.
struct request_facts {
  const http_request& http;
  const gateway::route* route;
  std::string_view request_id;
  std::string_view traceparent;
  const std::optional<std::string>& parent_span;
  std::string_view credential;
  std::string_view tenant;
  std::chrono::nanoseconds since;
  std::optional<std::chrono::nanoseconds> waited;
  std::optional<runtime::shard_id> shard;
  bool from_within;
};

}  // namespace

/// The table of calls of one gateway and all that happens to them.
class desk {
 public:
  desk(caf::event_based_actor* self, gateway_config config) : self_(self), config_(std::move(config)) {}

  void take(const exchange& exchange) {
    const auto now = config_.services.clock->steady();
    const auto since = exchange.read_at.value_or(now);
    const auto waited = exchange.read_at ? std::optional{now - since} : std::nullopt;
    if (config_.metrics && waited) config_.metrics->record_wait(*waited);
    if (calls_.size() >= config_.calls_max) {
      drop_file(*exchange.request);
      auto response = overloaded(*exchange.request, *config_.services.random);
      if (config_.metrics) {
        const auto* route = route_of(*exchange.request, config_.services.test_mode);
        config_.metrics->record(number_of(route), response.status);
      }
      if (config_.access && !exchange.as)
        record_unread(*config_.access, *exchange.request, response, config_.services);
      exchange.responder->respond(std::move(response));
      return;
    }
    auto taken = take_up(exchange.request, config_.services, exchange.as);
    if (auto* refused = std::get_if<refusal>(&taken)) {
      drop_file(*exchange.request);
      if (refused->use_is_news) tell_of_use(refused->tenant, refused->credential);
      const request_facts facts{*exchange.request,
                                refused->route,
                                refused->request_id,
                                refused->traceparent,
                                refused->parent_span,
                                refused->credential,
                                refused->tenant,
                                since,
                                waited,
                                std::nullopt,
                                exchange.as.has_value()};
      respond(*exchange.responder,
              {json::to_answer(refused->problem, refused->request_id), false, std::move(refused->fields)},
              facts);
      return;
    }
    open_call open;
    open.call = std::move(std::get<call>(taken));
    if (const auto& key = open.call.credential; key && key->use_is_news) tell_of_use(key->tenant, key->id);
    open.responder = exchange.responder;
    open.since = since;
    open.waited = waited;
    open.from_within = exchange.as.has_value();
    open.deadline = now + config_.request_deadline * open.call.route->deadlines;
    run(std::move(open), [this](open_call& open) {
      step first = open.call.route->handle(open.call, config_.services);
      open.call.body = {};
      return first;
    });
  }

  void take(const runtime::response& response) {
    with_question(response.correlation, [&](open_call& open, std::size_t position) {
      question_state& state = open.states[position];
      using runtime::outcome;
      // What became of it is to be had under its name: whoever has done it answers again.
      if (response.outcome == outcome::unknown && is_repeatable(open, position)) state.lost = true;
      // A repeat that met the first, which still runs, or found nobody who could know, says nothing of it.
      const bool no_news = response.outcome == outcome::unknown || response.outcome == outcome::in_flight ||
                           response.outcome == outcome::unavailable ||
                           response.outcome == outcome::overloaded || response.outcome == outcome::full;
      if ((state.lost && no_news) || (response.outcome == outcome::unavailable && may_wait(state))) {
        state.at = phase::waiting;
        return;
      }
      reply reply;
      reply.outcome = response.outcome;
      if (state.lost && reply.outcome == runtime::outcome::replayed)
        reply.outcome = runtime::outcome::answered;
      reply.answer = response.answer;
      settle(response.correlation >> position_bits, position, std::move(reply));
    });
  }

  void take(const runtime::index_page& page) {
    with_question(page.correlation, [&](open_call& open, std::size_t position) {
      if (!page.available && may_wait(open.states[position])) {
        open.states[position].at = phase::waiting;
        return;
      }
      reply reply;
      if (!page.available) reply.outcome = runtime::outcome::unavailable;
      // A node of an earlier version answers as if it had been asked for an index.
      const auto& asked = std::get<page_question>(open.ask.questions[position]);
      if (page.available && asked.journal && !page.journal) reply.outcome = runtime::outcome::not_understood;
      reply.rows = page.rows;
      reply.more = page.more;
      reply.journal = page.journal;
      settle(page.correlation >> position_bits, position, std::move(reply));
    });
  }

  void take(const view_shown& view) {
    with_question(view.correlation, [&](open_call&, std::size_t position) {
      reply reply;
      reply.json = view.json;
      settle(view.correlation >> position_bits, position, std::move(reply));
    });
  }

  /// Reads the next piece for who follows events.
  void take(const event_pull& pull) {
    auto& reader = *pull.reader;
    if (reader.gone) return;
    if (reader.ended) return pull.taker->take({});
    open_call open;
    open.call = reader.call;
    open.counted = false;
    open.responder = std::make_shared<piece_responder>(self_, config_.services, pull);
    open.since = config_.services.clock->steady();
    open.deadline = open.since + config_.request_deadline;
    run(std::move(open), [this, &pull](open_call& open) {
      if (auto refused = check_again(open.call, config_.services))
        return refuse(*refused, open.call.request_id);
      return read_on(pull.reader, config_.services);
    });
  }

  /// Whether deadlines are to be looked at: somebody waits, and nobody looks yet.
  bool begins_to_wait() { return !calls_.empty() && !std::exchange(looking_, true); }

  void tick() {
    looking_ = false;
    auto now = config_.services.clock->steady();
    std::vector<std::uint64_t> asks;
    asks.reserve(calls_.size());
    for (const auto& [ask, open] : calls_)
      asks.push_back(ask);
    std::sort(asks.begin(), asks.end());  // oldest first, and the same in every run
    std::vector<caf::actor> shards = shards_now();
    for (std::uint64_t ask : asks)
      look_after(ask, now, shards);
  }

 private:
  using phase = question_state::phase;
  using calls = std::unordered_map<std::uint64_t, open_call>;

  void respond(responder& responder, done done, const request_facts& facts) {
    auto response = to_response(std::move(done), facts.request_id);
    if (facts.route != nullptr && response.status < 400) response.kind = facts.route->kind;
    compress(facts.http, facts.route, response);
    const bool logs = config_.access && !facts.from_within;
    if (config_.metrics || logs || facts.parent_span) {
      const auto took = config_.services.clock->steady() - facts.since;
      if (config_.metrics) config_.metrics->record(number_of(facts.route), response.status, took);
      if (logs) record(facts, response, took);
      if (facts.parent_span) config_.services.tracing->sink->record(span_of(facts, response, took));
    }
    reached("gateway: before an answer is given");
    responder.respond(std::move(response));
  }

  void record(const request_facts& facts, const http_response& response, std::chrono::nanoseconds took) {
    auto entry = access_of(facts.http, response, facts.route);
    entry.time = config_.services.clock->now();
    entry.request_id = facts.request_id;
    entry.trace_id = runtime::trace_id_of(facts.traceparent);
    entry.tenant = facts.tenant;
    entry.credential = facts.credential;
    entry.took = took;
    entry.waited = facts.waited;
    if (facts.shard) entry.shard = *facts.shard;
    config_.access->record(entry);
  }

  telemetry::span span_of(const request_facts& facts, const http_response& response,
                          std::chrono::nanoseconds took) const {
    telemetry::span span;
    const auto entry = access_of(facts.http, response, facts.route);
    span.traceparent = facts.traceparent;
    span.parent = *facts.parent_span;
    span.name = entry.route;
    span.kind = telemetry::span_kind::server;
    span.begun = facts.since;
    span.ended = facts.since + took;
    span.failed = response.status >= 500;
    auto& said = span.attributes;
    said.emplace_back("http.request.method", std::string{entry.method});
    said.emplace_back("http.response.status_code", std::int64_t{response.status});
    said.emplace_back("souk.request_id", std::string{facts.request_id});
    said.emplace_back("souk.tenant", std::string{facts.tenant});
    if (facts.waited) {
      const auto waited = std::chrono::duration_cast<std::chrono::microseconds>(*facts.waited);
      said.emplace_back("souk.queue_us", std::int64_t{waited.count()});
    }
    if (facts.shard) said.emplace_back("souk.shard", std::int64_t{*facts.shard});
    return span;
  }

  /// Ends a call, which has no responder from then on: nobody answers it twice.
  void finish(open_call&& open, done done) {
    auto responder = std::move(open.responder);
    for (auto& field : open.call.limits)
      done.fields.push_back(std::move(field));
    if (!open.counted) return responder->respond(to_response(std::move(done), open.call.request_id));
    if (done.more)
      done.more->pull = [self = caf::actor_cast<caf::actor>(self_)](event_pull pull) {
        caf::anon_send(self, std::move(pull));
      };
    const auto& credential = open.call.credential;
    respond(*responder, std::move(done),
            {*open.call.http, open.call.route, open.call.request_id, open.call.traceparent,
             open.call.parent_span, credential ? std::string_view{credential->id} : std::string_view{},
             open.call.tenant, open.since, open.waited, open.shard, open.from_within});
  }

  void refuse_call(open_call&& open, const json::problem& problem) {
    std::string request_id = open.call.request_id;
    finish(std::move(open), std::get<done>(refuse(problem, request_id)));
  }

  /// Takes the next step of a call: one call that goes wrong must not take the others of this gateway with
  /// it.
  template <class Next>
  void run(open_call open, Next next) {
    try {
      step step = next(open);
      if (auto* over = std::get_if<done>(&step)) {
        finish(std::move(open), std::move(*over));
        return;
      }
      begin(std::move(open), std::get<ask>(std::move(step)));
    } catch (const std::exception& error) {
      if (open.responder == nullptr) throw;  // the answer itself could not be handed over
      // Its text may hold what the client sent.
      log::error("a handler failed", {{"route", open.call.route->name},
                                      {"request_id", open.call.request_id},
                                      {"error", supervision::type_of(error)},
                                      {"trace_id", runtime::trace_id_of(open.call.traceparent)}});
      auto problem = problem_of(runtime::outcome::failed, open.read_only(), open.keyed());
      refuse_call(std::move(open), problem);
    }
  }

  void begin(open_call open, ask ask) {
    std::uint64_t number = ++last_ask_;
    open.states.assign(ask.questions.size(), {});
    open.replies.assign(ask.questions.size(), {});
    open.ask = std::move(ask);
    open.next = open.under_way = open.answered = 0;
    auto [at, fresh] = calls_.emplace(number, std::move(open));
    if (at->second.ask.questions.empty()) {
      conclude(number);
      return;
    }
    send_more(number, at->second);
  }

  /// Sends questions until the window is full.
  void send_more(std::uint64_t ask, open_call& open) {
    while (open.next < open.ask.questions.size() && open.under_way < open.ask.window) {
      std::size_t position = open.next++;
      ++open.under_way;
      put(ask, open, position);
    }
  }

  /// Puts one question, or lets it wait for its shard.
  void put(std::uint64_t ask, open_call& open, std::size_t position) {
    question_state& state = open.states[position];
    const question& question = open.ask.questions[position];
    std::uint64_t correlation = correlation_of(ask, position);
    if (const auto* view = std::get_if<outside_view>(&question)) {
      state.at = phase::asked;
      auto self = caf::actor_cast<caf::actor>(self_);
      (*view)([self, correlation](std::string json) {
        caf::anon_send(self, view_shown{correlation, std::move(json)});
      });
      return;
    }
    const auto where = shard_of(question);
    const auto* decides = std::get_if<command_question>(&question);
    if (!open.shard || (decides != nullptr && decides->keyed)) open.shard = where;
    caf::actor shard = config_.routing->shard(where);
    if (shard == nullptr) {
      (void)may_wait(state);
      state.at = phase::waiting;
      return;
    }
    state.at = phase::asked;
    state.asked_of = shard;
    state.remote = shard != config_.routing->local(where);
    state.missing = false;
    if (const auto* page = std::get_if<page_question>(&question))
      self_->send(shard, index_query(open.call, *page, correlation));
    else
      self_->send(shard, request(open, std::get<command_question>(question), correlation));
  }

  runtime::shard_id shard_of(const question& question) const {
    if (const auto* page = std::get_if<page_question>(&question))
      return page->beside ? config_.routing->shard_of(*page->beside) : page->shard;
    return config_.routing->shard_of(std::get<command_question>(question).to);
  }

  runtime::index_query index_query(const call& call, const page_question& page, std::uint64_t correlation) {
    runtime::index_query query;
    query.tenant = call.tenant;
    query.index = page.index;
    query.after = page.after;
    query.descending = page.descending;
    query.limit = page.limit;
    query.journal = page.journal;
    query.correlation = correlation;
    query.reply_to = caf::actor_cast<caf::actor>(self_);
    return query;
  }

  runtime::request request(const open_call& open, const command_question& question,
                           std::uint64_t correlation) {
    const call& call = open.call;
    runtime::request request;
    request.deadline = open.deadline;
    request.to = question.to;
    request.command = question.command;
    if (question.keyed) {
      request.id = call.id;
      request.fingerprint = question.fingerprint ? question.fingerprint : call.fingerprint;
    } else if (question.id) {
      request.id = *question.id;
    } else {
      config_.services.random->fill(request.id);
    }
    request.request_id = call.request_id;
    request.traceparent = call.traceparent;
    request.admin = call.staff();
    request.caller = call.customer();
    request.read_only = question.read_only;
    request.crash = question.crash;
    request.correlation = correlation;
    request.reply_to = caf::actor_cast<caf::actor>(self_);
    return request;
  }

  /// Nobody waits for what the keyring says, and where it does not hear it, it is told of a later use.
  void tell_of_use(const std::string& tenant, const std::string& key) {
    runtime::request use;
    use.to = {tenant, kinds::keyring, std::string{keyring::entity_key}};
    const auto shard = config_.routing->shard(config_.routing->shard_of(use.to));
    if (shard == nullptr) return;
    auto command = std::make_shared<keyring::pb::Command>();
    command->mutable_use()->set_id(key);
    use.command = std::move(command);
    config_.services.random->fill(use.id);
    use.reply_to = caf::actor_cast<caf::actor>(self_);
    self_->send(shard, std::move(use));
  }

  /// Whether a question may go on waiting for its shard; its time begins when this is asked first.
  bool may_wait(question_state& state) const {
    auto now = config_.services.clock->steady();
    if (state.wait_until.count() == 0) state.wait_until = now + config_.shard_wait;
    return now < state.wait_until;
  }

  /// Calls `use` with the question that an answer is for, if anybody still waits for it.
  template <class Use>
  void with_question(std::uint64_t correlation, Use use) {
    auto found = calls_.find(correlation >> position_bits);
    std::size_t position = correlation & position_mask;
    if (found == calls_.end() || position >= found->second.states.size()) return;
    if (found->second.states[position].at != phase::asked) return;
    use(found->second, position);
  }

  void settle(std::uint64_t ask, std::size_t position, reply reply) {
    open_call& open = calls_.at(ask);
    if (!is_answer(reply.outcome) && !open.ask.any_outcome) {
      auto problem = problem_of(reply.outcome, open.read_only(), open.keyed());
      refuse_call(remove(ask), problem);
      return;
    }
    open.states[position].at = phase::answered;
    open.states[position].asked_of = nullptr;
    open.replies[position] = std::move(reply);
    --open.under_way;
    if (++open.answered == open.states.size())
      conclude(ask);
    else
      send_more(ask, open);
  }

  void conclude(std::uint64_t ask) {
    run(remove(ask), [](open_call& open) { return open.ask.then(std::move(open.replies)); });
  }

  open_call remove(std::uint64_t ask) {
    auto found = calls_.find(ask);
    open_call open = std::move(found->second);
    calls_.erase(found);
    return open;
  }

  std::vector<caf::actor> shards_now() const {
    std::vector<caf::actor> shards;
    shards.reserve(config_.routing->shard_count());
    for (std::uint16_t i = 0; i < config_.routing->shard_count(); ++i)
      shards.push_back(config_.routing->shard(i));
    return shards;
  }

  void look_after(std::uint64_t ask, std::chrono::nanoseconds now, const std::vector<caf::actor>& shards) {
    open_call& open = calls_.at(ask);
    if (now >= open.deadline) {
      auto problem = problem_of_deadline(open.read_only(), open.keyed());
      refuse_call(remove(ask), problem);
      return;
    }
    for (std::size_t i = 0; i < open.next; ++i) {
      if (open.states[i].at == phase::asked && is_lost(open, i, shards)) {
        if (!is_repeatable(open, i)) {
          if (open.states[i].remote || !std::exchange(open.states[i].missing, true)) continue;
          auto problem = problem_of(runtime::outcome::unknown, open.read_only(), open.keyed());
          refuse_call(remove(ask), problem);
          return;
        }
        open.states[i].lost = true;
        open.states[i].at = phase::waiting;
      }
      if (open.states[i].at == phase::waiting && !put_again(ask, open, i)) return;
    }
  }

  /// Whether the shard that a question went to is no longer the one that serves: there will be no answer.
  bool is_lost(const open_call& open, std::size_t position, const std::vector<caf::actor>& shards) const {
    const question& question = open.ask.questions[position];
    if (std::holds_alternative<outside_view>(question)) return false;
    return open.states[position].asked_of != shards[shard_of(question)];
  }

  static bool is_repeatable(const open_call& open, std::size_t position) {
    const auto* command = std::get_if<command_question>(&open.ask.questions[position]);
    return command == nullptr || command->read_only || (command->keyed && open.keyed());
  }

  /// Puts a question that waits again. Returns false if its time was over, which ends the call.
  bool put_again(std::uint64_t ask, open_call& open, std::size_t position) {
    reached("gateway: a question is put again");
    put(ask, open, position);
    question_state& state = open.states[position];
    // What may have been done is asked for as long as the client waits.
    if (state.at != phase::waiting || state.lost || may_wait(state)) return true;
    auto problem = problem_of(runtime::outcome::unavailable, open.read_only(), open.keyed());
    refuse_call(remove(ask), problem);
    return false;
  }

  caf::event_based_actor* self_;
  gateway_config config_;
  calls calls_;
  std::uint64_t last_ask_ = 0;
  bool looking_ = false;  // a tick is on its way
};

std::vector<std::string> route_names() {
  std::vector<std::string> names;
  for (const route& route : routes())
    names.emplace_back(route.name);
  names.emplace_back("none");
  return names;
}

std::size_t number_of(const route* route) {
  const auto all = routes();
  return route == nullptr ? all.size() : static_cast<std::size_t>(route - all.data());
}

http_response overloaded(const http_request& request, runtime::random_source& random) {
  const auto request_id = request_id_of(request, random);
  const auto problem = problem_of(runtime::outcome::overloaded, false, false);
  return to_response(std::get<done>(refuse(problem, request_id)), request_id);
}

void drop_file(const http_request& request) {
  if (request.spooled.empty()) return;
  std::error_code ignored;
  std::filesystem::remove(request.spooled, ignored);
}

caf::behavior gateway(caf::stateful_actor<gateway_state>* self, gateway_config config) {
  supervision::handle_failures(self);
  auto tick = config.tick;
  self->state.desk = std::make_shared<desk>(self, std::move(config));
  // Calls begin with an exchange; a gateway without any does not wake up.
  const auto look_later = [self, tick] {
    if (self->state.desk->begins_to_wait()) self->delayed_send(self, tick, gateway_tick{});
  };
  return {
      [self, look_later](const exchange& exchange) {
        self->state.desk->take(exchange);
        look_later();
      },
      [self](const runtime::response& response) { self->state.desk->take(response); },
      [self](const runtime::index_page& page) { self->state.desk->take(page); },
      [self](const view_shown& view) { self->state.desk->take(view); },
      [self, look_later](const event_pull& pull) {
        self->state.desk->take(pull);
        look_later();
      },
      [self, look_later](const gateway_tick&) {
        self->state.desk->tick();
        look_later();
      },
  };
}

}  // namespace souk::gateway
