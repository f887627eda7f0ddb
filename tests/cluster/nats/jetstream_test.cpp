#include "actors/nats/jetstream.hpp"

#include "runtime/links/certificate_folder.hpp"
#include "runtime/seams/seams.hpp"
#include "tests/cluster/nats/nats_server.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <utility>

/// The link to NATS against real servers, as they are and as they should not be.
namespace souk::nats {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using kind = publish_result::kind;

class jetstream_link : public ::testing::Test {
 protected:
  void serve(std::string more = {}) {
    server_ = std::make_unique<cluster_test::nats_server>(std::move(more));
    server_->start();
    options_.servers = {server_->url()};
  }
  fs::path file(const std::string& name, const std::string& text) const {
    std::ofstream{server_->folder() / name} << text;
    return server_->folder() / name;
  }
  publish_result publish(const std::string& id, std::string body = "{}") {
    if (!link_) link_ = make_jetstream(options_, clock_);
    const auto said = std::make_shared<std::promise<publish_result>>();
    auto result = said->get_future();
    link_->publish({"souk.main.order.placed.v1", id, std::move(body)},
                   [said](publish_result what) { said->set_value(std::move(what)); });
    if (result.wait_for(20s) != std::future_status::ready) return {kind::away, "the link stayed silent"};
    return result.get();
  }

  /// Again until it is not away any more.
  publish_result publish_when_back(const std::string& id) {
    auto result = publish(id);
    for (int tries = 0; tries < 500 && result.what == kind::away; ++tries) {
      ::poll(nullptr, 0, 20);
      result = publish(id);
    }
    return result;
  }

  std::shared_ptr<runtime::clock> clock_ = runtime::make_system_clock();
  std::unique_ptr<cluster_test::nats_server> server_;
  jetstream_options options_;
  std::shared_ptr<stream_link> link_;
};

TEST_F(jetstream_link, makes_its_stream_which_keeps_one_of_each_id) {
  serve();
  const auto first = publish("evt_1", R"({"n":1})");
  EXPECT_EQ(first.what, kind::stored) << first.why;
  EXPECT_EQ(publish("evt_1").what, kind::duplicate);
  EXPECT_EQ(publish("evt_2").what, kind::stored);
  const auto kept = server_->messages("SOUK");
  ASSERT_EQ(kept.size(), 2u);
  EXPECT_EQ(kept[0].id, "evt_1");
  EXPECT_EQ(kept[0].body, R"({"n":1})");
  EXPECT_EQ(kept[0].subject, "souk.main.order.placed.v1");
}

TEST_F(jetstream_link, is_away_while_the_server_is_and_comes_back) {
  serve();
  EXPECT_EQ(publish("evt_1").what, kind::stored);
  server_->kill();
  EXPECT_EQ(publish("evt_2").what, kind::away);
  EXPECT_EQ(publish("evt_2").what, kind::away);
  server_->start();
  const auto result = publish_when_back("evt_2");
  EXPECT_EQ(result.what, kind::stored) << result.why;
  EXPECT_EQ(publish("evt_1").what, kind::duplicate);
}

TEST_F(jetstream_link, says_what_is_refused) {
  serve("max_payload: 1024");
  EXPECT_EQ(publish("evt_1").what, kind::stored);
  EXPECT_EQ(publish("evt_2", std::string(2'000, ' ')).what, kind::refused);
  EXPECT_EQ(publish("evt_3").what, kind::stored);
  link_.reset();
  options_.create = false;
  options_.stream = "OTHER";
  const auto of_another = publish("evt_4");
  EXPECT_EQ(of_another.what, kind::refused);
  EXPECT_NE(of_another.why.find("expected stream"), std::string::npos) << of_another.why;
}

TEST_F(jetstream_link, needs_a_stream_where_it_may_make_none) {
  serve();
  options_.create = false;
  const auto result = publish("evt_1");
  EXPECT_EQ(result.what, kind::away);
  EXPECT_NE(result.why.find("no stream takes the subject"), std::string::npos) << result.why;
}

TEST_F(jetstream_link, says_who_it_is) {
  serve("authorization { user: souk, password: \"secret\" }");
  EXPECT_EQ(publish("evt_1").what, kind::away);
  link_.reset();
  options_.user = "souk";
  options_.password_file = file("password", "wrong\n");
  EXPECT_EQ(publish("evt_1").what, kind::away);
  file("password", "secret\n");  // read again with each connection
  const auto result = publish_when_back("evt_1");
  EXPECT_EQ(result.what, kind::stored) << result.why;
  link_.reset();
  options_.password_file = server_->folder() / "nothing";
  EXPECT_NE(publish("evt_1").why.find("the password cannot be read"), std::string::npos);
}

TEST_F(jetstream_link, trusts_a_server_by_its_certificate_alone) {
  std::string pattern = (fs::temp_directory_path() / "souk-jetstream-XXXXXX").string();
  ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
  const fs::path folder = pattern;
  links::make_https_certificate(folder / "good", {"127.0.0.1"}, true);
  links::make_https_certificate(folder / "other", {"other.example"}, true);
  const auto serve_as = [&](const std::string& name) {
    link_.reset();
    serve(fmt::format("tls {{ cert_file: \"{0}/https.pem\", key_file: \"{0}/https.key\" }}",
                      (folder / name).string()));
    options_.servers = {server_->url("tls")};
  };
  serve_as("good");
  EXPECT_EQ(publish("evt_1").what, kind::away);  // nobody vouches for it
  link_.reset();
  options_.ca = folder / "good" / "https.pem";
  const auto trusted = publish("evt_1");
  EXPECT_EQ(trusted.what, kind::stored) << trusted.why;
  serve_as("other");
  options_.ca = folder / "other" / "https.pem";  // trusted, and for another host
  EXPECT_EQ(publish("evt_1").what, kind::away);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace souk::nats
