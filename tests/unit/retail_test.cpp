#include "nodes/souk/retail.hpp"

#include "nodes/souk/csv.hpp"

#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>

namespace souk::cli {
namespace {

// Text in memory, handed out in pieces of a few bytes so that every boundary is met.
class text_input final : public input {
 public:
  explicit text_input(std::string text, std::size_t piece = 7) : text_(std::move(text)), piece_(piece) {}
  std::size_t read(char* into, std::size_t size) override {
    const std::size_t count = std::min({size, piece_, text_.size() - at_});
    std::memcpy(into, text_.data() + at_, count);
    at_ += count;
    return count;
  }
  double progress() const override { return -1; }

 private:
  std::string text_;
  std::size_t piece_;
  std::size_t at_ = 0;
};

using records = std::vector<std::vector<std::string>>;

records read_csv(const std::string& text, std::size_t piece = 7) {
  text_input source(text, piece);
  csv_reader reader(source);
  records all;
  std::vector<std::string> fields;
  while (reader.next(fields))
    all.push_back(fields);
  return all;
}

TEST(csv, fields_quotes_and_line_ends_are_read_as_rfc_4180_has_them) {
  const std::string text = "a,b,c\r\n\"x, y\",\"say \"\"hi\"\"\",\n\n\"two\nlines\",,last";
  const records expected{{"a", "b", "c"}, {"x, y", "say \"hi\"", ""}, {"two\nlines", "", "last"}};
  for (const std::size_t piece : {1, 2, 7, 1000})
    EXPECT_EQ(read_csv(text, piece), expected) << piece;
}

TEST(csv, a_record_is_told_by_the_line_it_begins_on) {
  text_input source("a\n\"b\nb\"\n\nc\n");
  csv_reader reader(source);
  std::vector<std::string> fields;
  std::vector<std::uint64_t> lines;
  while (reader.next(fields))
    lines.push_back(reader.line());
  EXPECT_EQ(lines, (std::vector<std::uint64_t>{1, 2, 5}));
}

TEST(csv, a_quoted_field_that_never_ends_is_an_error_with_its_line) {
  try {
    read_csv("a\n\"b\n\n");
    FAIL() << "it was accepted";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "line 2: a quoted field never ends");
  }
}

class packed_file : public testing::Test {
 protected:
  void SetUp() override {
    const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    path_ = std::filesystem::temp_directory_path() / ("souk-" + name + "-" + std::to_string(getpid()));
  }
  void TearDown() override { std::filesystem::remove(path_); }

  void write(std::string_view bytes) { std::ofstream(path_, std::ios::binary) << bytes; }
  static std::string pack(const std::string& text) {
    std::string packed(ZSTD_compressBound(text.size()), '\0');
    packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
    return packed;
  }
  std::string read_all() const {
    const auto source = open_input(path_.string());
    std::string all;
    std::array<char, 1000> buffer{};
    while (const std::size_t count = source->read(buffer.data(), buffer.size()))
      all.append(buffer.data(), count);
    return all;
  }

  std::filesystem::path path_;
};

TEST_F(packed_file, zstd_is_known_by_its_magic_number_and_unpacked) {
  std::string text;
  for (int i = 0; i < 20'000; ++i)
    text += std::to_string(i * 7919) + "\n";
  write(pack(text) + pack("and a second frame"));
  EXPECT_EQ(read_all(), text + "and a second frame");
  write(text);
  EXPECT_EQ(read_all(), text);
  write("");
  EXPECT_EQ(read_all(), "");
}

TEST_F(packed_file, one_that_is_cut_short_is_an_error) {
  const std::string packed = pack(std::string(100'000, 'x') + "y");
  write(packed.substr(0, packed.size() - 3));
  EXPECT_THROW(read_all(), std::runtime_error);
}

TEST(input, a_missing_file_is_named) {
  try {
    open_input("/nowhere/at/all.csv");
    FAIL() << "it was opened";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "/nowhere/at/all.csv: No such file or directory");
  }
}

constexpr const char* header =
    "\"InvoiceNo\",\"StockCode\",\"Description\",\"Quantity\",\"InvoiceDate\",\"UnitPrice\",\"CustomerID\","
    "\"Country\"\n";

retail::year read(const std::string& lines) {
  text_input source(header + lines);
  return retail::read_year(source);
}

TEST(retail, an_all_digit_invoice_is_sold_line_by_line_even_where_lines_repeat) {
  const auto year = read(
      "\"1\",\"A\",\"Lamp\",6,2010-12-01 08:26:00,2.55,17850,\"UK\"\n"
      "\"2\",\"B\",\"Rug\",1,2010-12-01 08:26:00,10,,\"UK\"\n"
      "\"1\",\"A\",\"Lamp\",6,2010-12-01 08:26:00,2.55,17850,\"UK\"\n");
  ASSERT_EQ(year.invoices.size(), 2u);
  EXPECT_EQ(year.invoices[0].number, "1");
  EXPECT_EQ(year.invoices[0].customer_id, "17850");
  EXPECT_EQ(year.invoices[0].lines.size(), 2u);
  EXPECT_EQ(year.invoices[0].total, 3060);
  EXPECT_EQ(year.invoices[1].customer_id, "");
  EXPECT_EQ(year.invoices[1].total, 1000);
  EXPECT_EQ(year.sale_lines, 3u);
  EXPECT_EQ(year.revenue, 4060);
  EXPECT_TRUE(year.skipped.empty());
}

TEST(retail, each_line_is_rounded_once_half_to_even) {
  // 5 x 0.001 = 0.5p -> 0; 15 x 0.001 = 1.5p -> 2; 25 x 0.001 = 2.5p -> 2; 26 x 0.001 = 2.6p -> 3
  const auto year = read(
      "1,A,x,5,,0.001,,\n"
      "1,A,x,15,,0.001,,\n"
      "1,A,x,25,,0.001,,\n"
      "1,A,x,26,,0.001,,\n");
  EXPECT_EQ(year.revenue, 7);
  ASSERT_EQ(year.prices.size(), 1u);
  EXPECT_TRUE(year.prices[0].precise());
  EXPECT_EQ(year.prices[0].value(), 1);
  EXPECT_EQ(year.prices[0].scale(), 3u);
}

TEST(retail, stock_codes_are_case_sensitive) {
  const auto year = read("1,85123A,x,1,,1,,\n1,85123a,x,2,,1,,\n");
  ASSERT_EQ(year.articles.size(), 2u);
  EXPECT_EQ(year.articles[0].code, "85123A");
  EXPECT_EQ(year.articles[0].needed, 1);
  EXPECT_EQ(year.articles[1].code, "85123a");
  EXPECT_EQ(year.articles[1].needed, 2);
}

TEST(retail, what_is_received_covers_sales_and_write_offs_but_not_returns) {
  const auto year = read(
      "1,A,x,10,,1,,\n"
      "2,A,damaged,-3,,0,,\n"
      "C3,A,x,-4,,1,,\n");
  ASSERT_EQ(year.articles.size(), 1u);
  EXPECT_EQ(year.articles[0].needed, 13);
  ASSERT_EQ(year.written_off.size(), 1u);
  EXPECT_EQ(year.written_off[0].reference, "2/1");
  EXPECT_EQ(year.written_off[0].delta, -3);
  ASSERT_EQ(year.returned.size(), 1u);
  EXPECT_EQ(year.returned[0].reference, "C3/1");
  EXPECT_EQ(year.returned[0].delta, 4);
  EXPECT_EQ(year.invoices.size(), 1u);
}

TEST(retail, references_count_the_lines_of_their_invoice) {
  const auto year = read(
      "C1,A,x,-1,,1,,\n"
      "1,A,x,1,,1,,\n"
      "C1,A,x,-1,,1,,\n"
      "C1,B,x,-2,,1,,\n");
  ASSERT_EQ(year.returned.size(), 3u);
  EXPECT_EQ(year.returned[0].reference, "C1/1");
  EXPECT_EQ(year.returned[1].reference, "C1/2");
  EXPECT_EQ(year.returned[2].reference, "C1/3");
}

TEST(retail, a_gift_is_a_sale_at_nothing) {
  const auto year = read("1,A,x,56,,0,,\n");
  ASSERT_EQ(year.invoices.size(), 1u);
  EXPECT_EQ(year.invoices[0].total, 0);
  EXPECT_EQ(year.free_invoices, 1u);
  EXPECT_EQ(year.articles[0].needed, 56);
}

TEST(retail, an_article_is_called_as_its_sales_call_it_most_and_costs_what_it_cost_last) {
  const auto year = read(
      "1,A,Lamp,1,,2.55,,\n"
      "2,A,\" Red lamp \",1,,2.95,,\n"
      "3,A,Red lamp,1,,0,,\n"
      "4,A,Red lamp,1,,3.10,,\n"
      "5,A,wet/rotten,-1,,0,,\n"
      "6,B,,5,,0,,\n"
      "7,D,found again,5,,0,,\n");
  ASSERT_EQ(year.articles.size(), 3u);
  EXPECT_EQ(year.articles[0].title, "Red lamp");
  EXPECT_EQ(year.articles[0].price.amount(), 310);
  EXPECT_EQ(year.articles[1].title, "B");
  EXPECT_EQ(year.articles[1].price.amount(), 0);
  EXPECT_EQ(year.articles[1].price.currency(), "GBP");
  EXPECT_EQ(year.articles[2].title, "found again");
}

TEST(retail, whatever_is_neither_is_skipped_with_its_reason) {
  const auto year = read(
      "A1,B,Adjust bad debt,1,,-11062.06,,\n"
      "1,,x,1,,1,,\n"
      "1,A,x,1.5,,1,,\n"
      "1,A,x,0,,1,,\n"
      "1,A,x,1000001,,1,,\n"
      "1,A,x,1,,free,,\n"
      "1,A,x,1,,-1,,\n"
      "C1,A,x,1,,1,,\n"
      "C,A,x,-1,,1,,\n"
      "1,A,x\n");
  const std::vector<std::string> expected{
      "the invoice number is neither all digits nor C and digits",
      "no stock code",
      "the quantity is not a whole number",
      "the quantity is 0",
      "the quantity is beyond 1,000,000",
      "the price is not a decimal number",
      "the price is negative",
      "a cancellation with a quantity above 0",
      "the invoice number is neither all digits nor C and digits",
      "the line has 3 fields instead of 8",
  };
  ASSERT_EQ(year.skipped.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(year.skipped[i].reason, expected[i]);
    EXPECT_EQ(year.skipped[i].file_line, i + 2);
  }
  EXPECT_TRUE(year.invoices.empty());
  EXPECT_TRUE(year.articles.empty());
}

TEST(retail, another_file_is_refused) {
  text_input source("sku,price\nA,1\n");
  EXPECT_THROW(retail::read_year(source), std::runtime_error);
}

// The figures were counted apart, with decimal arithmetic, by a few lines of another language.
TEST(retail, the_real_year_is_read_to_the_penny) {
  const char* path = std::getenv("SOUK_RETAIL_FILE");
  if (path == nullptr) GTEST_SKIP() << "SOUK_RETAIL_FILE does not name the Online Retail file";
  const auto source = open_input(path);
  const auto year = retail::read_year(*source);
  EXPECT_EQ(year.file_lines, 541'909u);
  EXPECT_EQ(year.invoices.size(), 20'725u);
  EXPECT_EQ(year.sale_lines, 531'282u);
  EXPECT_EQ(year.revenue, 1'065'562'248);
  EXPECT_EQ(year.free_invoices, 766u);
  EXPECT_EQ(year.returned.size(), 9'288u);
  EXPECT_EQ(year.written_off.size(), 1'336u);
  EXPECT_EQ(year.skipped.size(), 3u);
  const auto largest =
      std::max_element(year.invoices.begin(), year.invoices.end(),
                       [](const auto& a, const auto& b) { return a.lines.size() < b.lines.size(); });
  EXPECT_EQ(largest->lines.size(), 1'114u);
}

}  // namespace
}  // namespace souk::cli
