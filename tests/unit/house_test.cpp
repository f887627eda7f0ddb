#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// The rules of the house that a compiler does not know. A rule that gets in the way is either wrong, and
/// then it changes here, or the place is special, and then it joins the list below with its reason.
namespace souk {
namespace {

namespace fs = std::filesystem;

/// From the ground up: a floor includes itself and those before it.
const std::vector<std::string> floors{"persistence", "runtime", "actors", "bench", "nodes"};

constexpr std::size_t file_lines_max = 1000;
/// The formatter breaks at 110; only raw strings and long names may stand out a little.
constexpr std::size_t line_columns_max = 120;

struct source {
  std::string path;
  std::string text;  ///< As written.
  std::string code;  ///< Without comments; lines are kept.
};

/// A comment's end is all that matters of it; strings must not be mistaken for comments.
std::string without_comments(const std::string& text) {
  static const std::regex pattern{
      R"re("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])'|//[^\n]*|/\*[^*]*\*+([^/*][^*]*\*+)*/)re"};
  std::string code;
  auto last = text.cbegin();
  for (std::sregex_iterator match{text.begin(), text.end(), pattern}, end; match != end; ++match) {
    const std::string found = match->str();
    if (found.front() != '/') continue;
    code.append(last, text.cbegin() + match->position());
    code.append(static_cast<std::size_t>(std::count(found.begin(), found.end(), '\n')), '\n');
    last = text.cbegin() + match->position() + match->length();
  }
  return code.append(last, text.cend());
}

const std::vector<source>& sources() {
  static const std::vector<source> all = [] {
    std::vector<source> read;
    for (const char* root : {"persistence", "runtime", "actors", "nodes", "tests", "bench"}) {
      if (!fs::exists(root)) continue;
      for (const auto& entry : fs::recursive_directory_iterator{root}) {
        const std::string extension = entry.path().extension();
        if (extension != ".hpp" && extension != ".cpp") continue;
        std::ifstream in{entry.path(), std::ios::binary};
        const std::string text{std::istreambuf_iterator<char>{in}, {}};
        read.push_back({entry.path().generic_string(), text, without_comments(text)});
      }
    }
    std::sort(read.begin(), read.end(), [](const source& a, const source& b) { return a.path < b.path; });
    return read;
  }();
  return all;
}

bool is_header(const source& file) { return file.path.ends_with(".hpp"); }

std::string folder_of(std::string_view path) { return std::string{path.substr(0, path.find('/'))}; }

/// The names between quotes or angles of all includes, in order.
std::vector<std::string> includes_of(const source& file) {
  static const std::regex pattern{R"re((?:^|\n)[ \t]*#[ \t]*include[ \t]*([<"][^>"\n]+)[>"])re"};
  std::vector<std::string> names;
  for (std::sregex_iterator match{file.code.begin(), file.code.end(), pattern}, end; match != end; ++match)
    names.push_back((*match)[1].str());
  return names;
}

std::size_t line_at(const std::string& text, std::size_t position) {
  return 1 + static_cast<std::size_t>(
                 std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(position), '\n'));
}

TEST(house, no_include_runs_upward) {
  for (const source& file : sources()) {
    const auto own = std::find(floors.begin(), floors.end(), folder_of(file.path));
    for (const std::string& include : includes_of(file)) {
      const std::string target = folder_of(std::string_view{include}.substr(1));
      if (own != floors.end()) {
        EXPECT_EQ(std::find(own + 1, floors.end(), target), floors.end())
            << file.path << " includes " << include;
        EXPECT_NE(target, "tests") << file.path << " includes " << include;
      }
    }
  }
}

/// The folders whose decisions must be a function of state, command and context alone.
bool is_pure(const std::string& path) {
  static const std::vector<std::string> folders{"values", "product",  "sku",  "stock",
                                                "cart",   "checkout", "order"};
  for (const std::string& folder : folders)
    if (path.starts_with("actors/" + folder + "/")) return true;
  for (const char* file :
       {"payment/payment", "nats/names", "nats/publish_plan", "nats/sink", "webhook/endpoint",
        "webhook/delivery_plan", "webhook/signature", "webhook/target"})
    if (path == "actors/" + std::string{file} + ".hpp" || path == "actors/" + std::string{file} + ".cpp")
      return true;
  return false;
}

TEST(house, deciders_know_neither_caf_nor_io_nor_clocks) {
  static const std::vector<std::string> forbidden{
      "<caf/",     "<boost/",   "<spdlog/",         "<lmdb.h",
      "<thread",   "<mutex",    "<future",          "<random",
      "<fstream",  "<iostream", "<filesystem",      "<sys/",
      "<unistd.h", "<ctime",    "\"runtime/seams/", "\"runtime/messages.hpp",
      "\"nodes/"};
  std::map<std::string, const source*> by_path;
  for (const source& file : sources())
    by_path[file.path] = &file;
  for (const source& root : sources()) {
    if (!is_pure(root.path)) continue;
    std::vector<const source*> waiting{&root};
    std::set<std::string> seen{root.path};
    while (!waiting.empty()) {
      const source* file = waiting.back();
      waiting.pop_back();
      for (const std::string& include : includes_of(*file)) {
        for (const std::string& prefix : forbidden)
          EXPECT_FALSE(include.starts_with(prefix))
              << root.path << " reaches " << include << " through " << file->path;
        const auto next = by_path.find(include.substr(1));
        if (next != by_path.end() && seen.insert(next->first).second) waiting.push_back(next->second);
      }
    }
  }
}

/// Something that must not be written in some folders, and the places where it may be, each with its reason.
struct ban {
  std::string_view what;
  std::string_view pattern;
  std::vector<std::string_view> folders;
  std::map<std::string_view, std::string_view> allowed;  ///< A path or its beginning → why.
};

const std::vector<ban>& bans() {
  static const std::vector<ban> all{
      {"a clock read past its seam",
       R"(_clock::now|\btime\((0|NULL|nullptr)\)|gettimeofday|clock_gettime|make_timestamp)",
       {"persistence", "runtime", "actors"},
       {{"runtime/seams/", "the seam itself"}}},
      {"randomness past its seam",
       R"(random_device|getrandom|getentropy|RAND_bytes|\brand\(\)|mt19937|/dev/u?random)",
       {"persistence", "runtime", "actors"},
       {{"runtime/seams/", "the seam itself"},
        {"runtime/testkit/", "the simulated side of the seam, seeded"},
        {"actors/testkit/", "the simulated side of the seam, seeded"}}},
      {"a detached or blocking actor",
       R"(\bdetached\b|blocking_actor|scoped_actor|function_view|\.receive\()",
       {"persistence", "runtime", "actors"},
       {{"runtime/storage/spawn.cpp", "the writers, whose syncs block, have threads of their own"}}},
      {"a wait for ever", R"(\binfinite\b)", {"runtime", "actors"}, {}},
      {".await, which closes an actor's mailbox to all but one answer",
       R"(\.await\()",
       {"runtime", "actors", "nodes"},
       {}},
      {"a sleep",
       R"(sleep_for|sleep_until|\b(u|nano)?sleep\()",
       {"persistence", "runtime", "actors", "nodes", "tests"},
       {{"actors/gateway/listener.cpp", "its thread lets requests gather, where there are too many"},
        {"tests/cluster/slowdisk/", "it stands for a disk that takes its time"},
        {"tests/unit/load_test.cpp", "rounds that are measured take their time"}}},
      {"a wait for another thread",
       R"(condition_variable|std::(promise|future|async|latch|barrier|counting_semaphore|binary_semaphore)\b)",
       {"runtime", "actors"},
       {{"actors/gateway/listener", "drain() is called by the process that stops, and waits"}}},
      {"a note to do something later",
       R"(\b(TODO|FIXME|XXX|HACK)\b)",
       {"persistence", "runtime", "actors", "nodes"},
       {}},
      {"a namespace opened wide",
       R"(using namespace (?!std::(chrono_literals|string_literals|string_view_literals|literals);))",
       {"persistence", "runtime", "actors", "nodes", "tests", "bench"},
       {}},
  };
  return all;
}

bool may(const ban& ban, const std::string& path) {
  return std::any_of(ban.allowed.begin(), ban.allowed.end(),
                     [&](const auto& place) { return path.starts_with(place.first); });
}

TEST(house, what_is_banned_is_written_only_where_it_is_allowed) {
  for (const ban& ban : bans()) {
    const std::regex pattern{std::string{ban.pattern}};
    for (const source& file : sources()) {
      if (file.path == "tests/unit/house_test.cpp" || may(ban, file.path)) continue;
      if (std::find(ban.folders.begin(), ban.folders.end(), folder_of(file.path)) == ban.folders.end())
        continue;
      const std::string& text = ban.what.starts_with("a note") ? file.text : file.code;
      std::smatch match;
      EXPECT_FALSE(std::regex_search(text, match, pattern))
          << file.path << ":" << line_at(text, static_cast<std::size_t>(match.position())) << ": " << ban.what
          << ": " << match.str();
    }
  }
}

TEST(house, headers_are_guarded_and_open_no_namespace) {
  for (const source& file : sources()) {
    if (!is_header(file)) continue;
    EXPECT_TRUE(file.text.starts_with("#pragma once\n")) << file.path;
    EXPECT_EQ(file.code.find("using namespace"), std::string::npos) << file.path;
  }
}

/// Then each header is compiled at least once with nothing before it; those without a source of their own
/// have one generated (tests/unit/headers.cmake).
TEST(house, a_source_includes_its_own_header_first) {
  std::set<std::string> headers;
  for (const source& file : sources())
    if (is_header(file)) headers.insert(file.path);
  for (const source& file : sources()) {
    if (is_header(file)) continue;
    const std::string own = file.path.substr(0, file.path.size() - 3) + "hpp";
    if (!headers.contains(own)) continue;
    const auto includes = includes_of(file);
    ASSERT_FALSE(includes.empty()) << file.path;
    EXPECT_EQ(includes.front(), "\"" + own) << file.path;
  }
}

TEST(house, quoted_includes_are_written_from_the_root) {
  for (const source& file : sources()) {
    for (const std::string& include : includes_of(file)) {
      if (include.front() != '"' || include.ends_with(".pb.h")) continue;
      EXPECT_TRUE(fs::exists(include.substr(1))) << file.path << " includes " << include;
    }
  }
}

TEST(house, files_and_lines_stay_readable) {
  for (const source& file : sources()) {
    EXPECT_LE(std::count(file.text.begin(), file.text.end(), '\n'), file_lines_max) << file.path;
    std::size_t line = 1;
    std::size_t columns = 0;
    for (const char c : file.text) {
      if (c == '\n') {
        EXPECT_LE(columns, line_columns_max) << file.path << ":" << line;
        ++line;
        columns = 0;
      } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
        ++columns;
      }
    }
    EXPECT_EQ(columns, 0u) << file.path << " does not end its last line";
  }
}

/// Whether a file includes one of these, itself or through others.
bool reaches(const source& file, const std::set<std::string>& wanted) {
  static const std::map<std::string, const source*> by_path = [] {
    std::map<std::string, const source*> all;
    for (const source& each : sources())
      all[each.path] = &each;
    return all;
  }();
  std::vector<const source*> waiting{&file};
  std::set<std::string> seen;
  while (!waiting.empty()) {
    const source* next = waiting.back();
    waiting.pop_back();
    for (const std::string& include : includes_of(*next)) {
      const std::string name = include.substr(1);
      if (wanted.contains(name)) return true;
      const auto found = by_path.find(name);
      if (found != by_path.end() && seen.insert(name).second) waiting.push_back(found->second);
    }
  }
  return false;
}

/// One left out would work on messages of another shape.
TEST(house, what_differs_in_the_next_version_is_compiled_anew_for_it) {
  std::ifstream in{"nodes/soukd/CMakeLists.txt"};
  const std::string list{std::istreambuf_iterator<char>{in}, {}};
  const std::set<std::string> differing{"actors/order/order.pb.h", "actors/order/order.hpp",
                                        "runtime/links/envelope.pb.h"};
  for (const source& file : sources()) {
    const bool in_soukd = file.path.starts_with("runtime/") || file.path.starts_with("actors/") ||
                          file.path.starts_with("nodes/soukd/");
    if (!in_soukd) continue;
    const bool asks = file.code.find("SOUK_NEXT_VERSION") != std::string::npos;
    if (is_header(file)) {
      // A declaration more is no difference to who does not use it.
      EXPECT_TRUE(!asks || differing.contains(file.path) || file.path == "actors/gateway/handlers.hpp")
          << file.path << " is different in the next version: who includes it?";
    } else if (asks || reaches(file, differing)) {
      EXPECT_NE(list.find(file.path), std::string::npos) << file.path << " is not in next_sources";
    }
  }
}

/// A planted bug that is listed and nowhere, or somewhere and not listed, is never looked for.
TEST(house, planted_bugs_are_listed_and_stand_in_sources) {
  static const std::regex planted{R"re(mutated\("([^"]+)"\))re"};
  static const std::regex listed{R"re(\{"([a-z-]+)", ")re"};
  const auto names = [](const std::string& code, const std::regex& pattern,
                        std::multiset<std::string>& into) {
    for (std::sregex_iterator match{code.begin(), code.end(), pattern}, end; match != end; ++match)
      into.insert((*match)[1]);
  };
  std::multiset<std::string> in_sources;
  std::multiset<std::string> in_list;
  for (const source& file : sources()) {
    if (file.path == "actors/testkit/mutants.cpp") names(file.code, listed, in_list);
    if (file.path.starts_with("tests/")) continue;
    names(file.code, planted, in_sources);
    const auto includes = includes_of(file);
    const bool asks = std::find(includes.begin(), includes.end(), "\"runtime/mutant.hpp\"") != includes.end();
    EXPECT_FALSE(asks && is_header(file)) << file.path << " brings planted bugs to all that include it";
  }
  for (const auto& name : in_list)
    EXPECT_EQ(in_list.count(name), 1u) << name;
  const std::set<std::string> sites{in_sources.begin(), in_sources.end()};
  EXPECT_EQ(sites, (std::set<std::string>{in_list.begin(), in_list.end()}));
}

/// A point that is not listed is never drawn to die at, and one that nobody passes is waited for in vain.
TEST(house, fault_points_are_listed_and_stand_in_sources) {
  static const std::regex passed{R"re(\breached\("([^"]+)"\))re"};
  static const std::regex calls{R"re(\breached\()re"};
  static const std::regex listed{R"re(\{"([^"]+)",\s+")re"};
  const auto names = [](const std::string& code, const std::regex& pattern) {
    std::multiset<std::string> found;
    for (std::sregex_iterator match{code.begin(), code.end(), pattern}, end; match != end; ++match)
      found.insert(match->size() > 1 ? (*match)[1].str() : match->str());
    return found;
  };
  std::set<std::string> in_sources;
  std::multiset<std::string> in_list;
  for (const source& file : sources()) {
    const bool in_nodes = file.path.starts_with("runtime/") || file.path.starts_with("actors/");
    if (!in_nodes || file.path == "runtime/fault_point.hpp") continue;
    if (file.path == "actors/testkit/points.cpp")
      in_list = names(file.code.substr(0, file.code.find("rare_events()")), listed);
    const auto here = names(file.code, passed);
    EXPECT_EQ(here.size(), names(file.code, calls).size())
        << file.path << " passes a point without a literal";
    in_sources.insert(here.begin(), here.end());
  }
  for (const auto& name : in_list)
    EXPECT_EQ(in_list.count(name), 1u) << name;
  EXPECT_EQ(in_sources, (std::set<std::string>{in_list.begin(), in_list.end()}));
}

TEST(house, comments_are_told_from_strings) {
  EXPECT_EQ(without_comments("a // b\nc /* d\ne */ f \"//g\" '\"' // h"), "a \nc \n f \"//g\" '\"' ");
}

}  // namespace
}  // namespace souk
