#pragma once

#include <boost/json.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

/// What a node says and writes, for tests that start one.
namespace souk::cluster_test {

/// The members of its ready line.
inline boost::json::object ready_of(std::string_view line) {
  return boost::json::parse(line.substr(line.find('{'))).as_object();
}

/// The port of an address in its ready line, as "http".
inline std::uint16_t port_in(const boost::json::object& ready, std::string_view member) {
  const std::string at{ready.at(member).as_string()};
  return static_cast<std::uint16_t>(std::stoi(at.substr(at.rfind(':') + 1)));
}

/// A file, whole; empty if it is not there.
inline std::string text_of(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace souk::cluster_test
