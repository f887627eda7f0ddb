#include "actors/testkit/simulated_watch.hpp"

#include "actors/json/reader.hpp"
#include "actors/testkit/histories.hpp"
#include "actors/testkit/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace souk::testkit {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t carts = 2;
constexpr const char* watched_sku = "WATCHED";
// Enough on hand that most adjustments are made, little enough that some are refused.
constexpr std::int64_t units_at_first = 30;
constexpr std::int64_t delta_most = 20;
constexpr std::int64_t quantity_most = 9;

// A history is bounded, so that to judge it is cheap: so many questions of one client.
constexpr std::uint64_t questions_most = 60;
// A client that changes things goes elsewhere after so long a silence, and asks again ...
constexpr std::chrono::milliseconds silence_max = 3s;
// ... and a visitor waits longer than any node hangs.
constexpr std::chrono::milliseconds visit_max = 20s;
constexpr std::uint64_t pause_ms_most = 500;
constexpr std::uint64_t visit_pause_ms_most = 3'000;

constexpr std::uint64_t percent = 100;
constexpr std::uint64_t looks_percent = 35;
constexpr std::uint64_t repeats_percent = 10;
constexpr std::uint64_t let_go_percent = 50;
constexpr std::uint64_t conditional_percent = 30;
constexpr std::uint64_t adds_percent = 45;
constexpr std::uint64_t removals_percent = 20;

// Of a bad history those operations matter that came last.
constexpr std::size_t operations_shown = 12;

/// One thing that a client asks for.
template <class Call>
struct wish {
  Call call;
  std::string method;
  std::string target;
  std::string body;
  http_fields fields;
};

std::int64_t number_of(const json::value& object, std::string_view name) {
  const auto* found = object.find(name);
  return found != nullptr && found->as_integer() != nullptr ? *found->as_integer() : -1;
}

json::value document_of(const std::string& body) {
  json::parse_error error;
  return json::parse(body, error).value_or(json::value{});
}

const json::value::array& items_of(const json::value& object, std::string_view name) {
  static const json::value::array none;
  const auto* found = object.find(name);
  return found != nullptr && found->as_array() != nullptr ? *found->as_array() : none;
}

}  // namespace

/// What is asked of an entity, how its answers are read, and all that was seen of it.
class simulated_watch::entity {
 public:
  using number_below = std::function<std::uint64_t(std::uint64_t)>;
  using time = std::chrono::nanoseconds;

  /// A request without its Idempotency-Key.
  struct question {
    std::string method;
    std::string target;
    std::string body;
    http_fields fields;
    bool changes = false;
  };

  virtual ~entity() = default;
  /// What is asked for next; it stays so for `note` until something else is drawn for this client.
  virtual question draw(std::size_t client, bool changes, const number_below& random) = 0;
  /// Takes up what came of it; null: nobody knows. False if the answer makes no sense.
  virtual bool note(std::size_t client, const std::string& key, time invoked,
                    const gateway::http_response* response, time now) = 0;
  virtual std::string judge() const = 0;
  virtual std::size_t operations() const = 0;
};

namespace {

/// What is the same for all entities, whatever their model.
template <class Model, class Entity>
class witnessed : public Entity {
 public:
  using typename Entity::number_below;
  using typename Entity::question;
  using typename Entity::time;

  witnessed(std::string name, const typename Model::state& first) : name_(std::move(name)), first_(first) {}

  question draw(std::size_t client, bool changes, const number_below& random) final {
    if (asked_.size() <= client) asked_.resize(client + 1);
    auto drawn = changes ? change(random) : look();
    asked_[client] = drawn.call;
    return {std::move(drawn.method), std::move(drawn.target), std::move(drawn.body), std::move(drawn.fields),
            changes};
  }

  bool note(std::size_t client, const std::string& key, time invoked, const gateway::http_response* response,
            time now) final {
    operation<typename Model::call> seen{asked_.at(client), key, invoked, std::nullopt};
    if (response != nullptr) {
      seen.call.answer = read(seen.call, *response);
      seen.returned = now;
      if (!seen.call.answer) return false;
    }
    history_.push_back(std::move(seen));
    return true;
  }

  std::string judge() const final {
    const auto why = explanation(check_history<Model>(first_, history_), operations_shown);
    return why.empty() ? why : name_ + ": " + why;
  }

  std::size_t operations() const final { return history_.size(); }

 protected:
  using call = typename Model::call;
  using answer = typename decltype(call::answer)::value_type;

  virtual wish<call> change(const number_below& random) const = 0;
  virtual wish<call> look() const = 0;
  /// Nothing if it is no answer to that.
  virtual std::optional<answer> read(const call& asked, const gateway::http_response& response) = 0;

 private:
  std::string name_;
  typename Model::state first_;
  std::vector<call> asked_;  // by client
  std::vector<operation<call>> history_;
};

}  // namespace

class simulated_watch::cart final : public witnessed<shared_cart, simulated_watch::entity> {
 public:
  cart(const std::string& id, std::array<std::string, shared_cart::goods> goods)
      : witnessed(id, {.shown = {.version = 1, .lines = {}}, .next_line = 1}),
        target_("/v1/carts/" + id),
        goods_(std::move(goods)) {}

 private:
  static constexpr std::string_view line_prefix = "ln_";

  // On top of the newest that anybody has seen.
  wish<call> change(const number_below& random) const override {
    wish<call> wanted;
    auto& call = wanted.call;
    if (random(percent) < conditional_percent) {
      call.if_version = known_.version;
      wanted.fields.emplace_back("if-match", fmt::format("\"{}\"", known_.version));
    }
    call.which = random(goods_.size());
    const auto line = known_.lines.at(call.which).number;
    if (line == 0 || random(percent) < adds_percent) {
      call.what = shared_cart::deed::add;
      call.quantity = 1 + static_cast<std::int64_t>(random(quantity_most));
      wanted.method = "POST";
      wanted.target = target_ + "/items";
      wanted.body = fmt::format(R"({{"sku":"{}","quantity":{}}})", goods_.at(call.which), call.quantity);
      return wanted;
    }
    call.what = shared_cart::deed::set;
    call.line = line;
    const bool goes = random(percent) < removals_percent;
    call.quantity = goes ? 0 : 1 + static_cast<std::int64_t>(random(quantity_most));
    wanted.method = goes ? "DELETE" : "PATCH";
    wanted.target = fmt::format("{}/items/{}{}", target_, line_prefix, line);
    if (!goes) wanted.body = fmt::format(R"({{"quantity":{}}})", call.quantity);
    return wanted;
  }

  wish<call> look() const override { return {{}, "GET", target_, {}, {}}; }

  std::optional<answer> read(const call& asked, const gateway::http_response& response) override {
    if (response.status == 412 && asked.if_version) return answer{shared_cart::refusal::other_version, {}};
    if (response.status == 404 && asked.what == shared_cart::deed::set)
      return answer{shared_cart::refusal::no_such_line, {}};
    if (response.status != 200) return std::nullopt;
    const auto body = document_of(response.body);
    answer seen;
    seen.after.version = number_of(body, "version");
    for (const auto& item : items_of(body, "lines")) {
      const auto sku = std::find(goods_.begin(), goods_.end(), text_of(item, "sku"));
      const auto id = text_of(item, "id");
      std::int64_t number = 0;
      if (sku == goods_.end() || !id.starts_with(line_prefix)) return std::nullopt;
      std::from_chars(id.data() + line_prefix.size(), id.data() + id.size(), number);
      auto& line = seen.after.lines.at(static_cast<std::size_t>(sku - goods_.begin()));
      if (line.number != 0) return std::nullopt;  // two lines of the same
      line = {number, number_of(item, "quantity")};
    }
    if (seen.after.version > known_.version) known_ = seen.after;
    return seen;
  }

  std::string target_;
  std::array<std::string, shared_cart::goods> goods_;
  shared_cart::view known_{.version = 1, .lines = {}};
};

class simulated_watch::stock final : public witnessed<stock_level, simulated_watch::entity> {
 public:
  stock(const stock_level::state& first, http_fields staff)
      : witnessed(watched_sku, first), staff_(std::move(staff)) {}

  static stock_level::state state_of(const json::value& level) {
    return {number_of(level, "version"), number_of(level, "on_hand")};
  }
  static std::string target() { return std::string{"/v1/inventory/levels?sku="} + watched_sku; }

 private:
  wish<call> change(const number_below& random) const override {
    const auto size = 1 + static_cast<std::int64_t>(random(delta_most));
    const auto delta = random(2) == 0 ? size : -size;
    return {{delta, std::nullopt},
            "POST",
            "/v1/inventory/adjustments",
            fmt::format(R"({{"sku":"{}","delta":{},"reason":"correction"}})", watched_sku, delta),
            staff_};
  }

  wish<call> look() const override { return {{}, "GET", target(), {}, staff_}; }

  std::optional<answer> read(const call& asked, const gateway::http_response& response) override {
    if (response.status == 409 && asked.delta) return answer{true, {}};
    if (response.status != (asked.delta ? 201 : 200)) return std::nullopt;
    const auto body = document_of(response.body);
    if (asked.delta) {
      const auto* level = body.find("level");
      return level == nullptr ? std::nullopt : std::optional{answer{false, state_of(*level)}};
    }
    const auto& levels = items_of(body, "data");
    if (levels.size() != 1) return std::nullopt;
    return answer{false, state_of(levels.front())};
  }

  http_fields staff_;
};

/// Somebody who asks for one thing at a time.
struct simulated_watch::client {
  std::size_t number = 0;
  std::size_t at = 0;  // the node that is asked
  bool visits = false;
  std::uint64_t left = questions_most;

  entity* asked = nullptr;  // null: nothing
  entity::question question;
  std::string key;            // empty: it only reads
  std::uint64_t attempt = 0;  // 0: it waits to be sent again
  std::chrono::nanoseconds invoked{0};
  bool unknown = false;  // an attempt had no answer
  bool repeats = false;  // what was answered
};

simulated_watch::simulated_watch(simulated_cluster& cluster, const std::string& goods, std::uint64_t seed,
                                 std::size_t clients)
    : cluster_(cluster), random_(seed) {
  make_stock();
  for (std::size_t n = 0; n < carts; ++n)
    make_cart(goods);
  const auto nodes = cluster_.names().size();
  for (std::size_t n = 0; n < clients + nodes; ++n) {
    auto made = std::make_unique<client>();
    made->number = n;
    made->visits = n >= clients;
    made->at = made->visits ? n - clients : n % nodes;
    clients_.push_back(std::move(made));
  }
}

simulated_watch::~simulated_watch() { *here_ = false; }

void simulated_watch::make_cart(const std::string& goods) {
  const auto made = cluster_.call(cluster_.names().front(), "POST", "/v1/carts", R"({"currency":"USD"})",
                                  {{"idempotency-key", fmt::format("watched-{}", entities_.size())}});
  if (made.status != 201) throw std::runtime_error("no cart to watch: " + made.body);
  entities_.push_back(std::make_unique<cart>(
      member_of(made.body, "id"), std::array<std::string, shared_cart::goods>{goods, watched_sku}));
}

void simulated_watch::make_stock() {
  cluster_.stock(watched_sku, units_at_first);
  const auto levels = cluster_.call(cluster_.names().front(), "GET", stock::target(), "", {cluster_.staff()});
  const auto body = document_of(levels.body);
  const auto& data = items_of(body, "data");
  if (data.size() != 1) throw std::runtime_error("no stock to watch: " + levels.body);
  entities_.push_back(std::make_unique<stock>(stock::state_of(data.front()), http_fields{cluster_.staff()}));
}

void simulated_watch::begin() {
  for (const auto& client : clients_)
    go_on(*client);
}

bool simulated_watch::finished() const {
  return ended_ && std::all_of(clients_.begin(), clients_.end(),
                               [](const auto& client) { return client->asked == nullptr; });
}

std::string simulated_watch::waiting_for() const {
  std::string text = "somebody who watches waits for";
  for (const auto& client : clients_)
    if (client->asked != nullptr)
      text += " " + client->question.method + " " + client->question.target + " " + client->key;
  return text;
}

std::size_t simulated_watch::operations() const {
  std::size_t all = 0;
  for (const auto& entity : entities_)
    all += entity->operations();
  return all;
}

void simulated_watch::later(milliseconds in, std::function<void()> what) {
  cluster_.fleet().at(cluster_.fleet().now() + in, [here = here_, what = std::move(what)] {
    if (*here) what();
  });
}

void simulated_watch::go_on(client& client) {
  client.asked = nullptr;
  if (client.left == 0) return;
  --client.left;
  const auto pause = 1 + draw(client.visits ? visit_pause_ms_most : pause_ms_most);
  later(milliseconds{pause}, [this, &client] {
    if (!ended_) ask_something(client);
  });
}

void simulated_watch::ask_something(client& client) {
  client.asked = entities_[draw(entities_.size())].get();
  const bool changes = !client.visits && draw(percent) >= looks_percent;
  client.question =
      client.asked->draw(client.number, changes, [this](std::uint64_t below) { return draw(below); });
  client.key = changes ? fmt::format("watch-{}", ++keys_) : std::string{};
  client.unknown = client.repeats = false;
  try_once(client);
}

void simulated_watch::try_once(client& client) {
  const auto attempt = client.attempt = ++attempts_;
  client.invoked = cluster_.fleet().now();
  auto fields = client.question.fields;
  if (!client.key.empty()) fields.emplace_back("idempotency-key", client.key);
  const auto take_it = [this, &client, attempt, here = here_](const gateway::http_response& response) {
    if (*here) take(client, attempt, response);
  };
  cluster_.send(cluster_.names()[client.at], client.question.method, client.question.target,
                client.question.body, std::move(fields), take_it);
  later(client.visits ? visit_max : silence_max,
        [this, &client, attempt] { take(client, attempt, {.status = 0, .fields = {}, .body = {}}); });
}

// Nothing was done for sure where a node says that it does not take it up.
void simulated_watch::take(client& client, std::uint64_t attempt, const gateway::http_response& response) {
  if (client.attempt != attempt) return;  // it was given up
  client.attempt = 0;
  const bool turned_away = response.status == 503 || response.status == 429;
  if (turned_away || !is_certain(response)) return take_silence(client, turned_away);
  take_decision(client, response);
}

void simulated_watch::take_decision(client& client, const gateway::http_response& response) {
  if (!client.asked->note(client.number, client.key, client.invoked, &response, cluster_.fleet().now()))
    findings_.push_back(client.question.method + " " + client.question.target + " was answered " +
                        std::to_string(response.status) + " " + response.body);
  // What was decided is answered again, the same, by any node; the others are not kept.
  const bool kept = response.status < 300 || response.status == 409;
  if (client.question.changes && kept && !client.repeats && draw(percent) < repeats_percent) {
    client.repeats = true;
    move_on(client);
    return try_once(client);
  }
  go_on(client);
}

void simulated_watch::take_silence(client& client, bool surely_not_done) {
  move_on(client);
  if (!client.question.changes || client.repeats) return go_on(client);
  if (!surely_not_done) {
    if (!std::exchange(client.unknown, true)) ++unknown_;
    client.asked->note(client.number, client.key, client.invoked, nullptr, {});
  } else if (!client.unknown && draw(percent) < let_go_percent) {
    return go_on(client);  // so it must never be seen
  }
  later(milliseconds{50 + draw(400)}, [this, &client] { try_once(client); });
}

void simulated_watch::move_on(client& client) {
  if (!client.visits) client.at = (client.at + 1) % cluster_.names().size();
}

std::vector<std::string> simulated_watch::judge() {
  const auto never = [](std::uint64_t) { return std::uint64_t{0}; };
  for (const auto& entity : entities_) {
    for (const auto& node : cluster_.names()) {
      const auto look = entity->draw(clients_.size(), false, never);
      const auto begun = cluster_.fleet().now();
      const auto seen = cluster_.call(node, look.method, look.target, look.body, look.fields);
      if (!entity->note(clients_.size(), {}, begun, &seen, cluster_.fleet().now()))
        findings_.push_back(look.target + " was answered " + std::to_string(seen.status) + " " + seen.body);
    }
    if (auto why = entity->judge(); !why.empty()) findings_.push_back(std::move(why));
  }
  return findings_;
}

}  // namespace souk::testkit
