#include "runtime/server/application_services.hpp"

#include "runtime/config/expression.hpp"
#include "runtime/lua/function_pool.hpp"
#include "runtime/lua/shared/entry_registry.hpp"
#include "runtime/lua/shared/group_watch.hpp"
#include "runtime/lua/shared/security_shelf.hpp"
#include "runtime/lua/storage/env_variables.hpp"
#include "runtime/lua/storage/key_value_store.hpp"
#include "runtime/lua/storage/queue_broker.hpp"
#include "runtime/lua/storage/sqlite_database.hpp"
#include "runtime/lua/storage/store_sql.hpp"
#include "runtime/lua/storage/volume.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <stdexcept>

namespace natterjack::runtime {

using namespace nlohmann::literals;

namespace {

void fill_entries(const service_options& options, lua::services& to) {
  std::vector<lua::entry_record> all;
  for (const auto& one : options.entries)
    all.push_back({one.id, one.kind, hub::payload::json(one.meta.dump()),
                   hub::payload::json(one.data.dump())});
  to.entries->load(std::move(all));
}

lua::env_storage_kind storage_kind(const std::string& name) {
  if (name == "os")
    return lua::env_storage_kind::os;
  if (name == "file")
    return lua::env_storage_kind::file;
  if (name == "static")
    return lua::env_storage_kind::fixed;
  return name == "router" ? lua::env_storage_kind::router : lua::env_storage_kind::memory;
}

void fill_variables(const service_options& options, lua::services& to) {
  constexpr const char* system = "system:environment"; // for variables that name no storage
  std::vector<lua::env_storage> storages;
  lua::env_storage environment;
  environment.id = system;
  environment.kind = lua::env_storage_kind::os;
  storages.push_back(environment);
  for (const auto& one : options.storages)
    storages.push_back({one.id, storage_kind(one.kind), one.file, one.auto_create, one.mode,
                        one.values, one.storages});
  std::vector<lua::env_variable> variables;
  for (const auto& one : options.variables)
    variables.push_back({one.id, one.name, one.storage_id.empty() ? system : one.storage_id,
                         one.otherwise, one.read_only});
  to.env->declare(std::move(storages), std::move(variables));
}

void fill_stores(const service_options& options, lua::services& to) {
  auto& databases = to.of<lua::database_shelf>().databases;
  for (const auto& one : options.databases)
    databases[one.id] =
        std::make_shared<lua::sqlite_database>(one.id, one.file, one.busy_timeout);
  auto& stores = to.of<lua::store_shelf>().stores;
  for (const auto& one : options.memory_stores)
    stores[one.id] =
        std::make_shared<lua::memory_store>(one.id, one.max_size, one.max_bytes,
                                            one.cleanup_interval);
  for (const auto& one : options.sql_stores) {
    auto database = std::find_if(options.databases.begin(), options.databases.end(),
                                 [&one](const auto& d) { return d.id == one.database_id; });
    stores[one.id] = std::make_shared<lua::sql_store>(lua::sql_store_settings{
        one.id, database->file, database->busy_timeout, one.table, one.key_column,
        one.value_column, one.expiry_column, one.cleanup_interval});
  }
}

void fill_queues(const service_options& options, lua::services& to) {
  auto& broker = to.of<lua::queue_broker>();
  for (const auto& one : options.queues)
    broker.add_queue(
        {one.id, one.max_length, one.max_bytes, one.publish_timeout, one.dead_letter_id,
         one.max_attempts});
  broker.when_dropped = [](const std::string& queue, const lua::queue_message& message,
                           const std::string& why) {
    spdlog::error("{}: message {} failed {} times and is dropped: {}", queue, message.id,
                  message.attempts, why);
  };
}

void fill_security(const service_options& options, lua::services& to) {
  auto& shelf = to.of<lua::security_shelf>();
  for (const auto& one : options.policies) {
    auto text = one.policy;
    text["id"] = one.id;
    text["groups"] = one.groups;
    shelf.policies[one.id] = hub::payload::json(text.dump());
    if (text.contains("expression")) {
      std::string why;
      shelf.expressions[one.id] = expression::parse(text["expression"].get<std::string>(), why);
    }
    for (const auto& group : one.groups)
      shelf.groups[group].push_back(one.id);
  }
  for (const auto& one : options.token_stores)
    shelf.token_stores[one.id] = {
        one.store_id, static_cast<size_t>(one.token_length),
        std::chrono::duration<double>(one.default_expiration).count(), one.token_key};
}

// A function of a queue that returns false asks for its message to be tried again.
bool says_no(const hub::payload& returned) {
  return returned.kind() == hub::payload_kind::json && returned.bytes() == "false";
}

} // namespace

void fill_services(const service_options& options, lua::services& to) {
  fill_entries(options, to);
  fill_variables(options, to);
  fill_stores(options, to);
  fill_queues(options, to);
  fill_security(options, to);
  auto& scopes = to.of<lua::group_watch>();
  for (const auto& one : options.scopes)
    scopes.declare(one.id, {static_cast<size_t>(one.max_groups),
                            static_cast<size_t>(one.max_members_per_group)});
}

void open_databases(const service_options& options, lua::services& of) {
  auto& databases = of.of<lua::database_shelf>().databases;
  for (const auto& one : options.databases)
    if (const auto why = databases.at(one.id)->try_open(); !why.empty())
      spdlog::error("{}: {}", one.place, why);
}

bool databases_are_open(const service_options& options, lua::services& of) {
  auto& databases = of.of<lua::database_shelf>().databases;
  return std::none_of(options.databases.begin(), options.databases.end(),
                      [&databases](const auto& one) {
                        const auto found = databases.find(one.id);
                        return one.required && found != databases.end() &&
                               found->second->is_broken();
                      });
}

void fill_volumes(const std::vector<fs_directory_entry>& folders, lua::services& to) {
  auto& shelf = to.of<lua::volume_shelf>();
  for (const auto& one : folders) {
    auto made = std::make_shared<lua::volume>(one.id, one.directory, one.mode);
    if (one.auto_init)
      if (auto why = made->make(); !why.empty())
        throw std::runtime_error(why);
    shelf.volumes[one.id] = std::move(made);
  }
}

lua::context_ptr security_of(const service_options& options, const std::string& service_id) {
  auto entry = std::find_if(options.entries.begin(), options.entries.end(),
                            [&service_id](const auto& one) { return one.id == service_id; });
  if (entry == options.entries.end() || !entry->data.is_object())
    return nullptr;
  const auto said = entry->data.value("/lifecycle/security"_json_pointer, nlohmann::json());
  if (!said.is_object())
    return nullptr;
  auto made = std::make_shared<lua::call_context>();
  if (auto actor = said.find("actor"); actor != said.end())
    made->actor = hub::payload::json(actor->dump());
  auto policies = nlohmann::json::array();
  for (const auto& group : said.value("groups", nlohmann::json::array()))
    for (const auto& one : options.policies)
      if (std::find(one.groups.begin(), one.groups.end(), group.get<std::string>()) !=
          one.groups.end())
        policies.push_back(one.id);
  const auto space = service_id.substr(0, service_id.find(':'));
  for (const auto& one : said.value("policies", nlohmann::json::array()))
    policies.push_back(resolve_reference(space, one.get<std::string>()));
  if (!policies.empty())
    made->scope = hub::payload::json(policies.dump());
  return made;
}

void start_consumers(const service_options& options, const std::shared_ptr<lua::services>& of) {
  auto& broker = of->of<lua::queue_broker>();
  for (const auto& one : options.consumers) {
    auto pool = of->find_function(one.function_id);
    broker.add_consumer(
        one.queue_id, one.concurrency, one.auto_ack,
        [pool](std::shared_ptr<lua::queue_delivery> delivery, std::function<void(bool)> done) {
          lua::call_extras extras;
          auto data = delivery->message.data;
          extras.attachment = std::move(delivery);
          extras.done = [done = std::move(done)](lua::main_end& end) {
            done(end.why.text.empty() && !says_no(end.result.value));
          };
          pool->call({std::move(data)}, std::move(extras));
        });
  }
  broker.start();
}

size_t consumers_at_work(lua::services& of) {
  return of.of<lua::queue_broker>().calls();
}

void stop_consumers(lua::services& of) {
  of.of<lua::queue_broker>().stop();
}

} // namespace natterjack::runtime
