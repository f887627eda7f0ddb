#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace souk::bench {

template <typename T = void>
class task;

namespace detail {

// What all promises share: who waits, and an exception on its way to them.
class promise_base {
 public:
  struct back_to_awaiter {
    bool await_ready() const noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
      return ended.promise().awaiter_;
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  back_to_awaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { error_ = std::current_exception(); }
  void set_awaiter(std::coroutine_handle<> awaiter) { awaiter_ = awaiter; }

 protected:
  void rethrow_error() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::coroutine_handle<> awaiter_ = std::noop_coroutine();
  std::exception_ptr error_;
};

template <typename T>
class promise : public promise_base {
 public:
  task<T> get_return_object();
  void return_value(T value) { value_.emplace(std::move(value)); }
  T take() {
    rethrow_error();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class promise<void> : public promise_base {
 public:
  task<void> get_return_object();
  void return_void() const noexcept {}
  void take() const { rethrow_error(); }
};

}  // namespace detail

/// A coroutine that starts when it is awaited and hands its result, or its exception, to the one who awaits
/// it. All of it runs in the thread of the event loop.
///
/// What g++ 12 gets wrong, and how it is avoided: temporaries of a `co_await` expression may be destroyed
/// twice, so arguments that own memory (strings, vectors) are given names first; and a `co_await` in a
/// condition whose branch awaits too may never run, so each stands in a statement of its own, within braces.
template <typename T>
class [[nodiscard]] task {
 public:
  using promise_type = detail::promise<T>;
  using handle = std::coroutine_handle<promise_type>;

  explicit task(handle coroutine) : coroutine_(coroutine) {}
  task(task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  task(const task&) = delete;
  task& operator=(const task&) = delete;
  task& operator=(task&&) = delete;
  ~task() {
    if (coroutine_) coroutine_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) const noexcept {
    coroutine_.promise().set_awaiter(awaiter);
    return coroutine_;
  }
  T await_resume() const { return coroutine_.promise().take(); }

 private:
  handle coroutine_;
};

template <typename T>
task<T> detail::promise<T>::get_return_object() {
  return task<T>{std::coroutine_handle<promise<T>>::from_promise(*this)};
}

inline task<void> detail::promise<void>::get_return_object() {
  return task<void>{std::coroutine_handle<promise<void>>::from_promise(*this)};
}

}  // namespace souk::bench
