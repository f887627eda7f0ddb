#include "nodes/config/reader.hpp"

#include "actors/values/ip_network.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace souk::config {
namespace {

/// Further apart, two names are different words rather than one misspelt.
constexpr std::size_t typing_errors_max = 2;

std::string describe(const value& found) {
  struct visitor {
    std::string operator()(unreadable_value) const { return "nothing"; }
    std::string operator()(bool) const { return "true or false"; }
    std::string operator()(std::int64_t) const { return "a number without a unit"; }
    std::string operator()(const std::string&) const { return "text"; }
    std::string operator()(duration_value) const { return "a time"; }
    std::string operator()(size_value) const { return "a size"; }
    std::string operator()(const list_value&) const { return "a list"; }
    std::string operator()(const map_value&) const { return "a section"; }
  };
  return std::visit(visitor{}, found.data);
}

std::string show(milliseconds time) {
  struct unit {
    std::string_view name;
    std::int64_t ms;
  };
  constexpr std::array<unit, 4> units{{{"d", 86'400'000}, {"h", 3'600'000}, {"min", 60'000}, {"s", 1'000}}};
  for (const unit& unit : units)
    if (time.count() >= unit.ms && time.count() % unit.ms == 0)
      return std::to_string(time.count() / unit.ms) + std::string{unit.name};
  return std::to_string(time.count()) + "ms";
}

std::string show(std::uint64_t bytes) {
  struct unit {
    std::string_view name;
    unsigned shift;
  };
  constexpr std::array<unit, 4> units{{{"TiB", 40}, {"GiB", 30}, {"MiB", 20}, {"KiB", 10}}};
  for (const unit& unit : units)
    if (bytes >= (1ULL << unit.shift) && bytes % (1ULL << unit.shift) == 0)
      return std::to_string(bytes >> unit.shift) + std::string{unit.name};
  return std::to_string(bytes) + "B";
}

/// How many letters must be put in, left out or changed to make one word of the other.
std::size_t typing_errors(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
    }
  }
  return row.back();
}

}  // namespace

map_reader::map_reader(const map_value& map, std::string path, std::vector<problem>& problems)
    : map_(map), path_(std::move(path)), problems_(problems) {}

void map_reader::time(std::string_view key, milliseconds& target, milliseconds least, milliseconds most) {
  const member* found = find(key);
  const auto* read = as<duration_value>(found, "a time with its unit, as in 250ms or 15min");
  if (read == nullptr) return;
  if (read->time < least || read->time > most) {
    complain(found->value.line, path_to(key) + " must be from " + show(least) + " to " + show(most));
  } else if (read->time % std::chrono::milliseconds{1} != std::chrono::nanoseconds{0}) {
    complain(found->value.line, path_to(key) + " must be whole milliseconds");
  } else {
    target = std::chrono::duration_cast<milliseconds>(read->time);
  }
}

void map_reader::size(std::string_view key, std::uint64_t& target, std::uint64_t least, std::uint64_t most) {
  const member* found = find(key);
  if (found == nullptr) return;
  std::uint64_t bytes = 0;
  if (const auto* plain = std::get_if<std::int64_t>(&found->value.data); plain != nullptr && *plain >= 0) {
    bytes = static_cast<std::uint64_t>(*plain);
  } else if (const auto* read = as<size_value>(found, "a size, as in 64MiB")) {
    bytes = read->bytes;
  } else {
    return;
  }
  if (bytes < least || bytes > most) {
    complain(found->value.line, path_to(key) + " must be from " + show(least) + " to " + show(most));
  } else {
    target = bytes;
  }
}

void map_reader::text(std::string_view key, std::string& target) {
  if (const auto* read = as<std::string>(find(key), "text in quotes")) target = *read;
}

void map_reader::flag(std::string_view key, bool& target) {
  if (const auto* read = as<bool>(find(key), "true or false")) target = *read;
}

void map_reader::texts(std::string_view key, std::vector<std::string>& target) {
  const auto* list = as<list_value>(find(key), "a list of texts in quotes");
  if (list == nullptr) return;
  target.clear();
  for (const value& item : *list) {
    if (const auto* read = std::get_if<std::string>(&item.data)) {
      target.push_back(*read);
    } else {
      complain(item.line, path_to(key) + " must be a list of texts in quotes");
    }
  }
}

void map_reader::networks(std::string_view key, std::vector<std::string>& target) {
  texts(key, target);
  for (const auto& network : target)
    if (!values::parse_network(network))
      complain(line_of(key), path_to(key) + " must be addresses and networks, as in \"10.0.0.0/8\", not \"" +
                                 network + "\"");
}

void map_reader::choice(std::string_view key, std::string& target,
                        std::initializer_list<std::string_view> choices) {
  const member* found = find(key);
  const auto* read = as<std::string>(found, "text in quotes");
  if (read == nullptr) return;
  if (std::find(choices.begin(), choices.end(), *read) != choices.end()) {
    target = *read;
    return;
  }
  std::string all;
  for (std::string_view one : choices)
    all += (all.empty() ? "\"" : ", \"") + std::string{one} + "\"";
  complain(found->value.line, path_to(key) + " must be one of " + all);
}

void map_reader::name(std::string_view key, std::string& target, std::size_t length_max) {
  const member* found = find(key);
  const auto* read = as<std::string>(found, "text in quotes");
  if (read == nullptr) return;
  const bool fits = !read->empty() && read->size() <= length_max &&
                    read->find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string::npos;
  if (fits) {
    target = *read;
  } else {
    complain(found->value.line, path_to(key) + " must be 1 to " + std::to_string(length_max) +
                                    " characters of a-z, 0-9, - and _");
  }
}

void map_reader::address(std::string_view key, endpoint& target) {
  const member* found = find(key);
  const auto* read = as<std::string>(found, "text in quotes");
  if (read == nullptr) return;
  if (auto parsed = parse_endpoint(*read)) {
    target = *parsed;
  } else {
    complain(found->value.line, path_to(key) + " must be an IP address and a port, as in \"127.0.0.1:8080\"");
  }
}

unsigned map_reader::line_of(std::string_view key) const {
  for (const member& member : map_)
    if (member.key == key) return member.line;
  return 0;
}

void map_reader::refuse_unknown() {
  for (const member& member : map_) {
    if (std::find(known_.begin(), known_.end(), member.key) != known_.end()) continue;
    const std::string near = nearest_key(member.key);
    complain(member.line, "unknown setting " + path_to(member.key) +
                              (near.empty() ? std::string{} : " (did you mean " + near + "?)"));
  }
}

const member* map_reader::find(std::string_view key) {
  known_.push_back(key);
  for (const member& member : map_)
    if (member.key == key) return &member;
  return nullptr;
}

std::string map_reader::path_to(std::string_view key) const {
  return path_.empty() ? std::string{key} : path_ + "." + std::string{key};
}

bool map_reader::read_number(std::string_view key, std::int64_t& target, std::int64_t least,
                             std::int64_t most) {
  const member* found = find(key);
  const auto* read = as<std::int64_t>(found, "a whole number");
  if (read == nullptr) return false;
  if (*read < least || *read > most) {
    complain(found->value.line,
             path_to(key) + " must be from " + std::to_string(least) + " to " + std::to_string(most));
    return false;
  }
  target = *read;
  return true;
}

void map_reader::wrong_type(const member& found, std::string_view wanted) {
  complain(found.value.line,
           path_to(found.key) + " must be " + std::string{wanted} + ", not " + describe(found.value));
}

std::string map_reader::nearest_key(std::string_view key) const {
  std::size_t least = typing_errors_max + 1;
  std::string_view nearest;
  for (std::string_view known : known_) {
    const auto [shorter, longer] = std::minmax({key.size(), known.size()});
    if (longer - shorter > typing_errors_max) continue;
    const std::size_t errors = typing_errors(key, known);
    if (errors < least && errors < known.size()) {
      least = errors;
      nearest = known;
    }
  }
  return nearest.empty() ? std::string{} : path_to(nearest);
}

}  // namespace souk::config
