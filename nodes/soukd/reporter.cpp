#include "nodes/soukd/reporter.hpp"

#include "actors/json/writer.hpp"
#include "persistence/record.pb.h"
#include "runtime/cluster/cluster_text.hpp"
#include "runtime/cluster/messages.hpp"
#include "runtime/supervision/failure.hpp"
#include "runtime/supervision/messages.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <utility>

namespace souk::nodes {

namespace {

// An operator waits no longer for a view; what did not answer by then is missing in it.
constexpr std::chrono::milliseconds patience{1'000};

// Quarantined messages shown of each shard, newest first.
constexpr std::uint32_t quarantined_shown_max = 100;

// Bytes of a state that are read in one go: about a millisecond.
constexpr std::size_t digest_piece_bytes = 1 << 20;
// A copy that changed while it was read is read again so often; then whoever asked may ask again.
constexpr int digest_beginnings_max = 5;
// Digests made at the same time; an operator asks for one after the other.
constexpr std::size_t digests_max = 4;

std::string digest_json(const runtime::node& node, runtime::shard_id shard,
                        const runtime::state_digest& made) {
  json::writer out;
  out.begin_object().key("node").string(node.options().id).key("shard").integer(shard);
  out.key("last").integer(static_cast<std::int64_t>(node.options().storage->log().bounds(shard).last));
  out.key("applied").integer(static_cast<std::int64_t>(made.applied));
  out.key("epoch").integer(static_cast<std::int64_t>(made.epoch));
  out.key("rows").integer(static_cast<std::int64_t>(made.rows));
  out.key("digest").string(made.digest).end_object();
  return std::move(out).take();
}

std::string status_json(const runtime::node& node, std::vector<runtime::shard_status> shards) {
  std::sort(shards.begin(), shards.end(), [](const auto& a, const auto& b) { return a.shard < b.shard; });
  const auto usage = node.options().storage->usage();
  json::writer out;
  out.begin_object().key("node").string(node.options().id).key("serving").boolean(node.serving());
  out.key("shard_count").integer(node.options().shard_count);
  out.key("entities").integer(static_cast<std::int64_t>(node.shards().entities_active.load()));
  out.key("entity_restarts").integer(static_cast<std::int64_t>(node.shards().entity_restarts.load()));
  out.key("quarantined").integer(static_cast<std::int64_t>(node.shards().quarantined.load()));
  out.key("storage").begin_object();
  out.key("journal_bytes").integer(static_cast<std::int64_t>(usage.journal_bytes));
  out.key("state_bytes").integer(static_cast<std::int64_t>(usage.state_bytes));
  out.key("disk_free_bytes").integer(static_cast<std::int64_t>(usage.disk_free_bytes));
  out.key("nearly_full").boolean(usage.nearly_full).end_object();
  out.key("shards").begin_array();
  const auto view = node.cluster().now().view;
  for (const auto& shard : shards) {
    out.begin_object().key("shard").integer(shard.shard).key("serving").boolean(shard.serving);
    if (view && shard.shard < view->shards.size()) {
      const auto& record = view->shards[shard.shard];
      out.key("primary").string(record.primary).key("in_sync").begin_array();
      for (const auto& member : record.in_sync)
        out.string(runtime::node_of_member(member));
      out.end_array();
    } else {
      out.key("primary").string(node.options().id);
      out.key("in_sync").begin_array().string(node.options().id).end_array();
    }
    out.key("epoch").integer(static_cast<std::int64_t>(shard.epoch));
    out.key("last_index").integer(static_cast<std::int64_t>(shard.last_index));
    out.key("committed").integer(static_cast<std::int64_t>(shard.committed));
    out.key("applied").integer(static_cast<std::int64_t>(shard.applied));
    out.key("entities").integer(static_cast<std::int64_t>(shard.entities));
    out.key("effects_outstanding").integer(static_cast<std::int64_t>(shard.effects_outstanding)).end_object();
  }
  out.end_array().end_object();
  return std::move(out).take();
}

std::string quarantine_json(std::vector<std::pair<std::string, std::string>> rows) {
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  json::writer out;
  out.begin_object().key("data").begin_array();
  for (const auto& [key, value] : rows) {
    persistence::pb::Quarantined aside;
    if (!aside.ParseFromString(value)) continue;
    out.begin_object().key("entity").string(aside.entity()).key("message").string(aside.message());
    out.key("reason").string(aside.reason());
    out.key("at").time(runtime::from_ms(aside.at_ms())).end_object();
  }
  out.end_array().end_object();
  return std::move(out).take();
}

void write_nodes(json::writer& out, const runtime::node& node, const runtime::cluster_view& view) {
  const auto lines = node.links().lines();
  out.key("nodes").begin_array();
  for (const auto& member : view.members) {
    const auto* registered = view.node(member.id);
    const auto line = lines.find(member.id);
    out.begin_object().key("node").string(member.id).key("state").string(runtime::to_string(member.state));
    out.key("registered").boolean(registered != nullptr);
    out.key("linked").boolean(member.id == node.options().id || (line != lines.end() && line->second.up));
    std::int64_t primaries = 0;
    std::int64_t copies = 0;
    for (const auto& record : view.shards) {
      primaries += record.primary == member.id;
      copies += record.has_replica(member.id);
    }
    out.key("primaries").integer(primaries).key("copies").integer(copies);
    out.key("disk").string(registered ? registered->disk_id : "");
    out.key("http").string(registered ? registered->http_address : "");
    out.key("link").string(registered ? registered->link_address : "");
    out.key("version").string(registered ? registered->version : "");
    out.key("newest_format").integer(registered ? registered->formats.highest : 0).end_object();
  }
  out.end_array();
}

void write_shards(json::writer& out, const runtime::cluster_view& view) {
  out.key("shards").begin_array();
  for (std::size_t id = 0; id < view.shards.size(); ++id) {
    const auto& record = view.shards[id];
    out.begin_object().key("shard").integer(static_cast<std::int64_t>(id));
    out.key("epoch").integer(static_cast<std::int64_t>(record.epoch)).key("primary").string(record.primary);
    out.key("in_sync").begin_array();
    for (const auto& member : record.in_sync)
      out.string(runtime::node_of_member(member));
    out.end_array().key("replicas").begin_array();
    for (const auto& replica : record.replicas)
      out.string(replica);
    out.end_array().key("min_in_sync").integer(record.min_in_sync);
    out.key("move_to").string(record.move_to).end_object();
  }
  out.end_array();
}

std::string cluster_json(const runtime::node& node) {
  json::writer out;
  const auto standing = node.cluster().now();
  out.begin_object().key("node").string(node.options().id).key("clustered").boolean(standing.view != nullptr);
  if (standing.view) {
    const auto& view = *standing.view;
    out.key("registered").boolean(standing.registered).key("reason").string(standing.reason);
    out.key("cluster_id").string(view.settings.cluster_id).key("controller").string(view.controller);
    out.key("format").integer(view.settings.format).key("replicas").integer(view.settings.replicas);
    write_nodes(out, node, view);
    write_shards(out, view);
  }
  out.end_object();
  return std::move(out).take();
}

std::string order_json(runtime::operator_answer::outcome what, bool dry_run,
                       const std::vector<std::string>& lines) {
  using outcome = runtime::operator_answer::outcome;
  json::writer out;
  out.begin_object().key("outcome");
  out.string(what == outcome::done ? "done" : what == outcome::refused ? "refused" : "unknown");
  out.key("dry_run").boolean(dry_run).key("lines").begin_array();
  for (const auto& line : lines)
    out.string(line);
  out.end_array().end_object();
  return std::move(out).take();
}

class collector {
 public:
  explicit collector(caf::stateful_actor<reporter_state>* self) : self_(self) {}

  void begin(const report& asked) {
    const auto correlation = ++self_->state.next;
    if (asked.what == view::tree) {
      self_->request(self_->state.node->root(), patience, supervision::tree_request{patience * 9 / 10})
          .then([then = asked.then](const supervision::tree_node& tree) { then(supervision::to_json(tree)); },
                [then = asked.then](const caf::error&) { then({}); });
      return;
    }
    if (asked.what == view::cluster) return asked.then(cluster_json(*self_->state.node));
    auto& open = self_->state.open[correlation];
    open.what = asked.what;
    open.then = asked.then;
    const auto& node = *self_->state.node;
    const auto& routing = *node.routing();
    for (runtime::shard_id id = 0; id < routing.shard_count(); ++id) {
      // What is here can be asked how far it is; what was set aside is asked of whoever serves the shard.
      auto shard = asked.what == view::status ? node.copy_of(id) : routing.shard(id);
      if (!shard) continue;
      ++open.awaited;
      if (asked.what == view::status) {
        self_->send(shard, runtime::status_query{correlation, caf::actor{self_}});
      } else {
        runtime::index_query query;
        query.index = "quarantine";
        query.descending = true;
        query.limit = quarantined_shown_max;
        query.correlation = correlation;
        query.reply_to = caf::actor{self_};
        self_->send(shard, query);
      }
    }
    if (open.awaited == 0) return finish(correlation);
    self_->delayed_send(self_, patience, report_due{correlation});
  }

  void take(const runtime::shard_status& status) {
    auto found = self_->state.open.find(status.correlation);
    if (found == self_->state.open.end()) return;
    found->second.shards.push_back(status);
    arrived(found->first);
  }

  void take(const runtime::index_page& page) {
    auto found = self_->state.open.find(page.correlation);
    if (found == self_->state.open.end()) return;
    found->second.rows.insert(found->second.rows.end(), page.rows.begin(), page.rows.end());
    arrived(found->first);
  }

  void take(order& given) {
    using outcome = runtime::operator_answer::outcome;
    const auto coordinator = self_->state.node->directory().find("coordinator");
    if (!coordinator)
      return given.then(order_json(outcome::unknown, given.dry_run, {"the coordinator is being restarted"}));
    const auto correlation = ++self_->state.next;
    self_->send(coordinator,
                runtime::operator_request{given.command, given.dry_run, correlation, caf::actor{self_}});
    self_->state.orders.emplace(correlation, std::move(given));
    self_->delayed_send(self_, patience, report_due{correlation});
  }

  void take(const runtime::operator_answer& answer) {
    auto found = self_->state.orders.find(answer.correlation);
    if (found == self_->state.orders.end()) return;
    const auto given = std::move(found->second);
    self_->state.orders.erase(found);
    given.then(order_json(answer.what, given.dry_run, answer.lines));
  }

  void take(digest_question& asked) {
    auto& state = self_->state;
    if (state.digests.size() >= digests_max) return asked.then({});
    const auto correlation = ++state.next;
    state.digests[correlation].asked = std::move(asked);
    go_on(correlation);
  }

  // In pieces, so that other views need not wait.
  void go_on(std::uint64_t correlation) {
    auto& digests = self_->state.digests;
    auto& [asked, reader, beginnings] = digests.at(correlation);
    const auto& node = *self_->state.node;
    if (!reader) {
      ++beginnings;
      reader = std::make_unique<runtime::digest_reader>(asked.shard, node.options().storage->state(),
                                                        asked.answers_from_ms);
    }
    const auto progress = reader->next(digest_piece_bytes);
    if (progress == runtime::digest_reader::progress::done) {
      asked.then(digest_json(node, asked.shard, reader->result()));
      digests.erase(correlation);
      return;
    }
    if (progress == runtime::digest_reader::progress::changed) {
      reader.reset();
      if (beginnings == digest_beginnings_max) {
        asked.then({});
        digests.erase(correlation);
        return;
      }
    }
    self_->send(self_, digest_on{correlation});
  }

  void finish(std::uint64_t correlation) {
    take(runtime::operator_answer{
        correlation, runtime::operator_answer::outcome::unknown, {"etcd did not answer in time; ask again"}});
    auto found = self_->state.open.find(correlation);
    if (found == self_->state.open.end()) return;
    auto collected = std::move(found->second);
    self_->state.open.erase(found);
    collected.then(collected.what == view::status
                       ? status_json(*self_->state.node, std::move(collected.shards))
                       : quarantine_json(std::move(collected.rows)));
  }

 private:
  void arrived(std::uint64_t correlation) {
    if (--self_->state.open[correlation].awaited == 0) finish(correlation);
  }

  caf::stateful_actor<reporter_state>* self_;
};

}  // namespace

caf::behavior reporter(caf::stateful_actor<reporter_state>* self, runtime::node* node) {
  supervision::handle_failures(self);
  self->state.node = node;
  return {
      [self](const report& asked) { collector{self}.begin(asked); },
      [self](const runtime::shard_status& status) { collector{self}.take(status); },
      [self](const runtime::index_page& page) { collector{self}.take(page); },
      [self](order& given) { collector{self}.take(given); },
      [self](const runtime::operator_answer& answer) { collector{self}.take(answer); },
      [self](digest_question& asked) { collector{self}.take(asked); },
      [self](const digest_on& on) { collector{self}.go_on(on.correlation); },
      [self](const report_due& due) { collector{self}.finish(due.correlation); },
  };
}

gateway::outside_view view_of(view what, std::function<caf::actor()> reporter) {
  return [what, reporter = std::move(reporter)](std::function<void(std::string)> then) {
    if (auto actor = reporter()) {
      caf::anon_send(actor, report{what, std::move(then)});
    } else {
      then({});
    }
  };
}

}  // namespace souk::nodes
