#include "runtime/lua/shared/scripted_entries.hpp"

#include "hub/node.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/shared/services.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace natterjack::runtime::lua {

namespace {

using nlohmann::json;

constexpr int imports_deep_max = 20; // libraries that import each other would never end

std::string text_of_member(const json& data, const char* name) {
  const auto i = data.find(name);
  return i != data.end() && i->is_string() ? i->get<std::string>() : std::string();
}

std::string default_method(const std::string& kind) {
  return kind == "function.lua" ? "handler" : kind == "process.lua" ? "run" : "";
}

json data_of(const entry_record& entry) {
  auto data = json::parse(entry.data.bytes(), nullptr, false);
  return data.is_object() ? data : json::object();
}

program_source source_of(const entry_record& entry, const json& data) {
  program_source source;
  source.id = entry.id;
  source.text = text_of_member(data, "source");
  source.method = entry.kind == "library.lua" ? "" : text_of_member(data, "method");
  if (source.method.empty())
    source.method = default_method(entry.kind);
  const auto modules = data.find("modules");
  if (modules != data.end() && modules->is_array())
    for (const auto& one : *modules)
      if (one.is_string())
        source.modules.insert(one.get<std::string>());
  return source;
}

// A library named in `imports`, absolute or of the entry's own namespace.
std::string full_id(const std::string& of, const std::string& name) {
  return name.find(':') != std::string::npos ? name : of.substr(0, of.find(':') + 1) + name;
}

} // namespace

bool is_scripted(std::string_view kind) noexcept {
  return kind == "function.lua" || kind == "process.lua" || kind == "library.lua";
}

std::string scripted_entries::check(const entry_record& entry) {
  auto source = source_of(entry, data_of(entry));
  if (source.text.empty() || source.text.starts_with("file://"))
    return entry.id + ": data.source must be the Lua text itself: files are read when the application starts";
  syntax_error error;
  if (lua_program::make(std::move(source), &error))
    return {};
  return entry.id + ": line " + std::to_string(error.line) + ": " + error.message;
}

program_ptr scripted_entries::make(const entry_registry::entry_map& all, const entry_record& entry,
                                   int depth) const {
  const auto data = data_of(entry);
  auto source = source_of(entry, data);
  const auto imports = data.find("imports");
  if (imports != data.end() && imports->is_object() && depth < imports_deep_max)
    for (const auto& [alias, name] : imports->items()) {
      if (!name.is_string())
        continue;
      const auto id = full_id(entry.id, name.get<std::string>());
      const auto found = all.find(id);
      const bool is_here = found != all.end() && found->second.kind == "library.lua";
      auto library = is_here && check(found->second).empty() ? make(all, found->second, depth + 1)
                     : is_here && find_library               ? find_library(id)
                                                             : nullptr;
      if (library)
        source.imports.emplace(alias, std::move(library));
    }
  source.limits = bounds_of(entry).limits;
  return lua_program::make(std::move(source));
}

scripted_bounds scripted_entries::bounds_of(const entry_record& entry) const {
  return read_bounds ? read_bounds(entry) : scripted_bounds{};
}

std::optional<program_ptr> scripted_entries::find_program(const entry_registry& entries,
                                                          const std::string& id) {
  if (!entries.is_changed(id))
    return {};
  const auto all = entries.now();
  const auto found = all->find(id);
  return found == all->end() || found->second.kind != "process.lua" ? nullptr
                                                                    : make(*all, found->second, 0);
}

std::optional<std::shared_ptr<function_pool>> scripted_entries::find_pool(lua_runtime& runtime,
                                                                          const std::string& id) {
  const auto& entries = *runtime.shared().entries;
  const bool is_changed = entries.is_changed(id);
  std::lock_guard guard(mutex_);
  auto known = pools_.find(id);
  if (!is_changed && known == pools_.end())
    return {};
  const auto all = entries.now();
  if (is_changed && known != pools_.end() && known->second.of == all)
    return known->second.pool;
  const auto found = all->find(id);
  const bool is_function = is_changed && found != all->end() && found->second.kind == "function.lua";
  const auto text = is_function ? std::string(found->second.data.bytes()) : std::string();
  if (known != pools_.end() && is_function && known->second.text == text &&
      !data_of(found->second).contains("imports")) {
    known->second.of = all;
    return known->second.pool;
  }
  if (known != pools_.end()) {
    retire(std::move(known->second.pool));
    pools_.erase(known);
  }
  if (!is_changed)
    return {};
  auto program = is_function && !stopped_ ? make(*all, found->second, 0) : nullptr;
  if (!program)
    return nullptr;
  auto pool = function_pool::make(runtime, std::move(program),
                                  runtime.node().host("system:functions"),
                                  bounds_of(found->second).pool);
  pools_.emplace(id, pooled{all, text, pool});
  return pool;
}

void scripted_entries::retire(std::shared_ptr<function_pool> pool) {
  std::erase_if(retired_, [](const auto& one) { return one->workers() == 0; });
  pool->retire();
  retired_.push_back(std::move(pool));
}

void scripted_entries::stop() {
  std::vector<std::shared_ptr<function_pool>> all;
  {
    std::lock_guard guard(mutex_);
    stopped_ = true;
    all.swap(retired_);
    for (auto& [id, one] : pools_)
      all.push_back(one.pool);
  }
  for (const auto& one : all)
    one->stop();
}

} // namespace natterjack::runtime::lua
