#include "runtime/server/scripted_bounds.hpp"

#include "runtime/config/checks/field_check.hpp"
#include "runtime/config/options/options.hpp"
#include "runtime/config/source/document.hpp"
#include "runtime/server/lua_bounds.hpp"

namespace natterjack::runtime {

namespace {

// As if a file said nothing else of it: what is more in the data of a script's entry is not looked at.
entry bounds_of(const lua::entry_record& from) {
  entry made;
  made.id = from.id;
  made.ns = from.id.substr(0, from.id.find(':'));
  made.name = from.id.substr(made.ns.size() + 1);
  made.kind = from.kind;
  made.source = source_text{"", from.id, {}, 1};
  made.data.put("source", config_value::text("return")); // that one was checked before
  const auto read = read_json(from.data.bytes());
  if (!read.value)
    return made;
  for (const char* name : {"pool", "limits"}) {
    const auto* said = read.value->root.find(name);
    const bool is_empty = said != nullptr && said->is_list() && said->items().empty(); // {} of Lua
    if (said != nullptr && !is_empty)
      made.data.put(name, *said);
  }
  return made;
}

} // namespace

std::string check_scripted_bounds(const lua::entry_record& entry) {
  if (entry.kind != "function.lua" && entry.kind != "process.lua")
    return {};
  std::vector<diagnostic> mistakes;
  std::vector<diagnostic> warnings;
  check_fields(bounds_of(entry), mistakes, warnings);
  if (mistakes.empty())
    return {};
  const auto& first = mistakes.front();
  return entry.id + ": " + first.message +
         (first.expected.empty() ? "" : "; expected " + first.expected);
}

lua::scripted_bounds read_scripted_bounds(const lua::entry_record& entry) {
  const auto said = bounds_of(entry);
  lua::scripted_bounds made;
  if (entry.kind == "function.lua") {
    const auto function = read_function({}, said);
    made.limits = to_lua(function.limits);
    made.pool = to_lua(function.pool);
  } else if (entry.kind == "process.lua") {
    made.limits = to_lua(read_process({}, said).limits);
  }
  return made;
}

} // namespace natterjack::runtime
