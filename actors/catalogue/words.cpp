#include "actors/catalogue/words.hpp"

#include <algorithm>

namespace souk::catalogue {
namespace {

constexpr bool is_upper(unsigned char c) { return c >= 'A' && c <= 'Z'; }

constexpr bool is_word(unsigned char c) {
  return is_upper(c) || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80;
}

// À to Þ, but ×, are 0xc3 0x80 to 0x9e in UTF-8; their small letters stand 0x20 above.
constexpr bool is_latin_capital(unsigned char lead, unsigned char c) {
  return lead == 0xc3 && c >= 0x80 && c <= 0x9e && c != 0x97;
}

unsigned char lower(unsigned char lead, unsigned char c) {
  return is_upper(c) || is_latin_capital(lead, c) ? static_cast<unsigned char>(c + 0x20) : c;
}

}  // namespace

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  unsigned char lead = 0;
  for (char byte : text) {
    const auto c = static_cast<unsigned char>(byte);
    if (is_word(c)) {
      word += static_cast<char>(lower(lead, c));
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
    lead = c;
  }
  if (!word.empty()) words.push_back(std::move(word));
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  return words;
}

}  // namespace souk::catalogue
