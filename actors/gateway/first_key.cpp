#include "actors/gateway/first_key.hpp"

#include "runtime/supervision/failure.hpp"

#include <caf/event_based_actor.hpp>

#include <array>
#include <utility>

namespace souk::gateway {

namespace {

using first_key_actor = caf::stateful_actor<first_key_state>;

/// False if this node does not serve the keyring's shard now: of several nodes one makes the key.
bool ask(first_key_actor* self, const first_key_config& config, keyring::pb::Command command) {
  runtime::address to{config.tenant, kinds::keyring, std::string{keyring::entity_key}};
  caf::actor shard = config.routing->local(config.routing->shard_of(to));
  if (shard == nullptr) return false;
  runtime::request request;
  request.to = std::move(to);
  request.read_only = command.has_list();
  request.command = std::make_shared<const keyring::pb::Command>(std::move(command));
  config.random->fill(request.id);
  request.admin = true;
  request.correlation = self->state.round;
  request.reply_to = self;
  self->send(shard, std::move(request));
  return true;
}

void finish(first_key_actor* self, const first_key_config& config) {
  if (config.ready) config.ready(self->state.added);
  self->quit();
}

void begin_round(first_key_actor* self, const first_key_config& config) {
  if (config.known && config.known()) return finish(self, config);
  ++self->state.round;
  self->state.adding = false;
  keyring::pb::Command list;
  list.mutable_list();
  bool asked = ask(self, config, std::move(list));
  self->delayed_send(self, asked ? config.patience : config.retry, gateway_tick{});
}

void add_key(first_key_actor* self, const first_key_config& config) {
  std::array<std::uint8_t, 32> bytes{};
  config.random->fill(bytes);
  keyring::new_key key =
      keyring::make_key("first start", keyring::full_grant(), config.random->next_part(),
                        {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, config.clock->now());
  key.add.set_hash(keyring::hash_of(config.keep(key.secret)));
  key.add.set_only_first(true);
  keyring::pb::Command command;
  *command.mutable_add() = std::move(key.add);
  self->state.adding = true;
  self->state.added = ask(self, config, std::move(command)) || self->state.added;
}

void take(first_key_actor* self, const first_key_config& config, const runtime::response& response) {
  if (response.correlation != self->state.round || response.outcome != runtime::outcome::answered) return;
  if (self->state.adding) {
    if (response.answer.status == 201) finish(self, config);
    return;
  }
  const auto* keys = dynamic_cast<const keyring::pb::Keys*>(response.answer.value.get());
  if (keys == nullptr) return;
  if (keys->keys_size() > 0)
    finish(self, config);
  else
    add_key(self, config);
}

}  // namespace

caf::behavior first_key(first_key_actor* self, first_key_config config) {
  supervision::handle_failures(self);
  auto shared = std::make_shared<const first_key_config>(std::move(config));
  begin_round(self, *shared);
  return {
      [self, shared](const runtime::response& response) { take(self, *shared, response); },
      [self, shared](const gateway_tick&) { begin_round(self, *shared); },
  };
}

}  // namespace souk::gateway
