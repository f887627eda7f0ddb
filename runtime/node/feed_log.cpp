#include "runtime/node/feed_log.hpp"

#include <algorithm>
#include <utility>

namespace souk::runtime {

namespace {

class feed_tap final : public projection {
 public:
  feed_tap(kind_id source, std::shared_ptr<feed_log> log, std::function<shard_id(const address&)> shard_of)
      : source_(source), log_(std::move(log)), shard_of_(std::move(shard_of)) {}

  kind_id source() const override { return source_; }
  void restore(const address&, std::uint64_t, const entity_state&) override {}
  void apply(const address& address, std::uint64_t version, const google::protobuf::Message& event) override {
    log_->add(shard_of_(address), {address, version, event.SerializeAsString()});
  }

 private:
  kind_id source_;
  std::shared_ptr<feed_log> log_;
  std::function<shard_id(const address&)> shard_of_;
};

}  // namespace

void feed_log::add(shard_id shard, event event) {
  std::function<void()> told;
  {
    std::lock_guard lock{mutex_};
    auto& kept = shards_.at(shard);
    ++kept.last;
    kept.bytes += event.bytes.size();
    kept.events.push_back(std::move(event));
    while (kept.events.size() > limits_.events_kept_max || kept.bytes > limits_.bytes_kept_max) {
      kept.bytes -= kept.events.front().bytes.size();
      kept.events.pop_front();
    }
    told = told_;
  }
  if (told) told();
}

std::uint64_t feed_log::position(shard_id shard) const {
  std::lock_guard lock{mutex_};
  return shards_.at(shard).last;
}

feed_log::page feed_log::after(shard_id shard, std::uint64_t position) const {
  std::lock_guard lock{mutex_};
  const auto& kept = shards_.at(shard);
  if (position > kept.last || kept.last - position > kept.events.size()) return {.lost = true};
  page page{.position = position};
  std::size_t bytes = 0;
  for (auto next = kept.events.end() - static_cast<std::ptrdiff_t>(kept.last - position);
       next != kept.events.end() && bytes < limits_.page_bytes; ++next) {
    bytes += next->bytes.size();
    page.events.push_back(*next);
    ++page.position;
  }
  return page;
}

void feed_log::on_growth(std::function<void()> told) {
  std::lock_guard lock{mutex_};
  told_ = std::move(told);
}

std::shared_ptr<projection> make_feed_tap(kind_id source, std::shared_ptr<feed_log> log,
                                          std::function<shard_id(const address&)> shard_of) {
  return std::make_shared<feed_tap>(source, std::move(log), std::move(shard_of));
}

}  // namespace souk::runtime
