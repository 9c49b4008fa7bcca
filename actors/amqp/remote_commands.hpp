// Commands of our processes to CLU actors, from the asking to the one final; and who follows whom.
//
//   add            a command that has been sent
//   on a reply     amqp.reply to who asked, and to who follows its sender; a final ends the command
//   on trouble     a final of our own, "f" with the reason: the deadline passed, the link came back
//                  and the final did not, the actor left
//
// On the bridge's thread.
#pragma once

#include "actors/amqp/bridge.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

namespace natterjack::amqp {

/// The value of an amqp.reply. @param body  JSON text
hub::payload describe_reply(std::string_view command_id, std::string_view actor,
                            std::string_view code, bool is_final, bool internal,
                            std::string_view body);

/// {"error": why} as JSON text.
std::string error_body(const std::string& why);

class remote_commands final : public std::enable_shared_from_this<remote_commands> {
 public:
  using clock = std::chrono::steady_clock;

  struct running {
    hub::pid asker;
    hub::pid from; ///< the address it was sent to
    std::string id;
    std::string actor;
    clock::time_point deadline = clock::time_point::max();
    std::string why_late;
    hub::shared_bytes topic; ///< of its replies; empty: amqp.reply
  };

  /// @param commands_max  not finished yet
  /// @param outage_grace  for finals after the broker is back
  remote_commands(bridge& owner, size_t commands_max, std::chrono::milliseconds outage_grace)
      : bridge_(owner), commands_max_(commands_max), outage_grace_(outage_grace) {}

  void start();
  /// Ends every command with a failure.
  void stop();

  /// What tells a command from others in its chain, which share its id.
  static std::string key_of(std::string_view id, std::string_view commander_id);

  /// @returns false if the key is in use or there are too many
  bool add(const std::string& key, running one);
  /// Ends a command with a failure of our own making, unless it has ended.
  void finish(const std::string& key, const std::string& why);
  void finish_all_of(const std::string& actor, const std::string& why);
  bool is_busy(const std::string& actor) const { return busy_.count(actor) != 0; }

  void follow(const std::string& actor, const hub::pid& who, const hub::pid& from);
  void unfollow(const std::string& actor, const hub::pid& who);
  void forget_followers(const std::string& actor) { followers_.erase(actor); }
  bool is_followed(const std::string& actor) const { return followers_.count(actor) != 0; }

  /// When the broker last came back after an outage.
  clock::time_point up_again() const noexcept { return up_again_; }

  /// Sends a reply. @param topic  empty: amqp.reply
  /// @returns false if nobody is there any more
  bool tell(const hub::pid& to, const hub::pid& from, hub::payload what,
            const hub::shared_bytes& topic = {});

 private:
  using command_map = std::unordered_map<std::string, running>;

  void drop(command_map::iterator i);
  void on_reply(const reply& what);
  void tell_followers(const reply& what);
  void on_link(const link_event& event);
  void sweep_later();
  void sweep();

  bridge& bridge_;
  size_t commands_max_;
  std::chrono::milliseconds outage_grace_;
  bool stopped_ = false;
  uint64_t reply_listener_ = 0;
  uint64_t link_listener_ = 0;
  command_map commands_;
  std::unordered_map<std::string, size_t> busy_; // actor -> commands running
  std::unordered_map<std::string, std::map<hub::pid, hub::pid>> followers_; // actor -> who, by what
  bool has_been_up_ = false;
  clock::time_point up_again_{};
};

} // namespace natterjack::amqp
