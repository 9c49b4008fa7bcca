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
#include <mutex>
#include <stdexcept>

namespace natterjack::runtime {

using namespace nlohmann::literals;

namespace {

std::string namespace_of(const std::string& id) { return id.substr(0, id.find(':')); }

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
    for (const auto& group : one.groups) {
      shelf.groups[group].push_back(one.id);
      if (const auto full = resolve_reference(namespace_of(one.id), group); full != group)
        shelf.groups[full].push_back(one.id);
    }
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

namespace {

// A group is called by the name its policies give it, or by that with the namespace of their file.
bool is_in_group(const policy_entry& one, const std::string& name, const std::string& space) {
  const auto full = resolve_reference(space, name);
  return std::any_of(one.groups.begin(), one.groups.end(), [&](const auto& group) {
    return group == name || resolve_reference(namespace_of(one.id), group) == full;
  });
}

// Those of a list that are texts; `meta` is not checked as fields are.
std::vector<std::string> texts_in(const nlohmann::json& said, const char* member) {
  std::vector<std::string> found;
  const auto list = said.find(member);
  if (list != said.end() && list->is_array())
    for (const auto& one : *list)
      if (one.is_string())
        found.push_back(one.get<std::string>());
  return found;
}

lua::context_ptr make_context(const service_options& options, const nlohmann::json& said,
                              const std::string& space) {
  if (!said.is_object())
    return nullptr;
  auto made = std::make_shared<lua::call_context>();
  if (auto actor = said.find("actor"); actor != said.end() && actor->is_object())
    made->actor = hub::payload::json(actor->dump());
  auto policies = nlohmann::json::array();
  const auto groups = texts_in(said, "groups");
  const auto named = texts_in(said, "policies");
  for (const auto& group : groups)
    for (const auto& one : options.policies)
      if (is_in_group(one, group, space))
        policies.push_back(one.id);
  for (const auto& one : named)
    policies.push_back(resolve_reference(space, one));
  if (!groups.empty() || !named.empty()) // a group without policies allows nothing
    made->scope = hub::payload::json(policies.dump());
  return made;
}

const registry_record* find_entry(const service_options& options, const std::string& id) {
  auto entry = std::find_if(options.entries.begin(), options.entries.end(),
                            [&id](const auto& one) { return one.id == id; });
  return entry == options.entries.end() ? nullptr : &*entry;
}

} // namespace

lua::context_ptr security_of(const service_options& options, const std::string& service_id) {
  const auto* entry = find_entry(options, service_id);
  if (entry == nullptr || !entry->data.is_object())
    return nullptr;
  return make_context(options,
                      entry->data.value("/lifecycle/security"_json_pointer, nlohmann::json()),
                      namespace_of(service_id));
}

lua::context_ptr security_of_command(const service_options& options, const std::string& process_id) {
  const auto* entry = find_entry(options, process_id);
  if (entry == nullptr || !entry->meta.is_object())
    return nullptr;
  const auto said = entry->meta.value("/command/security"_json_pointer, nlohmann::json());
  const auto space = namespace_of(process_id);
  if (said.is_object())
    for (const auto& one : texts_in(said, "policies"))
      if (const auto id = resolve_reference(space, one);
          std::none_of(options.policies.begin(), options.policies.end(),
                       [&id](const auto& known) { return known.id == id; }))
        throw std::runtime_error(process_id + ": meta.command.security.policies: no policy '" + id + "'");
  return make_context(options, said, space);
}

namespace {

lua::delivery_end end_of(const lua::main_end& end) {
  return end.why.text.empty() && !says_no(end.result.value) ? lua::delivery_end::done
                                                            : lua::delivery_end::failed;
}

// Looked for at each message: after a reload it is the new function's.
class consumer_function {
 public:
  consumer_function(std::string id, lua::services& of)
      : id_(std::move(id)), of_(of), last_(of.find_function(id_)) {}

  /// A function that is gone goes on as it was last: consumers end with the program alone.
  std::shared_ptr<lua::function_pool> now() {
    auto found = of_.find_function ? of_.find_function(id_) : nullptr;
    std::lock_guard guard(mutex_);
    if (found)
      last_ = std::move(found);
    return last_;
  }

 private:
  std::string id_;
  lua::services& of_; // holds the broker, and with it this
  std::mutex mutex_;
  std::shared_ptr<lua::function_pool> last_;
};

} // namespace

void start_consumers(const service_options& options, const std::shared_ptr<lua::services>& of) {
  auto& broker = of->of<lua::queue_broker>();
  for (const auto& one : options.consumers) {
    auto function = std::make_shared<consumer_function>(one.function_id, *of);
    broker.add_consumer(one.queue_id, one.concurrency, one.auto_ack,
                        [function](std::shared_ptr<lua::queue_delivery> delivery,
                                   std::function<void(lua::delivery_end)> done) {
                          lua::call_extras extras;
                          auto data = delivery->message.data;
                          extras.attachment = std::move(delivery);
                          extras.patient = true; // `concurrency` bounds them
                          extras.done = [done](lua::main_end& end) { done(end_of(end)); };
                          extras.unbegun = [done] { done(lua::delivery_end::not_begun); };
                          function->now()->call({std::move(data)}, std::move(extras));
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
