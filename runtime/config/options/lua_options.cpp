#include "runtime/config/options/lua_options.hpp"

#include "runtime/config/options/field_reader.hpp"

#include <stdexcept>

namespace natterjack::runtime {

lua_code read_lua_code(const field_reader& fields, const entry& e) {
  lua_code made;
  if (!e.source)
    throw std::logic_error(e.id + " has no source");
  made.source = *e.source;
  made.modules = fields.texts("modules");
  if (const auto* imports = fields.said("imports"))
    for (const auto& alias : imports->members())
      made.imports.push_back({alias.key, resolve_reference(e.ns, plain_text(alias.value))});
  return made;
}

lua_limits read_lua_limits(const field_reader& fields) {
  return {
      .memory = fields.bytes("limits.memory"),
      .slice = fields.time("limits.slice"),
      .budget = fields.time("limits.budget"),
      .mailbox = fields.count("limits.mailbox"),
      .mailbox_bytes = fields.bytes("limits.mailbox_bytes"),
      .timers = fields.count("limits.timers"),
      .channels = fields.count("limits.channels"),
      .names = fields.count("limits.names"),
      .stack = fields.count("limits.stack"),
  };
}

} // namespace natterjack::runtime
