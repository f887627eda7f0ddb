#include "runtime/telemetry/access_log.hpp"
#include "runtime/telemetry/log.hpp"
#include "runtime/telemetry/rotated_file.hpp"

#include <boost/json.hpp>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace souk::telemetry {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

access_entry read_of_a_cart() {
  access_entry entry;
  entry.time = std::chrono::sys_time<std::chrono::milliseconds>{1'795'000'000'042ms};
  entry.request_id = "req_1";
  entry.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  entry.tenant = "main";
  entry.credential = "key_1";
  entry.route = "get_cart";
  entry.method = "GET";
  entry.status = 200;
  entry.bytes = 321;
  entry.took = 1'500us;
  entry.waited = 20us;
  entry.shard = 7;
  entry.client = "192.0.2.7";
  return entry;
}

std::string line_of(const access_entry& entry) {
  std::string line;
  append_access_line(line, entry);
  return line;
}

TEST(access_line, says_all_that_is_known) {
  EXPECT_EQ(line_of(read_of_a_cart()),
            R"({"time":"2026-11-18T11:06:40.042Z","request_id":"req_1",)"
            R"("trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","tenant":"main","credential":"key_1",)"
            R"("route":"get_cart","method":"GET","status":200,"bytes":321,"duration_us":1500,"queue_us":20,)"
            R"("shard":7,"client":"192.0.2.7"})");
}

TEST(access_line, leaves_out_what_is_not_known) {
  access_entry entry;
  entry.status = 400;
  EXPECT_EQ(line_of(entry), R"({"time":"1970-01-01T00:00:00.000Z","status":400,"bytes":0})");
}

TEST(access_line, nothing_in_it_ends_it_or_adds_a_field) {
  for (const std::string& text :
       {std::string{"a\n{\"status\":500}"}, std::string{"a\r\nb"}, std::string{"\",\"status\":500,\"x\":\""},
        std::string{"\\"}, std::string{"\\\","}, std::string{"\0b", 2}, std::string{"\x1b[2J\x7f"},
        std::string{"\xFF\xC0\x80"}, std::string{"</script>"}, std::string{"\t"}}) {
    auto entry = read_of_a_cart();
    entry.request_id = entry.trace_id = entry.credential = entry.client = text;
    const auto line = line_of(entry);
    for (const char c : line)
      EXPECT_GE(static_cast<unsigned char>(c), 0x20u) << line;
    const auto read = boost::json::parse(line).as_object();
    EXPECT_EQ(read.size(), 13u) << line;
    EXPECT_EQ(read.at("status"), 200);
  }
}

TEST(access_line, is_bounded_whatever_it_is_given) {
  const std::string endless(100'000, '\x01');
  access_entry entry = read_of_a_cart();
  entry.request_id = entry.trace_id = entry.tenant = entry.credential = entry.route = entry.method =
      entry.client = endless;
  entry.bytes = ~std::uint64_t{0};
  entry.took = entry.waited = std::chrono::nanoseconds::min();
  entry.status = -1'000'000'000;
  entry.shard = ~std::uint32_t{0};
  EXPECT_LE(line_of(entry).size(), access_line_bytes_max);
  const std::string umlauts = std::string(access_text_bytes_max - 1, 'a') + "\xC3\xA4";
  entry.request_id = umlauts;
  EXPECT_NO_THROW(boost::json::parse(line_of(entry))) << "cut within a character";
}

class access_log_files : public ::testing::Test {
 protected:
  ~access_log_files() override { fs::remove_all(folder_); }

  static std::string make_folder() {
    std::string made = fs::temp_directory_path() / "souk-access-XXXXXX";
    return ::mkdtemp(made.data());
  }
  static std::string text_of(const fs::path& file) {
    std::ifstream in{file};
    return {std::istreambuf_iterator<char>{in}, {}};
  }
  static std::vector<boost::json::object> lines_of(std::istream& in) {
    std::vector<boost::json::object> lines;
    for (std::string line; std::getline(in, line);)
      lines.push_back(boost::json::parse(line).as_object());
    return lines;
  }
  std::vector<boost::json::object> lines() const {
    std::ifstream in{file_};
    return lines_of(in);
  }
  access_log_options options() const { return {.file = file_}; }

  const fs::path folder_ = make_folder();
  const fs::path file_ = folder_ / "access.log";
};

TEST_F(access_log_files, lines_of_several_threads_stay_whole) {
  {
    access_log log{options()};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int n = 0; n < 500; ++n)
          log.record(read_of_a_cart());
      });
    threads.clear();
    EXPECT_EQ(log.recorded(), 2'000u);
    EXPECT_EQ(log.displaced(), 0u);
    EXPECT_EQ(log.unwritten(), 0u);
  }
  EXPECT_EQ(lines().size(), 2'000u);
  struct stat found{};
  ASSERT_EQ(::stat(file_.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07, 0u) << "it names clients, and everybody may read it";
}

TEST_F(access_log_files, of_many_requests_some_are_written_and_of_failed_ones_all) {
  {
    auto some = options();
    some.one_of = 10;
    access_log log{some};
    auto entry = read_of_a_cart();
    for (int n = 0; n < 100; ++n) {
      entry.status = n < 50 ? 200 : 404;
      log.record(entry);
    }
    entry.status = 500;
    for (int n = 0; n < 7; ++n)
      log.record(entry);
  }
  std::map<std::int64_t, int> by_status;
  for (const auto& line : lines())
    ++by_status[line.at("status").as_int64()];
  EXPECT_EQ(by_status, (std::map<std::int64_t, int>{{200, 5}, {404, 5}, {500, 7}}));
}

/// A pipe that nobody reads is a disk that hangs.
TEST_F(access_log_files, a_disk_that_hangs_delays_nobody_and_lost_lines_are_counted) {
  ASSERT_EQ(::mkfifo(file_.c_str(), 0600), 0);
  const int reader = ::open(file_.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  auto few = options();
  few.lines_waiting_max = 16;
  auto log = std::make_unique<access_log>(few);
  constexpr std::uint64_t sent = 5'000;  // some 1.3 MB: more than a pipe, a batch and the queue hold
  for (std::uint64_t n = 0; n < sent; ++n)
    log->record(read_of_a_cart());
  EXPECT_EQ(log->recorded(), sent);
  const auto displaced = log->displaced();
  EXPECT_GT(displaced, sent / 2);

  std::string read;
  std::jthread draining{[&] {
    std::vector<char> some(64 << 10);
    while (read.size() < (sent - displaced) * (line_of(read_of_a_cart()).size() + 1)) {
      pollfd ready{reader, POLLIN, 0};
      if (::poll(&ready, 1, 5'000) <= 0) return;
      const auto count = ::read(reader, some.data(), some.size());
      if (count > 0) read.append(some.data(), static_cast<std::size_t>(count));
    }
  }};
  log.reset();  // writes what waits
  draining.join();
  ::close(reader);
  std::istringstream in{read};
  EXPECT_EQ(lines_of(in).size(), sent - displaced);
}

TEST_F(access_log_files, a_full_disk_costs_lines_and_nothing_else) {
  std::ostringstream told;
  log::start(log::level::info, log::format::json, &told);
  access_log log{{.file = "/dev/full"}};
  for (int n = 0; n < 10; ++n)
    log.record(read_of_a_cart());
  for (int patience = 0; patience < 1'000 && log.unwritten() < 10; ++patience)
    ::poll(nullptr, 0, 10);
  EXPECT_EQ(log.unwritten(), 10u);
  log::stop();
  const auto first = told.str().find("the access log cannot be written");
  EXPECT_NE(first, std::string::npos) << told.str();
  EXPECT_EQ(told.str().find("the access log cannot be written", first + 1), std::string::npos)
      << "it is said once, not for each line";
}

TEST_F(access_log_files, a_file_that_cannot_be_opened_is_named) {
  try {
    access_log log{{.file = folder_ / "none" / "access.log"}};
    ADD_FAILURE() << "it was opened";
  } catch (const std::system_error& error) {
    EXPECT_NE(std::string{error.what()}.find("none/access.log"), std::string::npos) << error.what();
  }
}

TEST_F(access_log_files, full_files_are_numbered_and_the_oldest_goes) {
  rotated_file file{file_, 10, 3};
  for (const char* line : {"11111\n", "22222\n", "33333\n", "44444\n"})
    file.append(line);
  EXPECT_EQ(text_of(file_), "44444\n");
  EXPECT_EQ(text_of(file_.string() + ".1"), "33333\n");
  EXPECT_EQ(text_of(file_.string() + ".2"), "22222\n");
  EXPECT_FALSE(fs::exists(file_.string() + ".3"));
  file.append("5\n");
  EXPECT_EQ(text_of(file_), "44444\n5\n") << "there was room";
}

TEST_F(access_log_files, one_file_begins_anew) {
  rotated_file file{file_, 10, 1};
  file.append("11111\n");
  file.append("22222\n");
  EXPECT_EQ(text_of(file_), "22222\n");
  EXPECT_FALSE(fs::exists(file_.string() + ".1"));
}

TEST_F(access_log_files, the_next_start_goes_on_where_the_last_one_ended) {
  rotated_file{file_, 10, 2}.append("11111\n");
  rotated_file again{file_, 10, 2};
  again.append("2\n");
  EXPECT_EQ(text_of(file_), "11111\n2\n");
  again.append("333\n");
  EXPECT_EQ(text_of(file_), "333\n");
  EXPECT_EQ(text_of(file_.string() + ".1"), "11111\n2\n");
}

TEST_F(access_log_files, what_cannot_be_moved_aside_is_tried_again) {
  rotated_file file{file_, 10, 2};
  file.append("11111\n");
  fs::create_directories(file_.string() + ".1/in the way");
  EXPECT_THROW(file.append("22222\n"), std::system_error);
  EXPECT_THROW(file.append("33333\n"), std::system_error);
  EXPECT_EQ(text_of(file_), "11111\n") << "the file outgrew its room";
  fs::remove_all(file_.string() + ".1");
  file.append("44444\n");
  EXPECT_EQ(text_of(file_), "44444\n");
  EXPECT_EQ(text_of(file_.string() + ".1"), "11111\n");
}

/// Lets no file of this process grow beyond so many bytes.
class small_disk {
 public:
  explicit small_disk(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit less{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &less);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~small_disk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST_F(access_log_files, half_a_line_is_taken_back) {
  rotated_file file{file_, 1'000, 2};
  file.append("11111\n");
  {
    small_disk disk{9};
    EXPECT_THROW(file.append("22222\n"), std::system_error);
  }
  file.append("33333\n");
  EXPECT_EQ(text_of(file_), "11111\n33333\n");
}

}  // namespace
}  // namespace souk::telemetry
