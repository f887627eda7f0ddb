#include "runtime/cluster/cluster_text.hpp"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace souk::runtime {

namespace json = boost::json;

namespace {

constexpr std::array<std::pair<member_state, std::string_view>, 4> state_names{{
    {member_state::active, "active"},
    {member_state::draining, "draining"},
    {member_state::removing, "removing"},
    {member_state::removed, "removed"},
}};

std::string hex(std::uint64_t number) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  return {digits.data(), end};
}

std::optional<std::uint64_t> hex_number(std::string_view digits) {
  std::uint64_t number = 0;
  const auto* end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, number, 16);
  if (digits.empty() || read.ec != std::errc{} || read.ptr != end) return {};
  return number;
}

json::array list(const std::vector<std::string>& texts) {
  json::array array;
  for (const auto& text : texts)
    array.emplace_back(text);
  return array;
}

// Reads members of an object; one that is missing or of another type makes all of it unreadable.
class fields {
 public:
  explicit fields(std::string_view text) {
    json::error_code failed;
    value_ = json::parse(json::string_view{text.data(), text.size()}, failed);
    if (failed || !value_.is_object()) {
      good_ = false;
      value_ = json::object{};
    }
  }

  std::string text(const char* name) {
    const auto* found = find(name);
    if (!found || !found->is_string()) return fail(std::string{});
    return {found->get_string().begin(), found->get_string().end()};
  }

  std::uint64_t hex(const char* name) {
    const auto number = hex_number(text(name));
    return number ? *number : fail(std::uint64_t{0});
  }

  template <class Number>
  Number number(const char* name) {
    const auto* found = find(name);
    if (!found) return fail(Number{});
    json::error_code failed;
    const auto number = found->to_number<std::uint64_t>(failed);
    if (failed || found->is_double() || number > std::numeric_limits<Number>::max()) return fail(Number{});
    return static_cast<Number>(number);
  }

  bool flag(const char* name) {
    const auto* found = find(name);
    return found && found->is_bool() ? found->get_bool() : fail(false);
  }

  bool has(const char* name) const { return value_.get_object().contains(name); }

  std::vector<std::string> list(const char* name) {
    std::vector<std::string> texts;
    const auto* found = find(name);
    if (!found || !found->is_array()) return fail(texts);
    for (const auto& item : found->get_array()) {
      if (!item.is_string()) return fail(texts);
      texts.emplace_back(item.get_string().begin(), item.get_string().end());
    }
    return texts;
  }

  template <class Result>
  std::optional<Result> all_or_nothing(Result result) const {
    if (!good_) return {};
    return result;
  }

  template <class Value>
  Value fail(Value value) {
    good_ = false;
    return value;
  }

 private:
  const json::value* find(const char* name) const { return value_.get_object().if_contains(name); }

  json::value value_;
  bool good_ = true;
};

std::optional<shard_id> shard_number(std::string_view text) {
  shard_id number = 0;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (text.empty() || read.ec != std::errc{} || read.ptr != end) return {};
  return number;
}

std::string four_digits(shard_id id) {
  auto digits = std::to_string(id);
  return std::string(digits.size() < 4 ? 4 - digits.size() : 0, '0') + digits;
}

}  // namespace

// -- keys
// --------------------------------------------------------------------------------------------------------

cluster_keys::cluster_keys(std::string_view name) : prefix_("/souk/") { prefix_.append(name).append("/"); }
std::string cluster_keys::shard(shard_id id) const { return prefix_ + "shards/" + four_digits(id); }
std::string cluster_keys::report(shard_id shard, std::string_view reporter) const {
  return (prefix_ + "reports/" + four_digits(shard) + "/").append(reporter);
}

// -- texts
// -------------------------------------------------------------------------------------------------------

std::string_view to_string(member_state state) {
  for (const auto& [known, name] : state_names)
    if (known == state) return name;
  return "";
}

std::string to_text(const cluster_settings& settings) {
  return json::serialize(json::object{{"cluster_id", settings.cluster_id},
                                      {"cluster_secret", settings.cluster_secret},
                                      {"shard_count", settings.shard_count},
                                      {"replicas", settings.replicas},
                                      {"min_in_sync", settings.min_in_sync},
                                      {"format", settings.format}});
}

std::string to_text(const node_registration& node) {
  return json::serialize(json::object{{"id", node.id},
                                      {"disk_id", node.disk_id},
                                      {"incarnation", hex(node.incarnation)},
                                      {"link_address", node.link_address},
                                      {"http_address", node.http_address},
                                      {"version", node.version},
                                      {"format_lowest", node.formats.lowest},
                                      {"format_highest", node.formats.highest},
                                      {"leaving", node.leaving}});
}

std::string to_text(const cluster_member& member) {
  return json::serialize(json::object{{"id", member.id}, {"state", std::string{to_string(member.state)}}});
}

std::string to_text(const shard_record& record) {
  return json::serialize(json::object{{"epoch", record.epoch},
                                      {"primary", record.primary},
                                      {"in_sync", list(record.in_sync)},
                                      {"replicas", list(record.replicas)},
                                      {"min_in_sync", record.min_in_sync},
                                      {"handed_over", record.handed_over},
                                      {"move_to", record.move_to}});
}

std::string to_text(const unreachable_report& report) {
  return json::serialize(json::object{{"shard", report.shard},
                                      {"epoch", report.epoch},
                                      {"reporter", report.reporter},
                                      {"members", list(report.members)}});
}

std::string controller_text(std::string_view node, std::uint64_t incarnation) {
  return std::string{node} + "/" + hex(incarnation);
}

std::optional<cluster_settings> settings_of(std::string_view text) {
  fields in{text};
  cluster_settings settings;
  settings.cluster_id = in.text("cluster_id");
  settings.cluster_secret = in.text("cluster_secret");
  settings.shard_count = in.number<std::uint16_t>("shard_count");
  settings.replicas = in.number<std::uint32_t>("replicas");
  settings.min_in_sync = in.number<std::uint32_t>("min_in_sync");
  settings.format = in.number<std::uint32_t>("format");
  if (settings.shard_count == 0) in.fail(0);
  return in.all_or_nothing(std::move(settings));
}

std::optional<node_registration> node_of(std::string_view text) {
  fields in{text};
  node_registration node;
  node.id = in.text("id");
  node.disk_id = in.text("disk_id");
  node.incarnation = in.hex("incarnation");
  node.link_address = in.text("link_address");
  node.http_address = in.text("http_address");
  node.version = in.text("version");
  node.formats.lowest = in.number<std::uint32_t>("format_lowest");
  node.formats.highest = in.number<std::uint32_t>("format_highest");
  node.leaving = in.has("leaving") && in.flag("leaving");  // an older node does not say
  return in.all_or_nothing(std::move(node));
}

std::optional<cluster_member> member_of(std::string_view text) {
  fields in{text};
  cluster_member member;
  member.id = in.text("id");
  const auto state = in.text("state");
  const auto* known =
      std::find_if(state_names.begin(), state_names.end(), [&](const auto& s) { return s.second == state; });
  if (known == state_names.end()) return {};
  member.state = known->first;
  return in.all_or_nothing(std::move(member));
}

std::optional<shard_record> shard_of(std::string_view text) {
  fields in{text};
  shard_record record;
  record.epoch = in.number<std::uint64_t>("epoch");
  record.primary = in.text("primary");
  record.in_sync = in.list("in_sync");
  record.replicas = in.list("replicas");
  record.min_in_sync = in.number<std::uint32_t>("min_in_sync");
  record.handed_over = in.flag("handed_over");
  record.move_to = in.text("move_to");
  return in.all_or_nothing(std::move(record));
}

std::optional<unreachable_report> report_of(std::string_view text) {
  fields in{text};
  unreachable_report report;
  report.shard = in.number<shard_id>("shard");
  report.epoch = in.number<std::uint64_t>("epoch");
  report.reporter = in.text("reporter");
  report.members = in.list("members");
  return in.all_or_nothing(std::move(report));
}

// -- view_builder
// ------------------------------------------------------------------------------------------------

void view_builder::reset(const range_result& all) {
  *this = view_builder{std::move(keys_)};
  revision_ = all.revision;
  for (const auto& value : all.values)
    put(value);
}

void view_builder::apply(const watch_event& event) {
  revision_ = std::max(revision_, event.revision);
  for (const auto& key : event.removed)
    remove(key);
  for (const auto& value : event.puts)
    put(value);
}

void view_builder::put(const stored_value& value) {
  auto name = std::string_view{value.key}.substr(keys_.prefix().size());
  // The answer to a swap may have told it before the watch does.
  if (name.starts_with("shards/")) {
    const auto known = shard_number(name.substr(name.find('/') + 1));
    const auto found = known ? shards_.find(*known) : shards_.end();
    if (found != shards_.end() && found->second.revision > value.revision) return;
  }
  remove(value.key);
  bool read = true;
  // Takes what was read, with the revision that the store gave it.
  auto keep = [&](auto parsed, auto& place) {
    read = parsed.has_value();
    if (!read) return;
    if constexpr (requires { parsed->revision; }) parsed->revision = value.revision;
    place = std::move(*parsed);
  };
  const auto part = name.substr(0, name.find('/') + 1);
  name.remove_prefix(part.size());
  if (part == "nodes/") {
    keep(node_of(value.value), nodes_[std::string{name}]);
    if (!read) nodes_.erase(std::string{name});
  } else if (part == "members/") {
    keep(member_of(value.value), members_[std::string{name}]);
    if (!read) members_.erase(std::string{name});
  } else if (const auto shard = shard_number(name); part == "shards/" && shard) {
    keep(shard_of(value.value), shards_[*shard]);
    if (!read) shards_.erase(*shard);
  } else if (part == "reports/") {
    auto report = report_of(value.value);
    read = report.has_value();
    if (read) reports_[{report->shard, report->reporter}] = std::move(*report);
  } else if (part.empty() && name == "settings") {
    keep(settings_of(value.value), settings_);
  } else if (part.empty() && name == "controller") {
    const auto slash = value.value.find('/');
    const auto incarnation = slash == std::string::npos
                                 ? std::nullopt
                                 : hex_number(std::string_view{value.value}.substr(slash + 1));
    read = incarnation.has_value();
    controller_ = value.value.substr(0, slash);
    controller_incarnation_ = incarnation.value_or(0);
    controller_revision_ = value.revision;
  }
  if (!read) unreadable_.push_back(value.key);
}

void view_builder::remove(std::string_view key) {
  std::erase(unreadable_, key);
  auto name = key.substr(keys_.prefix().size());
  const auto part = name.substr(0, name.find('/') + 1);
  name.remove_prefix(part.size());
  if (part == "nodes/") {
    nodes_.erase(std::string{name});
  } else if (part == "members/") {
    members_.erase(std::string{name});
  } else if (part == "shards/") {
    if (const auto shard = shard_number(name)) shards_.erase(*shard);
  } else if (part == "reports/") {
    const auto slash = name.find('/');
    if (slash == std::string_view::npos) return;
    if (const auto shard = shard_number(name.substr(0, slash)))
      reports_.erase({*shard, std::string{name.substr(slash + 1)}});
  } else if (name == "settings") {
    settings_ = {};
  } else if (name == "controller") {
    controller_.clear();
    controller_incarnation_ = 0;
    controller_revision_ = 0;
  }
}

std::shared_ptr<const cluster_view> view_builder::view() const {
  auto view = std::make_shared<cluster_view>();
  view->revision = revision_;
  view->settings = settings_;
  for (const auto& [id, node] : nodes_)
    view->nodes.push_back(node);
  for (const auto& [id, member] : members_)
    view->members.push_back(member);
  view->shards.resize(settings_.shard_count);
  for (const auto& [id, record] : shards_)
    if (id < view->shards.size()) view->shards[id] = record;
  for (const auto& [id, report] : reports_)
    view->reports.push_back(report);
  view->controller = controller_;
  view->controller_incarnation = controller_incarnation_;
  view->controller_revision = controller_revision_;
  return view;
}

}  // namespace souk::runtime
