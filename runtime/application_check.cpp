#include "runtime/application_check.hpp"

#include "runtime/config/nearest.hpp"
#include "runtime/config/options/options.hpp"
#include "runtime/lua/program/chunk_scan.hpp"
#include "runtime/lua/program/sandbox.hpp"

#include <algorithm>
#include <set>

namespace natterjack::runtime {

namespace {

// Names a Lua entry may require, and the globals its files set.
struct surroundings {
  std::set<std::string> modules;
  std::vector<std::string> aliases;
  std::set<std::string> globals;
};

std::string text_of(const config_value& value) {
  const auto* text = value.as_text();
  return text ? std::string(*text) : std::string();
}

surroundings look_around(const application& app, const entry& e) {
  surroundings found;
  if (const auto* modules = e.data.find("modules"))
    for (const auto& module : modules->items())
      found.modules.insert(text_of(module));
  if (const auto* imports = e.data.find("imports"))
    for (const auto& alias : imports->members()) {
      found.aliases.push_back(alias.key);
      const auto* library = app.find(resolve_reference(e.ns, text_of(alias.value)));
      if (library != nullptr && library->source)
        found.globals.merge(lua::scan_chunk(library->source->text).writes);
    }
  return found;
}

void scan(application& app, const entry& e) {
  constexpr std::string_view always[]{"process", "channel",   "payload", "errors", "pubsub",
                                      "string",  "coroutine", "table",   "math",   "os"};
  const auto& source = *e.source;
  const auto uses = lua::scan_chunk(source.text);
  const auto around = look_around(app, e);
  auto warn = [&app, &e, &source](const lua::chunk_use& use, std::string text, std::string hint) {
    app.warnings.push_back({source.chunk, use.line + source.first_line - 1, e.id, std::move(text),
                            std::move(hint)});
  };
  for (const auto& use : uses.required) {
    const bool given = around.modules.contains(use.name) ||
                       std::find(around.aliases.begin(), around.aliases.end(), use.name) !=
                           around.aliases.end() ||
                       std::find(std::begin(always), std::end(always), use.name) !=
                           std::end(always);
    if (given)
      continue;
    if (lua::is_module(use.name))
      warn(use, "require(\"" + use.name + "\"): the module is not granted",
           "\"" + use.name + "\" in modules of the entry");
    else
      warn(use, "require(\"" + use.name + "\"): no module and no import of that name",
           "a module, or an alias in imports");
  }
  for (const auto& use : uses.reads)
    if (!uses.writes.contains(use.name) && !around.globals.contains(use.name) &&
        !lua::is_known_global(use.name)) {
      if (uses.types.contains(use.name))
        warn(use, "\"" + use.name + "\" is a type, and no value here; it will be nil",
             "a function of your own that looks at the value");
      else
        warn(use, "unknown global \"" + use.name + "\"; it will be nil", "a local, or a module");
    }
}

void scan_all(application& app) {
  // A library's globals may come from whoever requires it.
  std::set<std::pair<std::string, std::string>> seen; // one file, one set of grants
  for (const auto& e : app.entries) {
    if (!e.source || e.kind == "library.lua")
      continue;
    const auto* modules = e.data.find("modules");
    if (seen.emplace(e.source->path.string() + e.source->chunk,
                     modules ? modules->to_json().dump() : "")
            .second)
      scan(app, e);
  }
}

void find_unreachable(application& app) {
  const auto options = read_options(app);
  auto starts = [&options](const std::string& id) {
    return std::find(options.start_order.begin(), options.start_order.end(), id) !=
           options.start_order.end();
  };
  auto warn = [&app](const std::string& id, const std::string& server) {
    const auto* e = app.find(id);
    app.warnings.push_back({e->file, e->line, id,
                            "nobody can reach it: its gateway " + server + " is not started",
                            "lifecycle.auto_start: true of the gateway"});
  };
  for (const auto& endpoint : options.endpoints)
    for (const auto& router : options.routers)
      if (router.id == endpoint.router_id && !starts(router.server_id))
        warn(endpoint.id, router.server_id);
  for (const auto& files : options.statics)
    if (!starts(files.server_id))
      warn(files.id, files.server_id);
}

} // namespace

void add_warnings(application& app, const command_line& line) {
  if (!app.ok())
    return;
  scan_all(app);
  find_unreachable(app);
  const bool has_implicit_router =
      std::any_of(app.entries.begin(), app.entries.end(),
                  [](const entry& e) { return e.implicit && e.kind == "http.router"; });
  if (line.allow_origins && !has_implicit_router)
    app.warnings.push_back(
        {"--allow-origins", 0, "",
         "changes nothing: it is for the implicit router system:api, which this application "
         "does not use",
         "allow_origins in the options of its own routers"});
  sort(app.warnings);
}

} // namespace natterjack::runtime
