#include "bench/load_report.hpp"

#include "bench/plot.hpp"

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <cmath>

namespace souk::bench {
namespace {

// A run of three rounds of one kind, and some calls.
class load_reports : public testing::Test {
 protected:
  load_reports() {
    run_.run([] { return std::make_unique<quick>(); });
    tally_.times["cart"].record(3'000);
    tally_.errors["sold<out>"] = 2;
    report_.facts.emplace_back("lines", "3");
    report_.fine = true;
  }

  class quick final : public customer {
   public:
    task<round_end> round() override { co_return round_end{"order", true}; }
  };

  load_options options_{.rate = 100, .seconds = 60, .rounds_max = 3};
  shopping_tally tally_;
  load_run run_{options_, {}, tally_};
  load_report report_{"checkout", "shoppers", "order", {}, options_, run_, tally_, {}, false};
};

TEST_F(load_reports, json_has_the_figures_and_only_the_whole_one_the_long_ones) {
  const auto said = boost::json::parse(json_of(report_, false)).as_object();
  EXPECT_EQ(said.at("scenario").as_string(), "checkout");
  EXPECT_EQ(said.at("orders").as_int64(), 3);
  EXPECT_EQ(said.at("intended").as_int64(), 3);
  EXPECT_EQ(said.at("lines").as_int64(), 3);
  EXPECT_EQ(said.at("rounds").at("order").at("count").as_int64(), 3);
  EXPECT_EQ(said.at("calls").at("cart").at("p9999_us").as_double(), 3.0);
  EXPECT_TRUE(said.at("fine").as_bool());
  EXPECT_FALSE(said.contains("timeline"));
  EXPECT_FALSE(said.contains("audit"));

  const auto whole = boost::json::parse(json_of(report_, true)).as_object();
  ASSERT_FALSE(whole.at("timeline").as_array().empty());
  EXPECT_EQ(whole.at("timeline").at(0).at("count").as_int64(), 3);
  EXPECT_FALSE(whole.at("distribution").at("rounds").at("order").as_array().empty());
}

TEST_F(load_reports, the_page_loads_nothing_and_shows_both_plots) {
  const std::string page = html_of(report_);
  for (const std::string_view foreign : {"http", "src=", "href", "url(", "@import", "<script"})
    EXPECT_EQ(page.find(foreign), std::string::npos) << foreign;
  std::size_t drawn = 0;
  for (std::size_t at = page.find("<svg"); at != std::string::npos; at = page.find("<svg", at + 1))
    ++drawn;
  EXPECT_EQ(drawn, 3u);
  EXPECT_NE(page.find("whole order"), std::string::npos);
  EXPECT_NE(page.find("sold&lt;out&gt;"), std::string::npos);
  EXPECT_EQ(page.find("sold<out>"), std::string::npos);
}

TEST_F(load_reports, a_page_says_what_was_wrong) {
  report_.fine = false;
  EXPECT_NE(html_of(report_).find("Not everything was right"), std::string::npos);
}

TEST(load_files, one_that_cannot_be_written_is_named_before_the_run) {
  EXPECT_NO_THROW(check_files({}));
  try {
    check_files({.html = "/nowhere/report.html"});
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "/nowhere/report.html cannot be written");
  }
}

TEST(distribution, goes_as_far_as_its_number_of_values_tells) {
  histogram values;
  for (std::uint64_t value = 1; value <= 1'000; ++value)
    values.record(value * 1'000);
  const auto points = distribution(values);
  ASSERT_EQ(points.size(), 31u);
  EXPECT_EQ(points.front().first, 0.0);
  EXPECT_NEAR(points[10].first, 0.9, 1e-9);
  EXPECT_NEAR(points[10].second, 900, 1);
  EXPECT_NEAR(points.back().first, 0.999, 1e-9);
  EXPECT_TRUE(distribution({}).empty());
}

TEST(plot, axes_have_round_marks) {
  const plot_axis linear = linear_axis("s", 43);
  EXPECT_EQ(linear.to, 50);
  ASSERT_EQ(linear.marks.size(), 6u);
  EXPECT_EQ(linear.marks[1].second, "10");
  const plot_axis decades = decades_axis("ms", 0.02, 150);
  EXPECT_NEAR(decades.from, 0.01, 1e-12);
  EXPECT_NEAR(decades.to, 1000, 1e-9);
  ASSERT_EQ(decades.marks.size(), 6u);
  EXPECT_EQ(decades.marks[0].second, "0.01");
  EXPECT_EQ(decades.marks[2].second, "1");
}

TEST(plot, points_lie_where_their_values_are) {
  const plot_axis x{"x", 0, 10, false, {}};
  const plot_axis y{"y", 1, 100, true, {}};
  const std::string drawn = svg_plot(x, y, {{"a<b", {{0, 1}, {5, 10}, {10, 1'000}}}});
  // From the lower left over the middle to the upper right, where what is beyond the axis is drawn.
  EXPECT_NE(drawn.find("points='70.0,270.0 395.0,141.0 720.0,12.0 '"), std::string::npos) << drawn;
  EXPECT_NE(drawn.find("a&lt;b"), std::string::npos);
}

}  // namespace
}  // namespace souk::bench
