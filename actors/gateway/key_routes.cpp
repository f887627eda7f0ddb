#include "actors/gateway/handlers.hpp"
#include "actors/gateway/input.hpp"
#include "actors/keyring/keyring.hpp"
#include "actors/kinds.hpp"

#include <array>
#include <utility>

namespace souk::gateway {

namespace {

runtime::address keyring_of(const call& call) {
  return address_of(call, kinds::keyring, std::string{keyring::entity_key});
}

/// The keyring's answer with the secret, which only this one response ever shows.
step show_secret(reply reply, const std::string& secret) {
  if (reply.answer.status == 201) {
    reply.answer.body.pop_back();
    reply.answer.body.append(R"(,"secret":")").append(secret).append("\"}");
  }
  return done{std::move(reply.answer), false, {}};
}

}  // namespace

step create_key(const call& call, const services& services) {
  json::input_errors errors;
  key_input input = parse_key(call.body, call.now, errors);
  if (auto problem = errors.take()) return refuse(*problem, call.request_id);
  const auto wanted = keyring::scopes_of(input.grant);
  const auto opens = keyring::scopes_in(call.tenant, wanted);
  if (!input.grant.everything() && opens != wanted)
    return refuse_scope(call, "What all tenants share opens to the keys of the first tenant alone.");
  // Or whoever may make keys could do everything.
  if (!call.credential->scopes.has_all(opens))
    return refuse_scope(call, "A key opens at most what the key opens that makes it.");
  std::array<std::uint8_t, 32> bytes{};
  services.random->fill(bytes);
  keyring::new_key key =
      keyring::make_key(std::move(input.label), std::move(input.grant), services.random->next_part(),
                        {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, call.now);
  auto command = std::make_shared<keyring::pb::Command>();
  *command->mutable_add() = std::move(key.add);
  ask ask;
  ask.questions.push_back(command_question{.to = keyring_of(call), .command = std::move(command)});
  ask.then = [secret = std::move(key.secret)](std::vector<reply> replies) {
    return show_secret(std::move(replies.front()), secret);
  };
  return ask;
}

step list_keys(const call& call, const services&) {
  auto command = std::make_shared<keyring::pb::Command>();
  command->mutable_list();
  return pass_on({.to = keyring_of(call), .command = std::move(command), .read_only = true});
}

step revoke_key(const call& call, const services&) {
  auto command = std::make_shared<keyring::pb::Command>();
  command->mutable_revoke()->set_id(call.arguments[0]);
  return pass_on({.to = keyring_of(call), .command = std::move(command), .keyed = true});
}

}  // namespace souk::gateway
