#pragma once

#include "actors/json/problem.hpp"
#include "runtime/messages.hpp"
#include "runtime/types.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

/// The HTTP adapter: what clients say becomes commands, what entities answer becomes responses.
///
/// A handler is a function from a call to a step: an answer, or questions to entities together with what to
/// do with the replies. Steps are plain values, so every route is tested without actors or sockets.
namespace souk::gateway {

class event_stream;

using header_fields = std::vector<std::pair<std::string, std::string>>;

/// The call is over with this.
struct done {
  runtime::answer answer;
  bool replayed = false;                         ///< The first answer to an Idempotency-Key, again.
  header_fields fields;                          ///< Besides those that `answer` brings.
  std::shared_ptr<event_stream> more = nullptr;  ///< Set: the body goes on with it.
};

/// A command or read for one entity.
struct command_question {
  runtime::address to;
  runtime::message_ptr command;
  /// Carries the call's Idempotency-Key: the one command of a call that decides. At most one of a call.
  bool keyed = false;
  bool read_only = false;
  bool crash = false;  ///< Test mode: the entity throws instead of deciding.
  /// Names the command in place of a random id, so that a repeat of it is known; for work that resumes.
  std::optional<runtime::command_id> id = std::nullopt;
  /// Of a body that is a file: tells a repeat from a reuse of the key in place of the call's.
  std::optional<runtime::fingerprint> fingerprint = std::nullopt;
};

/// One page of an index of one shard: of `shard`, or of the one where the entity `beside` lives.
struct page_question {
  runtime::shard_id shard = 0;
  std::optional<runtime::address> beside;
  std::string index;
  std::string after;
  bool descending = false;
  std::uint32_t limit = 20;
  std::optional<runtime::journal_place> journal = std::nullopt;  ///< Set: of the journal, not of an index.
};

/// Something beyond the entities that answers with JSON, later and from any thread: the supervision tree, the
/// test provider's ledger. An empty text means that it cannot be had now.
using outside_view = std::function<void(std::function<void(std::string json)>)>;

using question = std::variant<command_question, page_question, outside_view>;

/// What came back for one question.
struct reply {
  runtime::outcome outcome = runtime::outcome::answered;
  runtime::answer answer;  ///< To a command.
  std::vector<std::pair<std::string, std::string>> rows;
  bool more = false;
  std::optional<runtime::journal_extent> journal = std::nullopt;  ///< Of a page of the journal.
  std::string json;                                               ///< Of an outside view.
};

struct ask;
using step = std::variant<done, ask>;

/// Questions, at most `window` of them under way at a time, and what to do with all replies, in the order of
/// the questions. A question that comes to no answer ends the call with the matching problem; with
/// `any_outcome` the continuation sees it instead.
struct ask {
  std::vector<question> questions;
  std::function<step(std::vector<reply>)> then;
  std::size_t window = 32;
  bool any_outcome = false;
};

/// Asks one entity and answers what it answers.
step pass_on(command_question question, header_fields fields = {});

/// What a client gets that is not the answer of an entity.
step refuse(const json::problem& problem, std::string_view request_id);

/// The fields that go with a problem: Retry-After.
header_fields fields_of(const json::problem& problem);

/// The problem for a request that came to no answer. `read_only` and `keyed` say whether a repeat is safe
/// where nothing is known. Precondition: `outcome` is neither answered nor replayed.
json::problem problem_of(runtime::outcome outcome, bool read_only, bool keyed);

/// The problem for a call whose time is over.
json::problem problem_of_deadline(bool read_only, bool keyed);

}  // namespace souk::gateway
