#include "runtime/config/source/implicit_entries.hpp"

#include "runtime/config/checks/references.hpp"

#include <algorithm>
#include <stdexcept>

namespace natterjack::runtime {

namespace {

bool is_referred_to(const application& app, std::string_view id) {
  for (const auto& e : app.entries) {
    const auto all = references_of(e);
    if (std::any_of(all.begin(), all.end(), [id](const reference& r) { return r.id == id; }))
      return true;
  }
  return false;
}

} // namespace

entry make_implicit(const std::string& id) {
  entry made;
  made.id = id;
  made.ns = id.substr(0, id.find(':'));
  made.name = id.substr(made.ns.size() + 1);
  made.file = "(made by natterjack)";
  made.implicit = true;
  if (id == implicit_router) {
    made.kind = "http.router";
    made.meta.put("server", config_value::text(implicit_gateway));
    made.data.put("prefix", config_value::text("/api/v1"));
    auto& middleware = made.data.put("middleware", config_value::list());
    middleware.items() = {config_value::text("cors"), config_value::text("websocket_relay")};
    return made;
  }
  if (id == implicit_gateway) {
    made.kind = "http.service";
    made.data.put("addr", config_value::text("127.0.0.1:8082"));
  } else if (id == implicit_host) {
    made.kind = "process.host";
  } else {
    throw std::logic_error("no implicit entry " + id);
  }
  made.data.put("lifecycle", config_value::map()).put("auto_start", config_value::boolean(true));
  return made;
}

void place_endpoints(application& app) {
  for (auto& e : app.entries) {
    if (e.kind != "http.endpoint")
      continue;
    const auto* router = e.meta.find("router");
    if (router && !router->is_null())
      continue;
    e.guide_dialect = true;
    e.meta.put("router", config_value::text(implicit_router, e.line));
  }
}

void place_pow_services(application& app) {
  for (auto& e : app.entries) {
    const auto* own = e.data.find("server");
    const auto* meta = e.meta.find("server");
    const bool is_said = (own && !own->is_null()) || (meta && !meta->is_null());
    if (e.kind == "pow.service" && e.data.is_map() && !is_said)
      e.data.put("server", config_value::text(implicit_gateway, e.line));
  }
}

void place_amqp_bridges(application& app) {
  std::vector<entry> gateways; // added last: adding moves the entries
  for (auto& e : app.entries) {
    const auto* addr = e.data.find_member("addr");
    const auto* server = e.data.find("server");
    const auto id = e.id + ".gateway";
    if (e.kind != "amqp.bridge" || !addr || addr->value.is_null() || (server && !server->is_null()) ||
        app.find(id))
      continue;
    entry made;
    made.id = id;
    made.ns = e.ns;
    made.name = e.name + ".gateway";
    made.kind = "http.service";
    made.file = e.file;
    made.line = e.line;
    made.folder = e.folder;
    made.implicit = true;
    made.data.put("addr", addr->value, addr->line);
    made.data.put("lifecycle", config_value::map()).put("auto_start", config_value::boolean(true));
    // Whole frames of replies wait for clients: more room than a hub's small messages need.
    auto& limits = made.data.put("limits", config_value::map());
    limits.put("outbox_soft_bytes", config_value::text("4MiB"));
    limits.put("outbox_hard_bytes", config_value::text("64MiB"));
    gateways.push_back(std::move(made));
    e.data.put("server", config_value::text(id, e.line));
  }
  for (auto& made : gateways)
    app.add(std::move(made));
}

void add_implicit(application& app, const std::function<void(entry&)>& complete) {
  // The router first: what it refers to decides whether the gateway is needed.
  for (const char* id : {implicit_host, implicit_router, implicit_gateway}) {
    if (app.find(id) || !is_referred_to(app, id))
      continue;
    entry made = make_implicit(id);
    complete(made);
    app.add(std::move(made));
  }
}

} // namespace natterjack::runtime
