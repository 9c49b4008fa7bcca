#include "runtime/config/options/amqp_options.hpp"

#include "runtime/config/application.hpp"
#include "runtime/config/locate.hpp"

#include <algorithm>
#include <map>

namespace natterjack::runtime {

namespace {

bool has_mistakes(const application& app, const entry& e) {
  return std::any_of(app.diagnostics.begin(), app.diagnostics.end(),
                     [&e](const diagnostic& d) { return d.entry_id == e.id; });
}

// The deepest part of a dotted field that the entry says, else the entry itself.
void complain(application& app, const entry& e, const field_problem& wrong,
              const std::string& expected = {}) {
  const map_member* member = nullptr;
  const config_value* map = &e.data;
  for (size_t from = 0; map && from < wrong.field.size();) {
    const auto dot = std::min(wrong.field.find('.', from), wrong.field.size());
    const auto* inner = map->find_member(wrong.field.substr(from, dot - from));
    map = inner ? &inner->value : nullptr;
    member = inner ? inner : member;
    from = dot + 1;
  }
  app.diagnostics.push_back(mistake_at(e, member ? member->value : config_value(),
                                       member ? member->line : e.line,
                                       wrong.field + ": " + wrong.message, expected));
}

// A gateway made for `addr` stands in `server` by now, and its id tells it from one the user named.
void check_listeners(application& app) {
  for (const auto& e : app.entries) {
    if (e.kind != "amqp.bridge")
      continue;
    const auto* server = e.data.find("server");
    const bool is_named = server && server->as_text() &&
                          resolve_reference(e.ns, *server->as_text()) != e.id + ".gateway";
    if (e.data.find("addr") && is_named)
      complain(app, e, {"addr", "server names a gateway as well"}, "one of the two");
    if (e.data.find("path") && !e.data.find("addr") && !server)
      complain(app, e, {"path", "there is neither addr nor server, so nobody is let in"},
               "addr or server");
  }
}

// Two of one value would each take what is meant for the other.
void check_unique(application& app, const char* kind, const char* field,
                  const std::function<std::string(const entry&)>& value_of,
                  const std::string& expected) {
  std::map<std::string, const entry*> taken;
  for (const auto& e : app.entries) {
    if (e.kind != kind || has_mistakes(app, e))
      continue;
    const auto value = value_of(e);
    const auto [other, is_first] = taken.emplace(value, &e);
    if (!is_first)
      complain(app, e,
               {field, "\"" + value + "\" is that of " + other->second->id + " (" +
                           place_of(*other->second) + ')'},
               expected);
  }
}

template <class Read, class Check>
void check_each(application& app, const char* kind, Read read, const Check& check) {
  if (!check)
    return;
  for (const auto& e : app.entries)
    if (e.kind == kind && !has_mistakes(app, e))
      if (const auto wrong = check(read(app, e)))
        complain(app, e, *wrong);
}

} // namespace

void check_amqp(application& app, const amqp_check& check) {
  check_listeners(app);
  check_each(app, "amqp.bridge", read_amqp_bridge, check.bridge);
  check_each(app, "amqp.actor", read_amqp_actor, check.actor);
  check_unique(
      app, "amqp.bridge", "scheme",
      [&app](const entry& e) { return read_amqp_bridge(app, e).scheme; },
      "another scheme: it is what addresses begin with");
  check_unique(
      app, "amqp.actor", "actor",
      [&app](const entry& e) {
        const auto made = read_amqp_actor(app, e);
        return made.actor + " of " + made.bridge_id;
      },
      "another name");
}

} // namespace natterjack::runtime
