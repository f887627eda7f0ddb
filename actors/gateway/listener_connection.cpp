#include "actors/gateway/listener_connection.hpp"

#include "actors/gateway/client_address.hpp"
#include "actors/gateway/proxy_header.hpp"
#include "actors/json/problem.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <span>
#include <system_error>
#include <utility>

namespace souk::gateway {

namespace asio = boost::asio;

namespace {

using error_code = boost::system::error_code;

/// Pieces that one write takes.
constexpr std::size_t pieces_max = 16;
constexpr std::size_t request_id_length_max = 128;
constexpr unsigned overload_retry_after_s = 1;

/// Answers one request, from any thread.
class ticket final : public responder {
 public:
  ticket(std::shared_ptr<listener_core> core, std::shared_ptr<connection> to, std::uint64_t sequence)
      : core_(std::move(core)), to_(std::move(to)), sequence_(sequence) {}
  ticket(const ticket&) = delete;
  ticket& operator=(const ticket&) = delete;
  ~ticket() override {
    if (to_) core_->complete({std::move(to_), sequence_, std::nullopt});
  }

  void respond(http_response response) override {
    if (to_) core_->complete({std::exchange(to_, nullptr), sequence_, std::move(response)});
  }

 private:
  std::shared_ptr<listener_core> core_;
  std::shared_ptr<connection> to_;
  std::uint64_t sequence_;
};

/// Takes one piece, from any thread.
class piece_ticket final : public piece_taker {
 public:
  piece_ticket(std::shared_ptr<listener_core> core, std::shared_ptr<connection> to)
      : core_(std::move(core)), to_(std::move(to)) {}
  piece_ticket(const piece_ticket&) = delete;
  piece_ticket& operator=(const piece_ticket&) = delete;
  ~piece_ticket() override {
    if (to_) take({});
  }

  void take(std::string piece) override {
    if (to_) core_->complete({std::exchange(to_, nullptr), 0, std::nullopt, std::move(piece)});
  }

 private:
  std::shared_ptr<listener_core> core_;
  std::shared_ptr<connection> to_;
};

std::string peer_of(const asio::ip::tcp::socket& socket) {
  error_code gone;
  const auto peer = socket.remote_endpoint(gone);
  return gone ? std::string{} : peer.address().to_string();
}

bool is_request_id(std::string_view text) {
  return !text.empty() && text.size() <= request_id_length_max &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

http_response to_response(std::string_view code, std::string_view detail, std::string_view request_id) {
  json::problem problem;
  problem.code = code;
  problem.detail = detail;
  auto answer = json::to_answer(problem, request_id);
  http_response response;
  response.status = answer.status;
  response.body = std::move(answer.body);
  response.fields.emplace_back("Content-Type", "application/problem+json");
  response.fields.emplace_back("Request-Id", request_id);
  if (answer.status == 405) response.fields.emplace_back("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE");
  if (answer.status == 503)
    response.fields.emplace_back("Retry-After", std::to_string(overload_retry_after_s));
  return response;
}

}  // namespace

connection::connection(std::shared_ptr<listener_core> core, asio::ip::tcp::socket socket,
                       std::shared_ptr<const tls_identity> tls, bool proxied)
    : core_(std::move(core)),
      socket_(std::move(socket)),
      peer_(peer_of(socket_)),
      client_(limited_address(peer_)),
      gate_(core_->limits),
      from_trusted_(core_->options.trusted.contains(peer_)),
      awaits_proxy_(proxied) {
  if (tls) tls_.emplace(std::move(tls), socket_.native_handle());
}

void connection::start() {
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay{true}, ignored);
  socket_.non_blocking(true, ignored);
  since_ = core_->now;
  handshaking_ = tls_.has_value();
  handshaking_ ? wait_for_handshake(asio::socket_base::wait_read) : arm_read();
}

void connection::wait_for_handshake(asio::socket_base::wait_type what) {
  socket_.async_wait(what, [self = shared_from_this()](const error_code& ec) {
    if (self->closed_) return;
    ec ? self->close() : self->step_handshake();
  });
}

void connection::step_handshake() {
  stepping_ = true;
  asio::post(*core_->handshaker, [self = shared_from_this()] {
    const auto outcome = self->tls_->abandoned ? tls_session::outcome::failed : self->tls_->handshake();
    asio::post(self->core_->io, [self, outcome] { self->on_handshake(outcome); });
  });
}

void connection::on_handshake(tls_session::outcome outcome) {
  stepping_ = false;
  if (closed_) return close_socket();
  if (outcome == tls_session::outcome::wants_read) return wait_for_handshake(asio::socket_base::wait_read);
  if (outcome == tls_session::outcome::wants_write) return wait_for_handshake(asio::socket_base::wait_write);
  if (outcome != tls_session::outcome::done) return close();
  handshaking_ = false;
  since_ = core_->now;
  ++core_->tls.handshakes;
  core_->tls.resumed += tls_->resumed() ? 1 : 0;
  arm_read();
}

std::size_t connection::read_some(error_code& ec) {
  auto& scratch = core_->scratch;
  if (!tls_) return socket_.read_some(asio::buffer(scratch), ec);
  std::size_t count = 0;
  const auto outcome = tls_->read(scratch, count);
  read_wants_write_ = outcome == tls_session::outcome::wants_write;
  if (outcome == tls_session::outcome::wants_read || read_wants_write_)
    ec = asio::error::would_block;
  else if (outcome == tls_session::outcome::ended)
    ec = asio::error::eof;
  else if (outcome == tls_session::outcome::failed)
    ec = asio::error::connection_reset;
  return count;
}

std::size_t connection::write_some(std::span<const asio::const_buffer> buffers, error_code& ec) {
  if (!tls_) return socket_.write_some(buffers, ec);
  std::size_t count = 0;
  const auto& first = buffers.front();
  const auto outcome = tls_->write({static_cast<const char*>(first.data()), first.size()}, count);
  if (outcome == tls_session::outcome::wants_write)
    ec = asio::error::would_block;
  else if (outcome != tls_session::outcome::done)
    ec = asio::error::connection_reset;
  return count;
}

bool connection::can_take() const {
  return !closing_ && !spooling_ && exchanges_.size() < core_->options.pipeline_max &&
         out_.bytes_unsent() < unsent_bytes_max;
}

std::optional<std::chrono::milliseconds> connection::idle_since() const {
  const bool idle = !closing_ && !in_request_ && exchanges_.empty() && out_.empty();
  return idle ? std::optional{since_} : std::nullopt;
}

void connection::arm_read() {
  if (reading_ || eof_ || closed_) return;
  if (!lingering_ && !more_ && (!can_take() || !pending_.empty())) return;
  reading_ = true;
  socket_.async_wait(asio::socket_base::wait_read, [self = shared_from_this()](const error_code& ec) {
    self->reading_ = false;
    if (self->closed_) return;
    if (ec) return self->close();
    if (self->more_) return self->watch_reader();
    self->lingering_ ? self->discard() : self->on_readable();
  });
}

void connection::on_readable() {
  if (!can_take() || !pending_.empty()) return;  // `pump` arms it again
  error_code ec;
  const auto count = read_some(ec);
  if (ec == asio::error::would_block) return read_wants_write_ ? arm_write() : arm_read();
  if (ec == asio::error::eof)
    eof_ = true;
  else if (ec)
    return close();
  std::string_view bytes{core_->scratch.data(), count};
  if (awaits_proxy_) bytes = take_proxy_header(bytes);
  if (closed_) return;
  if (!bytes.empty()) pending_ = consume(bytes);
  pump();
}

std::string_view connection::take_proxy_header(std::string_view bytes) {
  proxy_bytes_ += bytes;
  const auto header = read_proxy_header(proxy_bytes_);
  if (header.read == proxy_header::state::incomplete) return {};
  if (header.read == proxy_header::state::wrong) {
    close();  // whoever this is does not speak HTTP to us
    return {};
  }
  awaits_proxy_ = false;
  since_ = core_->now;
  const auto rest = bytes.substr(bytes.size() - (proxy_bytes_.size() - header.bytes));
  proxy_bytes_ = {};
  if (header.client.empty()) return rest;
  peer_ = header.client;
  from_trusted_ = core_->options.trusted.contains(peer_);
  const auto before = core_->connections_of.find(client_);
  if (--before->second == 0) core_->connections_of.erase(before);
  client_ = limited_address(peer_);
  const bool beyond = core_->beyond_its_own(client_) > 0;
  ++core_->connections_of[client_];
  if (!beyond) return rest;
  turn_away("There are too many connections from this address.");
  return {};
}

std::string connection::client_of(const http_request& request) const {
  if (!from_trusted_) return client_;
  return limited_address(forwarded_client(request.fields, peer_, core_->options.trusted));
}

std::string_view connection::consume(std::string_view bytes) {
  while (!bytes.empty() && can_take()) {
    bytes.remove_prefix(gate_.feed(bytes));
    note_progress();
    const bool complete = gate_.complete();
    const bool spools = gate_.spools() && !gate_.refused() && gate_.body_bytes() > 0;
    if (spools && (complete || gate_.buffered_bytes() >= spool_piece_bytes))
      spool_piece();
    else if (complete)
      finish_request();
  }
  return closing_ ? std::string_view{} : bytes;
}

void connection::note_progress() {
  if (!in_request_ && !gate_.idle()) {
    in_request_ = true;
    since_ = core_->now;
  }
  if (!in_body_ && gate_.reading_body()) {
    in_body_ = true;
    since_ = core_->now;
    body_bytes_seen_ = 0;
    continue_due_ = gate_.expects_continue();
  }
  if (gate_.body_bytes() > 0 || gate_.complete()) continue_due_ = false;
}

void connection::finish_request() {
  in_request_ = false;
  in_body_ = false;
  since_ = core_->now;
  if (const auto refused = gate_.refused()) {
    refuse(*refused);
    return;
  }
  const auto sequence = first_sequence_ + exchanges_.size();
  exchange waiting;
  waiting.head_only = gate_.is_head();
  waiting.http_1_0 = gate_.is_http_1_0();
  exchanges_.push_back(std::move(waiting));
  closing_ = !gate_.keeps_alive();
  auto request = gate_.take();
  request.client = client_of(request);
  if (spool_) request.spooled = std::exchange(spool_, nullptr)->release();
  gate_.next();
  try {
    core_->handler(std::move(request), std::make_unique<ticket>(core_, shared_from_this(), sequence));
  } catch (const std::exception&) {
    // The ticket went with the handler, unanswered: that closes the connection.
  }
}

void connection::refuse(const gate_refusal& refused) {
  const bool keeps_alive = gate_.keeps_alive() && !refused.close;
  exchange settled;
  settled.head_only = gate_.is_head();
  settled.http_1_0 = gate_.is_http_1_0();
  auto request = gate_.take();
  request.client = client_of(request);
  const auto brought = request.field("request-id").value_or(std::string_view{});
  settled.response = to_response(refused.code, refused.detail,
                                 is_request_id(brought) ? std::string{brought} : core_->make_request_id());
  if (core_->options.on_refusal) core_->options.on_refusal(request, *settled.response);
  exchanges_.push_back(std::move(settled));
  closing_ = !keeps_alive;
  spool_.reset();
  gate_.next();
}

void connection::spool_piece() {
  spooling_ = true;
  asio::post(*core_->spooler, [self = shared_from_this(), piece = gate_.take_body()] {
    bool written = true;
    try {
      if (!self->spool_) self->spool_ = std::make_shared<spool_file>(self->core_->options.spool_folder);
      self->spool_->write(piece);
    } catch (const std::system_error&) {
      written = false;
    }
    asio::post(self->core_->io, [self, written] { self->on_spooled(written); });
  });
}

void connection::on_spooled(bool written) {
  spooling_ = false;
  since_ = core_->now;
  if (closed_) return;
  if (!written)
    refuse({"storage_full", "The body could not be stored.", true});
  else if (gate_.complete())
    finish_request();
  pump();
}

void connection::answer(std::uint64_t sequence, std::optional<http_response> response) {
  if (sequence < first_sequence_ || sequence - first_sequence_ >= exchanges_.size()) return;
  auto& settled = exchanges_[sequence - first_sequence_];
  settled.dropped = !response;
  core_->refuses |= response && response->status == 503;
  settled.response = std::move(response);
}

void connection::add(std::string piece) {
  asked_for_more_ = false;
  if (!more_) return;
  if (piece.empty()) {
    more_ = nullptr;
    return;
  }
  if (out_.empty()) written_at_ = core_->now;
  out_.append(std::move(piece));
}

void connection::advance() {
  std::size_t sent = 0;
  while (sent < exchanges_.size() && exchanges_[sent].settled()) {
    auto& done = exchanges_[sent];
    const bool last = sent + 1 == exchanges_.size();
    if (core_->draining && last && !in_request_ && pending_.empty()) closing_ = true;
    const bool ends = done.dropped || done.response->close || done.response->more || (closing_ && last);
    if (!done.dropped) send(std::move(done), ends);
    ++sent;
    if (!ends) continue;
    closing_ = true;
    sent = exchanges_.size();
    pending_.clear();
  }
  exchanges_.erase(exchanges_.begin(), exchanges_.begin() + static_cast<std::ptrdiff_t>(sent));
  first_sequence_ += sent;
  if (sent > 0 && exchanges_.empty() && !in_request_) since_ = core_->now;
  if (continue_due_ && exchanges_.empty()) {
    continue_due_ = false;
    out_.text() += "HTTP/1.1 100 Continue\r\n\r\n";
  }
}

void connection::send(exchange done, bool close) {
  if (out_.empty()) written_at_ = core_->now;
  if (!done.head_only && !core_->draining) more_ = done.response->more;
  append_answer(
      out_, std::move(*done.response),
      {done.head_only, close, done.http_1_0, tls_ ? core_->tls_common_fields : core_->common_fields});
}

bool connection::flush() {
  while (!out_.empty() && !writing_) {
    std::array<asio::const_buffer, pieces_max> buffers;
    std::size_t count = 0;
    for (const auto& piece : out_.pieces()) {
      if (count == pieces_max) break;
      const auto skipped = count == 0 ? out_.first_offset() : 0;
      buffers[count++] = asio::buffer(piece.data() + skipped, piece.size() - skipped);
    }
    error_code ec;
    const auto written = write_some(std::span{buffers.data(), count}, ec);
    if (ec == asio::error::would_block) {
      arm_write();
      break;
    }
    if (ec) {
      close();
      return false;
    }
    out_.consume(written);
    written_at_ = core_->now;
  }
  return true;
}

void connection::ask_for_more() {
  if (!more_ || asked_for_more_ || !out_.empty()) return;
  if (core_->draining) {
    more_ = nullptr;
    return;
  }
  asked_for_more_ = true;
  more_->next(std::make_unique<piece_ticket>(core_, shared_from_this()));
}

// Who reads a body that goes on has nothing more to say: whatever comes is thrown away, and its end is the
// end.
void connection::watch_reader() {
  error_code ec;
  if (read_some(ec) == 0 && ec && ec != asio::error::would_block) return close();
  if (!read_wants_write_) return arm_read();
  if (!writing_) arm_write();
}

void connection::arm_write() {
  writing_ = true;
  socket_.async_wait(asio::socket_base::wait_write, [self = shared_from_this()](const error_code& ec) {
    self->writing_ = false;
    if (self->closed_) return;
    if (ec) return self->close();
    if (std::exchange(self->read_wants_write_, false))
      self->more_ ? self->watch_reader() : self->on_readable();
    if (!self->closed_) self->pump();
  });
}

void connection::pump() {
  if (closed_ || lingering_) return;
  for (;;) {
    advance();
    if (!flush()) return;
    if (pending_.empty() || !can_take()) break;
    const auto bytes = std::exchange(pending_, {});
    pending_ = consume(bytes);
  }
  ask_for_more();
  if (closed_) return;
  const bool quiet = exchanges_.empty() && out_.empty() && !more_;
  if (quiet && (closing_ || (eof_ && !spooling_))) return linger();
  arm_read();
}

void connection::linger() {
  end_service();
  error_code ec;
  if (tls_) tls_->end();
  socket_.shutdown(asio::socket_base::shutdown_send, ec);
  if (ec || eof_) return close();
  lingering_ = true;
  pending_.clear();
  linger_until_ = core_->now + linger_time;
  discard();
}

void connection::discard() {
  error_code ec;
  auto& scratch = core_->scratch;
  while (!ec && lingered_bytes_ < linger_bytes_max)
    lingered_bytes_ += socket_.read_some(asio::buffer(scratch), ec);
  if (ec != asio::error::would_block) return close();
  arm_read();
}

void connection::end_service() {
  if (std::exchange(served_, false)) core_->connection_ended();
}

void connection::close() {
  if (std::exchange(closed_, true)) return;
  more_ = nullptr;
  if (handshaking_) ++core_->tls.failed;
  if (tls_) tls_->abandoned = true;
  if (!stepping_) close_socket();
  auto& all = core_->connections;
  all[position] = std::move(all.back());
  all[position]->position = position;
  all.pop_back();
  core_->connection_count = all.size();
  const auto of_client = core_->connections_of.find(client_);
  if (--of_client->second == 0) core_->connections_of.erase(of_client);
  end_service();
}

void connection::close_socket() {
  error_code ignored;
  socket_.close(ignored);
}

void connection::drain() {
  if (closed_ || lingering_) return;
  if (handshaking_) return close();  // it has asked nothing yet
  if (more_) {
    more_ = nullptr;  // what it was told is whole; it goes on at another node
    return pump();
  }
  if (idle_since()) on_readable();  // what has come already is still answered
  if (!closed_ && idle_since()) linger();
}

void connection::turn_away(std::string_view why) {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  exchange settled;
  settled.response = to_response("overloaded", why, core_->make_request_id());
  closing_ = true;
  exchanges_.push_back(std::move(settled));
  pump();
}

void connection::tick() {
  const auto& options = core_->options;
  const auto now = core_->now;
  const auto past = [&](std::chrono::milliseconds since, unsigned timeout_ms) {
    return now - since >= std::chrono::milliseconds{timeout_ms};
  };
  if (handshaking_) {
    if (past(since_, core_->tls_settings->handshake_timeout_ms)) close();
  } else if (awaits_proxy_) {
    if (past(since_, options.head_timeout_ms)) close();
  } else if (lingering_) {
    if (now >= linger_until_) close();
  } else if (writing_) {
    if (past(written_at_, options.write_timeout_ms)) close();
  } else if (!can_take()) {
    return;  // it waits for us, not we for it
  } else if (in_body_) {
    if (past(since_, options.body_timeout_ms)) check_body_rate();
  } else if (in_request_) {
    if (past(since_, options.head_timeout_ms)) {
      refuse({"request_timeout", "The head of the request did not arrive in time.", true});
      pump();
    }
  } else if (exchanges_.empty() && past(since_, options.idle_timeout_ms)) {
    linger();
  }
}

void connection::check_body_rate() {
  const auto seconds = std::max<std::size_t>(core_->options.body_timeout_ms / 1000, 1);
  const auto came = gate_.body_bytes() - body_bytes_seen_;
  if (came >= body_bytes_per_second_min * seconds) {
    body_bytes_seen_ = gate_.body_bytes();
    since_ = core_->now;
    return;
  }
  refuse({"request_timeout", "The body did not arrive in time.", true});
  pump();
}

}  // namespace souk::gateway
