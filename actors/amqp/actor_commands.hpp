// The commands of an actor of ours: what they are called, what they take, and how help shows them.
//
//   a command line    becomes
//   count 5 --slow    verb "count", params {"n": 5, "slow": true}
//   count             a problem: "MissingParameter: Missing argument 'N'."
//   count x           a problem: "BadParameter: Invalid value for 'N': 'x' is not a valid integer."
//   nope              a problem: "NoSuchCommand: No such command 'nope'."
//
// Help looks as CLU's actors show it, so that people who know theirs can read ours.
#pragma once

#include "actors/amqp/json_value.hpp"

#include <optional>
#include <string>
#include <vector>

namespace natterjack::amqp {

enum class parameter_type : uint8_t { text, integer, number, boolean, choice };

struct parameter_spec {
  std::string name; ///< key in the params; an option is --name, an argument is shown as NAME
  parameter_type type = parameter_type::text;
  bool is_option = false;
  bool is_flag = false;             ///< an option without a value: true if given
  bool required = true;             ///< options are not, unless said
  bool is_rest = false;             ///< the last argument: takes all words that are left, as a list
  std::vector<std::string> choices; ///< of type choice
  std::optional<json_value> fallback; ///< when it is not given
  std::string help;
};

struct command_spec {
  std::string name;
  std::string help;
  std::vector<parameter_spec> parameters;
  bool is_raw = false; ///< takes its words as they are, in params {"words": […]}
};

struct parsed_command {
  const command_spec* spec = nullptr;
  json_value params = json_value::make_object();
  bool wants_help = false; ///< --help was among the words
};

/// "--fast" of an option, "DEGREES" of an argument.
std::string shown_name(const parameter_spec& parameter);

class actor_commands {
 public:
  /// @param own  of the actor; the ones every actor has are added
  actor_commands(std::string actor, std::vector<command_spec> own);

  /// @param problem  "BadParameter: …", set when the result is empty
  std::optional<parsed_command> parse(const std::vector<std::string>& words,
                                      std::string& problem) const;

  const command_spec* find(std::string_view name) const noexcept;
  /// Lines of the help of the actor, or of one command.
  std::vector<std::string> help(const command_spec* of = nullptr) const;
  /// What `get-command-model` answers: CLU's description of its own parser, in its words.
  json_value model(const command_spec* of = nullptr) const;

 private:
  std::string actor_;
  std::vector<command_spec> all_; // sorted by name
};

} // namespace natterjack::amqp
