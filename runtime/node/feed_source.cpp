#include "runtime/node/feed_source.hpp"

#include "persistence/record.pb.h"
#include "runtime/node/node.pb.h"
#include "runtime/shard/keys.hpp"
#include "runtime/shard/state.pb.h"
#include "runtime/supervision/failure.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <utility>

namespace souk::runtime {

namespace {

// Who listens hears something after so long, so that a lost question does not silence a feed. A link that was
// lost answers for itself, so this is for what nobody thought of, and may take its time: each pair of nodes
// pays for it.
constexpr std::chrono::seconds patience{5};
constexpr std::chrono::seconds tick_interval{1};
// Questions that wait for a shard; one that never answered must not fill the memory.
constexpr std::size_t rows_wanted_max = 256;

void put(pb::FeedEvent& out, const address& address, std::uint64_t version, std::string bytes) {
  out.set_tenant(address.tenant);
  out.set_kind(address.kind);
  out.set_key(address.key);
  out.set_version(version);
  out.set_event(std::move(bytes));
}

std::uint64_t applied_of(shard_id shard, const persistence::state_store& state) {
  const auto row = state.get(keys::shard_header(shard));
  return row ? parse_as<pb::ShardHeader>(*row)->applied() : 0;
}

// Rows of these kinds after a key, cut between entities.
void add_rows(pb::RowsPage& page, shard_id shard, const std::vector<kind_id>& kinds, const std::string& after,
              const persistence::state_store& state, std::size_t page_bytes) {
  std::size_t bytes = 0;
  std::string last;  // the entity of the last row
  for (const auto kind : kinds) {
    auto range = keys::starting_with(keys::kind_prefix(shard, kind));
    if (after >= range.to) continue;
    if (after > range.from) range.from = after + '\0';
    state.scan(range.from, range.to, persistence::scan_order::ascending,
               [&](std::string_view key, std::string_view value) {
                 const auto row = keys::parse_entity_row(key);
                 if (!row) throw persistence::damage("state: a row of an entity has no address");
                 std::string entity{key.substr(0, key.size() - row->row.size())};
                 if (bytes >= page_bytes && entity != last) {
                   page.set_more(true);
                   return false;
                 }
                 last = std::move(entity);
                 auto& out = *page.add_rows();
                 out.set_key(std::string{key});
                 out.set_value(std::string{value});
                 bytes += key.size() + value.size();
                 return true;
               });
    if (page.more()) return;
  }
}

// The events of committed records after one.
void add_records(pb::RowsPage& page, shard_id shard, const std::vector<kind_id>& kinds, std::uint64_t after,
                 std::uint64_t committed, const persistence::journal& log, std::size_t page_bytes) {
  std::size_t bytes = 0;
  page.set_last_index(after);
  if (after >= committed) return;
  log.read(shard, after + 1, [&](const persistence::journal_entry& entry) {
    if (entry.index != page.last_index() + 1) {
      page.set_trimmed(true);
      return false;
    }
    if (entry.index > committed) return false;
    if (bytes >= page_bytes) {
      page.set_more(true);
      return false;
    }
    page.set_last_index(entry.index);
    persistence::pb::Record record;
    if (!record.ParseFromString(entry.payload)) throw undecodable("a record cannot be read");
    const auto kind = static_cast<kind_id>(record.kind());
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) return true;
    auto version = record.first_version();
    for (const auto& event : record.events()) {
      bytes += event.size();
      put(*page.add_events(), {record.tenant(), kind, record.key()}, version++, event);
    }
    return true;
  });
}

}  // namespace

caf::behavior feed_source(feed_source_actor* self, feed_source_options options) {
  supervision::handle_failures(self);
  return self->state.start(std::move(options));
}

feed_source_life::~feed_source_life() {
  if (options_.log) options_.log->on_growth({});
}

caf::behavior feed_source_life::start(feed_source_options options) {
  options_ = std::move(options);
  options_.log->on_growth([self = caf::actor_cast<caf::actor_addr>(self_), woken = woken_] {
    if (woken->exchange(true)) return;
    if (auto alive = caf::actor_cast<caf::actor>(self)) caf::anon_send(alive, feed_grew{});
  });
  on_tick();
  return {
      [this](const links::node_question& question) { take(question); },
      [this](const shard_status& status) { take(status); },
      [this](feed_grew) {
        *woken_ = false;
        std::erase_if(listeners_, [this](const listener& each) { return tell(each.question, false); });
      },
      [this](tick) { on_tick(); },
  };
}

void feed_source_life::on_tick() {
  self_->delayed_send(self_, tick_interval, tick{});
  const auto now = options_.time->steady();
  std::erase_if(listeners_,
                [&](const listener& each) { return now >= each.until && tell(each.question, true); });
}

void feed_source_life::refuse(const links::node_question& question) {
  self_->send(question.reply_to, links::node_answer{question.correlation, false, {}});
}

void feed_source_life::take(const links::node_question& question) {
  if (question.name == "feed") {
    // A node listens once: its next question takes the place of the one before.
    std::erase_if(listeners_, [&](const listener& each) {
      return each.question.reply_to == question.reply_to && tell(each.question, true);
    });
    if (!tell(question, false)) listeners_.push_back({question, options_.time->steady() + patience});
    return;
  }
  pb::RowsQuestion asked;
  if (question.name != "feed_rows" || !asked.ParseFromString(question.content)) return refuse(question);
  const auto shard = options_.shard(static_cast<shard_id>(asked.shard()));
  if (!shard) return refuse(question);
  if (rows_wanted_.size() >= rows_wanted_max) rows_wanted_.erase(rows_wanted_.begin());
  rows_wanted_.emplace(next_, question);
  self_->send(shard, status_query{next_++, caf::actor{self_}});
}

bool feed_source_life::tell(const links::node_question& question, bool in_any_case) {
  pb::FeedQuestion asked;
  if (!asked.ParseFromString(question.content)) {
    refuse(question);
    return true;
  }
  pb::FeedNews news;
  std::size_t bytes = 0;
  for (const auto& cursor : asked.cursors()) {
    const auto shard = static_cast<shard_id>(cursor.shard());
    if (!options_.shard(shard) || bytes >= options_.limits.page_bytes) continue;
    auto page = options_.log->after(shard, cursor.position());
    if (!page.lost && page.events.empty()) continue;
    auto& out = *news.add_shards();
    out.set_shard(cursor.shard());
    out.set_from(cursor.position());
    out.set_position(page.position);
    out.set_lost(page.lost);
    for (auto& event : page.events) {
      bytes += event.bytes.size();
      put(*out.add_events(), event.address, event.version, std::move(event.bytes));
    }
  }
  if (news.shards_size() == 0 && !in_any_case) return false;
  self_->send(question.reply_to, links::node_answer{question.correlation, true, news.SerializeAsString()});
  return true;
}

void feed_source_life::take(const shard_status& status) {
  const auto found = rows_wanted_.find(status.correlation);
  if (found == rows_wanted_.end()) return;
  const auto question = std::move(found->second);
  rows_wanted_.erase(found);
  pb::RowsQuestion asked;
  asked.ParseFromString(question.content);
  // Another epoch than the one that is asked about: who asks must hear of that first.
  if (!status.serving || status.epoch != asked.epoch()) return refuse(question);
  tell_rows(question, asked, status);
}

void feed_source_life::tell_rows(const links::node_question& question, const pb::RowsQuestion& asked,
                                 const shard_status& status) {
  const auto shard = static_cast<shard_id>(asked.shard());
  pb::RowsPage page;
  page.set_position(options_.log->position(shard));
  page.set_applied(applied_of(shard, options_.storage->state()));
  if (asked.records()) {
    add_records(page, shard, options_.kinds, asked.after_index(), status.committed, options_.storage->log(),
                options_.limits.page_bytes);
  } else {
    add_rows(page, shard, options_.kinds, asked.after(), options_.storage->state(),
             options_.limits.page_bytes);
  }
  self_->send(question.reply_to, links::node_answer{question.correlation, true, page.SerializeAsString()});
}

}  // namespace souk::runtime
