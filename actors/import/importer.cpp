#include "actors/import/importer.hpp"

#include "actors/gateway/uri.hpp"
#include "actors/import/import_job.hpp"
#include "actors/import/line_reader.hpp"
#include "actors/import/lines.hpp"
#include "actors/json/reader.hpp"
#include "actors/keyring/tenant.hpp"
#include "actors/kinds.hpp"
#include "actors/values/utf8.hpp"
#include "runtime/supervision/failure.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace souk::import_job {

namespace {

/// What is kept of a fault's detail. It may quote a name, and a line may be one long name: a hundred of them
/// must stay a small row and fit into one envelope between nodes.
constexpr std::size_t detail_bytes_max = 500;

/// Hands the answer to one call of a line on, or says that there will be none.
class line_responder final : public gateway::responder {
 public:
  line_responder(caf::actor importer, std::uint64_t batch, std::size_t position)
      : importer_(std::move(importer)), batch_(batch), position_(position) {}
  ~line_responder() override {
    if (answered_) return;
    gateway::http_response nothing;
    nothing.status = 0;
    caf::anon_send(importer_, line_answered{batch_, position_, std::move(nothing)});
  }
  void respond(gateway::http_response response) override {
    answered_ = true;
    caf::anon_send(importer_, line_answered{batch_, position_, std::move(response)});
  }

 private:
  caf::actor importer_;
  std::uint64_t batch_;
  std::size_t position_;
  bool answered_ = false;
};

/// Code and detail of a problem.
line_fault fault_in(const gateway::http_response& response) {
  json::parse_error error;
  const auto body = json::parse(response.body, error).value_or(json::value{});
  return {json::text_of(body, "code"), json::text_of(body, "detail")};
}

std::string field_of(const gateway::http_response& response, std::string_view name) {
  for (const auto& [known, value] : response.fields)
    if (known == name) return value;
  return {};
}

/// One line of a batch.
struct line_work {
  std::uint64_t line = 0;
  line_plan plan;
  std::size_t next = 0;  ///< The call under way.
  unsigned tries = 0;
  bool again = false;    ///< To be called again at the next tick.
  std::string if_match;  ///< Of the replacement of a product that exists.
  std::optional<line_fault> fault;

  bool is_done() const { return fault.has_value() || next == plan.calls.size(); }
};

/// The tenant that a file was accepted for; empty: its name is none of ours.
std::string tenant_of(const std::filesystem::path& file) {
  const auto name = file.filename().string();
  const auto tenant = name.substr(0, name.find('.'));
  return std::ranges::count(name, '.') == 2 && keyring::is_tenant(tenant) ? tenant : std::string{};
}

/// The import that is being worked on.
struct running_job {
  runtime::address import;
  pb::StateRow row;
  std::optional<line_reader> lines;
  std::uint64_t line = 0;  ///< Read so far.
  csv_columns columns;
  std::vector<line_work> batch;
  std::size_t under_way = 0;
  pb::Advance advance;  ///< What the batch came to.
  pb::Command asked;    ///< The question to the import that waits for an answer, if `correlation` is not 0.
  std::uint64_t correlation = 0;
  std::chrono::nanoseconds ask_again{};
};

}  // namespace

class import_desk {
 public:
  import_desk(caf::event_based_actor* self, importer_config config)
      : self_(self), config_(std::move(config)) {
    std::set<std::string> tenants{std::string{keyring::first_tenant}};
    std::error_code ignored;
    for (const auto& file : std::filesystem::directory_iterator{config_.folder, ignored})
      if (auto tenant = tenant_of(file.path()); !tenant.empty()) tenants.insert(std::move(tenant));
    std::uint64_t pages = 0;
    for (const auto& tenant : tenants)
      for (runtime::shard_id shard = 0; shard < config_.routing->shard_count(); ++shard)
        unread_.emplace(pages++, open_imports{tenant, shard});
  }

  void take(const import_accepted& accepted) { queue(accepted.import); }

  void take(const runtime::index_page& page) {
    const auto read = unread_.find(page.correlation);
    if (!page.available || read == unread_.end()) return;
    for (const auto& [key, file] : page.rows)
      queue({read->second.tenant, kinds::import_job, key});
    unread_.erase(read);
  }

  void take(const runtime::response& response) {
    if (!job_ || response.correlation != job_->correlation || job_->correlation == 0) return;
    if (response.outcome != runtime::outcome::answered && response.outcome != runtime::outcome::replayed)
      return;
    job_->correlation = 0;
    if (const auto* row = dynamic_cast<const pb::StateRow*>(response.answer.value.get())) job_->row = *row;
    if (job_->asked.has_read()) {
      open_file();
    } else if (job_->asked.has_advance()) {
      // The answer shows the job as it was before this step.
      job_->row.set_lines(job_->asked.advance().to_line());
      read_batch();
    } else {
      end_job();
    }
  }

  void take(const line_answered& answered) {
    if (!job_ || answered.batch != batch_) return;
    line_work& work = job_->batch.at(answered.position);
    judge(work, answered.response);
    if (work.is_done())
      line_done();
    else if (!work.again)
      call(answered.position);
  }

  void tick() {
    ask_for_open_imports();
    if (!job_) {
      begin_next();
      return;
    }
    if (job_->correlation != 0 && config_.clock->steady() >= job_->ask_again) ask(pb::Command{job_->asked});
    for (std::size_t i = 0; i < job_->batch.size(); ++i) {
      if (!job_->batch[i].again) continue;
      job_->batch[i].again = false;
      call(i);
    }
  }

 private:
  void queue(const runtime::address& import) {
    if (job_ && job_->import == import) return;
    if (std::find(waiting_.begin(), waiting_.end(), import) == waiting_.end()) waiting_.push_back(import);
    if (!job_) begin_next();
  }

  void ask_for_open_imports() {
    for (const auto& [page, open] : unread_) {
      caf::actor to = config_.routing->shard(open.shard);
      if (to == nullptr) continue;
      runtime::index_query query;
      query.tenant = open.tenant;
      query.index = open_index;
      query.limit = 1'000;
      query.correlation = page;
      query.reply_to = caf::actor_cast<caf::actor>(self_);
      self_->send(to, std::move(query));
    }
  }

  void begin_next() {
    if (waiting_.empty()) return;
    job_.emplace();
    job_->import = std::move(waiting_.front());
    waiting_.pop_front();
    pb::Command read;
    read.mutable_read();
    ask(std::move(read));
  }

  /// Puts a question to the import; it is put again until it is answered.
  void ask(pb::Command command) {
    job_->asked = std::move(command);
    job_->correlation = ++last_correlation_;
    job_->ask_again = config_.clock->steady() + config_.patience;
    runtime::address to = job_->import;
    caf::actor shard = config_.routing->shard(config_.routing->shard_of(to));
    if (shard == nullptr) return;
    runtime::request request;
    request.to = std::move(to);
    request.command = std::make_shared<const pb::Command>(job_->asked);
    config_.random->fill(request.id);
    request.admin = true;
    request.read_only = job_->asked.has_read();
    request.correlation = job_->correlation;
    request.reply_to = caf::actor_cast<caf::actor>(self_);
    self_->send(shard, std::move(request));
  }

  void finish(std::string failure) {
    pb::Command command;
    command.mutable_finish()->set_failure(std::move(failure));
    ask(std::move(command));
  }

  std::filesystem::path file() const { return config_.folder / job_->row.job().file(); }

  void end_job() {
    std::error_code ignored;
    std::filesystem::remove(file(), ignored);
    job_.reset();
    begin_next();
  }

  /// Opens the file and goes to where the import stands.
  void open_file() {
    if (job_->row.status() != "running") {
      end_job();
      return;
    }
    job_->lines.emplace(file());
    if (!job_->lines->is_open()) {
      if (config_.one_of_several)
        end_job();
      else
        finish("Its file is gone.");
      return;
    }
    std::string line;
    bool too_long = false;
    if (job_->row.job().format() == "csv") {
      if (!job_->lines->next(line, too_long)) line.clear();
      auto head = read_csv_head(line);
      if (auto* fault = std::get_if<line_fault>(&head)) {
        finish(values::cut_utf8(std::move(fault->detail), detail_bytes_max));
        return;
      }
      job_->columns = std::get<csv_columns>(std::move(head));
      job_->line = 1;
    }
    while (job_->line < job_->row.lines() && job_->lines->next(line, too_long))
      ++job_->line;
    read_batch();
  }

  void read_batch() {
    ++batch_;
    job_->batch.clear();
    job_->advance.Clear();
    job_->advance.set_from_line(job_->row.lines());
    std::string line;
    bool too_long = false;
    while (job_->batch.size() < config_.batch_lines && job_->lines->next(line, too_long)) {
      ++job_->line;
      if (line.find_first_not_of(" \t") == std::string::npos) continue;
      job_->batch.push_back(plan(line, too_long));
    }
    job_->advance.set_to_line(job_->line);
    if (job_->batch.empty()) {
      finish({});
      return;
    }
    // One more than the lines, so that lines that are done at once do not end the batch while it is begun.
    job_->under_way = job_->batch.size() + 1;
    std::uint64_t batch = batch_;
    for (std::size_t i = 0; i < job_->batch.size() && batch == batch_; ++i) {
      if (job_->batch[i].is_done())
        line_done();
      else
        call(i);
    }
    line_done();
  }

  line_work plan(const std::string& line, bool too_long) const {
    line_work work;
    work.line = job_->line;
    if (too_long) {
      work.fault = line_fault{"too_large", "The line is longer than 1 MiB."};
      return work;
    }
    std::string reference = name_of(work);
    auto planned = job_->row.job().format() == "csv" ? plan_csv_line(line, job_->columns, reference)
                                                     : plan_json_line(line, reference);
    if (auto* fault = std::get_if<line_fault>(&planned))
      work.fault = std::move(*fault);
    else
      work.plan = std::get<line_plan>(std::move(planned));
    return work;
  }

  /// "imp_.../12": what the calls of a line are known by.
  std::string name_of(const line_work& work) const {
    return job_->row.job().import_id() + "/" + std::to_string(work.line);
  }

  void call(std::size_t position) {
    line_work& work = job_->batch[position];
    const planned_call& planned = work.plan.calls[work.next];
    auto request = std::make_shared<gateway::http_request>();
    request->method = planned.method;
    request->path = planned.path;
    request->body = planned.body;
    request->fields.emplace_back("content-type", "application/json");
    if (planned.method != "GET")
      request->fields.emplace_back("idempotency-key", name_of(work) + "/" + std::to_string(work.next));
    if (!work.if_match.empty()) request->fields.emplace_back("if-match", work.if_match);
    caf::actor gateway = config_.gateway();
    if (gateway == nullptr) {
      work.again = true;
      return;
    }
    auto self = caf::actor_cast<caf::actor>(self_);
    caf::anon_send(
        gateway,
        gateway::exchange{std::move(request),
                          std::make_shared<line_responder>(std::move(self), batch_, position), credential()});
  }

  keyring::credential credential() const {
    keyring::credential staff{"import"};
    staff.tenant = job_->import.tenant;
    return staff;
  }

  /// What the answer to a call means for its line.
  void judge(line_work& work, const gateway::http_response& response) {
    const planned_call& planned = work.plan.calls[work.next];
    if (response.status == 200 || response.status == 201) {
      if (planned.method == "GET") {
        replace_at(work, field_of(response, "ETag"));
        return;
      }
      count(planned);
      work.if_match.clear();
      work.tries = 0;
      ++work.next;
      return;
    }
    bool may_pass = response.status == 0 || response.status >= 500 || response.status == 429;
    line_fault fault = fault_in(response);
    if ((may_pass || fault.code == "idempotency_in_flight") && ++work.tries < config_.tries_max) {
      work.again = true;
    } else if (planned.method == "POST" && work.next == 0 && fault.code == "invalid_state" &&
               !work.plan.product_id.empty()) {
      look_at_existing(work);
    } else if (planned.method == "POST" && work.next > 0 && fault.code == "invalid_state") {
      ++work.next;  // its reference is there: the units were received before
    } else {
      work.fault = std::move(fault);
    }
  }

  /// A product of this id exists: it is read, to be replaced at the version that it has.
  void look_at_existing(line_work& work) {
    std::string body = std::move(work.plan.calls[0].body);
    std::string path = "/v1/products/" + gateway::percent_encode(work.plan.product_id);
    work.plan.calls[0] = {"GET", path, {}};
    work.plan.calls.insert(work.plan.calls.begin() + 1, {"PUT", path, std::move(body)});
  }

  void replace_at(line_work& work, std::string etag) {
    work.if_match = std::move(etag);
    ++work.next;
  }

  void count(const planned_call& planned) {
    pb::Advance& advance = job_->advance;
    if (planned.path.starts_with("/v1/products"))
      advance.set_products(advance.products() + 1);
    else
      advance.set_adjustments(advance.adjustments() + 1);
  }

  void line_done() {
    if (--job_->under_way > 0) return;
    for (const line_work& work : job_->batch) {
      if (!work.fault) continue;
      job_->advance.set_failed_lines(job_->advance.failed_lines() + 1);
      if (job_->advance.errors_size() >= errors_max) continue;
      pb::LineError* error = job_->advance.add_errors();
      error->set_line(work.line);
      error->set_code(work.fault->code);
      error->set_detail(values::cut_utf8(work.fault->detail, detail_bytes_max));
    }
    job_->batch.clear();
    pb::Command command;
    *command.mutable_advance() = job_->advance;
    ask(std::move(command));
  }

  caf::event_based_actor* self_;
  importer_config config_;
  struct open_imports {
    std::string tenant;
    runtime::shard_id shard;
  };
  std::map<std::uint64_t, open_imports> unread_;  ///< That are not known yet, by the page that tells them.
  std::deque<runtime::address> waiting_;
  std::optional<running_job> job_;
  std::uint64_t batch_ = 0;
  std::uint64_t last_correlation_ = 0;
};

caf::behavior importer(caf::stateful_actor<importer_state>* self, importer_config config) {
  supervision::handle_failures(self);
  auto tick = config.tick;
  self->state.desk = std::make_shared<import_desk>(self, std::move(config));
  self->delayed_send(self, tick, importer_tick{});
  return {
      [self](const import_accepted& accepted) { self->state.desk->take(accepted); },
      [self](const line_answered& answered) { self->state.desk->take(answered); },
      [self](const runtime::response& response) { self->state.desk->take(response); },
      [self](const runtime::index_page& page) { self->state.desk->take(page); },
      [self, tick](const importer_tick&) {
        self->state.desk->tick();
        self->delayed_send(self, tick, importer_tick{});
      },
  };
}

}  // namespace souk::import_job
