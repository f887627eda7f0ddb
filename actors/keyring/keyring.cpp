#include "actors/keyring/keyring.hpp"

#include "actors/formats.hpp"
#include "actors/json/problem.hpp"
#include "actors/json/writer.hpp"
#include "actors/values/id.hpp"
#include "actors/values/sha256.hpp"
#include "persistence/checksum.hpp"

#include <algorithm>
#include <utility>

namespace souk::keyring {

namespace {

constexpr std::uint32_t schema = 1;

bool in_use(const pb::Key& key, runtime::timestamp now) {
  return key.revoked_at_ms() == 0 &&
         (key.grant().expires_at_ms() == 0 || runtime::to_ms(now) < key.grant().expires_at_ms());
}

runtime::decision answer_with(int status, const pb::Key& key, const runtime::context& context) {
  runtime::decision decision;
  runtime::answer answer;
  answer.status = status;
  answer.body = to_json(key, context.self.tenant);
  answer.value = std::make_shared<const pb::Key>(key);
  decision.reply = std::move(answer);
  return decision;
}

runtime::decision add(const keyring_state& state, const pb::Add& add, const runtime::context& context) {
  if (add.only_first() && !state.keys.empty())
    return json::refuse({.code = "invalid_state", .detail = "The keyring has keys already."}, context);
  auto used = std::count_if(state.keys.begin(), state.keys.end(),
                            [&](const auto& row) { return in_use(row.second, context.now); });
  if (std::cmp_greater_equal(used, keys_max))
    return json::refuse(
        {.code = "invalid_state", .detail = "There are as many keys as there can be; revoke some."}, context);
  pb::Key key;
  key.set_id(add.id());
  key.set_label(add.label());
  key.set_created_at_ms(runtime::to_ms(context.now));
  if (add.has_grant()) *key.mutable_grant() = add.grant();
  runtime::decision decision = answer_with(201, key, context);
  pb::Event event;
  event.set_schema(schema);
  event.mutable_added()->set_id(add.id());
  event.mutable_added()->set_label(add.label());
  event.mutable_added()->set_hash(add.hash());
  if (add.has_grant()) *event.mutable_added()->mutable_grant() = add.grant();
  decision.emit(std::move(event));
  return decision;
}

runtime::decision revoke(const keyring_state& state, const pb::Revoke& revoke,
                         const runtime::context& context) {
  auto found = state.keys.find(revoke.id());
  if (found == state.keys.end())
    return json::refuse({.code = "not_found", .detail = "There is no key with this id."}, context);
  pb::Key key = found->second;
  if (key.revoked_at_ms() != 0) return answer_with(200, key, context);
  key.set_revoked_at_ms(runtime::to_ms(context.now));
  runtime::decision decision = answer_with(200, key, context);
  pb::Event event;
  event.set_schema(schema);
  event.mutable_revoked()->set_id(revoke.id());
  decision.emit(std::move(event));
  return decision;
}

// Gateways know of each other's uses only what is journalled, so several may tell of one.
runtime::decision use(const keyring_state& state, const pb::Use& use, const runtime::context& context) {
  runtime::decision decision;
  decision.reply.emplace();
  const auto found = state.keys.find(use.id());
  if (found == state.keys.end() || context.format < formats::key_use ||
      context.now - runtime::from_ms(found->second.last_used_at_ms()) < use_interval)
    return decision;
  pb::Event event;
  event.set_schema(keyring_decider::schema);
  event.mutable_used()->set_id(use.id());
  decision.emit(std::move(event));
  return decision;
}

runtime::decision list(const keyring_state& state, const runtime::context& context) {
  auto keys = std::make_shared<pb::Keys>();
  json::writer out;
  out.begin_object().key("data").begin_array();
  for (const auto& [id, key] : state.keys) {
    *keys->add_keys() = key;
    out.raw(to_json(key, context.self.tenant));
  }
  out.end_array().key("has_more").boolean(false).end_object();
  runtime::decision decision;
  runtime::answer answer;
  answer.body = std::move(out).take();
  answer.value = std::move(keys);
  decision.reply = std::move(answer);
  return decision;
}

}  // namespace

runtime::decision keyring_decider::decide(const state& state, const command& command,
                                          const runtime::context& context) const {
  if (command.has_add()) return add(state, command.add(), context);
  if (command.has_revoke()) return revoke(state, command.revoke(), context);
  if (command.has_use()) return use(state, command.use(), context);
  return list(state, context);
}

runtime::decision keyring_decider::on_timer(const state&, std::string_view, const runtime::context&) const {
  return {};
}

runtime::decision keyring_decider::on_effect_failed(const state&, const runtime::address&,
                                                    const google::protobuf::Message&, std::string_view,
                                                    const runtime::context&) const {
  return {};
}

void keyring_decider::evolve(state& state, const event& event, runtime::timestamp at,
                             std::uint64_t version) const {
  state.version = version;
  if (event.has_added()) {
    pb::Key& key = state.keys[event.added().id()];
    key.set_id(event.added().id());
    key.set_label(event.added().label());
    key.set_hash(event.added().hash());
    key.set_created_at_ms(runtime::to_ms(at));
    if (event.added().has_grant()) *key.mutable_grant() = event.added().grant();
    state.changed.insert(key.id());
  } else if (event.has_revoked()) {
    pb::Key& key = state.keys[event.revoked().id()];
    key.set_revoked_at_ms(runtime::to_ms(at));
    state.changed.insert(event.revoked().id());
  } else if (event.has_used()) {
    state.keys[event.used().id()].set_last_used_at_ms(runtime::to_ms(at));
    state.changed.insert(event.used().id());
  } else {
    throw runtime::undecodable("a keyring event of an unknown type");
  }
}

void keyring_decider::load_row(state& state, std::string_view row, std::string_view value) const {
  auto key = runtime::parse_as<pb::Key>(value);
  state.keys.insert_or_assign(std::string{row}, *key);
}

void keyring_decider::save_rows(state& state, runtime::row_sink& sink) const {
  for (const std::string& id : state.changed)
    sink.put(id, state.keys.at(id).SerializeAsString());
  state.changed.clear();
}

std::shared_ptr<const runtime::entity_kind> make_kind() {
  return std::make_shared<const runtime::kind_of<keyring_decider>>(keyring_decider{});
}

new_key make_key(std::string label, pb::Grant grant, std::string_view part, std::string_view secret_bytes,
                 runtime::timestamp now) {
  new_key key;
  key.secret = (grant.publishable() ? "pk_" : "sk_") + persistence::hex(secret_bytes);
  key.add.set_id(values::make_id("key_", now, part));
  key.add.set_label(std::move(label));
  key.add.set_hash(hash_of(key.secret));
  *key.add.mutable_grant() = std::move(grant);
  return key;
}

pb::Grant full_grant() {
  pb::Grant grant;
  grant.set_everything(true);
  return grant;
}

scope_set scopes_of(const pb::Grant& grant) {
  scope_set scopes;
  if (grant.publishable()) return scopes;
  if (grant.everything()) return scope_set::all();
  for (const std::string& name : grant.scopes())
    if (auto known = scope_of(name)) scopes.add(*known);
  return scopes;
}

std::string hash_of(std::string_view secret) {
  const auto digest = values::sha256(secret);
  return {digest.begin(), digest.end()};
}

std::string to_json(const pb::Key& key, std::string_view tenant) {
  const auto scopes = key.has_grant() ? scopes_of(key.grant()) : scope_set::all();
  json::writer out;
  out.begin_object().key("id").string(key.id()).key("label").string(key.label());
  out.key("publishable").boolean(key.grant().publishable()).key("scopes").begin_array();
  for (std::string_view name : scopes_in(tenant, scopes).names())
    out.string(name);
  out.end_array().key("created_at").time(runtime::from_ms(key.created_at_ms()));
  if (auto end = key.grant().expires_at_ms(); end != 0) out.key("expires_at").time(runtime::from_ms(end));
  if (key.revoked_at_ms() != 0) out.key("revoked_at").time(runtime::from_ms(key.revoked_at_ms()));
  if (key.last_used_at_ms() != 0) out.key("last_used_at").time(runtime::from_ms(key.last_used_at_ms()));
  out.end_object();
  return std::move(out).take();
}

}  // namespace souk::keyring
