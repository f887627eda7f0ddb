// Bodies of requests: the reader takes what a second one, written below from RFC 8259, takes, but for its own
// bounds; what it took has one canonical text, and whatever a handler asks of it is answered or noted as an
// error.
#include "actors/json/object_reader.hpp"
#include "actors/json/reader.hpp"
#include "actors/values/utf8.hpp"
#include "tests/fuzz/target.hpp"

#include <string>
#include <string_view>

namespace souk {
namespace {

using fuzz::demand;

/// Whether a text is JSON as RFC 8259 has it, in UTF-8 and without lone surrogates. Names may stand twice.
class checker {
 public:
  explicit checker(std::string_view text) : rest_(text) {}

  bool holds() {
    if (!value()) return false;
    space();
    return rest_.empty();
  }
  std::size_t deepest() const { return deepest_; }

 private:
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool take(std::string_view word) {
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  void space() {
    while (take(' ') || take('\t') || take('\n') || take('\r')) {
    }
  }
  bool next_is(char c) {
    space();
    return take(c);
  }

  bool value() {
    space();
    if (rest_.empty()) return false;
    switch (rest_.front()) {
      case '{':
        return container('}', [this] { return next_is('"') && string_end() && next_is(':') && value(); });
      case '[':
        return container(']', [this] { return value(); });
      case '"':
        return take('"') && string_end();
      case 't':
        return take("true");
      case 'f':
        return take("false");
      case 'n':
        return take("null");
      default:
        return number();
    }
  }

  template <class Item>
  bool container(char end, Item item) {
    rest_.remove_prefix(1);
    deepest_ = std::max(deepest_, ++depth_);
    bool fine = next_is(end);
    while (!fine) {
      if (!item()) return false;
      if (next_is(',')) continue;
      if (!next_is(end)) return false;
      fine = true;
    }
    --depth_;
    return true;
  }

  bool digits() {
    const auto before = rest_.size();
    while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9')
      rest_.remove_prefix(1);
    return rest_.size() < before;
  }
  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (!take('e') && !take('E')) return true;
    if (!take('+')) take('-');
    return digits();
  }

  /// A UTF-16 unit of four hexadecimal digits, or -1.
  int unit() {
    int found = 0;
    for (int i = 0; i < 4; ++i) {
      if (rest_.empty()) return -1;
      const auto digit = std::string_view{"0123456789abcdef0123456789ABCDEF"}.find(rest_.front());
      if (digit == std::string_view::npos) return -1;
      const bool letter = digit % 16 >= 10;
      if (digit >= 16 && !letter) return -1;
      found = found * 16 + static_cast<int>(digit % 16);
      rest_.remove_prefix(1);
    }
    return found;
  }
  bool escape() {
    if (rest_.empty()) return false;
    const char kind = rest_.front();
    rest_.remove_prefix(1);
    if (kind != 'u') return std::string_view{"\"\\/bfnrt"}.find(kind) != std::string_view::npos;
    const int first = unit();
    if (first < 0xd800 || first > 0xdfff) return first >= 0;
    if (first > 0xdbff || !take("\\u")) return false;
    const int second = unit();
    return second >= 0xdc00 && second <= 0xdfff;
  }
  bool string_end() {
    for (;;) {
      if (rest_.empty()) return false;
      if (take('"')) return true;
      if (take('\\')) {
        if (!escape()) return false;
        continue;
      }
      const auto length = values::utf8_sequence(rest_);
      if (length == 0 || static_cast<unsigned char>(rest_.front()) < 0x20) return false;
      rest_.remove_prefix(length);
    }
  }

  std::string_view rest_;
  std::size_t depth_ = 0;
  std::size_t deepest_ = 0;
};

void walk(const json::value& value, std::size_t depth) {
  demand(depth <= json::depth_max, "nothing is nested deeper than it may be");
  if (const auto* integer = value.as_integer())
    demand(*integer >= -json::integer_max && *integer <= json::integer_max, "integers are exact");
  if (const auto* text = value.as_string()) demand(values::is_utf8(*text), "a text is UTF-8");
  if (const auto* items = value.as_array())
    for (const auto& item : *items)
      walk(item, depth + 1);
  if (const auto* members = value.as_object())
    for (const auto& member : *members) {
      demand(values::is_utf8(member.name), "a name is UTF-8");
      demand(value.find(member.name) == &member.data, "a name stands once");
      walk(member.data, depth + 1);
    }
}

void check_error(const json::parse_error& error, std::string_view text) {
  demand(error.code == "malformed_json" || error.code == "too_large", "there is no other code");
  demand(error.offset <= text.size(), "an error lies within the text");
  demand(values::is_utf8(error.detail) && values::is_utf8(error.pointer), "what is answered is UTF-8");
}

/// As handlers do: every kind of member, under names that seeds and dictionary have.
void read_members(const json::value& document) {
  json::input_errors errors;
  json::object_reader in{document, errors};
  in.string("title", {1, 20});
  in.optional_string("description", {0, 10});
  in.integer("quantity", {1, 1'000'000});
  in.optional_integer("delta", {-5, 5});
  in.optional_boolean("minimal");
  in.optional_currency("currency");
  in.optional_money("total");
  in.optional_unit_price("price", {0, 1'000'000});
  in.optional_free_object("attributes", 64);
  in.optional_texts("labels", {0, 4}, {1, 8});
  in.optional_strings("categories", {0, 4}, {1, 8});
  in.with_optional_object("payment", [](json::object_reader& payment) { payment.string("token", {1, 8}); });
  in.each_optional_object("items", {1, 4}, [](json::object_reader& item) {
    item.string("sku", {1, 8});
    item.integer("quantity", {1, 10});
    item.optional_unit_price("unit_price");
  });
  in.finish();
  const auto problem = errors.take();
  if (!problem) return;
  demand(!problem->errors.empty() && problem->errors.size() <= json::input_errors::errors_max,
         "errors are listed");
  const auto answer = json::to_answer(*problem, "req_1");
  json::parse_error error;
  demand(json::parse(answer.body, error).has_value(), "the answer is JSON");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  checker second{text};
  const bool holds = second.holds();
  json::parse_error error;
  const auto parsed = json::parse(text, error);
  if (!parsed) {
    check_error(error, text);
    const auto said = [&](std::string_view what) { return error.detail.find(what) != std::string::npos; };
    const bool bounded = error.code == "too_large" || said("twice") || said("exponent") ||
                         (said("deeper") && second.deepest() > json::depth_max);
    demand(!holds || bounded, "what the second reader takes is refused for a bound alone");
    return 0;
  }
  demand(holds, "the second reader takes it too");
  walk(*parsed, 0);
  const auto canonical = json::canonical(*parsed);
  const auto again = json::parse(canonical, error);
  // An exponent beside digits may come to more than the reader takes.
  demand(again.has_value() || error.detail.find("exponent") != std::string::npos,
         "a canonical text is read again");
  if (again) demand(json::canonical(*again) == canonical, "a canonical text is its own");
  read_members(*parsed);
  return 0;
}

}  // namespace souk
