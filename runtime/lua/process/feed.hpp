// What comes to a process from outside, in order: messages for the inbox and for listeners, events.
//
//   message whose topic a listener wants   waits in that listener's queue
//   other message                          waits in the inbox queue, once `inbox()` was called
//                                          else unclaimed, until somebody asks
//   event                                  waits in the events queue
//   never   drops, reorders, gives credit back before the script received the message
#pragma once

#include "hub/pid.hpp"
#include "hub/process.hpp"
#include "runtime/lua/process/message_queue.hpp"

#include <lua.hpp>

#include <list>
#include <memory>
#include <string>
#include <vector>

namespace natterjack::runtime::lua {

struct channel;

/// A queue of messages and the channel that gives them out.
struct feed {
  std::string pattern;    ///< topic or glob; empty: the inbox
  bool as_message = true; ///< gives Message objects, else plain values
  message_queue queue;
  channel* out = nullptr;
  int anchor = LUA_NOREF; ///< keeps the channel
  uint64_t stream = 0;    ///< number of a stream from outside; 0: of the mailbox
  bool ends = false;      ///< nothing comes behind what waits
};

enum class event_kind : uint8_t { cancel, exit, link_down };

struct process_event {
  event_kind kind;
  hub::pid from;
  int64_t at = 0; ///< unix seconds
  std::string reason;
  hub::exit_result result;
  uint64_t number = 0; ///< order of arrival
};

/// Most listeners of one process: each message is compared with all of them.
constexpr size_t listeners_max = 1000;

/// Segments between dots are compared: `*` is one of them, `**` any number, also none, `(a|b)` one of
/// these; within a segment `*` is any characters, `?` one.
bool matches_glob(std::string_view pattern, std::string_view text) noexcept;

class intake {
 public:
  /// Sorts a message into its queue. @returns the feed that has one more, or null
  feed* sort_in(hub::message_ptr what);
  void add(process_event event);

  bool has_inbox() const noexcept { return inbox_ != nullptr; }
  /// Somebody may wait for messages.
  bool is_claimed() const noexcept { return inbox_ != nullptr || !listeners_.empty(); }
  /// Forgets what nobody has asked for. @param each  called with each message before
  template <class Each> void drop_unclaimed(Each&& each) {
    for (; !unclaimed_.empty(); unclaimed_.pop())
      each(*unclaimed_.front().message);
  }
  feed* inbox() noexcept { return inbox_.get(); }
  feed& open_inbox();
  feed* find_listener(std::string_view pattern, bool as_message) noexcept;
  bool has_room_for_listener() const noexcept { return listeners_.size() < listeners_max; }
  feed& listen(std::string pattern, bool as_message);
  /// Its waiting messages go back to where they would have gone without it.
  void unlisten(feed* gone);
  /// Calls `each` with every feed in which something waits.
  template <class Each> void for_waiting(Each&& each) {
    if (inbox_ && !inbox_->queue.empty())
      each(*inbox_);
    for (auto& one : listeners_)
      if (!one->queue.empty())
        each(*one);
  }
  std::list<process_event>& events() noexcept { return events_; }
  void clear() noexcept;
  /// A place in the order of everything that comes.
  uint64_t next_number() noexcept { return ++last_number_; }
  /// For an upgrade: channels are gone, what waited is unclaimed again; events stay.
  void unclaim_all();

 private:
  feed* listener_for(std::string_view topic) noexcept;

  uint64_t last_number_ = 0;
  message_queue unclaimed_;
  std::unique_ptr<feed> inbox_;
  std::vector<std::unique_ptr<feed>> listeners_;
  std::list<process_event> events_;
};

} // namespace natterjack::runtime::lua
