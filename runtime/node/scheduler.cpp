#include "runtime/node/scheduler.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/group.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/policy/work_sharing.hpp>
#include <caf/scheduler/coordinator.hpp>

#include <utility>

namespace souk::runtime {

namespace {

using caf::detail::thread_safe_actor_clock;

// CAF asks its clock to cancel the timeouts of every actor that ends, whether it has any, and each time that
// wakes the clock's thread: thousands of times a second where entities come and go. Nobody misses it: an
// actor that ended takes no timeout, and one that it set earlier is dropped when it is due.
class unhurried_clock final : public thread_safe_actor_clock {
 public:
  explicit unhurried_clock(thread_safe_actor_clock& inner) : inner_(inner) {}

  void set_ordinary_timeout(time_point due, caf::abstract_actor* self, caf::atom_value type,
                            std::uint64_t id) override {
    inner_.set_ordinary_timeout(due, self, type, id);
  }
  void set_multi_timeout(time_point due, caf::abstract_actor* self, caf::atom_value type,
                         std::uint64_t id) override {
    inner_.set_multi_timeout(due, self, type, id);
  }
  void set_request_timeout(time_point due, caf::abstract_actor* self, caf::message_id id) override {
    inner_.set_request_timeout(due, self, id);
  }
  void cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) override {
    inner_.cancel_ordinary_timeout(self, type);
  }
  void cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) override {
    inner_.cancel_request_timeout(self, id);
  }
  void cancel_timeouts(caf::abstract_actor*) override {}
  void schedule_message(time_point due, caf::strong_actor_ptr receiver,
                        caf::mailbox_element_ptr content) override {
    inner_.schedule_message(due, std::move(receiver), std::move(content));
  }
  void schedule_message(time_point due, caf::group target, caf::strong_actor_ptr sender,
                        caf::message content) override {
    inner_.schedule_message(due, std::move(target), std::move(sender), std::move(content));
  }
  void cancel_all() override { inner_.cancel_all(); }

 private:
  thread_safe_actor_clock& inner_;
};

class node_scheduler final : public caf::scheduler::coordinator<caf::policy::work_sharing> {
 public:
  using super = caf::scheduler::coordinator<caf::policy::work_sharing>;

  explicit node_scheduler(caf::actor_system& system) : super(system), clock_(super::clock()) {}

  thread_safe_actor_clock& clock() noexcept override { return clock_; }

  static caf::actor_system::module* make(caf::actor_system& system, caf::detail::type_list<>) {
    return new node_scheduler(system);
  }

 private:
  unhurried_clock clock_;
};

}  // namespace

void use_node_scheduler(caf::actor_system_config& config, const scheduler_settings& settings) {
  config.load<node_scheduler>();
  config.set("scheduler.max-threads", settings.threads);
  config.set("scheduler.max-throughput", settings.messages_in_a_row);
}

}  // namespace souk::runtime
