#include "runtime/shard/layered_rows.hpp"

#include "persistence/memory_storage.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

namespace souk::runtime {
namespace {

using persistence::scan_order;

std::vector<std::pair<std::string, std::string>> all(const layered_rows& rows, std::string_view from,
                                                     std::string_view to, scan_order order) {
  std::vector<std::pair<std::string, std::string>> seen;
  rows.scan(from, to, order, [&](auto key, auto value) {
    seen.emplace_back(key, value);
    return true;
  });
  return seen;
}

TEST(layered_rows, a_row_that_is_written_once_and_removed_never_reaches_the_disk) {
  auto storage = persistence::make_memory_storage();
  layered_rows rows{storage->state()};
  rows.put("t1", "x");
  rows.erase_unique("t1");
  EXPECT_TRUE(rows.begin_flush()->empty());
}

TEST(layered_rows, a_row_on_its_way_to_the_disk_is_removed_there) {
  auto storage = persistence::make_memory_storage();
  layered_rows rows{storage->state()};
  rows.put("t1", "x");
  storage->state().write(*rows.begin_flush());
  rows.erase_unique("t1");
  rows.end_flush();
  EXPECT_FALSE(rows.get("t1"));
  storage->state().write(*rows.begin_flush());
  rows.end_flush();
  EXPECT_FALSE(storage->state().get("t1"));
}

TEST(layered_rows, a_scan_stops_when_told) {
  auto storage = persistence::make_memory_storage();
  storage->state().write(std::vector<persistence::row_change>{{"a", "1"}, {"c", "3"}});
  layered_rows rows{storage->state()};
  rows.put("b", "2");
  rows.put("d", "4");
  std::string seen;
  rows.scan("a", "z", scan_order::ascending, [&](auto key, auto) {
    seen += key;
    return key != "c";
  });
  EXPECT_EQ(seen, "abc");
}

// Against a plain map, over random changes and flushes.
TEST(layered_rows, show_what_was_written_last_whatever_is_on_its_way) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random{seed};
    auto storage = persistence::make_memory_storage();
    layered_rows rows{storage->state()};
    std::map<std::string, std::string> model;
    persistence::shared_rows flushing;
    bool flush_under_way = false;
    for (int step = 0; step < 120; ++step) {
      auto key = "k" + std::to_string(random() % 12);
      switch (random() % 8) {
        default:
          model[key] = std::to_string(step);
          rows.put(key, std::to_string(step));
          break;
        case 4:
        case 5:
          model.erase(key);
          rows.erase(key);
          break;
        case 6:
          if (!flush_under_way) {
            flushing = rows.begin_flush();
            flush_under_way = true;
          }
          break;
        case 7:
          if (flush_under_way && random() % 4 != 0) {
            storage->state().write(*flushing);
            rows.end_flush();
            flush_under_way = false;
          }
          break;
      }
      auto low = "k" + std::to_string(random() % 12);
      auto high = "k" + std::to_string(random() % 12) + "~";
      std::vector<std::pair<std::string, std::string>> expected;
      for (auto& [k, v] : model) {
        if (k >= low && k < high) expected.emplace_back(k, v);
      }
      ASSERT_EQ(all(rows, low, high, scan_order::ascending), expected);
      std::reverse(expected.begin(), expected.end());
      ASSERT_EQ(all(rows, low, high, scan_order::descending), expected);
      auto got = rows.get(key);
      ASSERT_EQ(got.has_value(), model.contains(key));
      if (got) {
        ASSERT_EQ(*got, model[key]);
      }
    }
  }
}

}  // namespace
}  // namespace souk::runtime
