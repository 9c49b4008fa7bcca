#include "runtime/config/options/pow_options.hpp"

#include "runtime/config/options/field_reader.hpp"

namespace natterjack::runtime {

namespace {

std::filesystem::path directory_of(const entry& e, const std::string& said) {
  return (e.folder / (said.empty() ? "." : said)).lexically_normal();
}

exec_errors read_errors(const std::string& word) {
  return word == "apart"     ? exec_errors::apart
         : word == "dropped" ? exec_errors::dropped
                             : exec_errors::merged;
}

// Whole seconds, rounded up: that is what the kernel counts.
uint64_t seconds(duration time) {
  return static_cast<uint64_t>(std::chrono::ceil<std::chrono::seconds>(time).count());
}

} // namespace

pow_exec_entry read_pow_exec(const application&, const entry& e) {
  const field_reader fields(e);
  pow_exec_entry made;
  made.id = e.id;
  made.argv = fields.texts("argv");
  made.directory = directory_of(e, fields.text("directory"));
  if (fields.says("pass_environment"))
    made.pass_environment = fields.texts("pass_environment");
  made.environment = fields.text_map("environment");
  made.user = fields.text("user");
  if (fields.says("arguments.min"))
    made.arguments_min = fields.count("arguments.min");
  if (fields.says("arguments.max"))
    made.arguments_max = fields.count("arguments.max");
  made.argument_patterns = fields.texts("arguments.patterns");
  made.argument_bytes = fields.bytes("arguments.bytes");
  made.errors = read_errors(fields.text("stderr"));
  made.cpu_seconds = seconds(fields.time("limits.cpu"));
  made.wall_clock = fields.time("limits.wall_clock");
  made.memory = fields.bytes("limits.memory");
  made.file_bytes = fields.bytes("limits.file_bytes");
  made.open_files = fields.count("limits.open_files");
  made.grace = fields.time("grace");
  made.lost_grace = fields.time("lost_grace");
  made.interrupt_on_cancel = fields.flag("interrupt_on_cancel");
  return made;
}

pow_lua_entry read_pow_lua(const application&, const entry& e) {
  const field_reader fields(e);
  return {e.id, read_lua_code(fields, e), fields.text("method"), read_lua_limits(fields),
          fields.time("grace")};
}

pow_service_entry read_pow_service(const application&, const entry& e) {
  const field_reader fields(e);
  pow_service_entry made;
  made.id = e.id;
  made.server_id = fields.id(fields.says("server") ? "server" : "meta.server");
  made.base_path = fields.text("base_path");
  for (const auto& [name, job] : fields.text_map("jobs"))
    made.jobs[name] = is_built_in_job(job) ? job : resolve_reference(e.ns, job);
  made.websocket = fields.flag("websocket");
  made.rest = fields.flag("rest");
  made.docs = fields.flag("docs");
  made.description = fields.text("description");
  if (fields.says("authorize"))
    made.authorize_id = fields.id("authorize");
  made.limits = {
      .jobs = fields.count("limits.jobs"),
      .call_time = fields.time("limits.call_time"),
      .message_bytes = fields.bytes("limits.message_bytes"),
      .input_bytes = fields.bytes("limits.input_bytes"),
      .output_bytes = fields.bytes("limits.output_bytes"),
      .read_time = fields.time("limits.read_time"),
      .ping_interval = fields.time("limits.ping_interval"),
      .write_time = fields.time("limits.write_time"),
      .close_time = fields.time("limits.close_time"),
      .stop_time = fields.time("limits.stop_time"),
      .rest_timeout = fields.time("limits.rest_timeout"),
      .rest_sessions = fields.count("limits.rest_sessions"),
      .rest_lines = fields.count("limits.rest_lines"),
      .rest_line_bytes = fields.bytes("limits.rest_line_bytes"),
      .rest_store_bytes = fields.bytes("limits.rest_store_bytes"),
      .rest_input_time = fields.time("limits.rest_input_time"),
      .rest_cancel_time = fields.time("limits.rest_cancel_time"),
  };
  return made;
}

} // namespace natterjack::runtime
