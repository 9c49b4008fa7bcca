#include "relay/http/http_session.hpp"
#include "relay/http/upgrade.hpp"

#include <spdlog/spdlog.h>

namespace natterjack::relay {

using tcp = boost::asio::ip::tcp;
using boost::system::error_code;

namespace {

// Of a body that is larger its handler hears before all has come. Others are whole first: a client that
// is slow with them must not hold a handler.
constexpr size_t whole_body_bytes = 256 << 10;
constexpr int steps_a_turn = 32;

} // namespace

// @returns true if the request has been given to its handler
bool http_session::dispatch_early() {
  if (reader_.body_bytes() < whole_body_bytes)
    return false;
  const auto& request = reader_.request();
  const auto match = routes_->find(request.method, request.raw_path);
  if (match.found == nullptr || !match.found->streams_body || wants_websocket(request))
    return false;
  incoming_ = std::make_shared<body_stream>(whole_body_bytes);
  incoming_->write(reader_.take_piece());
  dispatch();
  pump();
  return true;
}

// Reads on as far as the handler takes what comes.
void http_session::pump() {
  if (!incoming_ || pump_waits_ || phase_ == phase::closed)
    return;
  const auto self = shared_from_this();
  for (int step = 0; incoming_; ++step) {
    if (incoming_->is_full()) {
      if (owns_timer())
        timer_.cancel(); // the handler may take its time
      pump_waits_ = true;
      incoming_->when_room([weak = weak_from_this(), &thread = thread_] {
        if (auto held = weak.lock())
          thread.push_call([held = std::move(held)] {
            held->pump_waits_ = false;
            held->pump();
          });
      });
      return;
    }
    if (!pump_some())
      return;
    if (step == steps_a_turn) {
      thread_.push_call([self] { self->pump(); });
      return;
    }
  }
}

// @returns false if the socket has to be waited for, or nothing more comes
bool http_session::pump_some() {
  const auto how = reader_.parse();
  if (auto piece = reader_.take_piece(); !piece.empty())
    incoming_->write(piece);
  if (how == request_reader::outcome::done) {
    reader_.end_body();
    std::exchange(incoming_, nullptr)->finish();
    if (owns_timer())
      timer_.cancel();
    return false;
  }
  if (how == request_reader::outcome::failed) {
    auto failure = reader_.failure();
    const auto status = failure.status;
    break_intake(std::move(failure), status);
    return false;
  }
  const auto [to, size] = reader_.prepare();
  const auto got = wire_->read(to, size);
  if (got.what == http_wire::state::ok) {
    reader_.commit(got.bytes);
    set_timer(gateway_->limits.body_timeout);
    return true;
  }
  if (got.what != http_wire::state::want_read && got.what != http_wire::state::want_write) {
    spdlog::debug("{}: request cut off", remote_);
    break_intake(text_response(400, "the body is not complete"), 400);
    return false;
  }
  if (!timer_.is_set())
    set_timer(gateway_->limits.body_timeout);
  pump_waits_ = true;
  wire_->socket().async_wait(got.what == http_wire::state::want_write ? tcp::socket::wait_write
                                                                      : tcp::socket::wait_read,
                             [self = shared_from_this()](error_code ec) {
                               self->pump_waits_ = false;
                               if (!ec)
                                 self->pump();
                             });
  return false;
}

// The handler hears of it, and its answer still goes out, as the last.
void http_session::break_intake(http_response failure, unsigned status) {
  keep_alive_ = false;
  if (owns_timer())
    timer_.cancel();
  intake_failure_ = std::move(failure);
  std::exchange(incoming_, nullptr)->fail(status);
}

} // namespace natterjack::relay
