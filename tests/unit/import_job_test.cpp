#include "actors/import/import_job.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace souk::import_job {
namespace {

constexpr runtime::timestamp now = runtime::from_ms(1'800'000'000'000);

class no_ids : public runtime::id_source {
 public:
  std::string next_part() override { return {}; }
};

class map_sink : public runtime::row_sink {
 public:
  void put(std::string_view row, std::string value) override { rows[std::string{row}] = std::move(value); }
  void erase(std::string_view row) override { rows.erase(std::string{row}); }

  std::map<std::string, std::string> rows;
};

class import_bench {
 public:
  runtime::decision run(const pb::Command& command) {
    runtime::context context{address, now, state.row.version(), ids, {}, "req_1", true};
    runtime::decision decision = decider.decide(state, command, context);
    for (const auto& event : decision.events)
      decider.evolve(state, static_cast<const pb::Event&>(*event), now, state.row.version() + 1);
    return decision;
  }
  runtime::decision open() {
    pb::Command command;
    command.mutable_open()->set_import_id("imp_1");
    command.mutable_open()->set_format("ndjson");
    command.mutable_open()->set_file("f.ndjson");
    return run(command);
  }
  runtime::decision advance(std::uint64_t from, std::uint64_t to, std::uint64_t products, int errors = 0) {
    pb::Command command;
    pb::Advance& advance = *command.mutable_advance();
    advance.set_from_line(from);
    advance.set_to_line(to);
    advance.set_products(products);
    advance.set_failed_lines(static_cast<std::uint64_t>(errors));
    for (int i = 0; i < errors; ++i)
      advance.add_errors()->set_line(from + static_cast<std::uint64_t>(i) + 1);
    return run(command);
  }
  runtime::decision finish(const std::string& failure = "") {
    pb::Command command;
    command.mutable_finish()->set_failure(failure);
    return run(command);
  }

  runtime::address address{"main", kinds::import_job, "K"};
  no_ids ids;
  import_decider decider;
  import_state state;
};

TEST(import_job, is_listed_as_open_until_it_is_finished) {
  import_bench bench;
  auto opened = bench.open();
  EXPECT_EQ(opened.reply->status, 202);
  EXPECT_EQ(opened.reply->body, R"({"id":"imp_1","status":"running"})");
  ASSERT_EQ(opened.indexes.size(), 1u);
  EXPECT_EQ(opened.indexes[0].index, open_index);
  EXPECT_EQ(opened.indexes[0].value, "f.ndjson");
  auto finished = bench.finish();
  ASSERT_EQ(finished.indexes.size(), 1u);
  EXPECT_FALSE(finished.indexes[0].value);
  EXPECT_EQ(bench.state.row.status(), "completed");
  EXPECT_TRUE(bench.finish("late").events.empty()) << "it ends once";
  EXPECT_EQ(bench.open().reply->status, 409);
}

TEST(import_job, a_failure_says_why) {
  import_bench bench;
  bench.open();
  bench.finish("Its file is gone.");
  pb::Command read;
  read.mutable_read();
  EXPECT_NE(bench.run(read).reply->body.find(R"("status":"failed")"), std::string::npos);
  EXPECT_NE(bench.run(read).reply->body.find("Its file is gone."), std::string::npos);
}

TEST(import_job, progress_is_counted_once) {
  import_bench bench;
  bench.open();
  bench.advance(0, 64, 60, 4);
  EXPECT_TRUE(bench.advance(0, 64, 60, 4).events.empty()) << "a repeat changes nothing";
  bench.advance(64, 100, 36);
  EXPECT_EQ(bench.state.row.lines(), 100u);
  EXPECT_EQ(bench.state.row.products(), 96u);
  EXPECT_EQ(bench.state.row.failed_lines(), 4u);
}

TEST(import_job, the_first_hundred_errors_are_kept) {
  import_bench bench;
  bench.open();
  bench.advance(0, 80, 0, 80);
  bench.advance(80, 160, 0, 80);
  EXPECT_EQ(bench.state.row.failed_lines(), 160u);
  EXPECT_EQ(bench.state.row.errors_size(), 100);
}

TEST(import_job, its_row_brings_it_back) {
  import_bench bench;
  bench.open();
  bench.advance(0, 64, 60, 4);
  map_sink sink;
  bench.decider.save_rows(bench.state, sink);
  import_bench restarted;
  for (const auto& [row, value] : sink.rows)
    restarted.decider.load_row(restarted.state, row, value);
  EXPECT_EQ(restarted.state.row.SerializeAsString(), bench.state.row.SerializeAsString());
  map_sink nothing;
  bench.decider.save_rows(bench.state, nothing);
  EXPECT_TRUE(nothing.rows.empty());
}

TEST(import_job, an_unknown_import_is_not_found) {
  import_bench bench;
  pb::Command read;
  read.mutable_read();
  EXPECT_EQ(bench.run(read).reply->status, 404);
}

}  // namespace
}  // namespace souk::import_job
