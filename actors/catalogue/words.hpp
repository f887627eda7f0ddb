#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace souk::catalogue {

/// The distinct words of a text in lower case, sorted: runs of letters and digits; bytes beyond ASCII count
/// as letters. Lower case is made of ASCII and of the Latin-1 letters.
std::vector<std::string> words_of(std::string_view text);

}  // namespace souk::catalogue
