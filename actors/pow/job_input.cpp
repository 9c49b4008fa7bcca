// Input of a job on its way to the code: queued until it is asked for, one piece at a time.
#include "actors/pow/job_actor.hpp"
#include "hub/message.hpp"

namespace natterjack::pow {

namespace {

constexpr size_t piece_overhead = 64; // so that a queue of tiny pieces is bounded as well

bool is_input(const hub::message& what) noexcept {
  return what.topic() == "pow.input" && !what.payloads().empty();
}

} // namespace

void job::push_input(std::string_view bytes, input_done on_done) {
  queue({std::string(bytes), nullptr, std::move(on_done)});
}

// The last that is heard of a piece: its sender may send more.
void job::let_go(const piece& gone, bool was_read) {
  if (gone.message) {
    sent_bytes_.fetch_sub(gone.view().size() + piece_overhead, std::memory_order_relaxed);
    gone.message->settle();
  }
  if (gone.on_done)
    gone.on_done(was_read);
}

void job::queue(piece added) {
  const bool is_empty = added.view().empty(); // nobody can read nothing
  if (ended_ || input_closed_ || is_empty) {
    let_go(added, is_empty);
    return;
  }
  // The short way: the code waits for input, and nothing stands before it.
  if (wants_input_ && input_.empty() && !pumping_ && code_) {
    wants_input_ = false;
    pumping_ = true;
    guard([this, &added] { code_->on_input(added.view()); });
    pumping_ = false;
    let_go(added, true);
    pump();
    return;
  }
  input_bytes_ += added.view().size() + piece_overhead;
  input_.push_back(std::move(added));
  if (!has_input_room())
    input_was_full_ = true;
}

void job::pump() {
  if (pumping_)
    return; // the loop below sees what has changed
  pumping_ = true;
  while (wants_input_ && !ended_ && code_ && !input_.empty()) {
    wants_input_ = false;
    auto next = std::move(input_.front());
    input_.pop_front();
    input_bytes_ -= next.view().size() + piece_overhead;
    guard([this, &next] { code_->on_input(next.view()); });
    let_go(next, true);
  }
  if (input_closed_ && input_.empty() && !input_end_told_ && !ended_ && code_) {
    input_end_told_ = true;
    guard([this] { code_->on_input_end(); });
  }
  pumping_ = false;
  if (input_was_full_ && has_input_room()) {
    input_was_full_ = false;
    if (front_)
      front_->on_input_room();
  }
}

void job::take_back_input() {
  std::erase_if(input_, [this](const piece& p) {
    if (p.on_done)
      input_bytes_ -= p.view().size() + piece_overhead;
    return static_cast<bool>(p.on_done);
  });
}

void job::drop_input() {
  input_bytes_ = 0;
  for (auto dropped = std::exchange(input_, {}); const auto& p : dropped)
    let_go(p, false);
}

void job::read() {
  wants_input_ = true;
  pump();
}

void job::close_input() {
  if (ended_ || input_closed_)
    return;
  input_closed_ = true;
  pump();
}

// From any thread. A job that does not read must not let other processes fill the memory.
hub::send_result job::deliver(hub::message_ptr what) noexcept {
  if (is_input(*what)) {
    const auto size = what->payloads().front().bytes().size() + piece_overhead;
    if (sent_bytes_.load(std::memory_order_relaxed) >= bounds_.input_bytes)
      return hub::send_result::mailbox_full;
    sent_bytes_.fetch_add(size, std::memory_order_relaxed);
  }
  return pinned_actor::deliver(std::move(what));
}

bool job::accept_input(const hub::message_ptr& what) {
  if (!is_input(*what))
    return false;
  queue({{}, what, {}});
  return true;
}

} // namespace natterjack::pow
