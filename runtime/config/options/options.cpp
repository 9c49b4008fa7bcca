#include "runtime/config/options/options.hpp"

#include "runtime/config/checks/gateway_check.hpp"
#include "runtime/config/kinds/kind_fields.hpp"
#include "runtime/config/options/field_reader.hpp"
#include "runtime/config/options/static_folder.hpp"
#include "runtime/config/source/implicit_entries.hpp"
#include "runtime/config/url_pattern.hpp"

#include <algorithm>
#include <stdexcept>

namespace natterjack::runtime {

namespace {

template <class T, size_t N>
T word(const std::pair<std::string_view, T> (&words)[N], const std::string& text) {
  for (const auto& [name, value] : words)
    if (name == text)
      return value;
  throw std::logic_error("word " + text + " is in the schema but not in the options");
}

constexpr std::pair<std::string_view, relay::outbox_policy> outbox_policies[]{
    {"close", relay::outbox_policy::close},
    {"drop_oldest", relay::outbox_policy::drop_oldest},
    {"drop_newest", relay::outbox_policy::drop_newest},
};

constexpr std::pair<std::string_view, pool_type> pool_types[]{
    {"inline", pool_type::inline_},
    {"lazy", pool_type::lazy},
    {"static", pool_type::static_},
    {"adaptive", pool_type::adaptive},
};

lifecycle_options read_lifecycle(const field_reader& fields) {
  lifecycle_options made;
  made.auto_start = fields.flag("lifecycle.auto_start");
  made.depends_on = fields.ids("lifecycle.depends_on");
  for (auto& id : fields.ids("lifecycle.requires"))
    if (std::find(made.depends_on.begin(), made.depends_on.end(), id) == made.depends_on.end())
      made.depends_on.push_back(std::move(id));
  made.required = fields.text("lifecycle.startup") == "required";
  made.start_timeout = fields.time("lifecycle.start_timeout");
  made.stop_timeout = fields.time("lifecycle.stop_timeout");
  made.stable_threshold = fields.time("lifecycle.stable_threshold");
  made.restart.initial_delay = fields.time("lifecycle.restart.initial_delay");
  // A first pause above the default of the longest one raises that.
  made.restart.max_delay =
      std::max(fields.time("lifecycle.restart.max_delay"), made.restart.initial_delay);
  made.restart.backoff_factor = fields.real("lifecycle.restart.backoff_factor");
  made.restart.jitter = fields.real("lifecycle.restart.jitter");
  made.restart.max_attempts = fields.count("lifecycle.restart.max_attempts");
  return made;
}

const entry& needed(const application& app, const std::string& id) {
  const auto* found = app.find(id);
  if (!found)
    throw std::logic_error("no entry " + id);
  return *found;
}

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
  made.type = says_type      ? word(pool_types, fields.text("pool.type"))
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

http_service_entry read_http_service(const application&, const entry& e) {
  const field_reader fields(e);
  http_service_entry made;
  made.id = e.id;
  made.implicit = e.implicit;
  made.address = *parse_address(fields.text("addr"));
  made.lifecycle = read_lifecycle(fields);
  // The older `timeouts` fill in where `limits` say nothing.
  auto time = [&fields](const char* path, const char* older) {
    return fields.time(fields.says(path) || !fields.says(older) ? path : older);
  };
  auto& limits = made.limits;
  limits.inbound_messages = fields.count("limits.inbound_messages");
  limits.inbound_bytes = fields.bytes("limits.inbound_bytes");
  limits.outbox_soft_bytes = fields.bytes("limits.outbox_soft_bytes");
  limits.outbox_soft_time = fields.time("limits.outbox_soft_time");
  limits.outbox_policy = word(outbox_policies, fields.text("limits.outbox_policy"));
  limits.message_bytes = fields.bytes("limits.message_bytes");
  limits.outbox_hard_bytes = std::max({fields.bytes("limits.outbox_hard_bytes"),
                                       2 * limits.message_bytes, limits.outbox_soft_bytes});
  limits.head_timeout = time("limits.head_timeout", "timeouts.read");
  limits.head_bytes = fields.bytes("limits.head_bytes");
  limits.header_count = fields.count("limits.header_count");
  limits.body_timeout = time("limits.body_timeout", "timeouts.read");
  limits.body_bytes = fields.bytes("limits.body_bytes");
  limits.idle_timeout = time("limits.idle_timeout", "timeouts.idle");
  limits.pipelined_requests = fields.count("limits.pipelined_requests");
  limits.ping_interval = fields.time("limits.ping_interval");
  limits.ping_missed = fields.count("limits.ping_missed");
  limits.connections = fields.count("limits.connections");
  limits.connections_per_address = fields.count("limits.connections_per_address");
  limits.strict_close_codes = fields.flag("limits.strict_close_codes");
  const auto mode = fields.says("tls.mode") ? fields.text("tls.mode") : std::string();
  if (mode == "manual" || mode == "auto") {
    made.tls = http_tls{mode == "auto", "", "", pem_or_path(e, "tls.client_ca"),
                        fields.text("tls.client_auth")};
    if (mode == "manual") {
      made.tls->cert = pem_or_path(e, "tls.cert");
      made.tls->key = pem_or_path(e, "tls.key");
    }
  }
  return made;
}

router_entry read_router(const application&, const entry& e) {
  const field_reader fields(e);
  return {
      .id = e.id,
      .server_id = fields.id("meta.server"),
      .prefix = join_path(fields.text("prefix"), ""),
      .middleware = fields.texts("middleware"),
      .options = fields.text_map("options"),
      .post_middleware = fields.texts("post_middleware"),
      .post_options = fields.text_map("post_options"),
      .implicit = e.implicit,
  };
}

endpoint_entry read_endpoint(const application& app, const entry& e) {
  const field_reader fields(e);
  endpoint_entry made;
  made.id = e.id;
  made.router_id = fields.id("meta.router");
  made.method = fields.text("method");
  made.path = fields.text("path");
  made.full_path = join_path(field_reader(needed(app, made.router_id)).text("prefix"), made.path);
  made.function_id = fields.id("func");
  made.guide_dialect = e.guide_dialect;
  made.place = place_of(e);
  return made;
}

static_entry read_static(const application& app, const entry& e) {
  const field_reader fields(e);
  static_entry made;
  made.id = e.id;
  made.server_id = fields.id("meta.server");
  made.path = fields.text("path");
  made.directory = folder_of(app, e, needed(app, fields.id("fs")));
  auto option = [&](const char* name) {
    const auto* value = static_option(e, name);
    return value ? plain_text(*value) : fields.text(std::string("static_options.") + name);
  };
  made.spa = option("spa") == "true";
  made.index = option("index");
  made.cache = option("cache");
  made.middleware = fields.texts("middleware");
  if (const auto* types = static_option(e, "mime_types"))
    for (const auto& one : types->members())
      made.media_types[one.key.starts_with('.') ? one.key : '.' + one.key] = plain_text(one.value);
  made.options = fields.text_map("options");
  std::erase_if(made.options, [](const auto& one) { return is_static_option(one.first); });
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
