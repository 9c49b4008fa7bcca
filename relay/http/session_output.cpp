#include "hub/counters.hpp"
#include "relay/http/http_session.hpp"
#include "relay/http/relaying.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>

namespace natterjack::relay {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr size_t joined_body_bytes = 16 << 10; // copied behind the head: one write instead of two
constexpr size_t stream_ahead_bytes = 64 << 10;
constexpr auto linger_wait = std::chrono::seconds(2);
constexpr auto watch_interval = std::chrono::seconds(1);

// What a client did wrong. A server of websockets alone says 426 or 400, and 408 to the slow.
bool is_refusal(unsigned status) noexcept {
  return (status > 400 && status < 500 && status != 408 && status != 426) || status == 501 ||
         status == 505;
}

} // namespace

void http_session::write_head(const http_response& response, framing how) {
  keep_alive_ = how.keep_alive;
  const auto of_class = std::clamp(response.status / 100, 1U, 5U) - 1;
  hub::count(static_cast<hub::counter>(static_cast<size_t>(hub::counter::responses_1xx) + of_class));
  set_phase(phase::writing);
  writer_.push(response_head(response, how));
}

void http_session::write(http_response response) {
  if (phase_ == phase::closed) {
    if (response.stream)
      response.stream->close();
    return;
  }
  if (gateway_->websockets_only && is_refusal(response.status))
    response.status = 400;
  if (response.status == 205) { // RFC 9110 15.3.6: of length zero, whatever the handler has written
    response.body.clear();
    response.file.reset();
    if (auto stream = std::exchange(response.stream, nullptr))
      stream->close();
  }
  const bool has_body = response.status >= 200 && response.status != 204 && response.status != 304;
  const bool streams = response.stream && has_body;
  if (incoming_ || intake_failure_)
    keep_alive_ = false; // where the next request would begin is not known
  chunked_ = streams && !is_http_1_0_;
  framing how{keep_alive_ && (!streams || chunked_), chunked_, streams && !chunked_, is_http_1_0_};
  set_timer(gateway_->limits.body_timeout); // without progress
  if (response.stream && (!streams || is_head_request_))
    std::exchange(response.stream, nullptr)->close();
  if (is_head_request_ || !has_body) {
    write_head(response, how);
  } else if (response.file) {
    write_head(response, how);
    writer_.push_file(response.file, response.file_offset, response.body_size());
  } else if (!streams && response.body.size() <= joined_body_bytes) {
    keep_alive_ = how.keep_alive;
    set_phase(phase::writing);
    writer_.push(response_head(response, how) + response.body);
  } else {
    write_head(response, how);
    if (streams)
      push_piece(response.body);
    else
      writer_.push(std::move(response.body));
  }
  if (response.stream)
    begin_stream(std::move(response.stream));
  writer_.flush();
}

void http_session::on_write_progress() {
  if (events_ != nullptr)
    events_->on_progress();
  else if (phase_ == phase::writing || phase_ == phase::streaming)
    set_timer(gateway_->limits.body_timeout);
}

void http_session::on_all_written() {
  if (phase_ == phase::writing) {
    on_answered();
  } else if (phase_ == phase::streaming && ended_) {
    on_answered();
  } else if (stream_) {
    if (!incoming_)
      timer_.cancel(); // the handler may take its time
    pull();
  }
}

void http_session::on_answered() {
  ended_ = false;
  chunked_ = false;
  if (keep_alive_ && !gateway_->draining.load(std::memory_order_relaxed)) {
    begin_request(gateway_->limits.idle_timeout);
    run();
    return;
  }
  if (auto incoming = std::exchange(incoming_, nullptr))
    incoming->fail();
  // Let the client read the answer: closing with unread input would turn it into a reset.
  wire_->shut_down();
  set_phase(phase::lingering);
  set_timer(linger_wait);
  read_to_end();
}

void http_session::begin_stream(std::shared_ptr<body_stream> stream) {
  set_phase(phase::streaming);
  stream_ = std::move(stream);
  // Weak, and given away: nobody who writes may be the last to hold a session, on a thread that is not
  // its own. While it streams, `watch` holds it.
  stream_->attach([weak = weak_from_this(), &thread = thread_] {
    if (auto self = weak.lock())
      thread.push_call([self = std::move(self)] { self->pull(); });
  });
  watch();
}

void http_session::push_piece(std::string_view bytes) {
  if (!bytes.empty())
    writer_.push(chunked_ ? encode_chunk(bytes) : std::string(bytes));
}

// Takes what the handler has written, unless the client has enough to read already.
void http_session::pull() {
  if (!stream_ || phase_ != phase::streaming || writer_.bytes() > stream_ahead_bytes)
    return;
  const auto self = shared_from_this();
  const auto piece = stream_->take();
  push_piece(piece.bytes);
  if (piece.failed) {
    spdlog::debug("{}: answer broken off by its handler", remote_);
    close(); // without its end: the client must not take it for the whole
  } else if (piece.last) {
    std::exchange(stream_, nullptr)->close();
    end_stream();
    set_timer(gateway_->limits.body_timeout);
    if (writer_.empty())
      on_answered();
  } else if (!writer_.empty()) {
    set_timer(gateway_->limits.body_timeout);
  }
}

void http_session::end_stream() {
  ended_ = true;
  if (chunked_)
    writer_.push(encode_chunk({}));
}

void http_session::start_events(const std::string& header, http_response response) {
  event_stream_options options{gateway_, {}, {}, route_->options->dialect};
  if (auto refusal = read_sse_relay(header, *request_, *route_, *gateway_, options.config,
                                    options.target)) {
    finish_chain(*refusal);
    write(std::move(*refusal));
    return;
  }
  for (const auto& [name, value] : {std::pair{"Content-Type", "text/event-stream"},
                                    std::pair{"Cache-Control", "no-cache"},
                                    std::pair{"X-Accel-Buffering", "no"}})
    if (response.header(name).empty())
      response.set(name, value);
  finish_chain(response);
  chunked_ = !is_http_1_0_;
  write_head(response, {keep_alive_ && chunked_, chunked_, !chunked_, is_http_1_0_});
  if (is_head_request_) {
    writer_.flush();
    return;
  }
  timer_.cancel();
  set_phase(phase::streaming);
  auto started = start_event_stream(thread_, shared_from_this(), std::move(options));
  events_actor_ = std::move(started.actor);
  events_ = started.source;
  writer_.flush();
  watch();
}

// A client that is sent a stream says nothing more: that it hangs up is seen only by looking. What is
// awaited here also holds the session while nothing else does.
void http_session::watch() {
  if (phase_ != phase::streaming || watching_)
    return;
  const auto seen = incoming_ ? http_wire::state::ok : wire_->peek();
  const auto again = [self = shared_from_this()](error_code ec) {
    self->watching_ = false;
    if (!ec)
      self->watch();
  };
  if (seen == http_wire::state::want_read) {
    watching_ = true;
    wire_->socket().async_wait(tcp::socket::wait_read, again);
  } else if ((seen == http_wire::state::ok || seen == http_wire::state::want_write) &&
             !wire_->peer_is_gone()) {
    watching_ = true; // a request that will have to wait, or a body that still comes
    auto pause = std::make_shared<asio::steady_timer>(thread_.context(), watch_interval);
    pause->async_wait([again, pause](error_code ec) { again(ec); });
  } else {
    close();
  }
}

void http_session::finish() {
  events_ = nullptr;
  events_actor_ = nullptr;
  end_stream();
  // Not now: the stream is in the middle of something.
  asio::post(thread_.context(), [self = shared_from_this()] {
    if (self->phase_ == phase::streaming && self->writer_.empty())
      self->on_answered();
  });
  set_timer(gateway_->limits.body_timeout);
}

void http_session::abort() {
  events_ = nullptr;
  events_actor_ = nullptr;
  asio::post(thread_.context(), [self = shared_from_this()] { self->close(); });
}

} // namespace natterjack::relay
