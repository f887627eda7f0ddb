#include "actors/testkit/log_marks.hpp"

#include "runtime/telemetry/log.hpp"

#include <ostream>
#include <streambuf>
#include <string_view>
#include <utility>

namespace souk::testkit {

// Takes lines of JSON and keeps the number of each "message".
class log_marks::counting_buffer final : public std::streambuf {
 public:
  std::map<std::string, std::uint64_t> counts;

 protected:
  int_type overflow(int_type letter) override {
    if (traits_type::eq_int_type(letter, traits_type::eof())) return traits_type::not_eof(letter);
    line_ += traits_type::to_char_type(letter);
    if (line_.back() == '\n') end_line();
    return letter;
  }
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    line_.append(text, static_cast<std::size_t>(size));
    if (!line_.empty() && line_.back() == '\n') end_line();
    return size;
  }

 private:
  void end_line() {
    constexpr std::string_view name = "\"message\":\"";
    // The reason of an entity that a test makes throw.
    constexpr std::string_view as_asked = "crashed as asked by a test";
    if (const auto begin = line_.find(name); begin != std::string::npos) {
      const auto text = begin + name.size();
      auto message = line_.substr(text, line_.find('"', text) - text);
      if (line_.find(as_asked) != std::string::npos) message += ", as asked";
      ++counts[message];
    }
    line_.clear();
  }

  std::string line_;
};

log_marks::log_marks()
    : buffer_(std::make_unique<counting_buffer>()), stream_(std::make_unique<std::ostream>(buffer_.get())) {
  log::start(log::level::info, log::format::json, stream_.get());
}

log_marks::~log_marks() { log::stop(); }

std::map<std::string, std::uint64_t> log_marks::take() { return std::exchange(buffer_->counts, {}); }

}  // namespace souk::testkit
