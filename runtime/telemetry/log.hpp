#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <optional>
#include <string_view>

/// What operators read: one line per event, a fixed sentence and what it is about as fields, never composed
/// text.
///
///     log::warn("child restarts", {{"child", name}, {"delay_ms", 10}});
///
/// Nothing is written before `start`. Any thread. Writing blocks when the reader of standard error is slow,
/// so nothing is logged for each request.
namespace souk::log {

enum class level : std::uint8_t { trace, debug, info, warn, error, off };

enum class format : std::uint8_t {
  automatic,  ///< `text` on a terminal, `json` otherwise.
  text,
  json,
};

/// "trace" to "error", or nothing.
std::optional<level> level_of(std::string_view name);
/// "auto", "text" or "json", or nothing.
std::optional<format> format_of(std::string_view name);

/// The longest text of a field or message that is written whole, in bytes; longer ones are cut.
inline constexpr std::size_t text_bytes_max = 2'000;

/// One thing that an event is about. Lives no longer than the call it is written in.
class field {
 public:
  constexpr field(std::string_view key, std::string_view text) : key_(key), text_(text), type_(type::text) {}
  constexpr field(std::string_view key, const char* text) : field(key, std::string_view{text}) {}
  constexpr field(std::string_view key, bool value) : key_(key), flag_(value), type_(type::flag) {}
  constexpr field(std::string_view key, double value) : key_(key), real_(value), type_(type::real) {}
  template <std::signed_integral Integer>
  constexpr field(std::string_view key, Integer value) : key_(key), number_(value), type_(type::number) {}
  template <std::unsigned_integral Integer>
  constexpr field(std::string_view key, Integer value) : key_(key), count_(value), type_(type::count) {}

 private:
  friend class line;
  enum class type : std::uint8_t { text, flag, real, number, count };
  std::string_view key_;
  std::string_view text_;
  union {
    bool flag_;
    double real_;
    std::int64_t number_;
    std::uint64_t count_ = 0;
  };
  type type_;
};

using fields = std::initializer_list<field>;

/// Says once, at the start of the process, what is written and how. `to`: standard error if null; used until
/// the next `start` or `stop`.
void start(level least, format format, std::ostream* to = nullptr);
/// Flushes; nothing is written any more.
void stop();

/// Whether events of this level are written: to skip what is costly to find out.
bool writes(level level);

void write(level level, std::string_view message, fields fields = {});

inline void trace(std::string_view message, fields fields = {}) { write(level::trace, message, fields); }
inline void debug(std::string_view message, fields fields = {}) { write(level::debug, message, fields); }
inline void info(std::string_view message, fields fields = {}) { write(level::info, message, fields); }
inline void warn(std::string_view message, fields fields = {}) { write(level::warn, message, fields); }
inline void error(std::string_view message, fields fields = {}) { write(level::error, message, fields); }

}  // namespace souk::log
