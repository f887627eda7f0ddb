#include "runtime/cluster/etcd_client.hpp"

#include "runtime/cluster/etcd.pb.h"
#include "runtime/telemetry/log.hpp"

#include <google/protobuf/message.h>
#include <grpc/support/log.h>
#include <grpcpp/alarm.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <utility>

/// The only file that knows gRPC, which compiles slowly. Calls go through gRPC's generic stub: the names of
/// the methods and the messages of etcd.proto are all that a generated one would add.
namespace souk::runtime {

namespace {

using std::chrono::milliseconds;
namespace pb = etcdserverpb;

// A member that comes back is found again well within a node's lease.
constexpr int reconnect_first_ms = 50;
constexpr int reconnect_most_ms = 500;
constexpr int connect_timeout_ms = 500;
// All records of 1,024 shards and their nodes are below 1 MiB.
constexpr int message_bytes_max = 64 << 20;

// The end of the range of all keys with this prefix.
std::string after_prefix(std::string prefix) {
  while (!prefix.empty()) {
    auto last = static_cast<unsigned char>(prefix.back());
    if (last != 0xFF) {
      prefix.back() = static_cast<char>(last + 1);
      return prefix;
    }
    prefix.pop_back();
  }
  return std::string(1, '\0');
}

stored_value value_of(const pb::KeyValue& pair) {
  return {pair.key(), pair.value(), pair.mod_revision(), pair.lease()};
}

// What gRPC would print by itself; whatever matters of it comes back as a status too.
void write_log(gpr_log_func_args* args) { log::debug("grpc", {{"text", args->message}}); }

// The member is of no use now, or may not be: another one may answer.
bool is_the_members_fault(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
}

std::string text_of(const grpc::Status& status) {
  return status.error_message().empty() ? "code " + std::to_string(status.error_code())
                                        : status.error_message();
}

/// A step of something under way has ended.
class step {
 public:
  virtual ~step() = default;
  virtual void ended(bool ok) = 0;
  virtual void cancel() = 0;
};

class etcd_client;

/// One question, one answer.
template <class Request, class Response>
class unary_call final : public step {
 public:
  using callback = std::function<void(const grpc::Status&, const Response&)>;

  unary_call(etcd_client& client, std::size_t member, callback done)
      : client_(client), member_(member), done_(std::move(done)) {}

  void start(const std::shared_ptr<grpc::Channel>& channel, const char* method, const Request& request,
             milliseconds deadline, grpc::CompletionQueue* queue);
  void ended(bool ok) override;
  void cancel() override { context_.TryCancel(); }

 private:
  etcd_client& client_;
  std::size_t member_;
  callback done_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader_;
  Response response_;
  grpc::Status status_;
};

/// One renewal of a lease: a stream that carries one question and one answer.
class keep_alive_call final : public step {
 public:
  using callback = std::function<void(const grpc::Status&, const pb::LeaseKeepAliveResponse&)>;

  keep_alive_call(etcd_client& client, std::size_t member, lease_id lease, callback done)
      : client_(client), member_(member), done_(std::move(done)) {
    request_.set_id(lease);
  }

  void start(const std::shared_ptr<grpc::Channel>& channel, milliseconds deadline,
             grpc::CompletionQueue* queue);
  void ended(bool ok) override;
  void cancel() override { context_.TryCancel(); }

 private:
  enum class state : std::uint8_t { starting, writing, reading, finishing };

  etcd_client& client_;
  std::size_t member_;
  callback done_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<pb::LeaseKeepAliveRequest, pb::LeaseKeepAliveResponse>>
      stream_;
  pb::LeaseKeepAliveRequest request_;
  pb::LeaseKeepAliveResponse response_;
  bool answered_ = false;
  state state_ = state::starting;
  grpc::Status status_;
};

/// What a handle and its stream share: the handle may go at any time, the stream ends when gRPC says so.
class watch_listener {
 public:
  explicit watch_listener(coordination_store::callback<watch_event> told) : told_(std::move(told)) {}

  void tell(watch_event event) {
    std::lock_guard lock{mutex_};
    if (told_) told_(std::move(event));
  }
  void stop() {
    std::lock_guard lock{mutex_};
    told_ = nullptr;
  }

 private:
  std::mutex mutex_;
  coordination_store::callback<watch_event> told_;
};

class watch_call final : public step {
 public:
  watch_call(etcd_client& client, std::size_t member, std::string prefix, std::int64_t first,
             std::shared_ptr<watch_listener> listener)
      : client_(client), member_(member), last_(first - 1), listener_(std::move(listener)) {
    auto& create = *request_.mutable_create_request();
    create.set_range_end(after_prefix(prefix));
    create.set_key(std::move(prefix));
    create.set_start_revision(first);
  }

  void start(const std::shared_ptr<grpc::Channel>& channel, grpc::CompletionQueue* queue);
  void ended(bool ok) override;
  void cancel() override { context_.TryCancel(); }
  std::size_t member() const { return member_; }
  const watch_listener* listener() const { return listener_.get(); }

 private:
  enum class state : std::uint8_t { starting, writing, reading, finishing };

  void read();
  void tell(const pb::WatchResponse& response);

  etcd_client& client_;
  std::size_t member_;
  std::int64_t last_;
  std::shared_ptr<watch_listener> listener_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<pb::WatchRequest, pb::WatchResponse>> stream_;
  pb::WatchRequest request_;
  pb::WatchResponse response_;
  state state_ = state::starting;
  bool compacted_ = false;
  grpc::Status status_;
};

class etcd_client final : public coordination_store {
 public:
  explicit etcd_client(etcd_options options);
  ~etcd_client() override;

  void range(std::string prefix, milliseconds deadline, callback<range_result> done) override;
  void swap(swap_request request, milliseconds deadline, callback<swap_result> done) override;
  void grant(std::chrono::seconds ttl, milliseconds deadline, callback<lease_result> done) override;
  void keep_alive(lease_id lease, milliseconds deadline, callback<lease_result> done) override;
  void revoke(lease_id lease, milliseconds deadline, callback<lease_result> done) override;
  std::unique_ptr<watch_handle> watch(std::string prefix, std::int64_t first,
                                      callback<watch_event> told) override;

  // From the steps, on the client's thread.
  void answered(std::size_t member, const grpc::Status& status);
  void forget(step* ended);

  void stop_watching(const std::shared_ptr<watch_listener>& listener);

 private:
  template <class Request, class Response>
  void call(const char* method, const Request& request, milliseconds deadline,
            typename unary_call<Request, Response>::callback done);
  void turn();
  void leave(std::size_t member, const std::string& why);

  const etcd_options options_;
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  grpc::CompletionQueue queue_;
  std::mutex mutex_;
  std::size_t member_ = 0;  // that is spoken to now
  bool closed_ = false;
  std::set<step*> under_way_;
  std::set<watch_call*> watches_;  // a part of them
  grpc::Alarm wake_up_;
  std::thread thread_;
};

gpr_timespec in(milliseconds time) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(time.count(), GPR_TIMESPAN));
}

// -- steps
// -------------------------------------------------------------------------------------------------------

template <class Request, class Response>
void unary_call<Request, Response>::start(const std::shared_ptr<grpc::Channel>& channel, const char* method,
                                          const Request& request, milliseconds deadline,
                                          grpc::CompletionQueue* queue) {
  context_.set_deadline(in(deadline));
  grpc::TemplatedGenericStub<Request, Response> stub{channel};
  reader_ = stub.PrepareUnaryCall(&context_, method, request, queue);
  reader_->StartCall();
  reader_->Finish(&response_, &status_, static_cast<step*>(this));
}

template <class Request, class Response>
void unary_call<Request, Response>::ended(bool) {
  client_.answered(member_, status_);
  done_(status_, response_);
  client_.forget(this);
}

void keep_alive_call::start(const std::shared_ptr<grpc::Channel>& channel, milliseconds deadline,
                            grpc::CompletionQueue* queue) {
  context_.set_deadline(in(deadline));
  grpc::TemplatedGenericStub<pb::LeaseKeepAliveRequest, pb::LeaseKeepAliveResponse> stub{channel};
  stream_ = stub.PrepareCall(&context_, "/etcdserverpb.Lease/LeaseKeepAlive", queue);
  stream_->StartCall(static_cast<step*>(this));
}

void keep_alive_call::ended(bool ok) {
  auto* self = static_cast<step*>(this);
  if (ok && state_ == state::starting) {
    state_ = state::writing;
    stream_->Write(request_, self);
  } else if (ok && state_ == state::writing) {
    state_ = state::reading;
    stream_->Read(&response_, self);
  } else if (state_ != state::finishing) {
    answered_ = ok;
    state_ = state::finishing;
    if (answered_) context_.TryCancel();  // etcd would keep the stream open
    stream_->Finish(&status_, self);
  } else {
    if (answered_) status_ = grpc::Status::OK;
    client_.answered(member_, status_);
    done_(status_, response_);
    client_.forget(this);
  }
}

void watch_call::start(const std::shared_ptr<grpc::Channel>& channel, grpc::CompletionQueue* queue) {
  // A member without a leader shall end the watch, not let it stall.
  context_.AddMetadata("hasleader", "true");
  grpc::TemplatedGenericStub<pb::WatchRequest, pb::WatchResponse> stub{channel};
  stream_ = stub.PrepareCall(&context_, "/etcdserverpb.Watch/Watch", queue);
  stream_->StartCall(static_cast<step*>(this));
}

void watch_call::read() {
  state_ = state::reading;
  response_.Clear();
  stream_->Read(&response_, static_cast<step*>(this));
}

void watch_call::ended(bool ok) {
  if (ok && state_ == state::starting) {
    state_ = state::writing;
    stream_->Write(request_, static_cast<step*>(this));
  } else if (ok && state_ == state::writing) {
    read();
  } else if (ok && state_ == state::reading) {
    if (response_.canceled()) {
      compacted_ = response_.compact_revision() != 0;
      context_.TryCancel();
    } else {
      tell(response_);
    }
    read();
  } else if (state_ != state::finishing) {
    state_ = state::finishing;
    stream_->Finish(&status_, static_cast<step*>(this));
  } else {
    client_.answered(member_, status_);
    auto why = compacted_ ? watch_event::kind::compacted : watch_event::kind::broken;
    listener_->tell({.what = why, .revision = last_, .detail = text_of(status_)});
    client_.forget(this);
  }
}

void watch_call::tell(const pb::WatchResponse& response) {
  watch_event event;
  for (const auto& change : response.events()) {
    const auto& key = change.kv().key();
    std::erase_if(event.puts, [&](const stored_value& put) { return put.key == key; });
    std::erase(event.removed, key);
    if (change.type() == pb::Event::PUT) {
      event.puts.push_back(value_of(change.kv()));
    } else {
      event.removed.push_back(key);
    }
    last_ = std::max(last_, change.kv().mod_revision());
  }
  event.revision = last_;
  if (response.events_size() > 0) listener_->tell(std::move(event));
}

// -- client
// ------------------------------------------------------------------------------------------------------

etcd_client::etcd_client(etcd_options options) : options_(std::move(options)) {
  gpr_set_log_function(write_log);
  if (options_.endpoints.empty()) throw std::invalid_argument("etcd: no endpoint");
  const bool tls = !options_.ca.empty();
  if (tls == options_.certificate.empty() || tls == options_.key.empty())
    throw std::invalid_argument("etcd: certificate, key and ca belong together");
  auto credentials = tls ? grpc::SslCredentials({options_.ca, options_.key, options_.certificate})
                         : grpc::InsecureChannelCredentials();
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, reconnect_first_ms);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, reconnect_most_ms);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, connect_timeout_ms);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(message_bytes_max);
  for (const auto& endpoint : options_.endpoints)
    channels_.push_back(grpc::CreateCustomChannel(endpoint, credentials, arguments));
  thread_ = std::thread{[this] { turn(); }};
}

etcd_client::~etcd_client() {
  {
    std::lock_guard lock{mutex_};
    closed_ = true;
    for (auto* call : under_way_)
      call->cancel();
    // Under the lock: once the thread sees that all is closed it shuts the queue.
    wake_up_.Set(&queue_, gpr_now(GPR_CLOCK_MONOTONIC), nullptr);
  }
  thread_.join();
}

void etcd_client::turn() {
  void* tag = nullptr;
  bool ok = false;
  bool shut = false;
  while (queue_.Next(&tag, &ok)) {
    if (tag) static_cast<step*>(tag)->ended(ok);
    std::lock_guard lock{mutex_};
    if (closed_ && under_way_.empty() && !shut) {
      shut = true;
      queue_.Shutdown();
    }
  }
}

void etcd_client::forget(step* ended) {
  {
    std::lock_guard lock{mutex_};
    under_way_.erase(ended);
    std::erase_if(watches_, [&](watch_call* watch) { return watch == ended; });
  }
  delete ended;
}

void etcd_client::answered(std::size_t member, const grpc::Status& status) {
  if (is_the_members_fault(status)) leave(member, text_of(status));
}

void etcd_client::leave(std::size_t member, const std::string& why) {
  std::lock_guard lock{mutex_};
  if (closed_ || member != member_ || channels_.size() == 1) {
    // Alone, a member that does not answer must still not be believed to watch.
    for (auto* watch : watches_)
      if (watch->member() == member) watch->cancel();
    return;
  }
  member_ = (member_ + 1) % channels_.size();
  log::info("etcd: trying another member",
            {{"left", options_.endpoints[member]}, {"next", options_.endpoints[member_]}, {"reason", why}});
  for (auto* watch : watches_)
    watch->cancel();
}

template <class Request, class Response>
void etcd_client::call(const char* method, const Request& request, milliseconds deadline,
                       typename unary_call<Request, Response>::callback done) {
  std::unique_lock lock{mutex_};
  if (closed_) {
    lock.unlock();
    done({grpc::StatusCode::CANCELLED, "closed"}, {});
    return;
  }
  auto* started = new unary_call<Request, Response>{*this, member_, std::move(done)};
  under_way_.insert(started);
  started->start(channels_[member_], method, request, deadline, &queue_);
}

void etcd_client::range(std::string prefix, milliseconds deadline, callback<range_result> done) {
  pb::RangeRequest request;
  request.set_range_end(after_prefix(prefix));
  request.set_key(std::move(prefix));
  call<pb::RangeRequest, pb::RangeResponse>(
      "/etcdserverpb.KV/Range", request, deadline,
      [done = std::move(done)](const grpc::Status& status, const pb::RangeResponse& response) {
        range_result result;
        if (status.ok()) {
          result.known = true;
          result.revision = response.header().revision();
          for (const auto& pair : response.kvs())
            result.values.push_back(value_of(pair));
        } else {
          result.detail = text_of(status);
        }
        done(std::move(result));
      });
}

namespace {

pb::TxnRequest message_of(const swap_request& request) {
  pb::TxnRequest message;
  for (const auto& condition : request.conditions) {
    auto& compare = *message.add_compare();
    compare.set_result(pb::Compare::EQUAL);
    compare.set_target(pb::Compare::MOD);
    compare.set_key(condition.key);
    compare.set_mod_revision(condition.revision);
    message.add_failure()->mutable_request_range()->set_key(condition.key);
  }
  for (const auto& change : request.changes) {
    if (change.remove) {
      message.add_success()->mutable_request_delete_range()->set_key(change.key);
      continue;
    }
    auto& put = *message.add_success()->mutable_request_put();
    put.set_key(change.key);
    put.set_value(change.value);
    put.set_lease(change.lease);
  }
  return message;
}

std::vector<stored_value> current_of(const pb::TxnResponse& response, const std::vector<std::string>& keys) {
  std::vector<stored_value> values;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    stored_value value{.key = keys[i]};
    if (static_cast<int>(i) < response.responses_size()) {
      const auto& range = response.responses(static_cast<int>(i)).response_range();
      if (range.kvs_size() > 0) value = value_of(range.kvs(0));
    }
    values.push_back(std::move(value));
  }
  return values;
}

}  // namespace

void etcd_client::swap(swap_request request, milliseconds deadline, callback<swap_result> done) {
  std::vector<std::string> keys;
  keys.reserve(request.conditions.size());
  for (const auto& condition : request.conditions)
    keys.push_back(condition.key);
  call<pb::TxnRequest, pb::TxnResponse>(
      "/etcdserverpb.KV/Txn", message_of(request), deadline,
      [done = std::move(done), keys = std::move(keys)](const grpc::Status& status,
                                                       const pb::TxnResponse& response) {
        swap_result result;
        if (status.ok()) {
          result.what = response.succeeded() ? swap_result::outcome::done : swap_result::outcome::refused;
          result.revision = response.header().revision();
          if (!response.succeeded()) result.current = current_of(response, keys);
        } else {
          result.detail = text_of(status);
          // etcd knows nothing else that a swap could miss.
          if (status.error_code() == grpc::StatusCode::NOT_FOUND)
            result.what = swap_result::outcome::lease_gone;
        }
        done(std::move(result));
      });
}

void etcd_client::grant(std::chrono::seconds ttl, milliseconds deadline, callback<lease_result> done) {
  pb::LeaseGrantRequest request;
  request.set_ttl(ttl.count());
  call<pb::LeaseGrantRequest, pb::LeaseGrantResponse>(
      "/etcdserverpb.Lease/LeaseGrant", request, deadline,
      [done = std::move(done)](const grpc::Status& status, const pb::LeaseGrantResponse& response) {
        lease_result result;
        if (status.ok() && response.error().empty()) {
          result = {lease_result::outcome::alive, response.id(), std::chrono::seconds{response.ttl()}, ""};
        } else {
          result.detail = status.ok() ? response.error() : text_of(status);
        }
        done(std::move(result));
      });
}

void etcd_client::revoke(lease_id lease, milliseconds deadline, callback<lease_result> done) {
  pb::LeaseRevokeRequest request;
  request.set_id(lease);
  call<pb::LeaseRevokeRequest, pb::LeaseRevokeResponse>(
      "/etcdserverpb.Lease/LeaseRevoke", request, deadline,
      [done = std::move(done), lease](const grpc::Status& status, const pb::LeaseRevokeResponse&) {
        lease_result result{.lease = lease};
        if (status.ok() || status.error_code() == grpc::StatusCode::NOT_FOUND) {
          result.what = lease_result::outcome::gone;
        } else {
          result.detail = text_of(status);
        }
        done(std::move(result));
      });
}

void etcd_client::keep_alive(lease_id lease, milliseconds deadline, callback<lease_result> done) {
  auto answer = [done = std::move(done), lease](const grpc::Status& status,
                                                const pb::LeaseKeepAliveResponse& response) {
    lease_result result{.lease = lease, .ttl = std::chrono::seconds{response.ttl()}};
    if (status.ok()) {
      result.what = response.ttl() > 0 ? lease_result::outcome::alive : lease_result::outcome::gone;
    } else {
      result.detail = text_of(status);
    }
    done(std::move(result));
  };
  std::unique_lock lock{mutex_};
  if (closed_) {
    lock.unlock();
    answer({grpc::StatusCode::CANCELLED, "closed"}, {});
    return;
  }
  auto* started = new keep_alive_call{*this, member_, lease, std::move(answer)};
  under_way_.insert(started);
  started->start(channels_[member_], deadline, &queue_);
}

namespace {

class handle final : public coordination_store::watch_handle {
 public:
  handle(etcd_client& client, std::shared_ptr<watch_listener> listener)
      : client_(client), listener_(std::move(listener)) {}
  ~handle() override { client_.stop_watching(listener_); }

 private:
  etcd_client& client_;
  std::shared_ptr<watch_listener> listener_;
};

}  // namespace

std::unique_ptr<coordination_store::watch_handle> etcd_client::watch(std::string prefix, std::int64_t first,
                                                                     callback<watch_event> told) {
  auto listener = std::make_shared<watch_listener>(std::move(told));
  {
    std::lock_guard lock{mutex_};
    if (!closed_) {
      auto* started = new watch_call{*this, member_, std::move(prefix), first, listener};
      under_way_.insert(started);
      watches_.insert(started);
      started->start(channels_[member_], &queue_);
    }
  }
  return std::make_unique<handle>(*this, std::move(listener));
}

void etcd_client::stop_watching(const std::shared_ptr<watch_listener>& listener) {
  listener->stop();
  std::lock_guard lock{mutex_};
  for (auto* watch : watches_)
    if (watch->listener() == listener.get()) watch->cancel();
}

}  // namespace

std::unique_ptr<coordination_store> make_etcd_client(etcd_options options) {
  return std::make_unique<etcd_client>(std::move(options));
}

}  // namespace souk::runtime
