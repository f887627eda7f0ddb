#pragma once

#include "actors/payment/payment.pb.h"
#include "actors/payment/provider_ledger.hpp"
#include "runtime/seams/seams.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace souk::payment {

class test_provider;

/// The way to a payment provider. Any thread.
class provider_link {
 public:
  using result_handler = std::function<void(pb::ProviderResult)>;
  using list_handler = std::function<void(std::string json)>;

  virtual ~provider_link() = default;

  /// Makes a call and hands its result to `then`, at most once, on any thread. A provider may stay silent:
  /// then it is never called, or with `no_answer`. `traceparent` goes with the call where there is a way for
  /// it; empty: nobody traces it.
  virtual void call(const pb::ProviderCall& call, std::string_view traceparent, result_handler then) = 0;

  /// The provider's books as JSON (see `test_provider::list`); empty if they cannot be had now.
  virtual void list(list_handler then) = 0;
};

/// A provider in this thread, for deterministic tests: it answers within the call.
std::unique_ptr<provider_link> make_direct_provider(std::shared_ptr<test_provider> provider,
                                                    std::shared_ptr<runtime::clock> clock);

/// A provider in this process, with a thread of its own: it waits for the ledger, and many calls share one
/// sync. `on_failure` is told if the ledger failed, on that thread: nothing is answered any more.
std::unique_ptr<provider_link> make_embedded_provider(std::unique_ptr<provider_ledger> ledger,
                                                      std::shared_ptr<runtime::clock> clock,
                                                      std::function<void(const std::string&)> on_failure);

struct remote_provider_options {
  std::string url;  ///< "http://127.0.0.1:9090"
  /// Calls under way at a time, each on a connection of its own. A provider that is silent keeps its
  /// connection for `timeout`, so there are some to spare.
  std::size_t connections_max = 256;
  /// Calls waiting for a connection; further ones get `no_answer` at once.
  std::size_t waiting_max = 10'000;
  /// A call without an answer for so long, waiting included, gets `no_answer`, and its connection is closed.
  std::chrono::milliseconds timeout{2'000};
  /// The same for the books, which may be long.
  std::chrono::milliseconds list_timeout{30'000};
};

/// A provider behind HTTP: a `provider_server`. With a thread of its own. A connection that breaks gives
/// `no_answer`: nothing is known. Throws `std::invalid_argument` for an URL that is none, `std::system_error`
/// for a name that cannot be resolved.
std::unique_ptr<provider_link> make_remote_provider(const remote_provider_options& options,
                                                    std::shared_ptr<runtime::clock> clock);

}  // namespace souk::payment
