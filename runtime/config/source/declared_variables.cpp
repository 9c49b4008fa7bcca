#include "runtime/config/source/declared_variables.hpp"

#include "runtime/config/options/field_reader.hpp"
#include "runtime/config/options/storage_files.hpp"

namespace natterjack::runtime {

namespace {

constexpr int router_depth_max = 8;

class variables {
 public:
  variables(const application& app, environment system, variables_reader read_file)
      : app_(app), system_(std::move(system)), read_file_(std::move(read_file)) {}

  std::optional<std::string> find(const std::string& name) const {
    for (const auto& e : app_.entries) {
      if (e.kind != "env.variable" || name_of(e) != name)
        continue;
      if (const auto* storage = text_at(e.data, "storage"))
        if (auto value = stored(resolve_reference(e.ns, *storage), name, 0))
          return value;
      if (const auto* otherwise = e.data.find("default"); otherwise && !otherwise->is_null())
        return plain_text(*otherwise);
    }
    return system_(name);
  }

 private:
  static const std::string* text_at(const config_value& from, std::string_view key) {
    const auto* value = from.find(key);
    return value ? value->as_text() : nullptr;
  }

  static const std::string& name_of(const entry& e) {
    const auto* said = text_at(e.data, "variable");
    return said ? *said : e.name;
  }

  std::optional<std::string> stored(const std::string& id, const std::string& name,
                                    int depth) const {
    const auto* storage = app_.find(id);
    if (!storage || depth > router_depth_max)
      return {};
    if (storage->kind == "env.storage.os")
      return system_(name);
    if (storage->kind == "env.storage.static") {
      const auto* values = storage->data.find("values");
      const auto* value = values ? values->find(name) : nullptr;
      return value ? std::optional(plain_text(*value)) : std::nullopt;
    }
    if (storage->kind == "env.storage.file")
      return in_file(*storage, name);
    if (const auto* others = storage->data.find("storages");
        others && storage->kind == "env.storage.router")
      for (const auto& other : others->items())
        if (const auto* next = other.as_text())
          if (auto value = stored(resolve_reference(storage->ns, *next), name, depth + 1))
            return value;
    return {};
  }

  std::optional<std::string> in_file(const entry& storage, const std::string& name) const {
    if (!read_file_ || !text_at(storage.data, "file_path"))
      return {};
    const auto values = read_file_(storage_file_of(app_, storage));
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  }

  const application& app_;
  environment system_;
  variables_reader read_file_;
};

} // namespace

environment with_declared_variables(const application& app, environment system,
                                    variables_reader read_file) {
  auto known = std::make_shared<const variables>(app, std::move(system), std::move(read_file));
  return [known](const std::string& name) {
    return known->find(name);
  };
}

} // namespace natterjack::runtime
