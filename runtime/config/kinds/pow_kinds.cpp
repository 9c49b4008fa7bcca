// The kinds of process jobs: commands, Lua, and the service that offers them.
#include "runtime/config/kinds/kind_fields.hpp"

namespace natterjack::runtime {

namespace {

using namespace fields;
using type = field_type;
constexpr double tebibyte = 0x1p40;

field lost_grace() {
  return time("lost_grace", "500ms", 0, "The same for a lost client, if that is less");
}

field grace(std::string otherwise) {
  return time("grace", std::move(otherwise), 0,
              "From being told to end until ended by force: second cancel, lost client, limit");
}

kind_definition pow_exec() {
  return {
      .name = "pow.exec",
      .doc = "A command of the operating system as a job; no shell is asked",
      .fields =
          {
              make("argv", type::text_list,
                   "Program and arguments; {1} to {9} stand for one argument of the client each, "
                   "{*} for all that no number takes, always as whole words")
                  .required(),
              make("directory", type::text,
                   "Working directory, relative to the YAML file's folder; default: that folder"),
              make("pass_environment", type::text_list,
                   "Variables it sees; default: PATH, LANG, LC_ALL, TZ, TMPDIR"),
              make("environment", type::text_map, "Variables set besides"),
              make("user", type::text, "Who it runs as, with that user's groups; needs root"),
              make("arguments", type::section, "What a client may pass")
                  .with({
                      count("min", "", 0, 1000, "Least number; default: what argv names"),
                      count("max", "", 0, 1000,
                            "Most; default: what argv names, with {*} 1000"),
                      make("patterns", type::text_list,
                           "Regular expressions whole arguments must match, by position; the last "
                           "one also for all further ones"),
                      bytes("bytes", "4KiB", 1, 128 * kibibyte, "Longest argument"),
                  }),
              make("stderr", type::choice,
                   "Error output: into the output, only to attached processes, nowhere")
                  .of({"merged", "apart", "dropped"})
                  .otherwise("merged"),
              make("limits", type::section, "What one run may use")
                  .with({
                      time("cpu", "off", 1, "Processor time, in whole seconds").or_off(),
                      time("wall_clock", "off", 0.01, "Time from start to end").or_off(),
                      bytes("memory", "off", 1024 * kibibyte, tebibyte, "Address space").or_off(),
                      bytes("file_bytes", "off", 1, tebibyte, "A file it writes").or_off(),
                      count("open_files", "256", 3, million, "Descriptors at a time").or_off(),
                  }),
              grace("5s"),
              lost_grace(),
              flag("interrupt_on_cancel", "false", "The first cancel is SIGINT to it"),
          }};
}

kind_definition pow_lua() {
  return {.name = "pow.lua",
          .doc = "A job written in Lua; each run is a process",
          .fields = {source(),
                     make("method", type::text, "Function of the chunk's table that is the job")
                         .otherwise("run"),
                     modules(), imports(), lua_limits(), grace("500ms")}};
}

field service_limits() {
  return make("limits", type::section, "Bounds of jobs and clients")
      .with({
          count("jobs", "10000", 1, 10 * million, "At a time, both sides together"),
          time("call_time", "1s", 0.01, "From a websocket's handshake to its call"),
          bytes("message_bytes", "2048", 64, gibibyte, "Longest websocket message of a client"),
          bytes("input_bytes", "1MiB", kibibyte, gibibyte,
                "Input a job has not read yet; then its client is not read"),
          bytes("output_bytes", "256KiB", kibibyte, gibibyte,
                "Output a client has not read yet; then its job waits"),
          time("read_time", "60s", 0.1, "A websocket without a message or pong"),
          time("ping_interval", "54s", 0.01, "Between pings").or_off(),
          time("write_time", "10s", 0.01, "A websocket that takes nothing"),
          time("close_time", "3s", 0.01, "For the client's close frame"),
          time("stop_time", "10s", 0, "For a job that was told to end, then it is ended by force"),
          time("rest_timeout", "60s", 60, "A REST session nobody used is removed"),
          count("rest_sessions", "10000", 1, 10 * million, "REST sessions at a time"),
          count("rest_lines", "1000", 1000, 10 * million, "Complete lines of output kept"),
          bytes("rest_line_bytes", "1MiB", 64, gibibyte, "A longer line is broken"),
          bytes("rest_store_bytes", "16MiB", kibibyte, gibibyte, "All lines of a session"),
          time("rest_input_time", "30s", 0.01, "For a job to read an input request"),
          time("rest_cancel_time", "10s", 0.01, "For a cancelled job to end, then it is answered"),
      });
}

kind_definition pow_service() {
  const std::vector<std::string> servers{"http.service"};
  return {
      .name = "pow.service",
      .doc = "Jobs over websocket (subprotocol pow-1) and REST, below a path of a gateway",
      .fields =
          {
              make("server", type::reference,
                   "The gateway; default: meta.server, else system:gateway")
                  .of(servers),
              make("base_path", type::url_path, "Everything is served below it").otherwise("/pow/"),
              make("jobs", type::job_map, "Jobs by name; echo is built in")
                  .of({"pow.exec", "pow.lua"})
                  .required(),
              flag("websocket", "true", "Serve websockets"),
              flag("rest", "true", "Serve REST"),
              flag("docs", "true", "Serve Swagger UI at docs/"),
              make("description", type::text, "Of the server, in openapi.json"),
              make("authorize", type::reference,
                   "Decides who may have which job: gets name and arguments, and http.request(); "
                   "true is yes, nil and a reason is no")
                  .of({"function.lua"}),
              service_limits(),
          },
      .meta = {make("server", type::reference, "The gateway").of(servers)}};
}

} // namespace

std::vector<kind_definition> pow_kinds() {
  return {pow_exec(), pow_lua(), pow_service()};
}

} // namespace natterjack::runtime
