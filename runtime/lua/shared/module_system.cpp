// The Lua module `system`: the program and the machine it runs on.
//
// What needs no C++ stands in library/system.lua: system.modules(), numbers that are kept for all of the program.
//
//   system.memory.stats() allocated() heap_objects()      bytes of the program; objects: its processes;
//                                                         total_alloc: the most there ever was; num_gc:
//                                                         collections that scripts asked for
//   system.gc.collect()                                   of this state
//   system.runtime.cpu_count() max_procs() goroutines()   numbers; the last one: processes
//   system.process.pid() hostname() cwd()
//   system.hosts.list()                                   {{id, processes, workers}, …}
//   system.hosts.processes(host)                          {{pid, host, source, state, steps,
//                                                         started_at}, …}
//   system.supervisor.state(id) states()                  {id, status, desired, retry_count, pid,
//                                                         details}; a list of these
//   system.node.id()                                      first part of every PID
//   system.lock.acquire(name) release(name)               true; false, err (ALREADY_EXISTS)
//   system.exit(code?)                                    as SIGTERM: the program drains and ends
#include "hub/node.hpp"
#include "hub/process_host.hpp"
#include "hub/usable_cores.hpp"
#include "runtime/config/kinds/catalogue.hpp"
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/program/lua_library.hpp"
#include "runtime/lua/shared/entry_registry.hpp"
#include "runtime/lua/shared/services.hpp"
#include "runtime/lua/shared/supervisor_view.hpp"

#include <caf/abstract_actor.hpp>
#include <nlohmann/json.hpp>

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <limits>
#include <thread>

// Of jemalloc, there if the binary is linked with it.
extern "C" int mallctl(const char* name, void* old_value, size_t* old_size, void* new_value,
                       size_t new_size) __attribute__((weak));

namespace natterjack::runtime::lua {

namespace {

void set_number(lua_State* L, const char* name, size_t value) {
  lua_pushinteger(L, static_cast<lua_Integer>(value));
  lua_setfield(L, -2, name);
}

// What a figure of jemalloc says; 0 if it is not the program's allocator.
size_t jemalloc_figure(const char* name) {
  size_t value = 0;
  size_t size = sizeof value;
  return mallctl != nullptr && mallctl(name, &value, &size, nullptr, 0) == 0 ? value : 0;
}

struct heap_figures {
  size_t used;
  size_t taken; ///< from the system
};

heap_figures heap() {
  if (mallctl == nullptr) {
    const auto info = mallinfo2();
    return {info.uordblks + info.hblkhd, info.arena + info.hblkhd};
  }
  uint64_t epoch = 1; // its figures are those of the last time this was written
  mallctl("epoch", nullptr, nullptr, &epoch, sizeof epoch);
  return {jemalloc_figure("stats.allocated"), jemalloc_figure("stats.resident")};
}

std::atomic<size_t> collections{0};

// Address space that was given back to the system and may be taken again.
size_t released() {
  return jemalloc_figure("stats.retained"); // behind heap(), which brings the figures up to date
}

size_t most_resident() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<size_t>(usage.ru_maxrss) << 10;
}

// Of the main thread: the system does not tell those of the others apart from the heap.
size_t stack_in_use() {
  size_t kib = 0;
  if (auto* status = std::fopen("/proc/self/status", "re")) {
    for (char line[256]; kib == 0 && std::fgets(line, sizeof line, status) != nullptr;)
      std::sscanf(line, "VmStk: %zu kB", &kib);
    std::fclose(status);
  }
  return kib << 10;
}

int memory_stats(lua_State* L) {
  const auto [used, taken] = heap();
  lua_createtable(L, 0, 12);
  set_number(L, "total_alloc", std::max(most_resident(), used));
  set_number(L, "heap_released", released());
  set_number(L, "stack_in_use", stack_in_use());
  set_number(L, "num_gc", collections.load(std::memory_order_relaxed));
  set_number(L, "alloc", used);
  set_number(L, "sys", taken);
  set_number(L, "heap_alloc", used);
  set_number(L, "heap_sys", taken);
  set_number(L, "heap_idle", taken > used ? taken - used : 0);
  set_number(L, "heap_in_use", used);
  set_number(L, "heap_objects", engine_of(L).node().processes().size());
  set_number(L, "own", engine_of(L).memory_used());
  return 1;
}

int memory_allocated(lua_State* L) {
  lua_pushinteger(L, static_cast<lua_Integer>(heap().used));
  return 1;
}

int count_processes(lua_State* L) {
  lua_pushinteger(L, static_cast<lua_Integer>(engine_of(L).node().processes().size()));
  return 1;
}

int gc_collect(lua_State* L) {
  lua_gc(L, LUA_GCCOLLECT);
  collections.fetch_add(1, std::memory_order_relaxed);
  lua_pushboolean(L, 1);
  return 1;
}

int cpu_count(lua_State* L) {
  lua_pushinteger(L, static_cast<lua_Integer>(hub::usable_cores()));
  return 1;
}

int module_names(lua_State* L) {
  lua_newtable(L);
  lua_Integer place = 0;
  for (const auto& one : known_modules())
    if (one.is_available) {
      lua_pushlstring(L, one.name.data(), one.name.size());
      lua_rawseti(L, -2, ++place);
    }
  return 1;
}

// What library/system.lua keeps: no bound of memory, 100 percent, all processors.
struct system_knobs {
  std::array<std::atomic<int64_t>, 3> values{
      std::numeric_limits<int64_t>::max(), 100,
      static_cast<int64_t>(hub::usable_cores())};
};

// number of the knob, value or nil -> the value before
int knob(lua_State* L) {
  auto& all = engine_of(L).runtime().shared().of<system_knobs>().values;
  auto& one = all.at(static_cast<size_t>(lua_tointeger(L, 1)));
  lua_pushinteger(L, lua_isinteger(L, 2) != 0 ? one.exchange(lua_tointeger(L, 2)) : one.load());
  return 1;
}

int process_pid(lua_State* L) {
  lua_pushinteger(L, getpid());
  return 1;
}

int process_hostname(lua_State* L) {
  char name[256] = "";
  if (gethostname(name, sizeof name - 1) != 0)
    return fail(L, error_kind::internal, "the system does not tell its name");
  lua_pushstring(L, name);
  return 1;
}

int process_cwd(lua_State* L) {
  char path[4096];
  if (getcwd(path, sizeof path) == nullptr)
    return fail(L, error_kind::internal, "the system does not tell the working directory");
  lua_pushstring(L, path);
  return 1;
}

// "id\nprocesses\n" of each host, in `scratch`.
void list_hosts(engine& self) {
  self.scratch.clear();
  auto tell = [&self](const std::string& id) {
    if (auto* host = self.node().find_process_host(id))
      self.scratch += id + "\n" + std::to_string(host->all().size()) + "\n";
  };
  const auto entries = self.runtime().shared().entries->now();
  if (!entries->contains("system:processes"))
    tell("system:processes"); // implicit: made, but declared by nobody
  for (const auto& [id, one] : *entries)
    if (one.kind == "process.host" || one.kind == "terminal.host")
      tell(id);
}

int hosts_list(lua_State* L) {
  auto& self = engine_of(L);
  list_hosts(self);
  lua_newtable(L);
  std::string_view rest = self.scratch;
  for (lua_Integer place = 1; !rest.empty(); ++place) {
    const auto end = rest.find('\n');
    const auto last = rest.find('\n', end + 1);
    lua_createtable(L, 0, 3);
    lua_pushlstring(L, rest.data(), end);
    lua_setfield(L, -2, "id");
    lua_pushinteger(L, std::strtoll(rest.data() + end + 1, nullptr, 10));
    lua_setfield(L, -2, "processes");
    set_number(L, "workers", hub::usable_cores());
    lua_rawseti(L, -2, place);
    rest.remove_prefix(last + 1);
  }
  return 1;
}

int64_t unix_ns(std::chrono::steady_clock::time_point when) {
  const auto ago = std::chrono::steady_clock::now() - when;
  return (std::chrono::system_clock::now().time_since_epoch() - ago) / std::chrono::nanoseconds(1);
}

// JSON list, in `scratch`. @returns false if there is no such host
bool list_processes(engine& self, std::string_view host_id) {
  auto* host = self.node().find_process_host(std::string(host_id));
  if (host == nullptr)
    return false;
  auto list = nlohmann::json::array();
  for (const auto& held : host->all()) {
    const auto* one = dynamic_cast<const hub::process*>(held->get());
    if (one == nullptr || !one->is_here())
      continue;
    const auto facts = one->facts();
    list.push_back(nlohmann::json{{"pid", hub::to_string(one->id())},
                                  {"host", host_id},
                                  {"source", facts.entry},
                                  {"state", "running"},
                                  {"steps", facts.messages},
                                  {"started_at", unix_ns(one->born())}});
  }
  self.scratch = list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return true;
}

int push_scratch(lua_State* L) {
  push_json(L, engine_of(L).scratch); // written by us: it parses
  return 1;
}

int hosts_processes(lua_State* L) {
  if (list_processes(engine_of(L), text_argument(L, 1)))
    return push_scratch(L);
  return fail(L, error_kind::not_found, "no process.host or terminal.host entry of this id");
}

// What the wiring tells of services, in `scratch`. @returns false if it tells nothing
bool tell(engine& self, const std::function<hub::payload()>& ask) {
  self.scratch = ask ? ask().bytes() : std::string_view{};
  return !self.scratch.empty();
}

bool tell_state(engine& self, std::string_view id) {
  auto& view = self.runtime().shared().of<supervisor_view>();
  return view.state && tell(self, [&view, id] { return view.state(std::string(id)); });
}

int supervisor_state(lua_State* L) {
  if (tell_state(engine_of(L), text_argument(L, 1)))
    return push_scratch(L);
  return fail(L, error_kind::not_found, "the application has started no service of this id");
}

int supervisor_states(lua_State* L) {
  auto& self = engine_of(L);
  if (tell(self, self.runtime().shared().of<supervisor_view>().states))
    return push_scratch(L);
  lua_newtable(L);
  return 1;
}

int node_id(lua_State* L) {
  const auto& name = engine_of(L).node().name();
  lua_pushlstring(L, name.data(), name.size());
  return 1;
}

// A lock is a name: it goes with the process that holds it.
std::string lock_name(std::string_view name) {
  return "\1lock:" + std::string(name);
}

bool acquire_now(engine& self, std::string_view name) {
  const auto full = lock_name(name);
  if (self.node().names().lookup(full) == self.id())
    return false;
  return self.node().names().add(full, self.id(), self.program().limits().names) ==
         hub::register_result::registered;
}

int lock_acquire(lua_State* L) {
  if (text_of(L, 1).empty())
    return fail(L, error_kind::invalid, "system.lock.acquire takes a name");
  const bool done = acquire_now(engine_of(L), text_of(L, 1));
  lua_pushboolean(L, done);
  if (done)
    return 1;
  push_error(L, error_kind::already_exists, "the lock is held already");
  return 2;
}

bool release_now(engine& self, std::string_view name) {
  const auto full = lock_name(name);
  return self.node().names().lookup(full) == self.id() && self.node().names().remove(full);
}

int lock_release(lua_State* L) {
  lua_pushboolean(L, release_now(engine_of(L), text_argument(L, 1)));
  return 1;
}

// code? ; the signal carries it
int system_exit(lua_State* L) {
  sigval code{};
  code.sival_int = static_cast<int>(luaL_optinteger(L, 1, 0) & 0xff);
  sigqueue(getpid(), SIGTERM, code);
  lua_pushboolean(L, 1);
  return 1;
}

} // namespace

int open_system(lua_State* L) {
  constexpr luaL_Reg memory[] = {{"stats", memory_stats},
                                 {"allocated", memory_allocated},
                                 {"heap_objects", count_processes},
                                 {nullptr, nullptr}};
  constexpr luaL_Reg gc[] = {{"collect", gc_collect}, {nullptr, nullptr}};
  constexpr luaL_Reg runtime[] = {{"cpu_count", cpu_count},
                                  {"goroutines", count_processes},
                                  {nullptr, nullptr}};
  constexpr luaL_Reg program[] = {{"pid", process_pid},
                                  {"hostname", process_hostname},
                                  {"cwd", process_cwd},
                                  {nullptr, nullptr}};
  constexpr luaL_Reg hosts[] = {{"list", guarded<hosts_list>},
                                {"processes", guarded<hosts_processes>},
                                {nullptr, nullptr}};
  constexpr luaL_Reg supervisor[] = {{"state", guarded<supervisor_state>},
                                     {"states", guarded<supervisor_states>},
                                     {nullptr, nullptr}};
  constexpr luaL_Reg node[] = {{"id", node_id}, {nullptr, nullptr}};
  constexpr luaL_Reg lock[] = {{"acquire", guarded<lock_acquire>},
                               {"release", guarded<lock_release>},
                               {nullptr, nullptr}};
  constexpr luaL_Reg functions[] = {{"exit", system_exit}, {nullptr, nullptr}};
  luaL_newlib(L, functions);
  set_table(L, "memory", memory);
  set_table(L, "gc", gc);
  set_table(L, "runtime", runtime);
  set_table(L, "process", program);
  set_table(L, "hosts", hosts);
  set_table(L, "supervisor", supervisor);
  set_table(L, "node", node);
  set_table(L, "lock", lock);
  constexpr luaL_Reg natives[] = {
      {"module_names", module_names}, {"knob", guarded<knob>}, {nullptr, nullptr}};
  luaL_newlib(L, natives);
  lua_insert(L, -2);
  lua_setfield(L, -2, "module");
  run_library(L, "system");
  return 1;
}

} // namespace natterjack::runtime::lua
