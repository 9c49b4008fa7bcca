// Entries that Lua modules reach, as plain structs; and all entries as data, for `registry`.
#pragma once

#include "runtime/config/application.hpp"
#include "runtime/config/options/lua_options.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace natterjack::runtime {

struct registry_record {
  std::string id;
  std::string kind;
  nlohmann::json meta;
  nlohmann::json data;
};

struct terminal_host_entry {
  std::string id;
  uint64_t max_processes = 0;
};

struct pg_scope_entry {
  std::string id;
  uint64_t max_groups = 0;            ///< 0: no bound
  uint64_t max_members_per_group = 0; ///< 0: no bound
};

struct store_memory_entry {
  std::string id;
  uint64_t max_size = 0;
  uint64_t max_bytes = 0;
  duration cleanup_interval{};
};

struct store_sql_entry {
  std::string id;
  std::string database_id;
  std::string table, key_column, value_column, expiry_column;
  duration cleanup_interval{};
};

struct sqlite_entry {
  std::string id;
  std::string file; ///< absolute, or `:memory:`
  duration busy_timeout{};
  std::string place;    ///< of the entry, such as `app/_index.yaml:12`
  bool required = true; ///< `/readyz` looks at it
};

struct queue_entry {
  std::string id;
  uint64_t max_length = 0;
  uint64_t max_bytes = 0;
  duration publish_timeout{}; ///< 0: a full queue refuses at once
  std::string dead_letter_id; ///< empty: dropped
  uint64_t max_attempts = 0;
};

struct consumer_entry {
  std::string id;
  std::string queue_id;
  std::string function_id;
  uint64_t concurrency = 0;
  bool auto_ack = false;
};

struct env_storage_entry {
  std::string id;
  std::string kind; ///< memory, os, file, static, router
  std::string file; ///< absolute
  bool auto_create = false;
  uint32_t mode = 0;
  string_map values;
  std::vector<std::string> storages;
};

struct env_variable_entry {
  std::string id;
  std::string name;
  std::string storage_id; ///< empty: the operating system's environment
  std::optional<std::string> otherwise;
  bool read_only = false;
};

struct policy_entry {
  std::string id;
  /// actions, resources: lists of texts; effect; conditions; expression of a security.policy.expr
  nlohmann::json policy;
  std::vector<std::string> groups;
};

struct token_store_entry {
  std::string id;
  std::string store_id;
  uint64_t token_length = 0;
  duration default_expiration{};
  std::string token_key;
};

struct service_options {
  std::vector<registry_record> entries;
  std::vector<terminal_host_entry> terminals;
  std::vector<pg_scope_entry> scopes;
  std::vector<store_memory_entry> memory_stores;
  std::vector<store_sql_entry> sql_stores;
  std::vector<sqlite_entry> databases;
  std::vector<queue_entry> queues;
  std::vector<consumer_entry> consumers;
  std::vector<env_storage_entry> storages;
  std::vector<env_variable_entry> variables;
  std::vector<policy_entry> policies;
  std::vector<token_store_entry> token_stores;
};

service_options read_service_options(const application& app);

} // namespace natterjack::runtime
