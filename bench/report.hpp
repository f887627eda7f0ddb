#pragma once

#include "actors/json/writer.hpp"
#include "bench/histogram.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace souk::bench {

/// How long each kind of call took, by its name.
class call_times {
 public:
  histogram& operator[](std::string_view name);
  /// Begins anew; who keeps a reference to a histogram may go on with it.
  void clear();
  const std::map<std::string, histogram, std::less<>>& by_name() const { return by_name_; }

 private:
  std::map<std::string, histogram, std::less<>> by_name_;
};

/// Of each kind that there was: `{"cart": {"count", "p50_us", "p90_us", "p99_us", "p999_us", "p9999_us",
/// "max_us"}, ...}`
void write_calls(json::writer& out, const call_times& times);

/// The same as a table on standard output; `of`: what its rows are.
void print_calls(const call_times& times, std::string_view of = "call");

}  // namespace souk::bench
