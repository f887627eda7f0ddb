#include "actors/json/reader.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace souk::json {
namespace {

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

parse_error refused(std::string_view text) {
  parse_error error;
  EXPECT_FALSE(parse(text, error).has_value()) << text;
  return error;
}

value read(std::string_view text) {
  parse_error error;
  auto document = parse(text, error);
  EXPECT_TRUE(document.has_value()) << text << ": " << error.detail;
  return document ? *document : value{};
}

TEST(json_reader, every_type_is_read_as_what_it_is) {
  const auto document =
      read(R"( {"n":null,"b":true,"i":-42,"f":1.50,"s":"a\u00e9\n\ud83d\ude00","a":[1,[]],"o":{"":0}} )");
  ASSERT_NE(document.as_object(), nullptr);
  EXPECT_EQ(document.as_object()->size(), 7u);
  EXPECT_EQ(document.as_object()->at(0).name, "n");
  EXPECT_EQ(document.find("n")->type(), type::null);
  EXPECT_TRUE(*document.find("b")->as_boolean());
  EXPECT_EQ(*document.find("i")->as_integer(), -42);
  EXPECT_EQ(document.find("f")->as_number()->text, "1.50");
  EXPECT_EQ(*document.find("s")->as_string(), "a\xc3\xa9\n\xf0\x9f\x98\x80");
  EXPECT_EQ(document.find("a")->as_array()->size(), 2u);
  EXPECT_EQ(*document.find("o")->find("")->as_integer(), 0);
  EXPECT_EQ(document.find("absent"), nullptr);
}

TEST(json_reader, a_number_that_is_no_exact_integer_keeps_its_text) {
  for (const auto* text : {"1.0", "1e2", "-0", "9007199254740992", "-9007199254740992", "9223372036854775807",
                           "18446744073709551615", "18446744073709551616", "1e400", "0.1"}) {
    const auto document = read(text);
    ASSERT_NE(document.as_number(), nullptr) << text;
    EXPECT_EQ(document.as_number()->text, text);
  }
  EXPECT_EQ(*read("9007199254740991").as_integer(), integer_max);
  EXPECT_EQ(*read("-9007199254740991").as_integer(), -integer_max);
  EXPECT_EQ(*read("0").as_integer(), 0);
}

TEST(json_reader, what_is_not_one_strict_document_is_refused) {
  const std::vector<std::string> texts{
      "",
      "  ",
      "{",
      "[1",
      "\"abc",
      "[1,]",
      "{\"a\":1,}",
      "{a:1}",
      "{'a':1}",
      "[1 2]",
      "{\"a\" 1}",
      "nul",
      "True",
      "NaN",
      "Infinity",
      "-",
      "01",
      "+1",
      ".5",
      "1.",
      "1e",
      "0x10",
      "1e99999999999",
      "[1] [2]",
      "{} x",
      "1 1",
      "\xef\xbb\xbf{}",
      "// c\n{}",
      "{} /* c */",
      "[1]\f",
      std::string("[1]\0", 4),
      "\"\t\"",
      "\"\\x\"",
      "\"\\u12g4\"",
      "\"\\ud800\"",
      "\"\\ud800x\"",
      "\"\\ud800\\u0041\"",
      "\"\\udc00\"",
      "\"\\udc00\\ud800\"",
      "\"\xc3\"",
      "\"\xc0\xaf\"",
      "\"\xed\xa0\x80\"",
      "\"\xf5\x80\x80\x80\"",
      "\"\xff\"",
      "{\"\xc3\x28\":1}",
      "{\"\\ud800\":1}",
      nested(depth_max + 1),
  };
  for (const auto& text : texts)
    EXPECT_EQ(refused(text).code, "malformed_json") << text;
  EXPECT_EQ(*read("\"\\u0000\"").as_string(), std::string(1, '\0'));
  read(nested(depth_max));
}

TEST(json_reader, a_name_stands_once_in_an_object_however_it_is_written) {
  auto error = refused(R"({"a":{"b":1,"c":2,"\u0062":3}})");
  EXPECT_EQ(error.code, "malformed_json");
  EXPECT_EQ(error.pointer, "/a/b");
  std::string large = "{";
  for (int i = 0; i < 100; ++i)
    large += "\"k" + std::to_string(i) + "\":0,";
  read(large + "\"k100\":0}");
  EXPECT_EQ(refused(large + "\"k57\":0}").pointer, "/k57");
  read(R"([{"a":1},{"a":1}])");
}

TEST(json_reader, an_error_says_where_it_is) {
  const auto error = refused(R"({"a/b":{"c~":[0,1,nope]}})");
  EXPECT_EQ(error.pointer, "/a~1b/c~0/2");
  EXPECT_GE(error.offset, 18u);
  EXPECT_LE(error.offset, 20u);
  const auto problem = to_problem(error);
  EXPECT_EQ(problem.code, "malformed_json");
  ASSERT_EQ(problem.errors.size(), 1u);
  EXPECT_EQ(problem.errors[0].pointer, error.pointer);
}

TEST(json_reader, a_document_of_too_many_values_is_refused) {
  std::string text = "[0";
  for (std::size_t i = 2; i < values_max; ++i)
    text += ",0";
  read(text + "]");
  EXPECT_EQ(refused(text + ",0]").code, "too_large");
}

TEST(json_reader, equal_documents_have_one_canonical_text) {
  const auto one =
      canonical(read(R"( {"b" : [1.0, 1e2, 0.50, -0, 1.5E-3, null], "a":"\u0041\/\u000a\"" } )"));
  EXPECT_EQ(one, R"({"a":"A/\u000a\"","b":[1,100,5e-1,0,15e-4,null]})");
  EXPECT_EQ(canonical(read(R"({"a":"A/\n\"","b":[1,1.0e+2,0.5,0.0,0.0015,null]})")), one);
  EXPECT_NE(canonical(read("[1,2]")), canonical(read("[2,1]")));
  EXPECT_NE(canonical(read("\"1\"")), canonical(read("1")));
  EXPECT_NE(canonical(read("9007199254740993")), canonical(read("9007199254740992")));
  EXPECT_NE(canonical(read("-1.5")), canonical(read("1.5")));
}

/// A random document, as text in a random style.
std::string random_document(std::mt19937_64& random, int depth) {
  switch (random() % (depth == 0 ? 5 : 7)) {
    case 0:
      return "null";
    case 1:
      return random() % 2 == 0 ? "true" : "false";
    case 2:
      return std::to_string(static_cast<std::int64_t>(random() % 2'000'000) - 1'000'000);
    case 3:
      return std::to_string(random() % 1000) + "." + std::to_string(random() % 1000);
    case 4: {
      static const std::vector<std::string> pieces{"a",    "\\n", "\\u00e9", "\xc3\xa9", "\\ud83d\\ude00",
                                                   "\\\"", "/"};
      std::string text = "\"";
      for (auto n = random() % 6; n > 0; --n)
        text += pieces[random() % pieces.size()];
      return text + "\"";
    }
    case 5: {
      std::string text = "[";
      for (auto i = 0u, n = static_cast<unsigned>(random() % 4); i < n; ++i)
        text += (i > 0 ? " ," : "") + random_document(random, depth - 1);
      return text + "]";
    }
    default: {
      std::string text = "{";
      for (auto i = 0u, n = static_cast<unsigned>(random() % 12); i < n; ++i)
        text += (i > 0 ? ", \"k" : "\"k") + std::to_string((i * 7) % 12) +
                "\": " + random_document(random, depth - 1);
      return text + "}";
    }
  }
}

TEST(json_reader, a_canonical_text_reads_as_the_same_document) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  for (int round = 0; round < 2000; ++round) {
    const auto text = random_document(random, 4);
    const auto once = canonical(read(text));
    ASSERT_EQ(canonical(read(once)), once) << text;
  }
}

TEST(json_reader, damaged_documents_are_read_or_refused_but_never_misread) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random{seed};
  for (int round = 0; round < 20'000; ++round) {
    auto text = random_document(random, 3);
    for (auto n = 1 + random() % 3; n > 0 && !text.empty(); --n) {
      const auto at = random() % text.size();
      if (random() % 3 == 0)
        text.erase(at, 1);
      else if (random() % 2 == 0)
        text[at] = static_cast<char>(random());
      else
        text.insert(at, 1, "{}[],:\"\\u0e-."[random() % 13]);
    }
    parse_error error;
    const auto document = parse(text, error);
    if (!document) {
      ASSERT_EQ(error.code, "malformed_json") << text;
      ASSERT_LE(error.offset, text.size());
      continue;
    }
    const auto once = canonical(*document);
    ASSERT_EQ(canonical(read(once)), once) << text;
  }
}

}  // namespace
}  // namespace souk::json
