#pragma once

#include "bench/answer_reader.hpp"
#include "bench/random_keys.hpp"
#include "bench/shop_client.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace souk::bench {

/// What a client asks of an entity.
struct question {
  std::string method;
  std::string target;
  std::string type;  ///< Of the body; empty: there is none.
  std::string body;
  std::optional<std::int64_t> change;  ///< What the model calls it; empty: it only reads.
};

/// When it was sent and, if it was, answered; both by the steady clock.
struct asked_times {
  std::chrono::nanoseconds invoked{0};
  std::optional<std::chrono::nanoseconds> returned;
};

/// How an entity's history looks in the end.
struct finding {
  bool linearizable = true;
  bool decided = true;
  std::string text;  ///< Where it is not: the entity, why, and the last of the shortest bad beginning.
};

/// An entity that several clients ask at the same time, with all that they were told of it. One thread.
class watched_entity {
 public:
  virtual ~watched_entity() = default;

  virtual question draw_change(random_keys& random) const = 0;
  virtual question look() const = 0;

  /// Takes up what was asked and the answer; null: nobody knows what became of it. False if the answer makes
  /// no sense. `key`: the Idempotency-Key, or empty.
  virtual bool note(const question& asked, std::string_view key, const asked_times& times,
                    const http_answer* answer, answer_reader& reader) = 0;

  virtual std::size_t operations() const = 0;
  virtual finding judge() const = 0;
};

/// Makes so many carts with one line each and so many stocks, which nobody else knows of. Throws
/// `unreachable` or `refused`.
std::vector<std::unique_ptr<watched_entity>> make_watched(const shop& shop, int carts, int stocks);

}  // namespace souk::bench
