#include "relay/http/body_stream.hpp"

#include <utility>

namespace natterjack::relay {

bool body_stream::write(std::string_view bytes) {
  std::function<void()> wake;
  {
    std::lock_guard guard(mutex_);
    if (closed_ || ended_)
      return false;
    waiting_.append(bytes);
    if (!bytes.empty() && wake_ && !std::exchange(told_, true))
      wake = wake_;
  }
  if (wake)
    wake();
  return true;
}

bool body_stream::is_full() const {
  std::lock_guard guard(mutex_);
  return !closed_ && waiting_.size() >= bytes_max_;
}

bool body_stream::is_closed() const {
  std::lock_guard guard(mutex_);
  return closed_;
}

bool body_stream::has_ended() const {
  std::lock_guard guard(mutex_);
  return ended_;
}

void body_stream::when_room(std::function<void()> call) {
  {
    std::lock_guard guard(mutex_);
    if (!closed_ && waiting_.size() >= bytes_max_) {
      room_ = std::move(call);
      return;
    }
  }
  call();
}

void body_stream::end(bool failed, unsigned status) {
  std::function<void()> wake;
  {
    std::lock_guard guard(mutex_);
    if (std::exchange(ended_, true))
      return;
    failed_ = failed;
    status_ = status;
    if (wake_ && !std::exchange(told_, true))
      wake = wake_;
  }
  if (wake)
    wake();
}

void body_stream::attach(std::function<void()> wake) {
  bool now;
  {
    std::lock_guard guard(mutex_);
    wake_ = std::move(wake);
    now = ended_ || !waiting_.empty();
    told_ = now;
    wake = wake_;
  }
  if (now)
    wake();
}

body_stream::piece body_stream::take() {
  piece taken;
  std::function<void()> room;
  {
    std::lock_guard guard(mutex_);
    taken.bytes = std::exchange(waiting_, {});
    taken.last = ended_;
    taken.failed = failed_;
    taken.status = status_;
    told_ = false;
    room = std::exchange(room_, nullptr);
  }
  if (room)
    room();
  return taken;
}

void body_stream::close() {
  std::function<void()> room;
  std::function<void()> wake; // destroyed with nothing locked
  {
    std::lock_guard guard(mutex_);
    closed_ = true;
    std::string().swap(waiting_);
    room = std::exchange(room_, nullptr);
    wake = std::exchange(wake_, nullptr);
  }
  if (room)
    room();
}

} // namespace natterjack::relay
