// The kinds and their fields. Defaults stand here and nowhere else.
#include "runtime/config/kinds/kind_fields.hpp"
#include "runtime/config/kinds/service_kinds.hpp"

namespace natterjack::runtime {

namespace {

using namespace fields;
using type = field_type;
constexpr double mebibyte = 0x1p20;

const std::vector<std::string> service_kinds{"process.service",     "http.service",   "process.host",
                                              "terminal.host",       "store.memory",   "store.sql",
                                              "queue.driver.memory", "queue.queue",    "queue.consumer",
                                              "db.sql.sqlite",       "pg.scope",       "env.storage.file"};

field lifecycle() {
  return make("lifecycle", type::section, "When it starts, how it stops, what happens if it fails")
      .with({
          flag("auto_start", "false", "Start with the application"),
          make("requires", type::reference_list, "Services that must run before it")
              .of(service_kinds),
          make("depends_on", type::reference_list, "Older name of requires; both count")
              .of(service_kinds),
          make("startup", type::choice, "optional: the application runs without it")
              .of({"required", "optional"})
              .otherwise("required"),
          time("start_timeout", "10s", 0.001, "Counts as failed when not started by then"),
          time("stop_timeout", "10s", 0, "Ended by force when not stopped by then"),
          time("stable_threshold", "5s", 0, "Running this long forgets earlier restarts"),
          make("restart", type::section, "Pauses between restarts after a failure")
              .with({
                  time("initial_delay", "1s", 0, "Pause before the first restart"),
                  time("max_delay", "90s", 0, "Longest pause"),
                  make("backoff_factor", type::real, "Each pause is this many times the last")
                      .otherwise("2.0")
                      .between(1, 100),
                  make("jitter", type::real, "Share of the pause that is left to chance")
                      .otherwise("0.1")
                      .between(0, 1),
                  count("max_attempts", "0", 0, million, "Restarts in a row; 0: no bound").or_off(),
              }),
          make("security", type::section, "Actor and policies it runs with")
              .with({
                  make("actor", type::section, "Who acts, for security.actor")
                      .with({make("id", type::text, "Its id").required(),
                             make("meta", type::map, "What else is known of it")}),
                  make("groups", type::text_list, "Groups of policies that bound it"),
                  make("policies", type::reference_list, "Policies that bound it")
                      .of({"security.policy", "security.policy.expr"}),
              }),
      });
}

field http_limits() {
  return make("limits", type::section, "Bounds of connections, so that no client harms others")
      .with({
          count("inbound_messages", "64", 1, million,
                "Messages of one connection that its hub has not taken yet; then reading stops"),
          bytes("inbound_bytes", "1MiB", kibibyte, gibibyte, "The same in bytes"),
          bytes("outbox_soft_bytes", "1MiB", 1, 64 * gibibyte,
                "Waiting for one client; above it for outbox_soft_time: outbox_policy"),
          time("outbox_soft_time", "10s", 0.001, "How long a client may stay above it"),
          bytes("outbox_hard_bytes", "8MiB", 1, 64 * gibibyte,
                "Above it outbox_policy holds at once; never less than twice message_bytes"),
          make("outbox_policy", type::choice, "What happens to a client that reads too slowly")
              .of({"close", "drop_oldest", "drop_newest"})
              .otherwise("close"),
          bytes("message_bytes", "1MiB", 1, gibibyte, "Longest message of a client"),
          time("head_timeout", "5s", 0.001, "For a request's head"),
          bytes("head_bytes", "16KiB", 256, 16 * mebibyte, "A request's head"),
          count("header_count", "100", 1, 10'000, "Headers of a request"),
          time("body_timeout", "30s", 0.001, "A request's body without progress"),
          bytes("body_bytes", "1MiB", 0, 16 * gibibyte, "A request's body"),
          time("idle_timeout", "60s", 0.001, "A kept connection without a request"),
          count("pipelined_requests", "16", 1, 10'000, "Requests read ahead of their answers"),
          time("ping_interval", "25s", 0.01, "Between pings to a websocket").or_off(),
          count("ping_missed", "2", 1, 1000, "Pings in a row without an answer, then closed"),
          count("connections", "100000", 1, 10 * million, "Open connections"),
          count("connections_per_address", "off", 1, 10 * million, "Of them from one address")
              .or_off(),
          flag("strict_close_codes", "false", "Close with 1009, 1011 and 1013 instead of 1000"),
      });
}

field server(std::string doc) {
  return make("server", type::reference, std::move(doc)).of({"http.service"}).required();
}

kind_definition process_lua() {
  return {.name = "process.lua",
          .doc = "A process written in Lua",
          .fields = {source(),
                     make("method", type::text, "Function of the chunk's table that is run")
                         .otherwise("run"),
                     modules(), imports(), lua_limits()},
          .meta = {make("relay_payload", type::choice,
                        "How join, leave and heartbeat of connections reach it: JSON text or table")
                       .of({"text", "table"})}};
}

kind_definition function_lua() {
  const std::vector<std::string> types{"inline", "lazy", "static", "adaptive"};
  return {
      .name = "function.lua",
      .doc = "A function written in Lua, called by endpoints",
      .fields = {
          source(),
          make("method", type::text, "Function of the chunk's table that is called")
              .otherwise("handler"),
          modules(),
          imports(),
          make("security", type::any, "Functions act for who calls them").without_effect(),
          make("pool", type::section, "Lua states kept for calls")
              .with({
                  make("type", type::choice,
                       "When states are made; default: static if workers are said, else lazy")
                      .of(types),
                  count("workers", "", 1, pool_states_max,
                        "States of a static pool; of a lazy one without max_size those at most"),
                  count("size", "", 1, pool_states_max,
                        "States of a static pool without workers (8); of an adaptive one those kept (1)"),
                  count("max_size", "", 1, pool_states_max,
                        "States at most of a lazy or adaptive pool; default 16, without a type 100"),
                  count("buffer", "", 0, million, "Calls waiting; default: 64 for each state"),
                  make("warm_start", type::any, "States of a static pool are always made at once")
                      .without_effect(),
              }),
          lua_limits(),
      }};
}

kind_definition http_service() {
  return {
      .name = "http.service",
      .doc = "A gateway: listens for HTTP and websockets",
      .fields =
          {
              make("addr", type::address, "Where it listens; port 0: a free one").required(),
              make("timeouts", type::section, "Older names of times in limits")
                  .with({
                      make("read", type::time, "Default of head_timeout and body_timeout")
                          .between(0.001, year_s),
                      make("write", type::time, "A client's reading is bounded by its outbox")
                          .without_effect(),
                      make("idle", type::time, "Default of idle_timeout").between(0.001, year_s),
                  }),
              http_limits(),
              make("host", type::section, "Queues between connections and processes")
                  .with({
                      make("buffer_size", type::integer, "Mailboxes need no size").without_effect(),
                      make("worker_count", type::integer, "Cores are shared").without_effect(),
                  }),
              make("tls", type::section, "HTTPS and wss instead of HTTP and websockets")
                  .with({
                      make("mode", type::choice,
                           "manual: with the certificate given here; auto: with one of its own making")
                          .of({"manual", "auto", "off", ""})
                          .otherwise("off"),
                      make("cert", type::text, "Certificate and those that signed it, PEM or a file"),
                      make("key", type::text, "Its private key, PEM or a file"),
                      make("client_ca", type::text, "Who signs certificates of clients"),
                      make("client_auth", type::choice, "What is asked of clients")
                          .of({"none", "request", "require", "verify_if_given",
                               "require_and_verify"})
                          .otherwise("none"),
                  }),
              make("network", type::any, "Network the address belongs to").not_built(),
              lifecycle(),
          },
      .is_service = true};
}

kind_definition http_router() {
  return {
      .name = "http.router",
      .doc = "Endpoints of a gateway under a common prefix",
      .fields = {make("prefix", type::url_prefix, "Put in front of each endpoint's path"),
                 make("middleware", type::middleware, "Runs around each endpoint, in this order"),
                 make("options", type::option_map, "Options of the middleware"),
                 make("post_middleware", type::middleware, "Runs after the route is known"),
                 make("post_options", type::option_map, "Options of that middleware"),
                 make("timeouts", type::any, "Requests are bounded by limits of the gateway")
                     .without_effect()},
      .meta = {server("The gateway")}};
}

kind_definition http_endpoint() {
  const std::string only_routers = "Middleware is of routers";
  return {
      .name = "http.endpoint",
      .doc = "A route that calls a function; without meta.router it is on system:api",
      .fields = {make("method", type::choice, "HTTP method")
                     .of({"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"})
                     .otherwise("GET"),
                 make(
                     "path", type::pattern_path,
                     "Below the router's prefix; {name} is one part, {name...} at the end the rest")
                     .required(),
                 make("func", type::reference, "The function").of({"function.lua"}).required(),
                 make("middleware", type::any, only_routers).without_effect(),
                 make("post_middleware", type::any, only_routers).without_effect(),
                 make("options", type::any, only_routers).without_effect(),
                 make("post_options", type::any, only_routers).without_effect()},
      .meta = {make("router", type::reference, "The router").of({"http.router"})}};
}

kind_definition http_static() {
  const std::vector<field> options{
      flag("spa", "false", "Answer a missing file with index"),
      make("index", type::text, "Answer for a folder").otherwise("index.html"),
      make("cache", type::text, "Value of Cache-Control"),
      make("mime_types", type::text_map, "Media types by ending, such as .wasm: application/wasm"),
  };
  return {.name = "http.static",
          .doc = "Files of a folder, served by a gateway",
          .fields = {make("path", type::url_path, "Prefix of the URLs").required(),
                     make("fs", type::reference, "The folder").of({"fs.directory"}).required(),
                     make("directory", type::text, "A folder inside it"),
                     make("static_options", type::section, "How files are served").with(options),
                     make("middleware", type::middleware, "Runs around each file"),
                     make("options", type::option_map,
                          "Options of the middleware; older place of static_options")},
          .meta = {server("The gateway")}};
}

kind_definition process_host() {
  return {
      .name = "process.host",
      .doc = "A place processes run on",
      .fields = {make("host", type::section, "Bounds")
                     .with({
                         count("max_processes", "200000", 1, 10 * million,
                               "Processes at a time; then a spawn fails"),
                         make("workers", type::integer, "Cores are shared").without_effect(),
                         make("queue_size", type::integer, "Queues grow").without_effect(),
                         make("local_queue_size", type::integer, "Queues grow").without_effect(),
                     }),
                 count("max_processes", "", 1, 10 * million, "Older place of host.max_processes"),
                 lifecycle()},
      .is_service = true};
}

kind_definition process_service() {
  return {
      .name = "process.service",
      .doc = "A process that is started with the application and restarted when it fails",
      .fields = {make("process", type::reference, "What it runs").of({"process.lua", "process.cpp"})
                     .required(),
                 make("host", type::reference, "Where it runs")
                     .of({"process.host", "terminal.host"})
                     .otherwise("system:processes"),
                 make("input", type::list, "Arguments"), lifecycle()},
      .is_service = true};
}

kind_definition requirement() {
  return {
      .name = "ns.requirement",
      .doc = "A value that is put into fields of other entries",
      .fields = {make("targets", type::section_list, "Where the value goes")
                     .with({make("entry", type::text, "Id of the entry").required(),
                            make("path", type::text, "Field, such as .meta.router").required()}),
                 make("default", type::any, "The value when no ns.dependency gives one")}};
}

kind_definition dependency() {
  return {.name = "ns.dependency",
          .doc = "A module the application uses; its files stand in the same folder",
          .fields = {make("component", type::text, "The module").required(),
                     make("version", type::text, "Its version"),
                     make("parameters", type::section_list, "Values for its requirements")
                         .with({make("name", type::text, "Name of a ns.requirement").required(),
                                make("value", type::any, "The value").required()})}};
}

kind_definition free_kind(std::string name, std::string doc) {
  kind_definition made;
  made.name = std::move(name);
  made.doc = std::move(doc);
  made.is_free = true;
  return made;
}

std::vector<kind_definition> all() {
  std::vector<kind_definition> made{
      process_host(),
      process_lua(),
      cpp_kind(),
      process_service(),
      function_lua(),
      {.name = "library.lua",
       .doc = "Lua code that others import",
       .fields = {source(), modules(), imports()}},
      http_service(),
      http_router(),
      http_endpoint(),
      http_static(),
      {.name = "fs.directory",
       .doc = "A folder of the machine",
       .fields = {make("directory", type::text, "Relative to the YAML file's folder, or absolute")
                      .required(),
                  flag("auto_init", "false", "Make it when it is not there"),
                  make("mode", type::file_mode, "Permissions of what is made").otherwise("0755")}},
      free_kind("registry.entry", "Data of the application"),
      free_kind("ns.definition", "Describes a namespace"),
      requirement(),
      dependency(),
  };
  for (auto& kind : pow_kinds())
    made.push_back(std::move(kind));
  for (auto& kind : amqp_kinds())
    made.push_back(std::move(kind));
  for (auto& kind : shared_kinds())
    made.push_back(std::move(kind));
  auto not_built = [&made](const char* name, bool is_vital) {
    made.push_back(free_kind(name, ""));
    made.back().is_built = false;
    made.back().is_vital = is_vital;
  };
  for (const char* name : {"store.kv.raft", "store.kv.crdt", "queue.driver.amqp", "db.sql.postgres",
                           "db.sql.mysql"})
    not_built(name, true);
  for (const char* name : {"exec.native", "template.jet", "template.set", "contract.definition",
                           "contract.binding", "workflow.lua", "function.wasm", "process.wasm",
                           "cloudstorage.s3", "config.aws"})
    not_built(name, false);
  return made;
}

} // namespace

const std::vector<kind_definition>& kinds() {
  static const std::vector<kind_definition> made = all();
  return made;
}

} // namespace natterjack::runtime
