#include "runtime/config/source/requirements.hpp"

#include "runtime/config/locate.hpp"
#include "runtime/config/nearest.hpp"
#include "runtime/config/source/field_path.hpp"

#include <map>

namespace natterjack::runtime {

namespace {

struct given_value {
  const entry* by = nullptr;
  const map_member* what = nullptr;
};

std::map<std::string, given_value> parameters(const application& app) {
  std::map<std::string, given_value> found;
  for (const auto& e : app.entries) {
    const auto* list = e.kind == "ns.dependency" ? e.data.find("parameters") : nullptr;
    if (!list)
      continue;
    for (const auto& item : list->items()) {
      const auto* name = item.find("name");
      const auto* value = item.find_member("value");
      if (name && name->as_text() && value && !value->value.is_null())
        found.emplace(*name->as_text(), given_value{&e, value});
    }
  }
  return found;
}

// The value keeps the place it was written at, which may be another file than its new entry's.
config_value moved_from(const given_value& given) {
  config_value made = given.what->value;
  if (!made.origin()) {
    const int line = given.what->line != 0 ? given.what->line : given.by->line;
    made.set_origin(
        std::make_shared<const std::string>(given.by->file + ':' + std::to_string(line)));
  }
  return made;
}

} // namespace

void apply_requirements(application& app) {
  const auto given = parameters(app);
  std::vector<std::string> ids;
  for (const auto& e : app.entries)
    ids.push_back(e.id);
  struct setting {
    const entry* by;
    int line;
    std::string id, path;
    config_value value;
  };
  std::vector<setting> settings; // set when all are read: targets may hold values themselves
  for (const auto& e : app.entries) {
    const auto* targets = e.kind == "ns.requirement" ? e.data.find("targets") : nullptr;
    if (!targets || targets->items().empty())
      continue;
    auto found = given.find(e.id);
    if (found == given.end())
      found = given.find(e.name);
    const auto* otherwise = e.data.find_member("default");
    if (found == given.end() && (!otherwise || otherwise->value.is_null())) {
      app.diagnostics.push_back(mistake_at(e, "the requirement has no value",
                                           "a default, or a parameter of a ns.dependency"));
      continue;
    }
    const auto value =
        moved_from(found != given.end() ? found->second : given_value{&e, otherwise});
    for (const auto& target : targets->items()) {
      const auto* id = target.find("entry");
      const auto* path = target.find("path");
      if (id && id->as_text() && path && path->as_text())
        settings.push_back(
            {&e, target.line(), resolve_reference(e.ns, *id->as_text()), *path->as_text(), value});
    }
  }
  constexpr size_t hints_max = 100; // each looks at all entries
  size_t hinted = 0;
  for (auto& s : settings) {
    auto* target = app.find(s.id);
    if (!target) {
      app.diagnostics.push_back({s.by->file, s.line, s.by->id,
                                 "targets: there is no entry \"" + s.id + '"' +
                                     (++hinted > hints_max ? "" : did_you_mean(s.id, ids)),
                                 ""});
      continue;
    }
    const auto path = s.path.starts_with('.') ? s.path.substr(1) : s.path;
    if (auto error = set_field(*target, path, std::move(s.value)); !error.empty())
      app.diagnostics.push_back({s.by->file, s.line, s.by->id, "targets: " + error, ""});
  }
}

} // namespace natterjack::runtime
