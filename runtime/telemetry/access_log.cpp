#include "runtime/telemetry/access_log.hpp"

#include "runtime/telemetry/json_text.hpp"
#include "runtime/telemetry/log.hpp"
#include "runtime/telemetry/metrics.hpp"
#include "runtime/telemetry/rotated_file.hpp"
#include "runtime/time_text.hpp"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/sink.h>

#include <array>
#include <atomic>
#include <charconv>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

namespace souk::telemetry {

namespace {

/// So much is written with one call while lines wait.
constexpr std::size_t batch_bytes = 64 << 10;
constexpr int failed_status = 500;

template <class Number>
void append_number(std::string& out, Number value) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

void append_text(std::string& out, std::string_view key, std::string_view text) {
  if (text.empty()) return;
  out.append(",\"").append(key).append("\":");
  append_json_string(out, text.substr(0, access_text_bytes_max));
}

template <class Number>
void append_number(std::string& out, std::string_view key, Number value) {
  out.append(",\"").append(key).append("\":");
  append_number(out, value);
}

std::int64_t microseconds(std::chrono::nanoseconds time) {
  return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
}

}  // namespace

void append_access_line(std::string& out, const access_entry& entry) {
  out += R"({"time":")";
  runtime::append_time(out, entry.time);
  out += '"';
  append_text(out, "request_id", entry.request_id);
  append_text(out, "trace_id", entry.trace_id);
  append_text(out, "tenant", entry.tenant);
  append_text(out, "credential", entry.credential);
  append_text(out, "route", entry.route);
  append_text(out, "method", entry.method);
  append_number(out, "status", entry.status);
  append_number(out, "bytes", entry.bytes);
  if (entry.took) append_number(out, "duration_us", microseconds(*entry.took));
  if (entry.waited) append_number(out, "queue_us", microseconds(*entry.waited));
  if (entry.shard) append_number(out, "shard", *entry.shard);
  append_text(out, "client", entry.client);
  out += '}';
}

/// The library's thread and its bounded queue, and what that thread does with the lines.
class access_log::writer {
 public:
  explicit writer(const access_log_options& options)
      : one_of_(options.one_of),
        pool_(std::make_shared<spdlog::details::thread_pool>(options.lines_waiting_max, 1)),
        to_file_(std::make_shared<to_file>(options, *pool_)),
        logger_(std::make_shared<spdlog::async_logger>("access", to_file_, pool_,
                                                       spdlog::async_overflow_policy::overrun_oldest)) {
    logger_->set_error_handler([this](const std::string&) { to_file_->unwritten.add(); });
  }

  ~writer() {
    pool_.reset();  // waits until all lines went to the file
    to_file_->flush();
  }
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;

  void record(const access_entry& entry) {
    const bool sampled = one_of_ > 1 && entry.status < failed_status;
    if (sampled && turn_.fetch_add(1, std::memory_order_relaxed) % one_of_ != 0) return;
    thread_local std::string line;
    line.clear();
    append_access_line(line, entry);
    recorded.add();
    logger_->log(spdlog::level::info, spdlog::string_view_t{line.data(), line.size()});
  }

  std::uint64_t displaced() const { return pool_->overrun_counter(); }
  std::uint64_t unwritten() const { return to_file_->unwritten.value(); }

  counter recorded;

 private:
  /// Collects lines while more of them wait, so that a busy node makes few system calls and an idle one shows
  /// its lines at once. On the pool's thread.
  class to_file final : public spdlog::sinks::sink {
   public:
    to_file(const access_log_options& options, spdlog::details::thread_pool& pool)
        : file_(options.file, options.file_bytes_max, options.files), pool_(pool) {}

    void log(const spdlog::details::log_msg& message) override {
      batch_.append(message.payload.data(), message.payload.size());
      batch_ += '\n';
      ++lines_;
      if (batch_.size() >= batch_bytes || pool_.queue_size() == 0) flush();
    }

    void flush() override {
      if (batch_.empty()) return;
      try {
        file_.append(batch_);
        if (std::exchange(failing_, false)) log::info("the access log is written again");
      } catch (const std::system_error& error) {
        unwritten.add(lines_);
        if (!std::exchange(failing_, true))
          log::error("the access log cannot be written; its lines are lost", {{"why", error.what()}});
      }
      batch_.clear();
      lines_ = 0;
    }

    void set_pattern(const std::string&) override {}
    void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

    counter unwritten;

   private:
    rotated_file file_;
    spdlog::details::thread_pool& pool_;
    std::string batch_;
    std::size_t lines_ = 0;
    bool failing_ = false;
  };

  const std::uint32_t one_of_;
  std::atomic<std::uint64_t> turn_{0};
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<to_file> to_file_;
  std::shared_ptr<spdlog::async_logger> logger_;
};

access_log::access_log(const access_log_options& options) : writer_(std::make_unique<writer>(options)) {}

access_log::~access_log() = default;

void access_log::record(const access_entry& entry) noexcept {
  try {
    writer_->record(entry);
  } catch (const std::exception&) {
    // Without memory for a line there is none.
  }
}

std::uint64_t access_log::recorded() const { return writer_->recorded.value(); }
std::uint64_t access_log::displaced() const { return writer_->displaced(); }
std::uint64_t access_log::unwritten() const { return writer_->unwritten(); }

}  // namespace souk::telemetry
