#include "actors/gateway/first_key.hpp"

#include "runtime/testkit/driver.hpp"
#include "tests/actor/scripted_shard.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

namespace souk::gateway {
namespace {

using namespace std::chrono_literals;

class first_key_actor_test : public ::testing::Test {
 protected:
  first_key_actor_test() {
    kinds_.kinds[kinds::keyring] = keyring::make_kind();
    routing_ = std::make_shared<runtime::routing_table>(std::uint16_t{2}, kinds_);
    shard_ = driver_.system().spawn(souk::testing::scripted_shard, script_);
    script_->answer = [this](const runtime::request& request) { return answer(request); };
  }
  ~first_key_actor_test() override {
    caf::anon_send_exit(shard_, caf::exit_reason::kill);
    caf::anon_send_exit(actor_, caf::exit_reason::kill);
    routing_.reset();
    driver_.settle();
  }

  /// Answers like a keyring.
  std::optional<runtime::response> answer(const runtime::request& request) {
    const auto& command = dynamic_cast<const keyring::pb::Command&>(*request.command);
    runtime::response response;
    if (command.has_list()) {
      response.answer.value = std::make_shared<keyring::pb::Keys>(keys_);
    } else {
      added_ = command.add();
      keys_.add_keys()->set_id(command.add().id());
      response.answer.status = 201;
    }
    return response;
  }
  void start() {
    first_key_config config;
    config.routing = routing_;
    config.clock = driver_.time();
    config.random = driver_.random();
    config.keep = [this](const std::string& fresh) {
      if (kept_.empty()) kept_ = fresh;
      return kept_;
    };
    config.known = [this] { return known_; };
    config.ready = [this](bool made) { made_ = made; };
    actor_ = driver_.system().spawn(first_key, config);
    driver_.settle();
  }
  void serve() {
    routing_->set(0, shard_);
    routing_->set(1, shard_);
  }

  runtime::testkit::driver driver_{1};
  runtime::entity_catalogue kinds_;
  std::shared_ptr<runtime::routing_table> routing_;
  std::shared_ptr<souk::testing::shard_script> script_ = std::make_shared<souk::testing::shard_script>();
  caf::actor shard_;
  caf::actor actor_;
  keyring::pb::Keys keys_;
  std::optional<keyring::pb::Add> added_;
  std::string kept_;
  std::optional<bool> made_;
  bool known_ = false;
};

TEST_F(first_key_actor_test, a_first_start_makes_a_key_and_keeps_its_secret) {
  serve();
  start();
  ASSERT_EQ(made_, true);
  EXPECT_EQ(added_->hash(), keyring::hash_of(kept_));
  EXPECT_TRUE(added_->only_first());
}

TEST_F(first_key_actor_test, a_keyring_that_has_keys_is_left_alone) {
  keys_.add_keys()->set_id("key_1");
  serve();
  start();
  EXPECT_EQ(made_, false);
  EXPECT_FALSE(added_);
  EXPECT_EQ(kept_, "");
}

TEST_F(first_key_actor_test, a_secret_that_lies_there_is_used) {
  kept_ = "sk_from_a_start_that_was_cut_short";
  serve();
  start();
  EXPECT_EQ(added_->hash(), keyring::hash_of(kept_));
}

TEST_F(first_key_actor_test, it_waits_for_the_keyring) {
  start();
  driver_.advance(100ms);
  EXPECT_FALSE(made_);
  serve();
  driver_.advance(100ms);
  EXPECT_EQ(made_, true);
}

TEST_F(first_key_actor_test, it_ends_when_another_node_has_made_one) {
  start();
  driver_.advance(100ms);
  known_ = true;
  driver_.advance(100ms);
  EXPECT_EQ(made_, false);
  EXPECT_FALSE(added_);
  const auto steps = driver_.steps();
  driver_.advance(1s);
  EXPECT_EQ(driver_.steps(), steps) << "nothing looks any more";
}

TEST_F(first_key_actor_test, it_ends_at_once_where_a_key_is_known) {
  known_ = true;
  start();
  EXPECT_EQ(made_, false);
}

TEST(admin_key_file, is_for_its_owner_alone_and_written_once) {
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("admin_key_" + std::to_string(::getpid()));
  std::filesystem::create_directory(folder);
  std::filesystem::path file = folder / "admin.key";
  EXPECT_EQ(keep_admin_key(file, "sk_first"), "sk_first");
  EXPECT_EQ(keep_admin_key(file, "sk_second"), "sk_first");
  struct stat facts{};
  ASSERT_EQ(::stat(file.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  std::ifstream in{file};
  std::string text;
  std::getline(in, text);
  EXPECT_EQ(text, "sk_first");
  std::filesystem::remove_all(folder);
  EXPECT_THROW(keep_admin_key(folder / "admin.key", "x"), std::system_error);
}

}  // namespace
}  // namespace souk::gateway
