#include "actors/gateway/call.hpp"

#include "actors/gateway/access_tokens.hpp"
#include "actors/gateway/admission.hpp"
#include "actors/gateway/conditions.hpp"
#include "actors/gateway/digests.hpp"
#include "actors/gateway/routes.hpp"
#include "actors/keyring/tenant.hpp"
#include "actors/values/id.hpp"
#include "runtime/trace_context.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

namespace souk::gateway {

namespace {

/// A Request-Id of the client is kept if it is short and harmless in logs.
constexpr std::size_t request_id_max = 128;
constexpr std::size_t idempotency_key_max = 255;
constexpr std::uint32_t limit_default = 20;
constexpr std::uint32_t limit_max = 100;

using problem = std::optional<json::problem>;

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= request_id_max && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"-_.:+/="}.find(c) != std::string_view::npos;
  });
}

std::size_t count_fields(const http_request& http, std::string_view name) {
  return static_cast<std::size_t>(std::count_if(http.fields.begin(), http.fields.end(),
                                                [&](const auto& field) { return field.first == name; }));
}

json::problem malformed(std::string detail) {
  return {.code = "malformed_request", .detail = std::move(detail)};
}

/// Of traces that begin here one in so many is recorded; of others those that their clients record.
void begin_span(bool given, const services& services, call& call) {
  auto& random = *services.random;
  if (!given)
    call.traceparent = runtime::make_traceparent(random, random.next_u64() % services.tracing->one_of == 0);
  if (!runtime::is_sampled(call.traceparent)) return;
  call.parent_span = given ? runtime::span_id_of(call.traceparent) : std::string_view{};
  if (given) call.traceparent = runtime::child_traceparent(call.traceparent, random);
}

void read_names(const http_request& http, const services& services, call& call) {
  call.request_id = request_id_of(http, *services.random);
  const auto trace = http.field("traceparent");
  const bool given = trace && runtime::is_traceparent(*trace);
  if (given)
    call.traceparent = *trace;
  else if (services.traces)
    call.traceparent = traceparent_of(http, *services.random);
  const bool from_within = call.credential.has_value();
  if (services.tracing && !from_within) begin_span(given, services, call);
}

problem read_arguments(const route_match& match, call& call) {
  for (std::string_view encoded : match.arguments) {
    auto argument = percent_decode(encoded);
    if (!argument)
      return malformed("The path has a bad percent-escape, a control character, or is not UTF-8.");
    call.arguments.push_back(*std::move(argument));
  }
  return std::nullopt;
}

// Who asks for what is not there counts as a visitor, and whose key is not valid by the address: so that
// neither paths nor keys are guessed faster than allowed.
problem admit_address(const http_request& http, const services& services, call& call) {
  if (services.admission == nullptr || call.credential) return std::nullopt;
  const auto what = call.route == nullptr ? traffic::browse : call.route->traffic;
  const std::array askers{admission::asker{admission::party::address, http.client}};
  return services.admission->admit(askers, what, services.clock->steady(), call.limits);
}

// A publishable key is everybody's: nobody may use it up for all others. The tenant is the one whose the
// caller is, not one that they look after.
problem admit_caller(const services& services, bool from_within, call& call) {
  if (services.admission == nullptr || from_within) return std::nullopt;
  const bool is_somebody = call.credential && !call.credential->publishable;
  const auto credential = is_somebody ? call.tenant + "/" + call.credential->id : std::string{};
  const std::array askers{admission::asker{admission::party::credential, credential},
                          admission::asker{admission::party::tenant, call.tenant}};
  return services.admission->admit(askers, call.route->traffic, services.clock->steady(), call.limits);
}

problem read_credential(const http_request& http, const services& services, call& call) {
  if (call.credential) return std::nullopt;
  if (count_fields(http, "authorization") > 1)
    return malformed("There is more than one Authorization field.");
  auto field = http.field("authorization");
  if (!field) {
    if (call.route->audience != audience::everybody)
      return json::problem{.code = "invalid_token",
                           .detail = "This needs \"Authorization: Bearer <secret key>\"."};
    return std::nullopt;
  }
  const auto bearer = bearer_in(*field);
  const bool is_bearer = !bearer.empty();
  const bool as_token = services.tokens != nullptr && is_token(bearer);
  if (as_token)
    call.credential = services.tokens->find(bearer, call.now);
  else if (is_bearer)
    call.credential = services.credentials->find(bearer, call.now);
  if (call.credential) return std::nullopt;
  // To call a valid key invalid would be a wrong answer, and one that nobody repeats.
  if (is_bearer && !as_token && services.keys_are_coming && services.keys_are_coming())
    return problem_of(runtime::outcome::unavailable, call.route->read_only, false);
  return json::problem{.code = "invalid_token", .detail = "The key or token is not valid."};
}

problem check_scope(const call& call) {
  if (call.route->audience == audience::everybody || call.staff()) return std::nullopt;
  if (call.route->audience == audience::customers && !call.customer().empty()) return std::nullopt;
  return json::problem{
      .code = "insufficient_scope",
      .detail = "This needs the scope " + std::string{keyring::name_of(*call.route->scope)} + "."};
}

/// RFC 6750, section 3: what was wrong is told only to who showed something.
std::pair<std::string, std::string> challenge_of(const json::problem& problem, const call& call) {
  std::string challenge = R"(Bearer realm="souk")";
  if (problem.code == "insufficient_scope" || call.http->field("authorization"))
    challenge.append(R"(, error=")").append(problem.code).append("\"");
  if (problem.code == "insufficient_scope" && call.route->scope && !call.staff())
    challenge.append(R"(, scope=")").append(keyring::name_of(*call.route->scope)).append("\"");
  return {"WWW-Authenticate", std::move(challenge)};
}

// Of a catalogue that is not there yet all goods would be not found, and all lists empty.
problem wait_for_catalogue(const services& services, const call& call) {
  if (!call.route->from_catalogue || !services.catalogue_is_coming || !services.catalogue_is_coming())
    return std::nullopt;
  return problem_of(runtime::outcome::unavailable, true, false);
}

problem read_query(const http_request& http, call& call) {
  auto parameters = parse_query(http.query);
  if (!parameters)
    return malformed("The query has a bad percent-escape, a control character, or is not UTF-8.");
  std::set<std::string_view> seen;
  for (const auto& [name, value] : *parameters) {
    const auto& known = call.route->parameters;
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      json::problem problem{.code = "unknown_field",
                            .detail = "The query has a parameter that is not known here."};
      problem.errors.push_back({"?" + name, "unknown_field", "There is no such parameter.", std::nullopt});
      return problem;
    }
    if (!seen.insert(name).second)
      return malformed("The query has the parameter " + name + " more than once.");
  }
  call.query = *std::move(parameters);
  return std::nullopt;
}

// Who runs the nodes looks after the other tenants, where a route lets one say which.
problem choose_tenant(call& call) {
  const auto wanted = call.parameter("tenant");
  if (!wanted || *wanted == call.tenant) return std::nullopt;
  if (!call.credential->scopes.has(keyring::scope::cluster_admin))
    return json::problem{.code = "insufficient_scope",
                         .detail = "Another tenant's takes the scope cluster:admin."};
  if (!keyring::is_tenant(*wanted)) return bad_parameter("tenant", "It is 1 to 32 of a-z, 0-9 and \"-\".");
  call.tenant = *wanted;
  return std::nullopt;
}

problem read_idempotency_key(const http_request& http, const services& services, call& call) {
  if (call.route->key == key_use::ignored) return std::nullopt;
  if (count_fields(http, "idempotency-key") > 1)
    return malformed("There is more than one Idempotency-Key field.");
  auto key = http.field("idempotency-key");
  if (!key) {
    if (call.route->key == key_use::required)
      return json::problem{
          .code = "idempotency_key_required",
          .detail = "Send an Idempotency-Key, such as a fresh UUID, so that it can be repeated."};
    return std::nullopt;
  }
  bool printable = std::all_of(key->begin(), key->end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
  if (key->empty() || key->size() > idempotency_key_max || !printable)
    return malformed("An Idempotency-Key has 1 to 255 printable ASCII characters.");
  call.key_scope = idempotency_scope(call.tenant, call.credential ? call.credential->id : "", http.method,
                                     http.path, *key);
  call.id = keyed_command_id(services.secret, call.key_scope);
  return std::nullopt;
}

problem read_json(const http_request& http, call& call) {
  if (call.route->body == body_use::optional_json && http.body.empty()) return std::nullopt;
  if (media_type(http.field("content-type").value_or("")) != "application/json")
    return json::problem{.code = "unsupported_media_type", .detail = "Send application/json in UTF-8."};
  json::parse_error error;
  auto body = json::parse(http.body, error);
  if (!body) return json::to_problem(error);
  call.body = *std::move(body);
  return std::nullopt;
}

problem read_body(const http_request& http, call& call) {
  if (call.route->body != body_use::none && http.field("content-encoding"))
    return json::problem{.code = "unsupported_media_type", .detail = "Content-Encoding is not supported."};
  if (call.route->body == body_use::json || call.route->body == body_use::optional_json)
    if (auto refused = read_json(http, call)) return refused;
  if (call.keyed()) call.fingerprint = fingerprint_of(json::canonical(call.body));
  return std::nullopt;
}

problem read_accept(const http_request& http, const route& route) {
  const auto accepts = [&route](std::string_view value) {
    return accepts_json(value) ||
           (route.streams && value.find("text/event-stream") != std::string_view::npos);
  };
  for (const auto& [name, value] : http.fields)
    if (name == "accept" && accepts(value)) return std::nullopt;
  if (!http.field("accept")) return std::nullopt;
  if (route.streams)
    return json::problem{.code = "not_acceptable", .detail = "Answers are text/event-stream."};
  return json::problem{.code = "not_acceptable", .detail = "Answers are application/json."};
}

/// Path and method: the route, or why there is none.
problem read_route(const http_request& http, const services& services, call& call, header_fields& fields) {
  auto found = find_route(http.method, http.path, services.test_mode);
  if (auto* wrong = std::get_if<wrong_method>(&found)) {
    fields.emplace_back("Allow", wrong->allow);
    return json::problem{.code = "method_not_allowed", .detail = "Here are only: " + wrong->allow + "."};
  }
  auto* match = std::get_if<route_match>(&found);
  if (match == nullptr) return json::problem{.code = "not_found", .detail = "There is no such path."};
  call.route = match->route;
  return read_arguments(*match, call);
}

}  // namespace

std::optional<std::string_view> call::parameter(std::string_view name) const {
  for (const auto& [known, value] : query)
    if (known == name) return value;
  return std::nullopt;
}

bool call::staff() const { return credential && route->scope && credential->scopes.has(*route->scope); }

std::string_view call::customer() const {
  return credential ? std::string_view{credential->customer} : std::string_view{};
}

std::string request_id_of(const http_request& http, runtime::random_source& random) {
  std::string_view given = http.field("request-id").value_or("");
  return is_request_id(given) ? std::string{given} : "req_" + random.next_part();
}

std::string traceparent_of(const http_request& http, runtime::random_source& random) {
  const std::string_view given = http.field("traceparent").value_or("");
  return runtime::is_traceparent(given) ? std::string{given} : runtime::make_traceparent(random, false);
}

std::variant<call, refusal> take_up(std::shared_ptr<const http_request> http, const services& services,
                                    std::optional<keyring::credential> as) {
  call call;
  call.http = std::move(http);
  call.tenant = services.tenant;
  call.credential = std::move(as);
  call.now = services.clock->now();
  const http_request& request = *call.http;
  read_names(request, services, call);
  const bool from_within = call.credential.has_value();
  header_fields fields;
  problem refused = read_route(request, services, call, fields);
  if (auto limited = admit_address(request, services, call)) refused = std::move(limited);
  if (!refused) refused = read_credential(request, services, call);
  if (call.credential) call.tenant = call.credential->tenant;
  if (!refused) refused = admit_caller(services, from_within, call);
  if (!refused) refused = check_scope(call);
  if (!refused) refused = wait_for_catalogue(services, call);
  if (!refused) refused = read_accept(request, *call.route);
  if (!refused) refused = read_query(request, call);
  if (!refused) refused = choose_tenant(call);
  if (!refused) refused = read_idempotency_key(request, services, call);
  if (!refused) refused = read_body(request, call);
  if (refused) {
    for (auto& field : fields_of(*refused))
      fields.push_back(std::move(field));
    for (auto& field : call.limits)
      fields.push_back(std::move(field));
    if (refused->code == "invalid_token" || refused->code == "insufficient_scope")
      fields.push_back(challenge_of(*refused, call));
    refusal over{*std::move(refused),
                 std::move(fields),
                 std::move(call.request_id),
                 call.route,
                 std::move(call.traceparent),
                 std::move(call.parent_span),
                 {},
                 std::move(call.tenant)};
    if (call.credential) {
      over.credential = std::move(call.credential->id);
      over.use_is_news = call.credential->use_is_news;
    }
    return over;
  }
  if (!call.keyed()) services.random->fill(call.id);
  call.minimal = prefers_minimal(request.field("prefer").value_or(""));
  return call;
}

std::optional<json::problem> check_again(call& call, const services& services) {
  call.now = services.clock->now();
  if (!call.http->field("authorization")) return std::nullopt;  // it acts from within the node
  call.credential.reset();
  auto refused = read_credential(*call.http, services, call);
  return refused ? refused : check_scope(call);
}

std::string new_part(const call& call, const services& services) {
  return call.keyed() ? values::keyed_part(services.secret, call.key_scope) : services.random->next_part();
}

runtime::address address_of(const call& call, runtime::kind_id kind, std::string key) {
  return {call.tenant, kind, std::move(key)};
}

std::variant<page, json::problem> page_of(const call& call, std::string_view list, const services& services) {
  page page{.limit = limit_default, .after = {}};
  if (auto text = call.parameter("limit")) {
    auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), page.limit);
    if (error != std::errc{} || end != text->data() + text->size() || page.limit < 1 ||
        page.limit > limit_max)
      return bad_parameter("limit", "It is an integer from 1 to 100.");
  }
  if (auto cursor = call.parameter("cursor")) {
    auto key = open_cursor(services.secret, list, *cursor);
    if (!key)
      return json::problem{.code = "invalid_cursor", .detail = "The cursor is not one that this list gave."};
    page.after = *std::move(key);
  }
  return page;
}

step not_found(const call& call, std::string_view what) {
  return refuse({.code = "not_found", .detail = "There is no such " + std::string{what} + "."},
                call.request_id);
}

step refuse_scope(const call& call, std::string detail) {
  json::problem problem{.code = "insufficient_scope", .detail = std::move(detail)};
  auto refused = std::get<done>(refuse(problem, call.request_id));
  refused.fields.push_back(challenge_of(problem, call));
  return refused;
}

json::problem bad_parameter(std::string_view name, std::string detail) {
  json::problem problem{.code = "validation_failed",
                        .detail = "A query parameter is missing or not allowed."};
  problem.errors.push_back({"?" + std::string{name}, "validation_failed", std::move(detail), std::nullopt});
  return problem;
}

}  // namespace souk::gateway
