// Commands of the operating system as jobs: `kind: pow.exec`.
//
//   argv      a template: {1} … {9} are the client's arguments, {*} all that no number takes; each stands for
//             whole arguments, never for a part of one, and no shell is asked
//   input     the command's standard input; output: one piece for each read of its standard output
//   end       exit code 0: the value {"exit_code":0}; else the error "exit status 3" or "signal: killed"
//             after a cancel that it heeded: the cause
//   cancel    the first cancel does nothing (`interrupt_on_cancel`: SIGINT); the second, a limit, or a lost
//             client: SIGTERM to its whole process group, SIGKILL after `grace` (lost client: `lost_grace`)
//
//   the group ends with its leader: what a command leaves running in the background is killed
#pragma once

#include "actors/pow/job_source.hpp"

#include <chrono>
#include <map>
#include <stdexcept>

namespace natterjack::pow {

enum class error_output : uint8_t {
  merged,  ///< into the output, in the order of the kernel
  apart,   ///< to attached processes and the log
  dropped,
};

struct exec_options {
  std::string name;              ///< for messages; the catalog has its own
  std::vector<std::string> argv; ///< template; the first word is looked up in PATH if it has no slash
  std::string directory;         ///< working directory; empty: the server's
  std::vector<std::string> pass_environment = {"PATH", "LANG", "LC_ALL", "TZ", "TMPDIR"};
  std::map<std::string, std::string> environment; ///< set besides those
  std::string user;              ///< to run as, with its groups; empty: the server's. Needs root
  uint64_t cpu_seconds = 0;      ///< 0: no limit
  uint64_t memory_bytes = 0;     ///< address space; 0: no limit
  uint64_t open_files = 256;     ///< 0: the server's limit
  uint64_t file_bytes = 0;       ///< of a file it writes; 0: no limit
  std::chrono::nanoseconds wall_clock{0}; ///< 0: no limit
  std::chrono::nanoseconds grace = std::chrono::seconds(5); ///< between SIGTERM and SIGKILL
  /// The same when its client is gone, if that is less: nobody waits for what it has to say.
  std::chrono::nanoseconds lost_grace = std::chrono::milliseconds(500);
  /// Number of arguments; not set: as many as the template names, any more only with {*}.
  std::optional<size_t> arguments_min;
  std::optional<size_t> arguments_max;
  /// Regular expressions (ECMAScript, no back-references) a whole argument must match, by position; the last
  /// one also for all further arguments. None: any text.
  std::vector<std::string> argument_patterns;
  size_t argument_bytes = 4096;  ///< of one argument
  pow::error_output error_output = error_output::merged;
  bool interrupt_on_cancel = false;
};

/// What is wrong with the options of a command.
class exec_option_error : public std::invalid_argument {
 public:
  exec_option_error(const std::string& name, std::string which, std::string what_is_wrong)
      : std::invalid_argument("the command \"" + name + "\": " + which + ": " + what_is_wrong),
        option(std::move(which)), problem(std::move(what_is_wrong)) {}
  std::string option;  ///< member of exec_options: "argv", "directory", "argument_patterns", …
  std::string problem; ///< found and expected
};

/// @throws exec_option_error  no such command, user, directory, a broken pattern, a placeholder inside a word
std::shared_ptr<job_source> exec_source(exec_options options);

/// Splits a command line into words: white space, '…', "…" and \ as in a shell; nothing is expanded.
/// @param why  set when the result is empty
std::optional<std::vector<std::string>> split_words(std::string_view text, std::string& why);

} // namespace natterjack::pow
