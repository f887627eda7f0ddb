#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace souk::testkit {

/// Counts what is logged while it lives, by message, in place of writing it: what happened in a run that
/// should happen in some. What a test made an entity throw counts apart, with ", as asked" behind it. One at
/// a time.
class log_marks {
 public:
  log_marks();
  ~log_marks();
  log_marks(const log_marks&) = delete;
  log_marks& operator=(const log_marks&) = delete;

  std::map<std::string, std::uint64_t> take();

 private:
  class counting_buffer;
  std::unique_ptr<counting_buffer> buffer_;
  std::unique_ptr<std::ostream> stream_;
};

}  // namespace souk::testkit
