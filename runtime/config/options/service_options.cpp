#include "runtime/config/options/service_options.hpp"

#include "runtime/config/options/field_reader.hpp"
#include "runtime/config/options/storage_files.hpp"

namespace natterjack::runtime {

namespace {

// In the dialect, 0 asks for the default.
constexpr uint64_t store_size = 10'000;
constexpr uint64_t queue_length = 1'000;
uint64_t or_default(uint64_t said, uint64_t otherwise) { return said == 0 ? otherwise : said; }

bool is_optional(const entry& e) {
  const auto* startup = e.data.find_path("lifecycle.startup");
  return startup != nullptr && startup->as_text() != nullptr && *startup->as_text() == "optional";
}

nlohmann::json as_list(const nlohmann::json& one_or_many) {
  return one_or_many.is_array() ? one_or_many : nlohmann::json::array({one_or_many});
}

env_storage_entry read_storage(const application& app, const entry& e) {
  const field_reader fields(e);
  env_storage_entry made;
  made.id = e.id;
  made.kind = e.kind.substr(e.kind.rfind('.') + 1);
  if (made.kind == "file") {
    made.file = storage_file_of(app, e);
    made.auto_create = fields.flag("auto_create");
    made.mode = static_cast<uint32_t>(std::stoul(fields.text("file_mode"), nullptr, 8));
  } else if (made.kind == "static") {
    made.values = fields.text_map("values");
  } else if (made.kind == "router") {
    made.storages = fields.ids("storages");
  }
  return made;
}

env_variable_entry read_variable(const entry& e) {
  const field_reader fields(e);
  env_variable_entry made;
  made.id = e.id;
  made.name = fields.says("variable") ? fields.text("variable") : e.name;
  if (fields.says("storage"))
    made.storage_id = fields.id("storage");
  if (const auto* value = fields.said("default"))
    made.otherwise = plain_text(*value);
  made.read_only = fields.flag("readonly") ||
                   (fields.says("read_only") && fields.flag("read_only"));
  return made;
}

policy_entry read_policy(const entry& e) {
  const field_reader fields(e);
  policy_entry made{e.id, nlohmann::json::object(), fields.texts("groups")};
  const auto said = fields.said("policy")->to_json();
  made.policy["actions"] = as_list(said.value("actions", nlohmann::json("*")));
  made.policy["resources"] = as_list(said.value("resources", nlohmann::json("*")));
  made.policy["effect"] = fields.text("policy.effect");
  if (said.contains("expression"))
    made.policy["expression"] = said.at("expression");
  made.policy["conditions"] = said.value("conditions", nlohmann::json::array());
  return made;
}

queue_entry read_queue(const entry& e) {
  const field_reader fields(e);
  const auto in = [&fields](const std::string& name) {
    for (const char* where : {"driver_options.memory.", "options.memory.", "options."})
      if (fields.says(where + name))
        return where + name;
    return "driver_options." + name;
  };
  return {e.id, or_default(fields.count(in("max_length")), queue_length),
          fields.bytes(in("max_bytes")), fields.time(in("publish_timeout")),
          fields.says("dead_letter.queue") ? fields.id("dead_letter.queue") : std::string{},
          fields.count("dead_letter.max_attempts")};
}

store_sql_entry read_store_sql(const entry& e) {
  const field_reader fields(e);
  return {e.id,
          fields.id("database"),
          fields.text("table_name"),
          fields.text("id_column_name"),
          fields.text("payload_column_name"),
          fields.text("expire_column_name"),
          fields.time("cleanup_interval")};
}

void read_one(const application& app, const entry& e, service_options& all) {
  if (e.kind == "terminal.host") {
    all.terminals.push_back({e.id, field_reader(e).count("max_processes")});
  } else if (e.kind == "pg.scope") {
    const field_reader fields(e);
    all.scopes.push_back(
        {e.id, fields.count("max_groups"), fields.count("max_members_per_group")});
  } else if (e.kind == "store.memory") {
    const field_reader fields(e);
    all.memory_stores.push_back({e.id, or_default(fields.count("max_size"), store_size),
                                 fields.bytes("max_bytes"),
                                 fields.time("cleanup_interval")});
  } else if (e.kind == "store.sql") {
    all.sql_stores.push_back(read_store_sql(e));
  } else if (e.kind == "db.sql.sqlite") {
    const field_reader fields(e);
    all.databases.push_back(
        {e.id, storage_file_of(app, e).string(), fields.time("busy_timeout"),
         place_of(e), !is_optional(e)});
  } else if (e.kind == "queue.queue") {
    all.queues.push_back(read_queue(e));
  } else if (e.kind == "queue.consumer") {
    const field_reader fields(e);
    all.consumers.push_back({e.id, fields.id("queue"), fields.id("func"),
                             fields.count("concurrency"), fields.flag("auto_ack")});
  } else if (e.kind.starts_with("env.storage.")) {
    all.storages.push_back(read_storage(app, e));
  } else if (e.kind == "env.variable") {
    all.variables.push_back(read_variable(e));
  } else if (e.kind == "security.policy" || e.kind == "security.policy.expr") {
    all.policies.push_back(read_policy(e));
  } else if (e.kind == "security.token_store") {
    const field_reader fields(e);
    all.token_stores.push_back({e.id, fields.id("store"), fields.count("token_length"),
                                fields.time("default_expiration"), fields.text("token_key")});
  }
}

} // namespace

service_options read_service_options(const application& app) {
  service_options all;
  for (const auto& e : app.entries) {
    all.entries.push_back({e.id, e.kind, e.meta.to_json(), e.data.to_json()});
    read_one(app, e, all);
  }
  return all;
}

} // namespace natterjack::runtime
