#include "relay/io_thread.hpp"

#include "hub/thread_name.hpp"

#include "relay/batch_writer.hpp"
#include "relay/message_run.hpp"

#include <boost/asio/post.hpp>

#include <caf/actor_cast.hpp>

#include <algorithm>
#include <utility>

namespace natterjack::relay {

namespace {

// Deliveries before sockets are written and read again: some milliseconds of work. Broadcasts laid end to
// end are one for each receiver.
constexpr size_t deliveries_a_turn_max = 16'384;
// Of broadcasts taken together: what a socket takes at once, about.
constexpr size_t run_bytes_max = 64 << 10;
// Receivers from which on a lone broadcast is copied for this thread.
constexpr size_t laid_from = 4;
// Sockets from which on they are written together.
constexpr size_t batch_from = 4;

bool are_same(const std::vector<hub::process_ref>& a, const std::vector<hub::process_ref>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const auto& x, const auto& y) { return x.self == y.self; });
}

} // namespace

io_thread::io_thread(caf::actor_system& system)
    : caf::execution_unit(&system), guard_(context_.get_executor()), clock_(context_) {}

io_thread::~io_thread() {
  stop();
  for (size_t i = batch_done_; i < batch_.size(); ++i)
    discard(batch_[i]);
  for (std::vector<work> left; !queue_.empty(); left.clear()) { // what is let go of may queue more
    left.swap(queue_);
    for (auto& w : left)
      discard(w);
  }
  // What the loop's own operations hold is destroyed with it, behind the list of marks.
  for (auto* who : dirty_)
    if (who != nullptr)
      who->dirty_index_ = static_cast<size_t>(-1);
}

void io_thread::start(size_t number) {
  thread_ = std::thread([this, number] {
    hub::name_thread("io-" + std::to_string(number));
    hub::wake_list::use(this);
    context_.run();
  });
}

void io_thread::stop() {
  guard_.reset();
  context_.stop();
  if (thread_.joinable())
    thread_.join();
}

// -- the queue ----------------------------------------------------------------

template <class Put>
void io_thread::queue(Put&& put) {
  auto* later = hub::wake_list::current();
  if (later == this)
    later = nullptr; // its own loop is awake
  bool is_asleep;
  {
    std::lock_guard guard(mutex_);
    const bool is_added = put(queue_);
    // A loop that adds to one element asks once: else it would count as a batch, and we would begin with
    // a part of the receivers.
    is_asleep = !scheduled_ && !(is_added && later != nullptr && last_asked_ == later);
    last_asked_ = later;
    if (later == nullptr)
      scheduled_ = true;
  }
  if (!is_asleep)
    return;
  if (later != nullptr)
    later->add(*this);
  else
    boost::asio::post(context_, [this] { drain(); });
}

void io_thread::push(work w) {
  queue([&w](std::vector<work>& all) {
    all.push_back(w);
    return false;
  });
}

// Receivers of what our sockets said: a drain wakes them at its end by itself.
void io_thread::on_first() noexcept {
  if (!draining_)
    schedule_flush();
}

void io_thread::wake() noexcept {
  {
    std::lock_guard guard(mutex_);
    if (scheduled_ || queue_.empty())
      return;
    scheduled_ = true;
  }
  boost::asio::post(context_, [this] { drain(); });
}

void io_thread::push(pinned* to, caf::mailbox_element_ptr element) {
  intrusive_ptr_add_ref(to->control_);
  push(work{kind::element, 0, to, element.release()});
}

// The same message to one receiver after another is a broadcast that its sender wrote as a loop: they
// are gathered in one list, at the place in the queue where the first of them stands.
void io_thread::push(pinned* to, hub::message_ptr what) {
  queue([to, &what](std::vector<work>& all) {
    const bool is_again = !all.empty() && all.back().content == what.get();
    if (is_again && all.back().what == kind::message) {
      auto* first = static_cast<pinned*>(all.back().object);
      auto list = std::make_unique<member_list>();
      list->reserve(16);
      list->push_back({caf::strong_actor_ptr{first->control_, false}, first});
      all.back().what = kind::deliver_list;
      all.back().object = list.release();
    }
    if (is_again && all.back().what == kind::deliver_list) {
      static_cast<member_list*>(all.back().object)->push_back({caf::strong_actor_ptr{to->control_}, to});
      return true;
    }
    intrusive_ptr_add_ref(to->control_);
    all.push_back(work{kind::message, 0, to, what.detach()});
    return false;
  });
}

void io_thread::push_start(pinned* who) {
  intrusive_ptr_add_ref(who->control_);
  push(work{kind::start, 0, who});
}

void io_thread::push_wake(pinned* who) {
  intrusive_ptr_add_ref(who->control_);
  push(work{kind::wake, 0, who});
}

void io_thread::push_call(std::function<void()> call) {
  push(work{kind::call, 0, new std::function<void()>(std::move(call))});
}

// CAF hands over the reference it holds for a resumable.
void io_thread::exec_later(caf::resumable* what) { push(work{kind::resume, 0, what}); }

void io_thread::join(uint64_t number, hub::process_ref member) {
  push(work{kind::join, number, new hub::process_ref(std::move(member))});
}

void io_thread::leave(uint64_t number, uint64_t member) {
  push(work{kind::leave, number, nullptr, reinterpret_cast<const void*>(member)});
}

void io_thread::deliver(uint64_t number, hub::message_ptr what) {
  push(work{kind::deliver, number, nullptr, what.detach()});
}

void io_thread::deliver(std::vector<hub::process_ref> members, hub::message_ptr what) {
  push(work{kind::deliver_list, 0, new member_list(std::move(members)), what.detach()});
}

void io_thread::drain() {
  hub::wake_list::flush(); // what a connection said comes before its end
  draining_ = true;
  if (batch_done_ == batch_.size()) {
    batch_.clear();
    batch_done_ = 0;
    std::lock_guard guard(mutex_);
    batch_.swap(queue_);
    if (batch_.empty()) {
      scheduled_ = false;
      draining_ = false;
      return;
    }
  }
  size_t deliveries = 0;
  while (batch_done_ < batch_.size() && deliveries < deliveries_a_turn_max) {
    const auto w = batch_[batch_done_++];
    deliveries += run(w);
  }
  draining_ = false;
  hub::wake_list::flush();
  flush_dirty();
  bool more = batch_done_ < batch_.size();
  if (!more) {
    std::lock_guard guard(mutex_);
    more = !queue_.empty();
    scheduled_ = more;
  }
  if (more)
    boost::asio::post(context_, [this] { drain(); }); // sockets get their turn first
  else if (batch_.capacity() > 4 * deliveries_a_turn_max)
    std::vector<work>().swap(batch_), batch_done_ = 0;
}

size_t io_thread::run(const work& w) {
  auto* actor = static_cast<pinned*>(w.object);
  switch (w.what) {
    case kind::element:
      actor->run(caf::mailbox_element_ptr{
          const_cast<caf::mailbox_element*>(static_cast<const caf::mailbox_element*>(w.content))});
      intrusive_ptr_release(actor->control_);
      break;
    case kind::message: {
      hub::message_ptr what{static_cast<const hub::message*>(w.content), false};
      actor->take(what);
      intrusive_ptr_release(actor->control_);
      break;
    }
    case kind::start:
      actor->start();
      intrusive_ptr_release(actor->control_);
      break;
    case kind::wake:
      if (actor->is_running())
        actor->on_wake();
      intrusive_ptr_release(actor->control_);
      break;
    case kind::call: {
      std::unique_ptr<std::function<void()>> call(static_cast<std::function<void()>*>(w.object));
      (*call)();
      break;
    }
    case kind::resume: {
      auto* what = static_cast<caf::resumable*>(w.object);
      if (what->resume(this, 64) == caf::resumable::resume_later)
        push(w);
      else
        intrusive_ptr_release(what);
      break;
    }
    case kind::join: {
      std::unique_ptr<hub::process_ref> member(static_cast<hub::process_ref*>(w.object));
      groups_[w.number].add(std::move(*member));
      break;
    }
    case kind::leave: {
      auto g = groups_.find(w.number);
      if (g == groups_.end())
        break;
      g->second.remove(reinterpret_cast<uint64_t>(w.content));
      if (g->second.members.empty())
        groups_.erase(g);
      break;
    }
    case kind::deliver:
    case kind::deliver_list:
      return run_broadcasts(w);
  }
  return 1;
}

// A broadcast and those right behind it that go to the same members: nothing stands between them, so
// each member may take them together.
size_t io_thread::run_broadcasts(const work& first) {
  std::unique_ptr<member_list> listed(static_cast<member_list*>(first.object));
  const member_list* members = listed.get();
  if (first.what == kind::deliver) {
    const auto g = groups_.find(first.number);
    members = g == groups_.end() ? nullptr : &g->second.members;
  }
  size_t bytes = 0;
  const auto add = [this, &bytes](const work& w) {
    run_.emplace_back(static_cast<const hub::message*>(w.content), false);
    bytes += run_.back()->size();
    return message_run::is_for_client(*run_.back());
  };
  const auto is_to_same = [&first, members](const work& w) {
    return w.what == first.what && w.number == first.number &&
           (w.what == kind::deliver || are_same(*static_cast<const member_list*>(w.object), *members));
  };
  bool is_run = add(first) && members != nullptr;
  while (is_run && batch_done_ < batch_.size() && bytes < run_bytes_max &&
         is_to_same(batch_[batch_done_])) {
    const auto& next = batch_[batch_done_];
    if (!message_run::is_for_client(*static_cast<const hub::message*>(next.content)))
      break;
    if (run_.size() == 1 && listed && !are_distinct(*listed))
      break; // who is listed twice gets each message twice before the next one
    ++batch_done_;
    delete static_cast<member_list*>(next.object);
    add(next);
  }
  size_t deliveries = run_.size();
  if (members != nullptr) {
    is_last_of_turn_ = batch_done_ == batch_.size();
    deliver_all(*members, run_);
    is_last_of_turn_ = false;
    deliveries += members->size(); // one block for each of them, however many messages it holds
  }
  run_.clear();
  return deliveries;
}

bool io_thread::are_distinct(const member_list& members) {
  ++lists_seen_;
  for (const auto& member : members)
    if (std::exchange(static_cast<pinned*>(member.self)->list_seen_, lists_seen_) == lists_seen_)
      return false;
  return true;
}

// A single broadcast is laid down anew as well: its frame would be counted up and down by all threads at
// the same time, for each receiver.
void io_thread::deliver_all(const member_list& members,
                            std::span<const hub::message_ptr> messages) {
  if (messages.size() == 1 &&
      (members.size() < laid_from || !message_run::is_for_client(*messages.front()))) {
    for (const auto& member : members)
      static_cast<pinned*>(member.self)->take(messages.front());
    return;
  }
  // Not settled here: other threads deliver the same messages, and a credit is given back by one. It
  // returns when the last of them lets the message go.
  message_run run(messages);
  const batch_writer::scope together(members.size() >= batch_from);
  for (const auto& member : members)
    static_cast<pinned*>(member.self)->take(run);
}

void io_thread::discard(const work& w) {
  auto* actor = static_cast<pinned*>(w.object);
  switch (w.what) {
    case kind::element:
      caf::mailbox_element_ptr{
          const_cast<caf::mailbox_element*>(static_cast<const caf::mailbox_element*>(w.content))}
          .reset();
      intrusive_ptr_release(actor->control_);
      break;
    case kind::message:
      intrusive_ptr_release(static_cast<const hub::message*>(w.content));
      intrusive_ptr_release(actor->control_);
      break;
    case kind::start:
    case kind::wake:
      intrusive_ptr_release(actor->control_);
      break;
    case kind::call:
      delete static_cast<std::function<void()>*>(w.object);
      break;
    case kind::resume:
      intrusive_ptr_release(static_cast<caf::resumable*>(w.object));
      break;
    case kind::join:
      delete static_cast<hub::process_ref*>(w.object);
      break;
    case kind::leave:
      break;
    case kind::deliver_list:
      delete static_cast<member_list*>(w.object);
      [[fallthrough]];
    case kind::deliver:
      intrusive_ptr_release(static_cast<const hub::message*>(w.content));
      break;
  }
}

// -- writing ------------------------------------------------------------------

void io_thread::mark_dirty(flushable& who) {
  if (who.dirty_index_ != static_cast<size_t>(-1))
    return;
  who.dirty_index_ = dirty_.size();
  dirty_.push_back(&who);
  if (!draining_)
    schedule_flush();
}

void io_thread::unmark(flushable& who) noexcept {
  if (who.dirty_index_ == static_cast<size_t>(-1))
    return;
  dirty_[who.dirty_index_] = nullptr;
  who.dirty_index_ = static_cast<size_t>(-1);
}

void io_thread::schedule_flush() {
  if (flush_scheduled_)
    return;
  flush_scheduled_ = true;
  boost::asio::post(context_, [this] {
    flush_scheduled_ = false;
    hub::wake_list::flush();
    flush_dirty();
  });
}

void io_thread::flush_dirty() {
  const batch_writer::scope together(dirty_.size() >= batch_from);
  // By index: a flush may mark others, which are then written in the same turn.
  for (size_t i = 0; i < dirty_.size(); ++i) {
    auto* who = dirty_[i];
    if (who == nullptr)
      continue;
    who->dirty_index_ = static_cast<size_t>(-1);
    who->flush();
  }
  dirty_.clear();
}

// -- timers -------------------------------------------------------------------

void io_thread::set_timer(timer_wheel::timer& t, std::chrono::nanoseconds delay) {
  const auto now = timer_wheel::clock::now();
  const auto wait = std::chrono::duration_cast<timer_wheel::clock::duration>(delay);
  wheel_.set(t, wait, now);
  if (clock_due_ == timer_wheel::clock::time_point::max() || wait < clock_due_ - now)
    arm_timer();
}

void io_thread::arm_timer() {
  if (wheel_.empty()) {
    clock_due_ = timer_wheel::clock::time_point::max();
    return;
  }
  clock_due_ = wheel_.next();
  clock_.expires_at(clock_due_);
  clock_.async_wait([this](boost::system::error_code ec) {
    if (ec)
      return; // armed anew
    clock_due_ = timer_wheel::clock::time_point::max();
    wheel_.advance();
    arm_timer();
  });
}

} // namespace natterjack::relay
