#include "runtime/seams/seams.hpp"

namespace souk::runtime {

namespace {

class system_clock final : public clock {
 public:
  timestamp now() const override {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  }
  std::chrono::nanoseconds steady() const override {
    return std::chrono::steady_clock::now().time_since_epoch();
  }
};

}  // namespace

std::shared_ptr<clock> make_system_clock() { return std::make_shared<system_clock>(); }

}  // namespace souk::runtime
