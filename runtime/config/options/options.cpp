#include "runtime/config/options/options.hpp"

#include "runtime/config/kinds/kind_fields.hpp"
#include "runtime/config/options/field_reader.hpp"
#include "runtime/config/options/static_folder.hpp"
#include "runtime/config/source/implicit_entries.hpp"

#include <algorithm>

namespace natterjack::runtime {

namespace {

constexpr std::pair<std::string_view, pool_type> pool_types[]{
    {"inline", pool_type::inline_},
    {"lazy", pool_type::lazy},
    {"static", pool_type::static_},
    {"adaptive", pool_type::adaptive},
};

} // namespace

host_entry read_host(const application&, const entry& e) {
  const field_reader fields(e);
  const char* bound = fields.says("max_processes") ? "max_processes" : "host.max_processes";
  return {e.id, fields.count(bound), read_lifecycle(fields), e.implicit};
}

library_entry read_library(const application&, const entry& e) {
  const field_reader fields(e);
  return {e.id, read_lua_code(fields, e)};
}

process_lua_entry read_process(const application&, const entry& e) {
  const field_reader fields(e);
  process_lua_entry made{
      e.id, read_lua_code(fields, e), fields.text("method"), read_lua_limits(fields), {}};
  if (fields.says("meta.relay_payload"))
    made.relay_payload =
        fields.text("meta.relay_payload") == "text" ? relay_payload::text : relay_payload::table;
  return made;
}

// Without a type: `workers` mean that many for ever, everything else that they are made when needed.
pool_options read_pool(const field_reader& fields) {
  constexpr uint64_t static_states = 8, lazy_states = 16, untold_states = 100;
  pool_options made;
  const bool says_type = fields.says("pool.type"), says_workers = fields.says("pool.workers");
  auto said = [&fields](const char* name, uint64_t otherwise) {
    return fields.says(name) ? fields.count(name) : otherwise;
  };
  made.type = says_type      ? value_of_word(pool_types, fields.text("pool.type"))
              : says_workers ? pool_type::static_
                             : pool_type::lazy;
  const auto workers = said("pool.workers", 0);
  switch (made.type) {
    case pool_type::static_:
      made.states = made.kept = says_workers ? workers : said("pool.size", static_states);
      break;
    case pool_type::inline_:
      made.states = said("pool.max_size", static_cast<uint64_t>(fields::pool_states_max));
      break;
    case pool_type::lazy:
    case pool_type::adaptive:
      made.states = said("pool.max_size", says_workers ? workers
                                          : says_type  ? lazy_states
                                                       : untold_states);
      made.kept = made.type == pool_type::lazy ? made.states
                                               : std::min(said("pool.size", 1), made.states);
      break;
  }
  made.buffer = said("pool.buffer", made.states * 64);
  return made;
}

function_entry read_function(const application&, const entry& e) {
  const field_reader fields(e);
  function_entry made;
  made.id = e.id;
  made.code = read_lua_code(fields, e);
  made.method = fields.text("method");
  made.pool = read_pool(fields);
  made.limits = read_lua_limits(fields);
  return made;
}

service_entry read_service(const application&, const entry& e) {
  const field_reader fields(e);
  service_entry made;
  made.id = e.id;
  made.process_id = fields.id("process");
  made.host_id = fields.id("host");
  made.input = nlohmann::json::array();
  if (const auto* input = fields.said("input"))
    made.input = input->to_json();
  made.lifecycle = read_lifecycle(fields);
  return made;
}

fs_directory_entry read_fs_directory(const application& app, const entry& e) {
  const field_reader fields(e);
  return {e.id, folder_of(app, e), fields.flag("auto_init"),
          static_cast<uint32_t>(std::stoul(fields.text("mode"), nullptr, 8))};
}

application_options read_options(const application& app) {
  application_options made;
  for (const auto& e : app.entries) {
    if (e.kind == "process.host")
      made.hosts.push_back(read_host(app, e));
    else if (e.kind == "library.lua")
      made.libraries.push_back(read_library(app, e));
    else if (e.kind == "process.lua")
      made.processes.push_back(read_process(app, e));
    else if (e.kind == "process.cpp")
      made.cpp_processes.push_back(read_process_cpp(e));
    else if (e.kind == "function.lua")
      made.functions.push_back(read_function(app, e));
    else if (e.kind == "process.service")
      made.services.push_back(read_service(app, e));
    else if (e.kind == "http.service")
      made.gateways.push_back(read_http_service(app, e));
    else if (e.kind == "http.router")
      made.routers.push_back(read_router(app, e));
    else if (e.kind == "http.endpoint")
      made.endpoints.push_back(read_endpoint(app, e));
    else if (e.kind == "http.static")
      made.statics.push_back(read_static(app, e));
    else if (e.kind == "fs.directory")
      made.directories.push_back(read_fs_directory(app, e));
    else if (e.kind == "pow.exec")
      made.pow_commands.push_back(read_pow_exec(app, e));
    else if (e.kind == "pow.lua")
      made.pow_programs.push_back(read_pow_lua(app, e));
    else if (e.kind == "pow.service")
      made.pow_services.push_back(read_pow_service(app, e));
    else if (e.kind == "amqp.bridge")
      made.amqp_bridges.push_back(read_amqp_bridge(app, e));
    else if (e.kind == "amqp.actor")
      made.amqp_actors.push_back(read_amqp_actor(app, e));
    else if (e.kind == "amqp.feed")
      made.amqp_feeds.push_back(read_amqp_feed(app, e));
  }
  made.shared = read_service_options(app);
  made.start_order = start_order(app);
  return made;
}

host_entry default_host() {
  return read_host({}, make_implicit(implicit_host));
}

} // namespace natterjack::runtime
