#include "actors/payment/provider_desk.hpp"

#include "actors/payment/provider.hpp"
#include "actors/payment/test_provider.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <mutex>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace souk::payment {

namespace asio = boost::asio;

namespace {

class threaded_desk final : public provider_desk {
 public:
  threaded_desk(std::unique_ptr<provider_ledger> ledger, std::shared_ptr<runtime::clock> clock,
                std::function<void(const std::string&)> on_failure)
      : ledger_(std::move(ledger)),
        provider_(*ledger_),
        clock_(std::move(clock)),
        on_failure_(std::move(on_failure)),
        thread_([this] { io_.run(); }) {}
  threaded_desk(const threaded_desk&) = delete;
  threaded_desk& operator=(const threaded_desk&) = delete;
  ~threaded_desk() override {
    work_.reset();
    io_.stop();
    thread_.join();
  }

  void call(pb::ProviderCall call, answer_handler then) override {
    const std::lock_guard lock{mutex_};
    waiting_.push_back({std::move(call), std::move(then), std::nullopt});
    if (waiting_.size() == 1) asio::post(io_, [this] { work(); });
  }

  void list(std::function<void(std::string)> then) override {
    asio::post(io_, [this, then = std::move(then)] {
      if (!failed_) then(provider_.list());
    });
  }

 private:
  struct job {
    pb::ProviderCall call;
    answer_handler then;
    std::optional<pb::ProviderResult> result;
  };

  void work() {
    std::vector<job> jobs;
    {
      const std::lock_guard lock{mutex_};
      jobs.swap(waiting_);
    }
    if (failed_) return;
    try {
      const auto now = clock_->now();
      for (auto& job : jobs)
        job.result = provider_.call(job.call, now);
      ledger_->sync();
    } catch (const std::system_error& error) {
      // What is on the disk is not known: answering anything from here on could contradict it.
      failed_ = true;
      on_failure_(error.what());
      return;
    }
    for (auto& job : jobs)
      job.then(std::move(job.result));
  }

  std::unique_ptr<provider_ledger> ledger_;
  test_provider provider_;
  std::shared_ptr<runtime::clock> clock_;
  std::function<void(const std::string&)> on_failure_;
  bool failed_ = false;
  std::mutex mutex_;
  std::vector<job> waiting_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  std::thread thread_;
};

class embedded_provider final : public provider_link {
 public:
  explicit embedded_provider(std::unique_ptr<provider_desk> desk) : desk_(std::move(desk)) {}

  void call(const pb::ProviderCall& call, std::string_view, result_handler then) override {
    desk_->call(call, [then = std::move(then)](std::optional<pb::ProviderResult> result) {
      if (result) then(std::move(*result));
    });
  }
  void list(list_handler then) override { desk_->list(std::move(then)); }

 private:
  std::unique_ptr<provider_desk> desk_;
};

class direct_provider final : public provider_link {
 public:
  direct_provider(std::shared_ptr<test_provider> provider, std::shared_ptr<runtime::clock> clock)
      : provider_(std::move(provider)), clock_(std::move(clock)) {}

  void call(const pb::ProviderCall& call, std::string_view, result_handler then) override {
    if (auto result = provider_->call(call, clock_->now())) then(std::move(*result));
  }
  void list(list_handler then) override { then(provider_->list()); }

 private:
  std::shared_ptr<test_provider> provider_;
  std::shared_ptr<runtime::clock> clock_;
};

}  // namespace

std::unique_ptr<provider_desk> open_provider_desk(std::unique_ptr<provider_ledger> ledger,
                                                  std::shared_ptr<runtime::clock> clock,
                                                  std::function<void(const std::string&)> on_failure) {
  return std::make_unique<threaded_desk>(std::move(ledger), std::move(clock), std::move(on_failure));
}

std::unique_ptr<provider_link> make_embedded_provider(std::unique_ptr<provider_ledger> ledger,
                                                      std::shared_ptr<runtime::clock> clock,
                                                      std::function<void(const std::string&)> on_failure) {
  return std::make_unique<embedded_provider>(
      open_provider_desk(std::move(ledger), std::move(clock), std::move(on_failure)));
}

std::unique_ptr<provider_link> make_direct_provider(std::shared_ptr<test_provider> provider,
                                                    std::shared_ptr<runtime::clock> clock) {
  return std::make_unique<direct_provider>(std::move(provider), std::move(clock));
}

}  // namespace souk::payment
