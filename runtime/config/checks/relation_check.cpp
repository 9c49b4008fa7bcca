#include "runtime/config/checks/relation_check.hpp"

#include "hub/quantities.hpp"
#include "runtime/config/checks/references.hpp"
#include "runtime/config/locate.hpp"
#include "runtime/config/nearest.hpp"
#include "runtime/config/options/static_folder.hpp"
#include "runtime/config/url_pattern.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>

namespace natterjack::runtime {

namespace {

const std::string& text_or(const entry& e, std::string_view field, const std::string& otherwise) {
  const auto* value = e.data.find(field);
  return value && value->as_text() ? *value->as_text() : otherwise;
}

const config_value& or_nothing(const config_value* value) {
  static const config_value nothing;
  return value ? *value : nothing;
}

// Of other kinds it was said already that they are a mistake.
bool is_known(const entry& e) {
  const auto* kind = find_kind(e.kind);
  return kind && (kind->is_built || !kind->is_vital);
}

// An entry of a right kind if one is near, else any.
std::string nearest_entry(const application& app, const std::string& id,
                          const std::vector<std::string>& kinds) {
  std::vector<std::string> fitting, all;
  for (const auto& e : app.entries) {
    all.push_back(e.id);
    if (std::find(kinds.begin(), kinds.end(), e.kind) != kinds.end())
      fitting.push_back(e.id);
  }
  const auto hint = did_you_mean(id, fitting);
  return hint.empty() ? did_you_mean(id, all) : hint;
}

// The component that holds this id by its name, org/module for org.module and what is below it, if the
// application depends on one.
const entry* component_of(const application& app, const std::string& id, std::string& component) {
  const auto space = id.substr(0, id.find(':'));
  for (const auto& e : app.entries) {
    const auto* said = e.kind == "ns.dependency" ? e.data.find("component") : nullptr;
    if (said == nullptr || said->as_text() == nullptr)
      continue;
    component = *said->as_text();
    auto its_space = component;
    std::replace(its_space.begin(), its_space.end(), '/', '.');
    if (space == its_space || space.starts_with(its_space + '.'))
      return &e;
  }
  return nullptr;
}

// Behind all that is missing because of it: why it is.
void explain_components(application& app, const std::set<std::string>& missing) {
  std::map<const entry*, std::string> wanted;
  std::string component;
  for (const auto& id : missing)
    if (const auto* e = component_of(app, id, component))
      wanted.emplace(e, component);
  for (const auto& [e, name] : wanted) {
    const auto* member = e->data.find_member("component");
    app.diagnostics.push_back(mistake_at(*e, member->value, member->line,
                                         "component: " + name +
                                             " is not in this folder, and nothing is fetched",
                                         "its files below the folder of the application"));
  }
}

void check_references(application& app) {
  std::set<std::string> missing;
  constexpr size_t hints_max = 100; // each looks at all entries
  size_t hinted = 0;
  for (const auto& e : app.entries) {
    for (const auto& r : references_of(e)) {
      const auto& words = r.definition->words;
      const entry* meant = app.find(r.id);
      auto complain = [&](std::string message) {
        app.diagnostics.push_back(mistake_at(e, or_nothing(r.value), r.line, std::move(message),
                                             "the id of an entry of kind " + one_of(words)));
      };
      if (!meant) {
        missing.insert(r.id);
        const auto hint = ++hinted > hints_max ? "" : nearest_entry(app, r.id, words);
        complain(r.path + ": there is no entry \"" + r.id + '"' + hint);
      } else if (std::find(words.begin(), words.end(), meant->kind) == words.end() &&
                 is_known(*meant)) {
        complain(r.path + ": " + r.id + " is a " + meant->kind + " (" + place_of(*meant) + ')');
      }
    }
  }
  explain_components(app, missing);
}

// Follows the references that `next` picks; each circle is told once, at the entry met first.
void check_circles(application& app, const std::string& what,
                   const std::function<std::vector<reference>(const entry&)>& next) {
  enum class mark : uint8_t { unseen, open, done };
  std::map<std::string, mark> marks;
  // Walked without recursion: the depth is the application's choice.
  struct step {
    const entry* at;
    std::vector<reference> to;
    size_t index = 0;
  };
  for (const auto& start : app.entries) {
    if (marks[start.id] != mark::unseen)
      continue;
    std::vector<step> path;
    path.push_back({&start, next(start)});
    marks[start.id] = mark::open;
    while (!path.empty()) {
      auto& top = path.back();
      if (top.index == top.to.size()) {
        marks[top.at->id] = mark::done;
        path.pop_back();
        continue;
      }
      const reference r = top.to[top.index++];
      const entry* target = app.find(r.id);
      if (!target || marks[r.id] == mark::done)
        continue;
      if (marks[r.id] == mark::unseen) {
        marks[r.id] = mark::open;
        path.push_back({target, next(*target)});
        continue;
      }
      std::string circle;
      auto from = std::find_if(path.begin(), path.end(),
                               [target](const step& s) { return s.at == target; });
      for (; from != path.end(); ++from)
        circle += from->at->id + " -> ";
      app.diagnostics.push_back(mistake_at(*path.back().at, or_nothing(r.value), r.line,
                                           what + " goes in a circle: " + circle + r.id));
    }
  }
}

struct route {
  const entry* endpoint;
  std::string path;
};

// Routes of one gateway and method.
class route_list {
 public:
  const route* collision(const std::string& path) const {
    if (!has_variables(path)) {
      auto found = fixed_.find(path);
      return found == fixed_.end() ? nullptr : &found->second;
    }
    for (const auto& other : variable_)
      if (collide(path, other.path))
        return &other;
    return nullptr;
  }

  void add(route made) {
    if (has_variables(made.path))
      variable_.push_back(std::move(made));
    else
      fixed_.emplace(made.path, made);
  }

 private:
  std::map<std::string, route> fixed_;
  std::vector<route> variable_;
};

void check_routes(application& app) {
  static const std::string get = "GET";
  std::map<std::pair<std::string, std::string>, route_list> routes; // (server, method)
  for (const auto& e : app.entries) {
    if (e.kind != "http.endpoint")
      continue;
    const auto* router_name = e.meta.find("router");
    const auto* path = e.data.find("path");
    std::string why;
    if (!router_name || !router_name->as_text() || !path || !path->as_text() ||
        !check_pattern(*path->as_text(), true, why))
      continue;
    const auto* router = app.find(resolve_reference(e.ns, *router_name->as_text()));
    const auto* server = router ? router->meta.find("server") : nullptr;
    if (!server || !server->as_text())
      continue;
    route made{&e, join_path(text_or(*router, "prefix", ""), *path->as_text())};
    const std::string method = text_or(e, "method", get);
    auto& same = routes[{resolve_reference(router->ns, *server->as_text()), method}];
    if (const auto* other = same.collision(made.path)) {
      const auto* member = e.data.find_member("path");
      app.diagnostics.push_back(mistake_at(
          e, member->value, member->line,
          "path: " + method + ' ' + made.path +
              (made.path == other->path ? " is"
                                        : " fits requests of " + other->path + ", which is") +
              " the route of " + other->endpoint->id + " (" + place_of(*other->endpoint) + ')',
          "another method or path"));
    }
    same.add(std::move(made));
  }
}

// Two static folders on one path of one gateway: only one could answer.
void check_statics(application& app) {
  std::map<std::pair<std::string, std::string>, const entry*> taken; // (server, path)
  for (const auto& e : app.entries) {
    const auto* server = e.meta.find("server");
    const auto* path = e.data.find_member("path");
    if (e.kind != "http.static" || !server || !server->as_text() || !path ||
        !path->value.as_text())
      continue;
    std::string prefix(*path->value.as_text());
    while (prefix.ends_with('/'))
      prefix.pop_back();
    const auto [other, is_first] =
        taken.emplace(std::pair{resolve_reference(e.ns, *server->as_text()), prefix}, &e);
    if (!is_first)
      app.diagnostics.push_back(mistake_at(
          e, path->value, path->line,
          "path: " + std::string(*path->value.as_text()) + " is the path of " +
              other->second->id + " (" + place_of(*other->second) + ')',
          "another path"));
  }
}

// The folder must be there unless it will be made.
void check_folder(application& app, const entry& e, const map_member* said,
                  const std::filesystem::path& folder, bool is_made) {
  std::error_code error;
  if (is_made || std::filesystem::is_directory(folder, error))
    return;
  const bool exists = std::filesystem::exists(folder, error);
  app.diagnostics.push_back(mistake_at(e, said ? said->value : config_value(),
                                       said ? said->line : 0,
                                       "directory: looked for " + folder.string() + ", which " +
                                           (exists ? "is no folder" : "does not exist"),
                                       "a folder"));
}

void check_folders(application& app) {
  auto is_made = [](const entry& fs_directory) {
    const auto* made = fs_directory.data.find("auto_init");
    return made && made->as_bool().value_or(false);
  };
  for (const auto& e : app.entries) {
    const auto* said = e.data.find_member("directory");
    if (e.kind == "fs.directory" && said && said->value.as_text() && !said->value.is_broken())
      check_folder(app, e, said, folder_of(app, e), is_made(e));
    if (e.kind != "http.static")
      continue;
    const auto* fs_name = e.data.find("fs");
    const auto* base = fs_name && fs_name->as_text()
                           ? app.find(resolve_reference(e.ns, *fs_name->as_text()))
                           : nullptr;
    const auto folder = base ? folder_of(app, e, *base) : std::filesystem::path();
    if (base && folder.empty())
      app.diagnostics.push_back(mistake_at(
          e, said->value, said->line, "directory: leads out of " + base->id, "a folder inside it"));
    else if (base && said)
      check_folder(app, e, said, folder, is_made(*base));
    const auto* spa = static_option(e, "spa");
    if (spa && spa->as_text() && !spa->as_bool() && *spa->as_text() != "true" &&
        *spa->as_text() != "false") // `options` holds texts
      app.diagnostics.push_back(
          mistake_at(e, *spa, 0, "spa: found " + spa->describe(), "true or false"));
    const auto* index = static_option(e, "index");
    if (spa && index && index->as_text() && index->as_text()->empty())
      app.diagnostics.push_back(
          mistake_at(e, *index, 0, "index: is empty, and spa needs it", "the name of a file"));
  }
}

void check_limits(application& app) {
  auto bytes = [](const entry& e, const char* name) -> std::optional<uint64_t> {
    const auto* value = e.data.find_path(std::string("limits.") + name);
    return value ? value->as_bytes() : std::optional<uint64_t>{};
  };
  for (const auto& e : app.entries) {
    if (e.kind != "http.service")
      continue;
    const auto message = bytes(e, "message_bytes"), hard = bytes(e, "outbox_hard_bytes"),
               soft = bytes(e, "outbox_soft_bytes");
    const auto* limits = e.data.find("limits");
    auto complain = [&](const char* name, const std::string& message_text,
                        const std::string& expected) {
      const auto* member = limits->find_member(name);
      app.diagnostics.push_back(mistake_at(e, member->value, member->line, message_text, expected));
    };
    const auto* definition = find_field(*find_kind(e.kind), "limits.message_bytes");
    const uint64_t longest = message.value_or(*hub::parse_bytes(definition->default_text));
    if (hard && *hard < 2 * longest)
      complain("outbox_hard_bytes",
               "limits.outbox_hard_bytes: found " + limits->find("outbox_hard_bytes")->describe() +
                   ", less than twice limits.message_bytes",
               "at least " + std::to_string(2 * longest) + " bytes");
    if (hard && soft && *soft > *hard)
      complain("outbox_soft_bytes", "limits.outbox_soft_bytes is more than outbox_hard_bytes",
               "at most " + std::to_string(*hard) + " bytes");
  }
}

// A service that nothing starts is most often a forgotten line.
void warn_of_idle_services(application& app) {
  const auto started = start_order(app);
  for (const auto& e : app.entries) {
    const bool needs_start = e.kind == "process.service" || e.kind == "http.service";
    if (!needs_start || std::find(started.begin(), started.end(), e.id) != started.end())
      continue;
    app.warnings.push_back(mistake_at(e, "nothing starts this " + e.kind +
                                             ": lifecycle.auto_start is not true, and no "
                                             "service that starts depends on it"));
  }
}

} // namespace

void check_relations(application& app) {
  check_references(app);
  check_circles(app, "requires or depends_on", [](const entry& e) { return dependencies_of(e); });
  // A message that always fails would go round for ever, a variable be looked for without end.
  for (const std::string what : {"imports", "dead_letter", "storages"})
    check_circles(app, what, [&what](const entry& e) {
      auto all = references_of(e);
      std::erase_if(all, [&what](const reference& r) { return !r.path.starts_with(what); });
      return all;
    });
  check_routes(app);
  check_statics(app);
  check_folders(app);
  check_limits(app);
  if (app.diagnostics.empty())
    warn_of_idle_services(app);
}

} // namespace natterjack::runtime
