#pragma once

#include "actors/payment/payment.pb.h"
#include "actors/payment/provider_ledger.hpp"
#include "runtime/seams/seams.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace souk::payment {

/// A test provider at work: a thread of its own takes all calls that have come, writes them to the ledger
/// with one sync, and then answers them.
class provider_desk {
 public:
  /// On the desk's thread. Nothing: silence.
  using answer_handler = std::function<void(std::optional<pb::ProviderResult>)>;

  virtual ~provider_desk() = default;

  /// Any thread. After the ledger failed, or the desk is gone, `then` is never called.
  virtual void call(pb::ProviderCall call, answer_handler then) = 0;
  virtual void list(std::function<void(std::string json)> then) = 0;
};

/// Throws `persistence::damage` if the ledger cannot be understood.
std::unique_ptr<provider_desk> open_provider_desk(std::unique_ptr<provider_ledger> ledger,
                                                  std::shared_ptr<runtime::clock> clock,
                                                  std::function<void(const std::string&)> on_failure);

}  // namespace souk::payment
