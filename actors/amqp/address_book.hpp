// CLU actors as processes of this node: `amqp:NAME` is an address like any other.
//
//   a process sends   and gets
//   command, text     amqp.reply for each reply; the last one, exactly one, has "final": true
//   command, {…}      the same; fields: command (text), command_id, internal, timeout (seconds),
//                     commander (of the command this one is part of), topic (of its replies)
//   follow            amqp.reply for every reply of that actor, also to others, and broadcasts
//   unfollow          -
//
//   amqp.reply   {"command_id", "actor", "code", "status", "final", "internal", "body"}
//                status: running, done, failed
//   monitors     hear when the actor leaves the exchange; it then has ended as any process does
//   a final is   the actor's own (":", "f", "!"); or "f" by us: nobody took the command, the actor
//                left, the time-out passed, or an outage swallowed what it said
//
// Whether an actor is there is asked by a message to its reply queue that every CLU program takes
// and ignores; it comes back if there is no such queue. Asked only for actors that are watched,
// followed or busy.
#pragma once

#include "actors/amqp/bridge.hpp"
#include "actors/amqp/remote_commands.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace natterjack::amqp {

struct address_options {
  std::string scheme = "amqp"; ///< addresses are `<scheme>:NAME`
  size_t addresses_max = 10'000;
  size_t commands_max = 100'000; ///< not finished yet
  std::chrono::milliseconds presence_interval{1'000};
  std::chrono::milliseconds idle_time{60'000};    ///< then an address nobody watches is forgotten
  std::chrono::milliseconds outage_grace{30'000}; ///< for finals after the broker is back
};

class address_book final : public std::enable_shared_from_this<address_book> {
 public:
  static std::shared_ptr<address_book> make(std::shared_ptr<bridge> owner,
                                            const address_options& options = {});
  ~address_book();

  /// The process that stands for a CLU actor; made at the first call. From any thread.
  /// @param address  "amqp:NAME", with the scheme of the options
  /// @param why      set to a sentence when the result is empty
  hub::process_ref find(std::string_view address, std::string* why = nullptr);

  /// Ends all of them. Call before the bridge stops.
  void stop();

  size_t size() const;
  bridge& owner() const noexcept { return *bridge_; }

 private:
  class remote_actor;

  address_book(std::shared_ptr<bridge> owner, const address_options& options);

  std::shared_ptr<bridge> bridge_;
  address_options options_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, hub::process_ref> actors_;
  bool stopped_ = false;
  std::shared_ptr<remote_commands> commands_;
};

} // namespace natterjack::amqp
