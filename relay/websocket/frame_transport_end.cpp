#include "relay/websocket/frame_transport.hpp"

#include <sys/socket.h>
#include <unistd.h>

namespace natterjack::relay {

namespace {

constexpr auto close_wait = std::chrono::seconds(5);  // for the client's close frame
constexpr auto linger_wait = std::chrono::seconds(2); // for the client's FIN
constexpr auto answer_wait = std::chrono::milliseconds(20); // for answers to a client that ends, so often:
constexpr uint8_t answer_waits = 5;

} // namespace

void frame_transport::close(uint16_t code, std::string_view reason) {
  if (closing_ || owner_ == nullptr)
    return;
  closing_ = true;
  reader_.drop_messages();
  set_deadline(close_wait);
  box_.push_control(opcode::close, encode_close(code, reason));
  if (!in_reader_)
    read_on(); // for the client's answer
}

void frame_transport::close_now(uint16_t code, std::string_view reason) {
  box_.drop_data();
  close(code, reason);
}

void frame_transport::abort() {
  close_socket();
  finish({});
}

// The client has ended, or has to. What it asked before is answered first, if that takes no longer than
// a moment: a hub has its messages already, and its answers are behind us in the queue of this thread.
void frame_transport::end_with(hub::shared_bytes close_frame, ws_end end) {
  closing_ = true; // so that nobody closes in another way meanwhile
  reader_.stop();
  ending_ = std::make_unique<ending>(ending{std::move(close_frame), std::move(end), 0, false});
  if (owner_->owes_answers())
    set_deadline(answer_wait);
  else
    conclude();
}

void frame_transport::look_for_answers() {
  if (!ending_)
    return;
  ending_->is_looked_at = false;
  if (!owner_->owes_answers())
    conclude();
}

void frame_transport::conclude() {
  const auto last = std::move(ending_);
  box_.push_control(opcode::close, last->close_frame);
  finish(last->end);
}

void frame_transport::set_deadline(std::chrono::nanoseconds wait) {
  deadline_.set(thread_, wait, this,
                [](void* self) { static_cast<frame_transport*>(self)->on_deadline(); });
}

void frame_transport::on_deadline() {
  const auto self = shared_from_this();
  if (ending_) {
    if (++ending_->waits < answer_waits && owner_->has_unheard())
      set_deadline(answer_wait);
    else
      conclude();
    return;
  }
  close_socket();
  finish({});
}

// Tells the owner once, then waits a little for the client's FIN, so that closing with unread bytes
// does not turn the close frame into a reset. A client whose close frame was the last we know of has no
// such bytes.
void frame_transport::finish(ws_end end) {
  auto self = shared_from_this();
  client_has_closed_ = end.clean;
  wants_message_ = false;
  reader_.stop();
  ending_.reset();
  if (owner_ != nullptr) {
    auto owner_actor = std::move(owner_actor_);
    std::exchange(owner_, nullptr)->on_closed(end);
  }
  if (lingering_)
    return;
  lingering_ = true;
  if (descriptor_ < 0) {
    deadline_.cancel();
    return;
  }
  // The owner lets go now, with our close frame still queued.
  watch_.hold(*this, self);
  if (box_.empty())
    shut_down_output();
  else // a client that does not read what is queued gets as long as for its close frame
    set_deadline(close_wait);
}

void frame_transport::shut_down_output() {
  if (descriptor_ < 0 || output_shut_)
    return;
  if (client_has_closed_ && !has_bytes_) {
    close_socket();
    return;
  }
  output_shut_ = true;
  ::shutdown(descriptor_, SHUT_WR);
  set_deadline(linger_wait);
  if (!in_reader_)
    read_to_end();
}

void frame_transport::read_to_end() {
  if (descriptor_ < 0 || !has_bytes_)
    return;
  const auto n = receive();
  if (n == 0 || (n < 0 && has_bytes_))
    close_socket();
  else if (has_bytes_)
    read_later();
}

void frame_transport::close_socket() {
  const auto self = watch_.let_go(*this); // may be the last that holds us: freed at the end
  deadline_.cancel();
  release_socket();
}

void frame_transport::release_socket() noexcept {
  if (descriptor_ < 0)
    return;
  box_.abandon();
  watch_.remove(descriptor_, *this);
  ::close(std::exchange(descriptor_, -1));
}

} // namespace natterjack::relay
