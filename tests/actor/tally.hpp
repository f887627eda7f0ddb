#pragma once

#include "runtime/entity/kind.hpp"

#include <google/protobuf/wrappers.pb.h>

#include <charconv>
#include <map>
#include <sstream>
#include <string>

namespace souk::runtime::testkit {

/// A kind for tests of the runtime: a number that commands move, between tallies too. Commands are texts:
///
///     add N              adds N (may be negative; a result below 0 is refused with 409)
///     read               answers the number
///     give KEY N         takes N here and sends it to another tally
///     take N             what `give` sends
///     later MS N         adds N when a timer of MS milliseconds is due
///     call WHAT          calls the world at port "echo"; parked until the result comes
///     result TEXT        what the world answers
///     throw              throws
///     throw_on_take      from now on `take` throws
struct tally_decider {
  struct state_type {
    std::int64_t number = 0;
    std::int64_t later = 0;
    std::string waiting;  // the command that waits for the world
    bool throws = false;
    std::int64_t failed = 0;
  };
  using state = state_type;
  using command = google::protobuf::StringValue;
  using event = google::protobuf::StringValue;
  static constexpr kind_id id = 200;
  static constexpr std::string_view name = "tally";
  static std::string_view partition_of(std::string_view key) { return key.substr(0, key.find('.')); }

  static event happened(std::string text) {
    event result;
    result.set_value(std::move(text));
    return result;
  }

  static answer answer_of(int status, std::string body) {
    answer result;
    result.status = status;
    result.body = std::move(body);
    return result;
  }

  decision decide(const state& state, const command& command, const context& context) const {
    std::istringstream in{command.value()};
    std::string verb;
    in >> verb;
    decision result;
    if (verb == "read") {
      result.reply = answer_of(200, std::to_string(state.number));
    } else if (verb == "add") {
      std::int64_t n = 0;
      in >> n;
      if (state.number + n < 0) {
        result.reply = answer_of(409, "too little");
      } else {
        result.emit(happened("added " + std::to_string(n)));
        result.indexes.push_back({"tallies", context.self.key, std::to_string(state.number + n)});
        result.reply = answer_of(200, std::to_string(state.number + n));
      }
    } else if (verb == "give") {
      std::string key;
      std::int64_t n = 0;
      in >> key >> n;
      result.emit(happened("added " + std::to_string(-n)));
      result.send({context.self.tenant, id, key}, happened("take " + std::to_string(n)));
      result.reply = answer_of(200, std::to_string(state.number - n));
    } else if (verb == "take") {
      if (state.throws) throw std::runtime_error("takes nothing");
      std::int64_t n = 0;
      in >> n;
      result.emit(happened("added " + std::to_string(n)));
    } else if (verb == "later") {
      std::int64_t ms = 0;
      std::int64_t n = 0;
      in >> ms >> n;
      result.emit(happened("later " + std::to_string(n)));
      result.set_timer("later", context.now + std::chrono::milliseconds{ms});
      result.reply = answer_of(202, "");
    } else if (verb == "call") {
      result.emit(happened("waiting " + std::string{context.command.begin(), context.command.end()}));
      result.world_calls.push_back({"echo", std::make_shared<google::protobuf::StringValue>(command)});
      result.parked = true;
    } else if (verb == "result") {
      result.emit(happened("answered"));
      command_id to{};
      std::copy_n(state.waiting.begin(), to.size(), to.begin());
      result.late_answers.push_back({to, answer_of(200, command.value())});
    } else if (verb == "throw_on_take") {
      result.emit(happened("throws"));
      result.reply = answer_of(200, "");
    } else {
      throw std::runtime_error("does not know " + verb);
    }
    return result;
  }

  decision on_timer(const state& state, std::string_view, const context&) const {
    decision result;
    result.emit(happened("added " + std::to_string(state.later)));
    return result;
  }

  decision on_effect_failed(const state&, const address&, const google::protobuf::Message& command,
                            std::string_view, const context&) const {
    decision result;
    std::istringstream in{static_cast<const google::protobuf::StringValue&>(command).value()};
    std::string verb;
    std::string n;
    in >> verb >> n;
    result.emit(happened("came_back " + n));
    return result;
  }

  void evolve(state& state, const event& event, timestamp, std::uint64_t) const {
    const auto& text = event.value();
    auto space = text.find(' ');
    auto verb = text.substr(0, space);
    if (verb == "added") state.number += std::stoll(text.substr(space + 1));
    if (verb == "later") state.later = std::stoll(text.substr(space + 1));
    if (verb == "waiting") state.waiting = text.substr(space + 1);
    if (verb == "answered") state.waiting.clear();
    if (verb == "throws") state.throws = true;
    if (verb == "came_back") {
      state.number += std::stoll(text.substr(space + 1));
      ++state.failed;
    }
  }

  void load_row(state& state, std::string_view row, std::string_view value) const {
    if (row == "number") state.number = std::stoll(std::string{value});
    if (row == "later") state.later = std::stoll(std::string{value});
    if (row == "waiting") state.waiting = value;
    if (row == "throws") state.throws = value == "1";
  }
  void save_rows(state& state, row_sink& sink) const {
    sink.put("number", std::to_string(state.number));
    sink.put("later", std::to_string(state.later));
    sink.put("waiting", state.waiting);
    sink.put("throws", state.throws ? "1" : "0");
  }
};

}  // namespace souk::runtime::testkit
