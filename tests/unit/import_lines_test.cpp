#include "actors/import/line_reader.hpp"
#include "actors/import/lines.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <variant>
#include <vector>

namespace souk::import_job {
namespace {

using plan_or_fault = std::variant<line_plan, line_fault>;

std::string code_of(const plan_or_fault& planned) {
  const auto* fault = std::get_if<line_fault>(&planned);
  return fault == nullptr ? "" : fault->code;
}

std::vector<std::string> calls_of(const plan_or_fault& planned) {
  std::vector<std::string> calls;
  for (const auto& call : std::get<line_plan>(planned).calls)
    calls.push_back(call.method + " " + call.path + " " + call.body);
  return calls;
}

TEST(import_lines, a_product_comes_before_its_stock) {
  auto planned = plan_json_line(R"({"product": {"title": "Tea"}, "stock": {"T1": 12, "T2": 0}})", "imp_1/3");
  EXPECT_EQ(
      calls_of(planned),
      (std::vector<std::string>{
          R"(POST /v1/products {"title":"Tea"})",
          R"(POST /v1/inventory/adjustments {"sku":"T1","delta":12,"reason":"received","reference":"imp_1/3"})"}));
  EXPECT_EQ(std::get<line_plan>(planned).product_id, "");
}

TEST(import_lines, a_product_may_name_its_id) {
  EXPECT_EQ(std::get<line_plan>(plan_json_line(R"({"product":{"id":"prd_tea"}})", "r")).product_id,
            "prd_tea");
}

TEST(import_lines, an_adjustment_is_passed_on) {
  EXPECT_EQ(calls_of(plan_json_line(R"({"adjustment":{"sku":"T","delta":-1,"reason":"written_off"}})", "r")),
            std::vector<std::string>{
                R"(POST /v1/inventory/adjustments {"delta":-1,"reason":"written_off","sku":"T"})"});
}

TEST(import_lines, what_is_no_line_is_said_to_be) {
  for (const auto& [line, code] : std::vector<std::pair<std::string, std::string>>{
           {"{", "malformed_json"},
           {"[]", "validation_failed"},
           {"{}", "validation_failed"},
           {R"({"product":{},"adjustment":{}})", "unknown_field"},
           {R"({"adjustment":{},"stock":{}})", "unknown_field"},
           {R"({"product":{},"price":1})", "unknown_field"},
           {R"({"product":{},"stock":[]})", "validation_failed"},
           {R"({"product":{},"stock":{"T":-1}})", "validation_failed"},
           {R"({"product":{},"stock":{"T":1.5}})", "validation_failed"}})
    EXPECT_EQ(code_of(plan_json_line(line, "r")), code) << line;
}

TEST(import_lines, csv_fields_may_be_quoted) {
  EXPECT_EQ(split_csv(R"(a,"b,c","d ""e""",)"), (std::vector<std::string>{"a", "b,c", R"(d "e")", ""}));
  EXPECT_FALSE(split_csv(R"(a,"b)"));
}

TEST(import_lines, a_csv_head_names_the_columns) {
  EXPECT_TRUE(std::holds_alternative<csv_columns>(read_csv_head("sku,title,currency,price,stock")));
  for (const char* bad :
       {"", "sku,title,price", "sku,title,price,currency,colour", "sku,sku,title,price,currency"})
    EXPECT_TRUE(std::holds_alternative<line_fault>(read_csv_head(bad))) << bad;
}

TEST(import_lines, a_csv_line_is_a_product_and_its_stock) {
  auto columns = std::get<csv_columns>(read_csv_head("sku,title,price,currency,category,stock"));
  EXPECT_EQ(
      calls_of(plan_csv_line("T1,\"Tea, black\",2.50,EUR,tea,7", columns, "imp_1/2")),
      (std::vector<std::string>{
          R"(POST /v1/products {"title":"Tea, black","description":"","categories":["tea"],)"
          R"("variants":[{"sku":"T1","price":{"amount":250,"currency":"EUR"}}]})",
          R"(POST /v1/inventory/adjustments {"sku":"T1","delta":7,"reason":"received","reference":"imp_1/2"})"}));
  for (const char* bad : {"T1,Tea,2.50,EUR,tea", "T1,Tea,dear,EUR,tea,7", "T1,Tea,1,XXQ,tea,7",
                          "T1,Tea,1,EUR,tea,-7", "T1,Tea,1,EUR,tea,many"})
    EXPECT_EQ(code_of(plan_csv_line(bad, columns, "r")), "validation_failed") << bad;
}

TEST(import_lines, what_is_not_utf8_is_not_quoted) {
  const auto columns = std::get<csv_columns>(read_csv_head("sku,title,price,currency"));
  const plan_or_fault line = plan_csv_line("T1,Tee gr\xfcn,2.50,EUR", columns, "r");
  EXPECT_EQ(std::get<line_fault>(line).detail, "The line is not UTF-8.");
  const auto head = read_csv_head(
      "sku,title,price,currency,gr\xf6\xdf"
      "e");
  EXPECT_EQ(std::get<line_fault>(head).detail, "The line is not UTF-8.");
  EXPECT_EQ(std::get<line_fault>(plan_json_line("{\"gr\xfcn\":1}", "r")).code, "malformed_json");
}

TEST(import_lines, a_file_is_read_line_by_line) {
  auto file = std::filesystem::temp_directory_path() / ("import_lines_" + std::to_string(::getpid()));
  std::ofstream{file, std::ios::binary} << "one\r\n\ntwo\n"
                                        << std::string(line_reader::line_bytes_max + 5, 'x') << "\nlast";
  line_reader reader{file};
  std::string line;
  bool too_long = false;
  std::vector<std::string> seen;
  while (reader.next(line, too_long))
    seen.push_back(too_long ? "too long" : line);
  EXPECT_EQ(seen, (std::vector<std::string>{"one", "", "two", "too long", "last"}));
  std::filesystem::remove(file);
  EXPECT_FALSE(line_reader{file}.is_open());
}

}  // namespace
}  // namespace souk::import_job
