#include "actors/nats/jetstream.hpp"

#include "actors/json/reader.hpp"
#include "runtime/telemetry/log.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <nats/nats.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

namespace souk::nats {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using result = publish_result;

namespace {

/// How often deadlines are looked at.
constexpr milliseconds sweep_interval{100};
/// A server that says nothing for two of these is given up.
constexpr milliseconds ping_interval{5'000};
/// The end of the client library's threads is waited for so long.
constexpr milliseconds library_end_max{10'000};

template <auto destroy>
struct destroyed_by {
  template <class Object>
  void operator()(Object* object) const {
    destroy(object);
  }
};
using options_ptr = std::unique_ptr<natsOptions, destroyed_by<natsOptions_Destroy>>;
using connection_ptr = std::unique_ptr<natsConnection, destroyed_by<natsConnection_Destroy>>;
using subscription_ptr = std::unique_ptr<natsSubscription, destroyed_by<natsSubscription_Destroy>>;
using message_ptr = std::unique_ptr<natsMsg, destroyed_by<natsMsg_Destroy>>;
using context_ptr = std::unique_ptr<jsCtx, destroyed_by<jsCtx_Destroy>>;
using stream_info_ptr = std::unique_ptr<jsStreamInfo, destroyed_by<jsStreamInfo_Destroy>>;

/// Throws what an operator can act on.
void check(natsStatus status, const std::string& what) {
  if (status == NATS_OK) return;
  const char* more = nats_GetLastError(nullptr);
  throw std::runtime_error(what + ": " + natsStatus_GetText(status) +
                           (more == nullptr || *more == '\0' ? "" : std::string{", "} + more));
}

std::string first_line_of(const std::filesystem::path& file) {
  std::ifstream in{file};
  std::string line;
  if (!std::getline(in, line)) throw std::runtime_error("the password cannot be read: " + file.string());
  return line;
}

/// What a stream answers: {"stream":"S","seq":1,"duplicate":true}, or {"error":{"code":503,...}}.
result judge(std::string_view answer) {
  json::parse_error wrong;
  const auto read = json::parse(answer, wrong);
  if (!read) return {result::kind::away, "what it answered cannot be understood"};
  if (const auto* error = read->find("error")) {
    const auto* code = error->find("code");
    const auto* number = code == nullptr ? nullptr : code->as_integer();
    const bool not_ready = number != nullptr && *number == 503;
    return {not_ready ? result::kind::away : result::kind::refused, json::text_of(*error, "description")};
  }
  if (read->find("seq") == nullptr) return {result::kind::away, "what it answered is no acknowledgement"};
  const auto* again = read->find("duplicate");
  const bool duplicate = again != nullptr && again->as_boolean() != nullptr && *again->as_boolean();
  return {duplicate ? result::kind::duplicate : result::kind::stored, {}};
}

class jetstream final : public stream_link {
 public:
  jetstream(const jetstream_options& options, std::shared_ptr<runtime::clock> clock)
      : options_(options), clock_(std::move(clock)), timer_(io_) {
    sweep();
    thread_ = std::thread([this] { io_.run(); });
  }
  jetstream(const jetstream&) = delete;
  jetstream& operator=(const jetstream&) = delete;
  ~jetstream() override {
    io_.stop();
    thread_.join();
    disconnect();
    // No thread of the library calls back any more.
    nats_CloseAndWait(library_end_max.count());
  }

  void publish(publication publication, result_handler then) override {
    asio::post(io_, [this, publication = std::move(publication), then = std::move(then)]() mutable {
      publish_now(publication, std::move(then));
    });
  }

 private:
  struct open_publication {
    result_handler then;
    nanoseconds deadline{};
  };

  // -- the connection --------------------------------------------------------------------------------

  /// Why there is none; empty: there is one.
  std::string connect_if_due() {
    if (connection_) return {};
    const auto now = clock_->steady();
    if (now < next_connect_) return why_not_;
    try {
      connect();
      why_not_.clear();
      log::info("connected to NATS", {{"server", server()}, {"stream", options_.stream}});
    } catch (const std::exception& error) {
      disconnect();
      next_connect_ = clock_->steady() + options_.connect_interval;
      why_not_ = error.what();
    }
    return why_not_;
  }

  void connect() {
    const auto wanted = make_options();
    natsConnection* made = nullptr;
    check(natsConnection_Connect(&made, wanted.get()), "cannot connect");
    connection_.reset(made);
    see_to_stream();
    natsInbox* inbox = nullptr;
    check(natsInbox_Create(&inbox), "no inbox");
    inbox_ = inbox;
    natsInbox_Destroy(inbox);
    natsSubscription* answers = nullptr;
    check(natsConnection_Subscribe(&answers, connection_.get(), (inbox_ + ".*").c_str(), on_answer, this),
          "answers cannot be subscribed to");
    answers_.reset(answers);
  }

  options_ptr make_options() {
    natsOptions* made = nullptr;
    check(natsOptions_Create(&made), "no options");
    options_ptr wanted{made};
    std::vector<const char*> servers;
    servers.reserve(options_.servers.size());
    for (const auto& server : options_.servers)
      servers.push_back(server.c_str());
    check(natsOptions_SetServers(made, servers.data(), static_cast<int>(servers.size())),
          "a server's URL cannot be used");
    check(natsOptions_SetName(made, "soukd"), "no name");
    check(natsOptions_SetTimeout(made, options_.connect_timeout.count()), "no timeout");
    check(natsOptions_SetWriteDeadline(made, options_.timeout.count()), "no deadline");
    // What was lost with a connection is published again by who knows its order, and by nobody else.
    check(natsOptions_SetAllowReconnect(made, false), "reconnecting cannot be turned off");
    check(natsOptions_SetPingInterval(made, ping_interval.count()), "no pings");
    check(natsOptions_SetSendAsap(made, true), "no sending at once");
    check(natsOptions_SetClosedCB(made, on_closed, this), "no notice of the end");
    check(natsOptions_SetErrorHandler(made, on_error, this), "no notice of errors");
    if (!options_.user.empty())
      check(
          natsOptions_SetUserInfo(made, options_.user.c_str(), first_line_of(options_.password_file).c_str()),
          "the user cannot be used");
    if (!options_.credentials.empty())
      check(natsOptions_SetUserCredentialsFromFiles(made, options_.credentials.c_str(), nullptr),
            "the credentials cannot be used");
    if (options_.servers.front().starts_with("tls://")) protect(made);
    return wanted;
  }

  void protect(natsOptions* wanted) {
    check(natsOptions_SetSecure(wanted, true), "no TLS");
    if (!options_.ca.empty())
      check(natsOptions_LoadCATrustedCertificates(wanted, options_.ca.c_str()),
            "certificates that are trusted cannot be read");
    if (!options_.certificate.empty())
      check(natsOptions_LoadCertificatesChain(wanted, options_.certificate.c_str(), options_.key.c_str()),
            "the certificate cannot be used");
  }

  /// Where several nodes make the stream at once they make the same.
  void see_to_stream() {
    if (!options_.create) return;
    jsCtx* made = nullptr;
    check(natsConnection_JetStream(&made, connection_.get(), nullptr), "no JetStream");
    const context_ptr context{made};
    jsErrCode code{};
    jsStreamInfo* info = nullptr;
    const auto status = js_GetStreamInfo(&info, made, options_.stream.c_str(), nullptr, &code);
    const stream_info_ptr kept{info};
    if (status == NATS_NOT_FOUND && code == JSStreamNotFoundErr) return make_stream(made);
    check(status, "the stream " + options_.stream + " cannot be looked for");
    const auto window = std::chrono::duration_cast<milliseconds>(nanoseconds{info->Config->Duplicates});
    if (window < options_.duplicate_window)
      log::warn("the stream of NATS forgets ids sooner than events.nats.duplicate_window",
                {{"stream", options_.stream}, {"window_ms", window.count()}});
  }

  void make_stream(jsCtx* context) {
    jsStreamConfig wanted;
    check(jsStreamConfig_Init(&wanted), "no stream");
    const auto subjects = options_.prefix + ".>";
    std::array<const char*, 1> all{subjects.c_str()};
    wanted.Name = options_.stream.c_str();
    wanted.Description = "Events of a shop";
    wanted.Subjects = all.data();
    wanted.SubjectsLen = 1;
    wanted.Storage = js_FileStorage;
    wanted.Replicas = options_.replicas;
    wanted.Duplicates = nanoseconds{options_.duplicate_window}.count();
    jsErrCode code{};
    jsStreamInfo* info = nullptr;
    const auto status = js_AddStream(&info, context, &wanted, nullptr, &code);
    const stream_info_ptr kept{info};
    check(status, "the stream " + options_.stream + " cannot be made");
    log::info("a stream of NATS was made", {{"stream", options_.stream}, {"subjects", subjects}});
  }

  std::string server() const {
    std::array<char, 256> url{};
    return natsConnection_GetConnectedUrl(connection_.get(), url.data(), url.size()) == NATS_OK ? url.data()
                                                                                                : "";
  }

  void disconnect() {
    answers_.reset();
    connection_.reset();
  }

  // What is heard may be the end of one before, which was let go.
  void look_at_connection() {
    if (!connection_ || !natsConnection_IsClosed(connection_.get())) return;
    log::warn("the connection to NATS is lost", {});
    disconnect();
    for (auto& [number, open] : std::exchange(open_, {}))
      open.then({result::kind::away, "the connection was lost"});
  }

  // -- publishing ------------------------------------------------------------------------------------

  void publish_now(const publication& publication, result_handler then) {
    if (auto why = connect_if_due(); !why.empty()) return then({result::kind::away, std::move(why)});
    const auto number = ++last_number_;
    const auto status = send(publication, inbox_ + "." + std::to_string(number));
    if (status == NATS_OK) {
      open_.emplace(number, open_publication{std::move(then), clock_->steady() + options_.timeout});
      return;
    }
    const bool too_large = status == NATS_MAX_PAYLOAD;
    then({too_large ? result::kind::refused : result::kind::away, natsStatus_GetText(status)});
  }

  natsStatus send(const publication& publication, const std::string& reply) {
    natsMsg* made = nullptr;
    auto status = natsMsg_Create(&made, publication.subject.c_str(), reply.c_str(), publication.body.data(),
                                 static_cast<int>(publication.body.size()));
    const message_ptr message{made};
    const std::array<std::pair<const char*, const char*>, 3> fields{{
        {"Nats-Msg-Id", publication.id.c_str()},
        {"Nats-Expected-Stream", options_.stream.c_str()},
        {"Content-Type", "application/cloudevents+json"},
    }};
    for (const auto& [name, value] : fields)
      if (status == NATS_OK) status = natsMsgHeader_Set(made, name, value);
    return status == NATS_OK ? natsConnection_PublishMsg(connection_.get(), made) : status;
  }

  void answered(std::uint64_t number, result what) {
    const auto found = open_.find(number);
    if (found == open_.end()) return;
    const auto then = std::move(found->second.then);
    open_.erase(found);
    then(std::move(what));
  }

  void sweep() {
    timer_.expires_after(sweep_interval);
    timer_.async_wait([this](const boost::system::error_code& ec) {
      if (ec) return;
      const auto now = clock_->steady();
      std::vector<std::uint64_t> late;
      for (const auto& [number, open] : open_)
        if (open.deadline <= now) late.push_back(number);
      for (const auto number : late)
        answered(number, {result::kind::away, "it did not answer in time"});
      sweep();
    });
  }

  // -- called by threads of the library ----------------------------------------------------------------

  static void on_answer(natsConnection*, natsSubscription*, natsMsg* message, void* self) {
    const message_ptr kept{message};
    auto& link = *static_cast<jetstream*>(self);
    const std::string_view subject{natsMsg_GetSubject(message)};
    const auto digits = subject.substr(subject.rfind('.') + 1);
    std::uint64_t number = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), number);
    auto what =
        natsMsg_IsNoResponders(message)
            ? result{result::kind::away, "no stream takes the subject, or JetStream is off"}
            : judge({natsMsg_GetData(message), static_cast<std::size_t>(natsMsg_GetDataLength(message))});
    asio::post(link.io_,
               [&link, number, what = std::move(what)]() mutable { link.answered(number, std::move(what)); });
  }

  static void on_closed(natsConnection*, void* self) {
    auto& link = *static_cast<jetstream*>(self);
    asio::post(link.io_, [&link] { link.look_at_connection(); });
  }

  static void on_error(natsConnection* connection, natsSubscription*, natsStatus status, void*) {
    const char* more = nullptr;
    (void)natsConnection_GetLastError(connection, &more);
    log::warn("NATS reports an error",
              {{"status", natsStatus_GetText(status)}, {"why", more == nullptr ? "" : more}});
  }

  const jetstream_options options_;
  std::shared_ptr<runtime::clock> clock_;
  asio::io_context io_{1};
  asio::steady_timer timer_;
  // All of it belongs to the thread.
  connection_ptr connection_;
  subscription_ptr answers_;
  std::string inbox_;
  std::string why_not_;
  nanoseconds next_connect_{};
  std::map<std::uint64_t, open_publication> open_;
  std::uint64_t last_number_ = 0;
  std::thread thread_;
};

}  // namespace

std::shared_ptr<stream_link> make_jetstream(const jetstream_options& options,
                                            std::shared_ptr<runtime::clock> clock) {
  return std::make_shared<jetstream>(options, std::move(clock));
}

}  // namespace souk::nats
