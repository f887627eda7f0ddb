#include "actors/gateway/access_tokens.hpp"

#include "actors/keyring/tenant.hpp"

#include <algorithm>
#include <variant>

namespace souk::gateway {

std::string_view bearer_in(std::string_view authorization) {
  constexpr std::string_view scheme = "bearer ";
  const bool is_bearer =
      authorization.size() > scheme.size() &&
      std::equal(scheme.begin(), scheme.end(), authorization.begin(), [](char expected, char c) {
        return expected == (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
      });
  return is_bearer ? authorization.substr(scheme.size()) : std::string_view{};
}

bool is_token(std::string_view bearer) { return std::count(bearer.begin(), bearer.end(), '.') == 2; }

access_tokens::access_tokens(token_rules rules, token_keys keys, std::size_t remembered_max)
    : rules_(std::move(rules)),
      remembered_max_(remembered_max),
      keys_(std::make_shared<const token_keys>(std::move(keys))) {}

std::optional<keyring::credential> access_tokens::find(std::string_view token, runtime::timestamp now) {
  if (token.size() > token_bytes_max) return refuse(token_fault::too_large);
  const auto name = sha256(token);
  std::shared_ptr<const token_keys> keys;
  {
    const std::lock_guard lock{mutex_};
    const auto found = known_.find(name);
    if (found != known_.end() && now < found->second.until) return found->second.credential;
    if (found != known_.end()) forget(found);
    keys = keys_;
  }
  // Outside the lock: others need not wait for it.
  auto verdict = verify_token(token, *keys, rules_, now);
  if (const auto* fault = std::get_if<token_fault>(&verdict)) return refuse(*fault);
  verified_.fetch_add(1, std::memory_order_relaxed);
  auto& claims = std::get<token_claims>(verdict);
  keyring::credential credential{"sub:" + claims.subject, keyring::scopes_in(claims.tenant, claims.scopes),
                                 false, claims.is_customers() ? claims.subject : std::string{},
                                 claims.tenant};
  if (claims.tenant != keyring::first_tenant) knows_others_.store(true, std::memory_order_relaxed);
  const std::lock_guard lock{mutex_};
  if (keys == keys_) remember(name, {credential, claims.expires_at + token_skew}, now);
  return credential;
}

std::optional<std::string> access_tokens::tenant_of(std::string_view token, runtime::timestamp now) const {
  if (token.size() > token_bytes_max) return std::nullopt;
  const auto name = sha256(token);
  const std::lock_guard lock{mutex_};
  const auto found = known_.find(name);
  if (found == known_.end() || now >= found->second.until) return std::nullopt;
  return found->second.credential.tenant;
}

void access_tokens::replace(token_keys keys) {
  auto fresh = std::make_shared<const token_keys>(std::move(keys));
  const std::lock_guard lock{mutex_};
  keys_ = std::move(fresh);
  known_.clear();
  by_end_.clear();
}

std::uint64_t access_tokens::refused(token_fault why) const {
  return refused_.at(static_cast<std::size_t>(why)).load(std::memory_order_relaxed);
}

std::size_t access_tokens::remembered() const {
  const std::lock_guard lock{mutex_};
  return known_.size();
}

std::size_t access_tokens::keys() const {
  const std::lock_guard lock{mutex_};
  return keys_->size();
}

std::optional<keyring::credential> access_tokens::refuse(token_fault why) {
  refused_.at(static_cast<std::size_t>(why)).fetch_add(1, std::memory_order_relaxed);
  return std::nullopt;
}

// One too many displaces the one that ends first, as do those that have ended.
void access_tokens::remember(const digest& name, const known& token, runtime::timestamp now) {
  while (!by_end_.empty() && (by_end_.begin()->first <= now || known_.size() >= remembered_max_))
    forget(known_.find(by_end_.begin()->second));
  if (known_.try_emplace(name, token).second) by_end_.emplace(token.until, name);
}

void access_tokens::forget(known_tokens::iterator token) {
  by_end_.erase({token->second.until, token->first});
  known_.erase(token);
}

}  // namespace souk::gateway
