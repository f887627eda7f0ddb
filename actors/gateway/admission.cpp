#include "actors/gateway/admission.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace souk::gateway {

namespace {

using std::chrono::nanoseconds;

/// The view of a cluster changes with its nodes, which is seldom.
constexpr std::chrono::seconds nodes_asked_every{1};

constexpr std::array<std::string_view, admission_parties.size()> party_names{"address", "credential",
                                                                             "tenant"};
constexpr std::array<std::string_view, admission_parties.size()> party_texts{
    "from this address", "with this credential", "for this shop"};
constexpr std::array<std::string_view, traffic_classes> traffic_names{"browse", "cart", "checkout", "admin"};

/// In which one request flows in.
nanoseconds time_of_one(const quota& quota) {
  return std::max(quota.window / static_cast<std::int64_t>(quota.requests), nanoseconds{1});
}

std::int64_t whole_seconds(nanoseconds time) { return std::chrono::ceil<std::chrono::seconds>(time).count(); }

// Several limits of one request are members of one list.
void append(header_fields& fields, std::string_view name, const std::string& member) {
  const auto same = [name](const auto& field) { return field.first == name; };
  const auto found = std::find_if(fields.begin(), fields.end(), same);
  if (found == fields.end())
    fields.emplace_back(name, member);
  else
    found->second += ", " + member;
}

}  // namespace

std::string_view name_of(admission::party by) { return party_names.at(static_cast<std::size_t>(by)); }

std::string_view name_of(traffic of) { return traffic_names.at(static_cast<std::size_t>(of)); }

bool limits_anybody(const admission_options& options) {
  const auto is_limit = [](std::uint64_t requests) { return requests != 0; };
  return std::ranges::any_of(options.address, is_limit) ||
         std::ranges::any_of(options.credential, is_limit) || std::ranges::any_of(options.tenant, is_limit);
}

bucket_table::verdict bucket_table::look(std::string_view key, const quota& quota, nanoseconds now) const {
  const auto each = time_of_one(quota);
  const auto whole =
      each * static_cast<std::int64_t>(quota.requests);  // the window, but for what was rounded
  const auto known = full_at_.find(key);
  verdict verdict;
  if (known != full_at_.end()) verdict.full_in = std::max(known->second->first - now, nanoseconds{0});
  verdict.admitted = verdict.full_in + each <= whole;
  verdict.left = static_cast<std::uint64_t>(std::max(whole - verdict.full_in, nanoseconds{0}) / each);
  if (!verdict.admitted) verdict.retry_after = verdict.full_in + each - whole;
  return verdict;
}

bucket_table::verdict bucket_table::take(std::string_view key, const quota& quota, nanoseconds now) {
  // Two that were full again make room for the one that comes.
  for (int n = 0; n < 2 && !by_moment_.empty() && by_moment_.begin()->first <= now; ++n)
    forget(by_moment_.begin());
  auto verdict = look(key, quota, now);
  if (!verdict.admitted) return verdict;
  verdict.full_in += time_of_one(quota);
  --verdict.left;
  if (const auto known = full_at_.find(key); known != full_at_.end()) {
    std::string owner = std::move(known->second->second);
    by_moment_.erase(known->second);
    known->second = by_moment_.emplace(now + verdict.full_in, std::move(owner));
    return verdict;
  }
  if (full_at_.size() >= keys_max_) forget(by_moment_.begin());
  const auto added = by_moment_.emplace(now + verdict.full_in, key);
  full_at_.emplace(key, added);
  return verdict;
}

void bucket_table::forget(moments::iterator bucket) {
  full_at_.erase(full_at_.find(bucket->second));
  by_moment_.erase(bucket);
}

admission::admission(const admission_options& options, std::function<std::size_t()> nodes)
    : options_(options), nodes_(std::move(nodes)) {
  for (const auto by : admission_parties) {
    const auto& limits = by == party::address      ? options_.address
                         : by == party::credential ? options_.credential
                                                   : options_.tenant;
    for (std::size_t n = 0; n < traffic_classes; ++n)
      counted_.emplace(std::pair{by, static_cast<traffic>(n)},
                       counted{limits.at(n), 0, bucket_table{options_.clients_max}});
  }
}

quota admission::share_of(const counted& of, nanoseconds now) {
  if (nodes_ && (nodes_asked_at_.count() < 0 || now - nodes_asked_at_ >= nodes_asked_every)) {
    nodes_asked_at_ = now;
    nodes_now_ = std::max<std::size_t>(nodes_(), 1);
  }
  return {(of.requests + nodes_now_ - 1) / nodes_now_, options_.window};
}

admission::counted* admission::limit_of(const asker& asker, traffic what) {
  auto& of = counted_.at({asker.by, what});
  return of.requests == 0 || asker.key.empty() ? nullptr : &of;
}

void admission::tell(party by, traffic what, const bucket_table::verdict& verdict,
                     header_fields& fields) const {
  const auto name = "\"" + std::string{name_of(by)} + "-" + std::string{gateway::name_of(what)} + "\"";
  append(
      fields, "RateLimit-Policy",
      name + ";q=" + std::to_string(at(by, what).requests) + ";w=" + std::to_string(options_.window.count()));
  append(
      fields, "RateLimit",
      name + ";r=" + std::to_string(verdict.left) + ";t=" + std::to_string(whole_seconds(verdict.full_in)));
}

std::optional<json::problem> admission::admit(std::span<const asker> askers, traffic what, nanoseconds now,
                                              header_fields& fields) {
  // Nothing to count, and nobody waits for the lock.
  const auto is_limited = [&](const asker& asker) { return limit_of(asker, what) != nullptr; };
  if (std::ranges::none_of(askers, is_limited)) return std::nullopt;
  const std::lock_guard lock{mutex_};
  std::optional<json::problem> refused;
  for (const auto& asker : askers) {
    auto* of = limit_of(asker, what);
    if (of == nullptr) continue;
    const auto verdict = of->buckets.look(asker.key, share_of(*of, now), now);
    if (verdict.admitted) continue;
    if (!refused) {
      ++of->refused;
      refused = json::problem{.code = "rate_limited",
                              .detail = "Too many requests of this kind came " +
                                        std::string{party_texts.at(static_cast<std::size_t>(asker.by))} +
                                        "; nothing was done."};
    }
    const auto after = std::chrono::ceil<std::chrono::milliseconds>(verdict.retry_after).count();
    refused->retry_after_ms = std::max(refused->retry_after_ms.value_or(0), after);
  }
  for (const auto& asker : askers) {
    auto* of = limit_of(asker, what);
    if (of == nullptr) continue;
    const auto share = share_of(*of, now);
    tell(asker.by, what,
         refused ? of->buckets.look(asker.key, share, now) : of->buckets.take(asker.key, share, now), fields);
  }
  return refused;
}

const admission::counted& admission::at(party by, traffic what) const { return counted_.at({by, what}); }

std::uint64_t admission::refused(party by, traffic what) const {
  const std::lock_guard lock{mutex_};
  return at(by, what).refused;
}

std::size_t admission::clients() const {
  const std::lock_guard lock{mutex_};
  std::size_t all = 0;
  for (const auto& [which, of] : counted_)
    all += of.buckets.size();
  return all;
}

}  // namespace souk::gateway
