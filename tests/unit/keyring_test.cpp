#include "actors/keyring/keyring.hpp"

#include "actors/formats.hpp"
#include "actors/keyring/credential_directory.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace souk::keyring {
namespace {

constexpr runtime::timestamp now = runtime::from_ms(1'800'000'000'000);

class no_ids : public runtime::id_source {
 public:
  std::string next_part() override { return "00000000000000000000"; }
};

class map_sink : public runtime::row_sink {
 public:
  void put(std::string_view row, std::string value) override { rows[std::string{row}] = std::move(value); }
  void erase(std::string_view row) override { rows.erase(std::string{row}); }

  std::map<std::string, std::string> rows;
};

/// A keyring with everything that hangs on it, without a runtime.
class keyring_bench {
 public:
  runtime::decision run(const pb::Command& command) {
    runtime::context context{address, now, state.version, ids, {}, "req_1", true};
    runtime::decision decision = decider.decide(state, command, context);
    for (const auto& event : decision.events) {
      decider.evolve(state, static_cast<const pb::Event&>(*event), now, state.version + 1);
      directory->apply(address, state.version, *event);
    }
    return decision;
  }

  runtime::answer add(const new_key& key, bool only_first = false) {
    pb::Command command;
    *command.mutable_add() = key.add;
    command.mutable_add()->set_only_first(only_first);
    return *run(command).reply;
  }

  runtime::answer revoke(const std::string& id) {
    pb::Command command;
    command.mutable_revoke()->set_id(id);
    return *run(command).reply;
  }

  runtime::address address{"main", kinds::keyring, "main"};
  no_ids ids;
  keyring_decider decider;
  keyring_state state;
  std::shared_ptr<credential_directory> directory = make_credential_directory();
};

new_key key_of(char digit) {
  return make_key("till", full_grant(), std::string(20, digit), std::string(32, digit), now);
}

TEST(keyring, a_key_opens_until_it_is_revoked) {
  keyring_bench bench;
  new_key key = key_of('1');
  EXPECT_FALSE(bench.directory->find(key.secret, now));
  EXPECT_EQ(bench.add(key).status, 201);
  ASSERT_TRUE(bench.directory->find(key.secret, now));
  EXPECT_EQ(bench.directory->find(key.secret, now)->id, key.add.id());
  EXPECT_FALSE(bench.directory->find(key.secret + "x", now));
  EXPECT_FALSE(bench.directory->find("", now));
  EXPECT_EQ(bench.revoke(key.add.id()).status, 200);
  EXPECT_FALSE(bench.directory->find(key.secret, now));
  EXPECT_EQ(bench.revoke(key.add.id()).status, 200) << "revoking twice is fine";
}

TEST(keyring, answers_and_events_never_hold_a_secret_or_its_hash) {
  keyring_bench bench;
  new_key key = key_of('2');
  runtime::answer answer = bench.add(key);
  EXPECT_EQ(answer.body.find(key.secret), std::string::npos);
  EXPECT_EQ(answer.body.find("hash"), std::string::npos);
  EXPECT_NE(answer.body.find(R"("label":"till")"), std::string::npos);
  EXPECT_EQ(key.add.SerializeAsString().find(key.secret), std::string::npos);
}

TEST(keyring, the_first_key_is_made_only_once) {
  keyring_bench bench;
  EXPECT_EQ(bench.add(key_of('3'), true).status, 201);
  EXPECT_EQ(bench.add(key_of('4'), true).status, 409);
  bench.revoke(key_of('3').add.id());
  EXPECT_EQ(bench.add(key_of('4'), true).status, 409) << "a revoked key was a key";
  EXPECT_EQ(bench.add(key_of('4')).status, 201);
}

TEST(keyring, an_unknown_key_cannot_be_revoked) {
  keyring_bench bench;
  EXPECT_EQ(bench.revoke("key_none").status, 404);
}

TEST(keyring, a_key_ends_at_its_time_and_opens_what_it_was_granted) {
  keyring_bench bench;
  pb::Grant grant;
  grant.add_scopes("orders:read");
  grant.add_scopes("of:a:later:version");
  grant.set_expires_at_ms(runtime::to_ms(now) + 1);
  new_key key = make_key("till", grant, std::string(20, '7'), std::string(32, '7'), now);
  const auto answer = bench.add(key);
  EXPECT_NE(answer.body.find(R"("publishable":false,"scopes":["orders:read"])"), std::string::npos);
  EXPECT_NE(answer.body.find(R"("expires_at":")"), std::string::npos);
  ASSERT_TRUE(bench.directory->find(key.secret, now));
  EXPECT_EQ(bench.directory->find(key.secret, now)->scopes, scope_set{scope::orders_read});
  EXPECT_FALSE(bench.directory->find(key.secret, runtime::from_ms(runtime::to_ms(now) + 1)));
}

TEST(keyring, a_key_from_before_there_were_scopes_opens_everything) {
  keyring_bench bench;
  new_key key = key_of('8');
  key.add.clear_grant();
  const auto answer = bench.add(key);
  EXPECT_NE(answer.body.find(R"("events:read","webhooks:read","webhooks:write"])"), std::string::npos);
  EXPECT_EQ(bench.directory->find(key.secret, now)->scopes, scope_set::all());
  map_sink sink;
  bench.decider.save_rows(bench.state, sink);
  keyring_bench restarted;
  for (const auto& [row, value] : sink.rows)
    restarted.decider.load_row(restarted.state, row, value);
  auto state = std::make_shared<keyring_state>(restarted.state);
  EXPECT_FALSE(state->keys.begin()->second.has_grant());
}

TEST(keyring, scopes_have_names) {
  for (std::string_view name : scope_set::all().names())
    EXPECT_EQ(name_of(*scope_of(name)), name);
  EXPECT_EQ(scope_set::all().names().size(), scope_count);
  EXPECT_FALSE(scope_of("orders"));
  EXPECT_FALSE(scope_of(""));
}

TEST(keyring, rows_bring_back_the_same_keys) {
  keyring_bench bench;
  bench.add(key_of('5'));
  bench.add(key_of('6'));
  map_sink sink;
  bench.decider.save_rows(bench.state, sink);
  EXPECT_EQ(sink.rows.size(), 2u);
  bench.revoke(key_of('5').add.id());
  map_sink second;
  bench.decider.save_rows(bench.state, second);
  EXPECT_EQ(second.rows.size(), 1u) << "only what changed is written";
  second.rows.merge(sink.rows);

  keyring_bench restarted;
  for (const auto& [row, value] : second.rows)
    restarted.decider.load_row(restarted.state, row, value);
  ASSERT_EQ(restarted.state.keys.size(), 2u);
  for (const auto& [id, key] : bench.state.keys)
    EXPECT_EQ(restarted.state.keys.at(id).SerializeAsString(), key.SerializeAsString());
}

TEST(keyring, says_when_a_key_was_used_last_and_writes_it_once_an_hour) {
  keyring_bench bench;
  const auto key = key_of('6');
  bench.add(key);
  const auto use = [&](runtime::timestamp at, std::uint32_t format = formats::newest) {
    pb::Command command;
    command.mutable_use()->set_id(key.add.id());
    runtime::context context{bench.address, at, bench.state.version, bench.ids, {}, "", false, format};
    const auto decision = bench.decider.decide(bench.state, command, context);
    EXPECT_TRUE(decision.reply);
    for (const auto& event : decision.events)
      bench.decider.evolve(bench.state, static_cast<const pb::Event&>(*event), at, bench.state.version + 1);
    return decision.events.size();
  };
  EXPECT_EQ(use(now, formats::key_use - 1), 0u) << "a node of the version before could not read it";
  EXPECT_EQ(use(now), 1u);
  EXPECT_EQ(use(now + use_interval - std::chrono::milliseconds{1}), 0u);
  const auto later = now + use_interval;
  EXPECT_EQ(use(later), 1u);
  EXPECT_EQ(bench.state.keys.at(key.add.id()).last_used_at_ms(), runtime::to_ms(later));
  pb::Command list;
  list.mutable_list();
  EXPECT_NE(bench.run(list).reply->body.find(R"("last_used_at":")"), std::string::npos);
}

TEST(keyring, a_directory_says_once_an_hour_that_a_use_is_news) {
  keyring_bench bench;
  const auto key = key_of('6');
  bench.add(key);
  EXPECT_TRUE(bench.directory->find(key.secret, now)->use_is_news);
  EXPECT_FALSE(bench.directory->find(key.secret, now)->use_is_news);
  EXPECT_FALSE(bench.directory->find(key.secret, now + std::chrono::minutes{59})->use_is_news);
  EXPECT_TRUE(bench.directory->find(key.secret, now + std::chrono::minutes{60})->use_is_news);
}

TEST(keyring, a_key_opens_its_own_tenant_and_nothing_that_all_share) {
  keyring_bench bench;
  bench.address.tenant = "other";
  const auto key = key_of('5');
  EXPECT_EQ(bench.add(key).body.find("cluster:"), std::string::npos);
  const auto found = bench.directory->find(key.secret, now);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->tenant, "other");
  EXPECT_EQ(found->scopes, scope_set::all().without(operators_scopes));
  EXPECT_FALSE(found->scopes.has(scope::cluster_read));
  EXPECT_TRUE(bench.directory->any("other"));
  EXPECT_FALSE(bench.directory->any("main"));
  bench.revoke(key.add.id());
  EXPECT_FALSE(bench.directory->find(key.secret, now));
}

TEST(keyring, a_directory_restored_from_state_knows_the_valid_keys) {
  auto kind = make_kind();
  auto state = kind->initial();
  pb::Event event;
  event.set_schema(1);
  event.mutable_added()->set_id(key_of('7').add.id());
  event.mutable_added()->set_hash(key_of('7').add.hash());
  kind->evolve(*state, event, now, 1);
  auto directory = make_credential_directory();
  directory->restore({"main", kinds::keyring, "main"}, 1, *state);
  EXPECT_TRUE(directory->find(key_of('7').secret, now));
  EXPECT_FALSE(directory->find(key_of('8').secret, now));
  EXPECT_TRUE(directory->any("main"));
  EXPECT_FALSE(directory->any("other"));
}

}  // namespace
}  // namespace souk::keyring
