#include "actors/gateway/admission.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace souk::gateway {

namespace {

using std::chrono::nanoseconds;

/// The view of a cluster changes with its nodes, which is seldom.
constexpr std::chrono::seconds nodes_asked_every{1};

constexpr std::array<std::string_view, traffic_classes> traffic_names{"browse", "cart", "checkout", "admin"};

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

std::string_view name_of(admission::party by) {
  return by == admission::party::address ? "address" : "credential";
}

std::string_view name_of(traffic of) { return traffic_names.at(static_cast<std::size_t>(of)); }

bool limits_anybody(const admission_options& options) {
  const auto is_limit = [](std::uint64_t requests) { return requests != 0; };
  return std::ranges::any_of(options.address, is_limit) || std::ranges::any_of(options.credential, is_limit);
}

bucket_table::verdict bucket_table::take(std::string_view key, const quota& quota, nanoseconds now) {
  // Two that were full again make room for the one that comes.
  for (int n = 0; n < 2 && !by_moment_.empty() && by_moment_.begin()->first <= now; ++n)
    forget(by_moment_.begin());
  const auto each = std::max(quota.window / static_cast<std::int64_t>(quota.requests), nanoseconds{1});
  const auto whole =
      each * static_cast<std::int64_t>(quota.requests);  // the window, but for what was rounded
  const auto known = full_at_.find(key);
  const auto full_at = known == full_at_.end() ? now : std::max(known->second->first, now);
  verdict verdict;
  verdict.admitted = full_at - now + each <= whole;
  if (!verdict.admitted) {
    verdict.full_in = full_at - now;
    verdict.retry_after = full_at - now + each - whole;
    return verdict;
  }
  verdict.full_in = full_at - now + each;
  verdict.left = static_cast<std::uint64_t>((whole - verdict.full_in) / each);
  std::string owner;
  if (known != full_at_.end()) {
    owner = std::move(known->second->second);
    by_moment_.erase(known->second);
    known->second = by_moment_.emplace(full_at + each, std::move(owner));
    return verdict;
  }
  if (full_at_.size() >= keys_max_) forget(by_moment_.begin());
  const auto added = by_moment_.emplace(full_at + each, key);
  full_at_.emplace(key, added);
  return verdict;
}

void bucket_table::forget(moments::iterator bucket) {
  full_at_.erase(full_at_.find(bucket->second));
  by_moment_.erase(bucket);
}

admission::admission(const admission_options& options, std::function<std::size_t()> nodes)
    : options_(options), nodes_(std::move(nodes)) {
  for (const auto by : {party::address, party::credential})
    for (std::size_t n = 0; n < traffic_classes; ++n) {
      const auto requests = by == party::address ? options_.address.at(n) : options_.credential.at(n);
      counted_.emplace(std::pair{by, static_cast<traffic>(n)},
                       counted{requests, 0, bucket_table{options_.clients_max}});
    }
}

quota admission::share_of(const counted& of, nanoseconds now) {
  if (nodes_ && (nodes_asked_at_.count() < 0 || now - nodes_asked_at_ >= nodes_asked_every)) {
    nodes_asked_at_ = now;
    nodes_now_ = std::max<std::size_t>(nodes_(), 1);
  }
  return {(of.requests + nodes_now_ - 1) / nodes_now_, options_.window};
}

std::optional<json::problem> admission::admit(party by, std::string_view key, traffic what, nanoseconds now,
                                              header_fields& fields) {
  counted& of = counted_.at({by, what});
  // Nothing to count, and nobody waits for the lock.
  if (of.requests == 0 || key.empty()) return std::nullopt;
  const std::lock_guard lock{mutex_};
  const auto verdict = of.buckets.take(key, share_of(of, now), now);
  const auto name = "\"" + std::string{name_of(by)} + "-" + std::string{gateway::name_of(what)} + "\"";
  append(fields, "RateLimit-Policy",
         name + ";q=" + std::to_string(of.requests) + ";w=" + std::to_string(options_.window.count()));
  append(
      fields, "RateLimit",
      name + ";r=" + std::to_string(verdict.left) + ";t=" + std::to_string(whole_seconds(verdict.full_in)));
  if (verdict.admitted) return std::nullopt;
  ++of.refused;
  json::problem problem{.code = "rate_limited",
                        .detail = "Too many requests of this kind came from " +
                                  std::string{by == party::address ? "this address" : "this credential"} +
                                  "; nothing was done."};
  problem.retry_after_ms = std::chrono::ceil<std::chrono::milliseconds>(verdict.retry_after).count();
  return problem;
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
