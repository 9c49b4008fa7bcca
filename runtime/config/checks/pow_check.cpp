#include "runtime/config/checks/pow_check.hpp"

#include "runtime/config/locate.hpp"
#include "runtime/config/options/pow_options.hpp"

#include <algorithm>

namespace natterjack::runtime {

namespace {

const config_value* said(const config_value& map, const char* name) {
  const auto* found = map.find(name);
  return found && found->as_text() && !found->is_broken() ? found : nullptr;
}

// The gateway and path below which an entry takes every request; empty if it says none.
struct mount {
  const entry* who = nullptr;
  std::string server;
  std::string base; ///< with trailing slash
};

mount mount_of(const entry& e) {
  const bool is_static = e.kind == "http.static";
  const auto* server = is_static ? nullptr : said(e.data, "server");
  if (!server)
    server = said(e.meta, "server");
  const auto* path = said(e.data, is_static ? "path" : "base_path");
  if (!server || (is_static && !path))
    return {};
  auto base = path ? *path->as_text() : "/pow/";
  if (!base.ends_with('/'))
    base += '/';
  return {&e, resolve_reference(e.ns, *server->as_text()), std::move(base)};
}

void check_mounts(application& app) {
  std::vector<mount> taken;
  for (const char* kind : {"http.static", "pow.service"})
    for (const auto& e : app.entries) {
      if (e.kind != kind)
        continue;
      const auto own = mount_of(e);
      if (!own.who)
        continue;
      const auto other = std::find_if(taken.begin(), taken.end(), [&own](const mount& m) {
        return m.server == own.server && m.base == own.base;
      });
      if (e.kind == "pow.service" && other != taken.end()) {
        const auto* member = e.data.find_member("base_path");
        app.diagnostics.push_back(mistake_at(
            e, member ? member->value : config_value(), member ? member->line : e.line,
            "base_path: " + own.base + " of " + own.server + " belongs to " + other->who->id +
                " (" + place_of(*other->who) + ')',
            "another path or another http.service"));
      }
      taken.push_back(own);
    }
}

void check_one_server(application& app) {
  for (const auto& e : app.entries) {
    const auto* own = e.kind == "pow.service" ? e.data.find_member("server") : nullptr;
    const auto* meta = e.meta.find("server");
    if (own && !own->value.is_null() && meta && !meta->is_null())
      app.diagnostics.push_back(mistake_at(e, own->value, own->line,
                                           "server: meta.server names a gateway as well",
                                           "one of the two"));
  }
}

void check_commands(application& app, const exec_check& check) {
  for (const auto& e : app.entries) {
    if (e.kind != "pow.exec" ||
        std::any_of(app.diagnostics.begin(), app.diagnostics.end(),
                    [&e](const diagnostic& d) { return d.entry_id == e.id; }))
      continue;
    const auto wrong = check(read_pow_exec(app, e));
    if (!wrong)
      continue;
    const auto dot = wrong->field.find('.');
    const auto* member = e.data.find_member(wrong->field.substr(0, dot));
    if (member && dot != std::string::npos && member->value.is_map())
      if (const auto* inner = member->value.find_member(wrong->field.substr(dot + 1)))
        member = inner;
    app.diagnostics.push_back(mistake_at(e, member ? member->value : config_value(),
                                         member ? member->line : e.line,
                                         wrong->field + ": " + wrong->message));
  }
}

} // namespace

void check_pow(application& app, const exec_check& check_exec) {
  check_one_server(app);
  check_mounts(app);
  if (check_exec)
    check_commands(app, check_exec);
}

} // namespace natterjack::runtime
