// What Lua modules reach of an application, made of its entries: stores, databases, queues,
// variables, policies, entries as data.
#pragma once

#include "runtime/config/options/options.hpp"
#include "runtime/config/options/service_options.hpp"
#include "runtime/lua/shared/call_context.hpp"
#include "runtime/lua/shared/services.hpp"

namespace natterjack::runtime {

/// Fills `to` with what the entries say. `to.find_function` is set before consumers start.
/// @throws std::runtime_error  for a file of variables that cannot be read
void fill_services(const service_options& options, lua::services& to);
/// Opens every database: one that cannot be is in the log from the start, with its entry's place.
void open_databases(const service_options& options, lua::services& of);
/// Whether all required databases could be opened when that was tried last.
bool databases_are_open(const service_options& options, lua::services& of);
/// Folders for the module `fs`; those with `auto_init` are made. Throws std::runtime_error if one cannot be made.
void fill_volumes(const std::vector<fs_directory_entry>& folders, lua::services& to);

/// What `lifecycle.security` of a service says, for its process; null: nothing.
lua::context_ptr security_of(const service_options& options, const std::string& service_id);
/// What `meta.command.security` of a process.lua says, for its process when it is run as a command.
/// @throws std::runtime_error  for a policy that is not there
lua::context_ptr security_of_command(const service_options& options, const std::string& process_id);

/// Consumers take messages from now on; behind the start of services.
void start_consumers(const service_options& options, const std::shared_ptr<lua::services>& of);
/// Calls of consumers that have a message now.
size_t consumers_at_work(lua::services& of);
void stop_consumers(lua::services& of);

} // namespace natterjack::runtime
