// One of our processes as an actor among CLU's: a name on the exchange, commands, replies.
//
//   a command comes               the process gets
//   ping, version, get_schema,    nothing: answered here
//     help, keyword, --help,
//     get-command-model
//   one of its own                amqp.command {"token", "actor", "verb", "params",
//                                   "command_string", "command_id", "commander_id", "internal"}
//   a task                        amqp.task {"task", …}
//   anything else                 nothing: failed here, with a help line
//
//   the process sends                 becomes
//   reply {"token", "code", "body"}   a reply to that command; ":" and "f" end it
//   broadcast {"code", "body"}        a reply that belongs to no command
//
//   first       ">" has been sent before the process hears of a command
//   last        exactly one final: the process's own, or "f" when the process ends, is not there,
//               or ends a command with what breaks the schema
//   schema      a body that breaks it is replaced by e {"error": …}, and the command goes on
//   delivery    commands run side by side; acknowledged when they come, so none is run twice
//   states      starting -> serving <-> away (the broker); a name that is taken is an error at the
//               start and tried again later
#pragma once

#include "actors/amqp/actor_commands.hpp"
#include "actors/amqp/bridge.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace natterjack::amqp {

struct actor_options {
  std::string id = "amqp:actor"; ///< entry id: host of its PID, first word of its log lines
  std::string name;              ///< on the exchange
  std::string version = "?";
  json_value schema; ///< see make_actor_schema
  std::vector<command_spec> commands;
  std::string process;         ///< PID or registered name; looked up for each command
  size_t commands_max = 1'000; ///< running at a time; more fail at once
  std::chrono::milliseconds reply_time{30'000}; ///< how long a reply may wait for the broker
};

struct actor_worker;

/// @throws std::invalid_argument  for what cannot be an actor's name
void check_actor_name(const std::string& name);

class clu_actor final : public std::enable_shared_from_this<clu_actor> {
 public:
  /// @throws std::invalid_argument  for a bad name, schema or command
  static std::shared_ptr<clu_actor> make(std::shared_ptr<bridge> owner, actor_options options);
  ~clu_actor();

  /// @param on_first  called once: an empty text when it serves, else the broker's words, such as
  /// that
  ///                  the name is taken; it goes on trying
  void start(std::function<void(const std::string& problem)> on_first = {});
  /// Fails the running commands and gives the name back. Call before the bridge stops.
  void stop();

  const actor_options& options() const noexcept { return options_; }
  /// Where the process sends its replies.
  hub::process_ref process() const;

 private:
  clu_actor(std::shared_ptr<bridge> owner, actor_options options);

  std::shared_ptr<bridge> bridge_;
  actor_options options_;
  std::unique_ptr<actor_worker> worker_;
  uint16_t commands_number_ = 0; // of the consumers
  uint16_t replies_number_ = 0;
};

} // namespace natterjack::amqp
