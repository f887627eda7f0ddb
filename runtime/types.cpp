#include "runtime/types.hpp"

namespace souk::runtime {

std::string to_string(const address& address, std::string_view kind_name) {
  std::string text{kind_name};
  text += '/';
  text += address.key;
  return text;
}

std::string to_string(const command_id& id) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(id.size() * 2);
  for (std::uint8_t byte : id) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

}  // namespace souk::runtime
