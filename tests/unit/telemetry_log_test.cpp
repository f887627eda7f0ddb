#include "runtime/telemetry/json_text.hpp"
#include "runtime/telemetry/log.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <limits>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace souk::log {
namespace {

/// What is logged while it lives.
class captured {
 public:
  captured(level least, format format) { start(least, format, &out_); }
  ~captured() { stop(); }
  captured(const captured&) = delete;
  captured& operator=(const captured&) = delete;

  std::string text() const { return out_.str(); }
  std::vector<std::string> lines() const {
    std::istringstream in{out_.str()};
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);)
      lines.push_back(line);
    return lines;
  }

 private:
  std::ostringstream out_;
};

TEST(log, nothing_is_written_before_the_start_or_after_the_stop) {
  error("lost");
  EXPECT_FALSE(writes(level::error));
  {
    captured it{level::info, format::text};
    EXPECT_TRUE(writes(level::info));
  }
  error("lost");
  EXPECT_FALSE(writes(level::error));
}

TEST(log, writes_only_from_its_level_on) {
  captured it{level::warn, format::text};
  trace("no");
  debug("no");
  info("no");
  warn("yes");
  error("yes");
  write(level::off, "no");
  EXPECT_EQ(it.lines().size(), 2U);
  EXPECT_EQ(it.text().find("no"), std::string::npos);
}

TEST(log, text_is_for_people) {
  captured it{level::trace, format::text};
  warn("child restarts",
       {{"child", "shard-3"}, {"delay_ms", 10}, {"reason", "it said \"no\"\n"}, {"fatal", false}});
  const auto line = it.lines().at(0);
  EXPECT_TRUE(std::regex_match(
      line,
      std::regex{
          R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warning  child restarts child=shard-3 delay_ms=10 )"
          R"(reason="it said \\"no\\"\\n" fatal=false)"}))
      << line;
}

TEST(log, json_lines_parse_back) {
  captured it{level::trace, format::json};
  info("a \"quoted\" message", {{"text", std::string_view{"tab\t nul\0 \xff", 11}},
                                {"least", std::numeric_limits<std::int64_t>::min()},
                                {"most", std::numeric_limits<std::uint64_t>::max()},
                                {"half", 0.5},
                                {"nan", std::numeric_limits<double>::quiet_NaN()},
                                {"yes", true},
                                {"empty", ""}});
  const auto line = boost::json::parse(it.lines().at(0)).as_object();
  EXPECT_EQ(line.at("level"), "info");
  EXPECT_EQ(line.at("message"), "a \"quoted\" message");
  EXPECT_EQ(line.at("text").as_string(), boost::json::string_view("tab\t nul\0 \xEF\xBF\xBD", 13));
  EXPECT_EQ(line.at("least"), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(line.at("most"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(line.at("half"), 0.5);
  EXPECT_TRUE(line.at("nan").is_null());
  EXPECT_EQ(line.at("yes"), true);
  EXPECT_EQ(line.at("empty"), "");
  EXPECT_TRUE(std::regex_match(std::string{line.at("time").as_string()},
                               std::regex{R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"}));
}

TEST(log, long_texts_are_cut_between_characters) {
  captured it{level::trace, format::json};
  std::string text(text_bytes_max - 1, 'a');
  text += "\xC3\xA4 and more";
  info("m", {{"text", text}});
  const auto line = boost::json::parse(it.lines().at(0)).as_object();
  EXPECT_EQ(line.at("text").as_string(), std::string(text_bytes_max - 1, 'a'));
}

TEST(log, lines_of_several_threads_stay_whole) {
  captured it{level::trace, format::json};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([i] {
        for (int n = 0; n < 200; ++n)
          info("line", {{"thread", i}, {"n", n}});
      });
  }
  EXPECT_EQ(it.lines().size(), 800U);
  for (const auto& line : it.lines())
    EXPECT_NO_THROW(boost::json::parse(line));
}

TEST(log, levels_and_formats_have_names) {
  EXPECT_EQ(level_of("trace"), level::trace);
  EXPECT_EQ(level_of("error"), level::error);
  EXPECT_EQ(level_of("off"), std::nullopt);
  EXPECT_EQ(format_of("auto"), format::automatic);
  EXPECT_EQ(format_of("json"), format::json);
  EXPECT_EQ(format_of("xml"), std::nullopt);
}

TEST(json_text, bad_bytes_become_replacement_characters) {
  struct row {
    std::string in;
    std::string out;
  };
  const std::string bad = "\xEF\xBF\xBD";
  for (const auto& row :
       std::vector<row>{{"plain", "plain"},
                        {"\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x99\x82", "\xC3\xA4 \xE2\x82\xAC \xF0\x9F\x99\x82"},
                        {"\x80", bad},
                        {"\xC3", bad},
                        {"\xC0\x80", bad + bad},                      // overlong
                        {"\xE0\x80\x80", bad + bad + bad},            // overlong
                        {"\xED\xA0\x80", bad + bad + bad},            // surrogate
                        {"\xF4\x90\x80\x80", bad + bad + bad + bad},  // past the last character
                        {"\xE2\x82", bad + bad},
                        {"\xE2\x82x", bad + bad + "x"}}) {
    std::string out;
    telemetry::append_json_string(out, row.in);
    EXPECT_EQ(out, '"' + row.out + '"');
  }
}

}  // namespace
}  // namespace souk::log
