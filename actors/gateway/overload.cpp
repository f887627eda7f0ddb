#include "actors/gateway/overload.hpp"

#include "actors/gateway/routes.hpp"
#include "runtime/seams/seams.hpp"

#include <algorithm>
#include <utility>

namespace souk::gateway {

namespace {

using std::chrono::nanoseconds;

constexpr std::array<std::string_view, progress_steps> names{"browsing", "new_cart", "cart", "new_checkout",
                                                             "finishing"};
/// Hundredths of the limit that calls of each kind may fill. The steps leave room for what those that were
/// admitted will ask next: who has been let in comes through, even when the limit has just been halved.
constexpr std::array<std::size_t, progress_steps> shares{60, 70, 100, 180, 200};

/// The limit grows by a twentieth an interval: doubled in one and a half seconds. It falls by half at most.
constexpr std::size_t growth = 20;

}  // namespace

std::string_view name_of(progress of) { return names.at(static_cast<std::size_t>(of)); }

progress progress_of(const route* route) {
  if (route == nullptr) return progress::browsing;
  switch (route->traffic) {
    case traffic::browse:
      return progress::browsing;
    case traffic::cart:
      return route->path == "/v1/carts" ? progress::new_cart : progress::cart;
    case traffic::checkout:
      return route->path == "/v1/checkouts" ? progress::new_checkout : progress::finishing;
    case traffic::admin:
      break;
  }
  return progress::finishing;
}

overload_control::overload_control(const overload_options& options)
    : options_(options), shares_(options.calls_most), limit_(options.calls_usual) {}

std::size_t overload_control::limit_of(progress what) const {
  return std::min(limit_ * shares.at(static_cast<std::size_t>(what)) / 100, options_.calls_most);
}

tenant_shares::part* overload_control::begin(progress what, std::string_view tenant, nanoseconds now) {
  look(now);
  auto* part = shares_.begin(tenant, limit_of(what));
  if (part == nullptr) {
    reached_ = true;
    ++refused_.at(static_cast<std::size_t>(what));
  }
  most_under_way_ = std::max(most_under_way_, under_way());
  return part;
}

void overload_control::ended(progress what, tenant_shares::part& of, std::optional<nanoseconds> took,
                             nanoseconds now) {
  shares_.ended(of);
  if (took && what == progress::browsing) looking_.add(*took);
  if (took && (what == progress::new_cart || what == progress::cart)) carts_.add(*took);
  look(now);
}

std::optional<nanoseconds> overload_control::sample::take_median() {
  const auto end =
      took_.begin() + static_cast<std::ptrdiff_t>(std::min(std::exchange(count_, 0), took_.size()));
  if (end == took_.begin()) return std::nullopt;
  const auto middle = took_.begin() + (end - took_.begin()) / 2;
  std::nth_element(took_.begin(), middle, end);
  return *middle;
}

void overload_control::look(nanoseconds now) {
  if (now < interval_ends_) return;
  const bool begun = interval_ends_.count() >= 0;
  shares_.interval_ended();
  if (now - interval_ends_ >= options_.interval) shares_.interval_ended();  // another one without a call
  interval_ends_ = now + options_.interval;
  const auto looking = looking_.take_median();
  const auto carts = carts_.take_median();
  if (begun) adapt(std::max(looking, carts));  // nothing is less than any
  most_under_way_ = under_way();
  reached_ = false;
}

void overload_control::adapt(const std::optional<nanoseconds>& delay) {
  if (delay) delay_ = *delay;
  // Where nothing ended there is nothing to learn of what did.
  const bool slow = delay ? *delay > options_.target : slow_intervals_ > 0 && under_way() > 0;
  slow_intervals_ = slow ? slow_intervals_ + 1 : 0;
  if (slow_intervals_ >= options_.intervals_patient && delay) {
    const auto busy = std::min(limit_, most_under_way_);
    const auto fitting = busy * static_cast<std::uint64_t>(options_.target.count()) * 1'000'000 /
                         static_cast<std::uint64_t>(delay->count());
    limit_ = std::max({options_.calls_least, fitting, busy / 2});
  } else if (!slow && (reached_ || limit_ < options_.calls_usual)) {
    const auto most = reached_ ? options_.calls_most : options_.calls_usual;
    limit_ = std::min(limit_ + limit_ / growth + 1, std::max(limit_, most));
  } else if (!slow && limit_ > options_.calls_usual) {
    limit_ = std::max(options_.calls_usual, limit_ - limit_ / growth);
  }
}

/// Tells the guard how a call ended, be it without an answer.
class watched_responder final : public responder {
 public:
  watched_responder(std::shared_ptr<overload_guard> guard, progress what, tenant_shares::part& of,
                    nanoseconds since, std::unique_ptr<responder> inner)
      : guard_(std::move(guard)), what_(what), of_(of), since_(since), inner_(std::move(inner)) {}
  watched_responder(const watched_responder&) = delete;
  watched_responder& operator=(const watched_responder&) = delete;
  ~watched_responder() override { end(0); }

  void respond(http_response response) override {
    end(response.status);
    inner_->respond(std::move(response));
  }

 private:
  void end(int status) {
    if (!std::exchange(ended_, true)) guard_->ended(what_, of_, since_, status);
  }

  const std::shared_ptr<overload_guard> guard_;
  const progress what_;
  tenant_shares::part& of_;
  const nanoseconds since_;
  const std::unique_ptr<responder> inner_;
  bool ended_ = false;
};

overload_guard::overload_guard(const overload_options& options, std::shared_ptr<runtime::clock> clock)
    : clock_(std::move(clock)), control_(options) {}

std::unique_ptr<responder> overload_guard::begin(progress what, std::string_view tenant,
                                                 std::unique_ptr<responder>& responder) {
  const auto now = clock_->steady();
  tenant_shares::part* part = nullptr;
  {
    const std::lock_guard lock{mutex_};
    part = control_.begin(what, tenant, now);
  }
  if (part == nullptr) return nullptr;
  return std::make_unique<watched_responder>(shared_from_this(), what, *part, now, std::move(responder));
}

// What failed or was refused before anything was decided is quick whatever waits.
void overload_guard::ended(progress what, tenant_shares::part& of, nanoseconds since, int status) {
  const auto now = clock_->steady();
  const bool telling = status >= 200 && status < 400;
  const std::lock_guard lock{mutex_};
  control_.ended(what, of, telling ? std::optional{now - since} : std::nullopt, now);
}

overload_guard::figures overload_guard::read() const {
  const std::lock_guard lock{mutex_};
  figures figures{control_.under_way(), control_.limit(), control_.tenants(), control_.delay(), {}};
  for (std::size_t n = 0; n < progress_steps; ++n)
    figures.refused.at(n) = control_.refused(static_cast<progress>(n));
  return figures;
}

}  // namespace souk::gateway
