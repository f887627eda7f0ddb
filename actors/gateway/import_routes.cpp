#include "actors/gateway/conditions.hpp"
#include "actors/gateway/digests.hpp"
#include "actors/gateway/handlers.hpp"
#include "actors/import/import_job.hpp"
#include "actors/kinds.hpp"
#include "actors/values/id.hpp"

#include <algorithm>
#include <fstream>
#include <system_error>
#include <utility>

namespace souk::gateway {

namespace {

/// What a file is told apart by, without reading all of 256 MiB: its size, its beginning and its end.
constexpr std::uintmax_t sample_bytes = std::uintmax_t{4} << 20;

std::optional<std::string_view> format_of(const call& call) {
  auto type = media_type(call.http->field("content-type").value_or(""));
  if (type == "application/x-ndjson") return "ndjson";
  if (type == "text/csv") return "csv";
  return std::nullopt;
}

runtime::fingerprint fingerprint_of_file(const std::filesystem::path& file, std::string_view format) {
  std::uintmax_t size = std::filesystem::file_size(file);
  std::string text = std::string{format} + "/" + std::to_string(size) + "/";
  std::ifstream in{file, std::ios::binary};
  auto append = [&](std::uintmax_t from) {
    auto length = std::min(sample_bytes, size - from);
    std::size_t at = text.size();
    text.resize(at + static_cast<std::size_t>(length));
    in.seekg(static_cast<std::streamoff>(from));
    in.read(text.data() + at, static_cast<std::streamsize>(length));
  };
  append(0);
  if (size > sample_bytes) append(std::max(sample_bytes, size - sample_bytes));
  return fingerprint_of(text);
}

/// What follows the import's answer: its work begins, or, if it is no new one, its file goes. Where nothing
/// is known the file stays, for the import may be there.
step opened(reply reply, const std::filesystem::path& file, const runtime::address& import, const call& call,
            const std::function<void(const runtime::address&)>& accepted) {
  bool answered = reply.outcome == runtime::outcome::answered;
  bool replayed = reply.outcome == runtime::outcome::replayed;
  if (answered && reply.answer.status == 202) {
    if (accepted) accepted(import);
  } else if (reply.outcome != runtime::outcome::unknown) {
    std::error_code ignored;
    std::filesystem::remove(file, ignored);
  }
  if (!answered && !replayed) return refuse(problem_of(reply.outcome, false, call.keyed()), call.request_id);
  return done{std::move(reply.answer), replayed, {}};
}

}  // namespace

step start_import(const call& call, const services& services) {
  auto format = format_of(call);
  if (!format) {
    std::error_code ignored;
    std::filesystem::remove(call.http->spooled, ignored);
    return refuse({.code = "unsupported_media_type", .detail = "Send application/x-ndjson or text/csv."},
                  call.request_id);
  }
  if (call.http->spooled.empty())
    return refuse({.code = "validation_failed", .detail = "The file is empty."}, call.request_id);
  std::string part = new_part(call, services);
  // Not the import's own name: what is sent again must not overwrite what is being worked on. The tenant's,
  // so that it is known after a restart whose imports to ask for.
  std::string name = call.tenant + "." + services.random->next_part() + "." + std::string{*format};
  std::filesystem::path file = services.import_folder / name;
  std::filesystem::rename(call.http->spooled, file);

  auto command = std::make_shared<import_job::pb::Command>();
  command->mutable_open()->set_import_id(values::make_id(import_job::id_prefix, call.now, part));
  command->mutable_open()->set_format(std::string{*format});
  command->mutable_open()->set_file(std::move(name));
  command_question question{
      .to = address_of(call, kinds::import_job, part), .command = std::move(command), .keyed = true};
  if (call.keyed()) question.fingerprint = fingerprint_of_file(file, *format);
  ask ask;
  ask.questions.emplace_back(std::move(question));
  ask.any_outcome = true;
  ask.then = [file, import = address_of(call, kinds::import_job, part), call,
              accepted = services.import_accepted](std::vector<reply> replies) {
    return opened(std::move(replies.front()), file, import, call, accepted);
  };
  return ask;
}

step get_import(const call& call, const services&) {
  auto part = values::part_of(import_job::id_prefix, call.arguments[0]);
  if (!part) return not_found(call, "import");
  auto command = std::make_shared<import_job::pb::Command>();
  command->mutable_read();
  return pass_on({.to = address_of(call, kinds::import_job, std::string{*part}),
                  .command = std::move(command),
                  .read_only = true});
}

}  // namespace souk::gateway
