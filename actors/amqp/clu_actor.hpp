// One of our processes as an actor among CLU's: it has a name on the exchange, takes commands, replies.
//
//   a command comes              the process gets
//   ping, version, get_schema,   nothing: answered here
//     help, keyword,
//     get-command-model, --help
//   one of its own               amqp.command {"token", "actor", "verb", "params", "command_string",
//                                 "command_id", "commander_id", "internal"}
//   a task                       amqp.task {"task", …}
//   anything else                nothing: failed here, with a help line
//
//   the process sends            becomes
//   reply {"token", "code", "body"}   a reply to that command; ":" and "f" end it
//   broadcast {"code", "body"}        a reply that belongs to no command
//
//   before the process hears of a command, ">" has been sent; it ends exactly once: with the process's own
//   final, or with "f" when the process ends, is not there, or ends it with what breaks the schema
//   a body that breaks the schema is replaced by e {"error": …} and the command goes on
//   commands run side by side; acknowledged when they come, so that none is run twice
//
//   states   starting -> serving <-> away (the broker); a name that is taken is an error at the start and
//            tried again later
#pragma once

#include "actors/amqp/actor_commands.hpp"
#include "actors/amqp/bridge.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace natterjack::amqp {

struct actor_options {
  std::string id = "amqp:actor";  ///< entry id: host of its PID, first word of its log lines
  std::string name;               ///< on the exchange
  std::string version = "?";
  json_value schema;              ///< see make_actor_schema
  std::vector<command_spec> commands;
  std::string process;            ///< PID or registered name; looked up for each command
  size_t commands_max = 1'000;    ///< running at a time; more fail at once
  std::chrono::milliseconds reply_time{30'000}; ///< how long a reply may wait for the broker
};

class clu_actor final : public std::enable_shared_from_this<clu_actor> {
 public:
  /// @throws std::invalid_argument  for a bad name, schema or command
  static std::shared_ptr<clu_actor> make(std::shared_ptr<bridge> owner, actor_options options);
  ~clu_actor();

  /// @param on_first  called once: an empty text when it serves, else the broker's words, such as that
  ///                  the name is taken; it goes on trying
  void start(std::function<void(const std::string& problem)> on_first = {});
  /// Fails the running commands and gives the name back. Call before the bridge stops.
  void stop();

  const actor_options& options() const noexcept { return options_; }
  /// Where the process sends its replies.
  hub::process_ref process() const;

 private:
  class worker;
  clu_actor(std::shared_ptr<bridge> owner, actor_options options);

  std::shared_ptr<bridge> bridge_;
  actor_options options_;
  caf::strong_actor_ptr handle_;
  worker* worker_ = nullptr;
  uint16_t commands_number_ = 0; // of the consumers
  uint16_t replies_number_ = 0;
};

} // namespace natterjack::amqp
