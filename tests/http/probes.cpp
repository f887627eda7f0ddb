#include "tests/http/probes.hpp"

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace souk::tests {

namespace {

std::string unescape(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes += text[i];
      continue;
    }
    switch (text.at(++i)) {
      case 'r':
        bytes += '\r';
        break;
      case 'n':
        bytes += '\n';
        break;
      case 't':
        bytes += '\t';
        break;
      case '0':
        bytes += '\0';
        break;
      case '\\':
        bytes += '\\';
        break;
      case 'x':
        bytes += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
        i += 2;
        break;
      default:
        throw std::runtime_error("unknown escape in " + text);
    }
  }
  return bytes;
}

/// Writes out `{N*text}`; a brace that starts nothing of that form stands for itself.
std::string repeat(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto star = text.find('*', i);
    const bool counted = text[i] == '{' && star != std::string::npos && star > i + 1 &&
                         text.find_first_not_of("0123456789", i + 1) == star;
    if (!counted) {
      out += text[i];
      continue;
    }
    const auto end = text.find('}', star);
    for (auto n = std::stoul(text.substr(i + 1, star - i - 1)); n > 0; --n)
      out += text.substr(star + 1, end - star - 1);
    i = end;
  }
  return out;
}

probe parse_line(const std::string& line) {
  std::istringstream columns{line};
  std::string row;
  std::string statuses;
  std::string then;
  std::string bytes;
  probe parsed;
  std::getline(columns, row, '\t');
  std::getline(columns, parsed.name, '\t');
  std::getline(columns, statuses, '\t');
  std::getline(columns, then, '\t');
  std::getline(columns, bytes);
  if (bytes.empty() || (then != "close" && then != "open"))
    throw std::runtime_error("malformed probe: " + line);
  parsed.row = std::stoi(row);
  parsed.closes = then == "close";
  parsed.bytes = probe_bytes(bytes);
  std::istringstream list{statuses};
  for (std::string status; std::getline(list, status, ',');)
    parsed.statuses.push_back(std::stoi(status));
  return parsed;
}

}  // namespace

std::string probe_bytes(const std::string& text) { return unescape(repeat(text)); }

std::vector<probe> load_probes() {
  std::ifstream file{"tests/http/probes.tsv"};
  if (!file) throw std::runtime_error("tests/http/probes.tsv is not there");
  std::vector<probe> probes;
  for (std::string line; std::getline(file, line);)
    if (!line.empty() && line.front() != '#') probes.push_back(parse_line(line));
  return probes;
}

}  // namespace souk::tests
