#pragma once

#include "persistence/storage.hpp"
#include "runtime/types.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

struct XXH3_state_s;

/// What a member's state of a shard amounts to, short enough to be compared with the others'.
namespace souk::runtime {

/// Two members that stand for the same records have the same digest. It is over the rows that a snapshot
/// brings to another member, but for what each of them keeps in its own time:
///
/// - effects that wait for an acknowledgement, and how far the header says they are acknowledged: the primary
///   hears it at once, the others once per flush;
/// - answers that end before the moment that whoever compares has named: each member removes them by its own
///   clock.
struct state_digest {
  std::uint64_t applied = 0;  ///< The state on disk stands for records up to here.
  std::uint64_t epoch = 0;
  std::uint64_t rows = 0;
  std::string digest;  ///< XXH3-128 in hexadecimal.
};

/// Reads a shard's state piece by piece. The state may change meanwhile; that is noticed. No actor, no clock;
/// one thread.
class digest_reader {
 public:
  enum class progress : std::uint8_t {
    more,
    done,
    changed,  ///< Begin again with another reader.
  };

  /// Answers that end before `answers_from_ms` are left out.
  digest_reader(shard_id shard, const persistence::state_store& state, std::int64_t answers_from_ms);
  ~digest_reader();
  digest_reader(const digest_reader&) = delete;
  digest_reader& operator=(const digest_reader&) = delete;

  /// Reads about so many bytes more. Throws `damage` for a row that cannot be read.
  progress next(std::size_t bytes);

  /// After `done`.
  state_digest result() const;

 private:
  struct free_state {
    void operator()(XXH3_state_s* state) const;
  };

  bool is_of_all(std::string_view key, std::string_view value) const;
  void add(std::string_view key, std::string_view value);
  void add_header();

  shard_id shard_;
  const persistence::state_store* state_;
  std::int64_t answers_from_ms_;
  std::string header_;  // as it was at the beginning
  std::string from_;    // the next row's key, or less
  std::unique_ptr<XXH3_state_s, free_state> sum_;
  state_digest result_;
};

}  // namespace souk::runtime
