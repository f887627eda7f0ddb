#include "runtime/telemetry/log.hpp"

#include "runtime/telemetry/json_text.hpp"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace souk::log {

namespace {

constexpr std::array<std::string_view, 5> level_names{"trace", "debug", "info", "warn", "error"};
constexpr const char* text_pattern = "%Y-%m-%dT%H:%M:%S.%eZ %^%-8l%$ %v";
constexpr const char* json_pattern = R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})";

/// The sink of this process. Readers take a reference: `stop` may come while others write.
struct output {
  std::shared_ptr<spdlog::logger> logger;
  bool json = false;
};

std::atomic<level> least_written{level::off};
std::mutex output_mutex;
std::shared_ptr<const output> current_output;

std::shared_ptr<const output> take_output() {
  const std::scoped_lock lock{output_mutex};
  return current_output;
}

void set_output(std::shared_ptr<const output> next) {
  const std::scoped_lock lock{output_mutex};
  current_output = std::move(next);
}

spdlog::level::level_enum spdlog_level(level level) {
  return static_cast<spdlog::level::level_enum>(static_cast<int>(level));
}

std::shared_ptr<spdlog::sinks::sink> make_sink(bool json, std::ostream* to) {
  if (to != nullptr) return std::make_shared<spdlog::sinks::ostream_sink_mt>(*to, true);
  if (json) return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  return std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
}

template <class Number>
void append_number(std::string& out, Number value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

/// Cuts between characters, so that the cut makes no broken one.
std::string_view shortened(std::string_view text) {
  if (text.size() <= text_bytes_max) return text;
  std::size_t length = text_bytes_max;
  while (length > 0 && (static_cast<std::uint8_t>(text[length]) & 0xC0) == 0x80)
    --length;
  return text.substr(0, length);
}

/// A word reads well without quotes on a terminal; anything else could be taken for another field.
bool is_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"_-./:+@,%"}.find(c) != std::string_view::npos;
  });
}

}  // namespace

/// Writes one event's sentence and fields.
class line {
 public:
  explicit line(bool json) : json_(json) {}

  std::string make(std::string_view message, fields fields) {
    if (json_) {
      out_ += "\"message\":";
      telemetry::append_json_string(out_, shortened(message));
    } else {
      out_ += shortened(message);
    }
    for (const auto& field : fields)
      append(field);
    return std::move(out_);
  }

 private:
  void append(const field& field) {
    if (json_) {
      out_ += ',';
      telemetry::append_json_string(out_, field.key_);
      out_ += ':';
    } else {
      out_ += ' ';
      out_ += field.key_;
      out_ += '=';
    }
    append_value(field);
  }

  void append_value(const field& field) {
    switch (field.type_) {
      case field::type::text:
        if (!json_ && is_word(field.text_))
          out_ += shortened(field.text_);
        else
          telemetry::append_json_string(out_, shortened(field.text_));
        break;
      case field::type::flag:
        out_ += field.flag_ ? "true" : "false";
        break;
      case field::type::number:
        append_number(out_, field.number_);
        break;
      case field::type::count:
        append_number(out_, field.count_);
        break;
      case field::type::real:
        if (std::isfinite(field.real_))
          append_number(out_, field.real_);
        else
          out_ += "null";  // JSON has no other word for it
        break;
    }
  }

  std::string out_;
  bool json_;
};

std::optional<level> level_of(std::string_view name) {
  const auto found = std::ranges::find(level_names, name);
  if (found == level_names.end()) return std::nullopt;
  return static_cast<level>(found - level_names.begin());
}

std::optional<format> format_of(std::string_view name) {
  if (name == "auto") return format::automatic;
  if (name == "text") return format::text;
  if (name == "json") return format::json;
  return std::nullopt;
}

void start(level least, format format, std::ostream* to) {
  const bool terminal = to == nullptr && ::isatty(STDERR_FILENO) == 1;
  const bool json = format == format::json || (format == format::automatic && !terminal);
  auto logger = std::make_shared<spdlog::logger>("souk", make_sink(json, to));
  logger->set_formatter(std::make_unique<spdlog::pattern_formatter>(json ? json_pattern : text_pattern,
                                                                    spdlog::pattern_time_type::utc));
  logger->set_level(spdlog::level::trace);  // what is written is decided here, not there
  logger->flush_on(spdlog::level::trace);   // nothing may be missing when the process dies
  set_output(std::make_shared<output>(output{std::move(logger), json}));
  least_written = least;
}

void stop() {
  least_written = level::off;
  set_output(nullptr);
}

bool writes(level level) {
  return level >= least_written.load(std::memory_order_relaxed) && level != level::off;
}

void write(level level, std::string_view message, fields fields) {
  if (!writes(level)) return;
  const auto output = take_output();
  if (output == nullptr) return;
  const std::string text = line{output->json}.make(message, fields);
  output->logger->log(spdlog_level(level), spdlog::string_view_t{text.data(), text.size()});
}

}  // namespace souk::log
