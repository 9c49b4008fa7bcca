#include "runtime/config/kinds/service_kinds.hpp"

#include "runtime/config/kinds/kind_fields.hpp"

namespace natterjack::runtime {

namespace {

using namespace fields;
using type = field_type;

// What these start and stop with is the application itself.
field lifecycle_of_dialect() {
  return make("lifecycle", type::map, "They are there as long as the application runs");
}

field ignored(std::string name, std::string doc) {
  return make(std::move(name), type::any, std::move(doc)).without_effect();
}

const std::vector<std::string> storages{"env.storage.memory", "env.storage.os", "env.storage.file",
                                        "env.storage.static", "env.storage.router"};

kind_definition terminal_host() {
  return {.name = "terminal.host",
          .doc = "A place for processes that talk to standard input and output",
          .fields = {make("hide_logs", type::boolean, "Log lines go to standard error, apart")
                         .without_effect(),
                     count("max_processes", "1000", 1, million, "Processes at a time"),
                     lifecycle_of_dialect()}};
}

kind_definition pg_scope() {
  const char* one_node = "One node needs none";
  return {.name = "pg.scope",
          .doc = "A name for groups of processes, see the Lua module pg",
          .fields = {count("max_groups", "off", 1, million, "Groups with members").or_off(),
                     count("max_members_per_group", "off", 1, million, "Members of one").or_off(),
                     ignored("protocol_timeout", one_node), ignored("broadcast_timeout", one_node),
                     ignored("anti_entropy_interval", one_node),
                     ignored("breaker_threshold", one_node), ignored("breaker_timeout", one_node),
                     ignored("max_retries", one_node), ignored("retry_base_delay", one_node),
                     ignored("retry_max_delay", one_node), ignored("action_queue_size", one_node),
                     ignored("action_queue_max_size", one_node),
                     ignored("monitor_buffer", one_node), lifecycle_of_dialect()}};
}

kind_definition store_memory() {
  return {.name = "store.memory",
          .doc = "Keys and values in memory",
          .fields = {count("max_size", "10000", 0, 100 * million,
                           "Keys at most; then new ones are refused. 0: the default"),
                     bytes("max_bytes", "64MiB", 1024, 1e12,
                           "Of keys and values together; then writing fails"),
                     time("cleanup_interval", "5m", 0,
                          "Between looks for what has expired; 0: only when it is asked for"),
                     lifecycle_of_dialect()}};
}

kind_definition store_sql() {
  return {.name = "store.sql",
          .doc = "Keys and values in a table of a database, made when it is not there",
          .fields = {make("database", type::reference, "The database")
                         .of({"db.sql.sqlite"})
                         .required(),
                     make("table_name", type::text, "The table").otherwise("kv_store"),
                     make("id_column_name", type::text, "Column of the key").otherwise("key"),
                     make("payload_column_name", type::text, "Column of the value")
                         .otherwise("value"),
                     make("expire_column_name", type::text, "Column of the expiry, unix seconds")
                         .otherwise("expires_at"),
                     time("cleanup_interval", "5m", 0,
                          "Between looks for what has expired; 0: only when it is asked for"),
                     lifecycle_of_dialect()}};
}

kind_definition db_sqlite() {
  return {.name = "db.sql.sqlite",
          .doc = "An SQLite database",
          .fields = {make("file", type::text,
                          "Relative to the YAML file's folder, or absolute, or :memory:")
                         .otherwise(":memory:"),
                     make("pool", type::any, "One connection, used in turn").without_effect(),
                     make("options", type::any, "SQLite is opened as it has to be").without_effect(),
                     time("busy_timeout", "5s", 0, "Waiting for locks of other programs"),
                     lifecycle_of_dialect()}};
}

std::vector<field> queue_bounds() {
  return {count("max_length", "1000", 0, 100 * million,
                "Messages waiting; then publishing waits. 0: the default"),
          bytes("max_bytes", "64MiB", 1024, 1e12,
                "Of messages waiting or in work; then publishing waits"),
          time("publish_timeout", "30s", 0.001, "How long publishing waits for room").or_off()};
}

// By driver, as one entry may say something to several; or as they are.
std::vector<field> driver_options() {
  auto all = queue_bounds();
  all.push_back(make("memory", type::section, "The same").with(queue_bounds()));
  for (const char* other : {"amqp", "sqs"})
    all.push_back(ignored(other, "Of another driver"));
  return all;
}

std::vector<kind_definition> queues() {
  return {
      {.name = "queue.driver.memory",
       .doc = "Queues in memory: what waits is lost when the program ends",
       .fields = {lifecycle_of_dialect()}},
      {.name = "queue.queue",
       .doc = "A queue of messages for functions",
       .fields = {make("driver", type::reference, "What keeps it")
                      .of({"queue.driver.memory"})
                      .required(),
                  make("queue_name", type::text, "A queue in memory is known by its id")
                      .without_effect(),
                  make("codec", type::choice, "In memory every message keeps its form")
                      .of({"json/plain", "json", "plain", "application/msgpack"})
                      .otherwise("json/plain"),
                  make("driver_options", type::section, "Bounds").with(driver_options()),
                  make("options", type::section, "Older name of driver_options")
                      .with(driver_options()),
                  make("dead_letter", type::section, "Where messages go that always fail")
                      .with({make("queue", type::reference, "The queue; default: they are dropped")
                                 .of({"queue.queue"}),
                             count("max_attempts", "5", 1, million,
                                   "Deliveries of one message until then")}),
                  lifecycle_of_dialect()}},
      {.name = "queue.consumer",
       .doc = "Calls a function with each message of a queue",
       .fields = {make("queue", type::reference, "The queue").of({"queue.queue"}).required(),
                  make("func", type::reference, "The function").of({"function.lua"}).required(),
                  count("concurrency", "1", 1, 1000, "Messages at a time"),
                  count("prefetch", "10", 1, 10'000, "Taken ahead; a queue in memory needs none"),
                  flag("auto_ack", "false", "A message is done when the function is called"),
                  ignored("driver_options", "A queue in memory has none for consumers"),
                  lifecycle_of_dialect()}},
  };
}

std::vector<kind_definition> variables() {
  return {
      {.name = "env.storage.memory",
       .doc = "Variables in memory",
       .fields = {lifecycle_of_dialect()}},
      {.name = "env.storage.os",
       .doc = "The environment of the operating system; what scripts set lies above it",
       .fields = {lifecycle_of_dialect()}},
      {.name = "env.storage.file",
       .doc = "Variables in a file of NAME=value lines",
       .fields = {make("file_path", type::text, "Relative to the YAML file's folder, or absolute")
                      .required(),
                  flag("auto_create", "false", "Make it when it is not there"),
                  make("file_mode", type::file_mode, "Permissions of a file that is made")
                      .otherwise("0644"),
                  make("dir_mode", type::file_mode, "Permissions of folders").without_effect(),
                  lifecycle_of_dialect()}},
      {.name = "env.storage.static",
       .doc = "Variables that stand in the entry; read-only",
       .fields = {make("values", type::text_map, "Name: value"), lifecycle_of_dialect()}},
      {.name = "env.storage.router",
       .doc = "Several storages: asked in this order, written to the first",
       .fields = {make("storages", type::reference_list, "The storages").of(storages).required(),
                  lifecycle_of_dialect()}},
      {.name = "env.variable",
       .doc = "A variable that scripts may ask for",
       .fields = {make("variable", type::text, "Its name; default: the entry's"),
                  make("storage", type::reference, "Where it is kept").of(storages),
                  make("default", type::any, "Value when the storage has none"),
                  flag("readonly", "false", "Scripts cannot set it"),
                  make("read_only", type::boolean, "Other spelling of readonly"),
                  lifecycle_of_dialect()}},
  };
}

std::vector<kind_definition> security() {
  return {
      {.name = "security.policy",
       .doc = "Who may do what, see the Lua module security",
       .fields = {make("policy", type::section, "The rule")
                      .with({make("actions", type::any, "An action, a pattern, or a list of these")
                                 .required(),
                             make("resources", type::any, "The same of what it is done to")
                                 .required(),
                             make("effect", type::choice, "What it says")
                                 .of({"allow", "deny"})
                                 .required(),
                             make("conditions", type::list,
                                  "All of {field, operator, value} must hold")})
                      .required(),
                  make("groups", type::text_list, "Names of scopes it is part of")}},
      {.name = "security.policy.expr",
       .doc = "A rule whose condition is an expression over actor, action, resource and meta",
       .fields = {make("policy", type::section, "The rule")
                      .with({make("expression", type::text, "It counts where this is true").required(),
                             make("actions", type::any, "An action, a pattern, or a list of these; default: all"),
                             make("resources", type::any, "The same of what it is done to"),
                             make("effect", type::choice, "What it says")
                                 .of({"allow", "deny"})
                                 .otherwise("allow")})
                      .required(),
                  make("groups", type::text_list, "Names of scopes it is part of")}},
      {.name = "security.token_store",
       .doc = "Tokens for actors, see the Lua module security",
       .fields = {make("store", type::reference, "Where they are kept")
                      .of({"store.memory", "store.sql"})
                      .required(),
                  count("token_length", "32", 16, 1024, "Random bytes of a token"),
                  time("default_expiration", "24h", 1, "How long a token is good"),
                  make("token_key", type::text,
                       "Key of an HMAC-SHA256 that each token carries; default: none"),
                  lifecycle_of_dialect()}},
  };
}

void append(std::vector<kind_definition>& to, std::vector<kind_definition> more) {
  for (auto& one : more)
    to.push_back(std::move(one));
}

} // namespace

std::vector<kind_definition> shared_kinds() {
  std::vector<kind_definition> all{terminal_host(), pg_scope(), store_memory(), store_sql(),
                                   db_sqlite()};
  append(all, queues());
  append(all, variables());
  append(all, security());
  return all;
}

} // namespace natterjack::runtime
