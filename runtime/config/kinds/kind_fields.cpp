#include "runtime/config/kinds/kind_fields.hpp"

namespace natterjack::runtime::fields {

using type = field_type;

namespace {


} // namespace

field make(std::string name, field_type t, std::string doc) {
  field made;
  made.name = std::move(name);
  made.type = t;
  made.doc = std::move(doc);
  return made;
}

field time(std::string name, std::string otherwise, double least_s, std::string doc) {
  return make(std::move(name), type::time, std::move(doc))
      .otherwise(std::move(otherwise))
      .between(least_s, year_s);
}

field count(std::string name, std::string otherwise, double least, double most, std::string doc) {
  return make(std::move(name), type::integer, std::move(doc))
      .otherwise(std::move(otherwise))
      .between(least, most);
}

field bytes(std::string name, std::string otherwise, double least, double most, std::string doc) {
  return make(std::move(name), type::bytes, std::move(doc))
      .otherwise(std::move(otherwise))
      .between(least, most);
}

field flag(std::string name, std::string otherwise, std::string doc) {
  return make(std::move(name), type::boolean, std::move(doc)).otherwise(std::move(otherwise));
}

field lua_limits() {
  return make("limits", type::section, "What one Lua state may use")
      .with({
          bytes("memory", "64MiB", 256 * kibibyte, 64 * gibibyte, "Heap of the state"),
          time("slice", "5ms", 0.0005, "Running time until others get their turn"),
          time("budget", "5s", 0.001, "Running time without waiting, then it is ended"),
          count("mailbox", "100000", 1, 100 * million, "Messages waiting"),
          bytes("mailbox_bytes", "64MiB", kibibyte, 64 * gibibyte,
                "The same in bytes; one message alone may be larger"),
          count("timers", "100000", 1, 10 * million, "Running timers"),
          count("channels", "100000", 1, 10 * million, "Channels"),
          count("names", "1000", 1, million, "Registered names"),
          count("stack", "200", 16, 200, "Nested C calls"),
      });
}

field source() {
  return make("source", type::source, "The Lua text").required();
}
field modules() {
  return make("modules", type::modules, "Modules it may require");
}
field imports() {
  return make("imports", type::imports, "Libraries it may require, by alias");
}

} // namespace natterjack::runtime::fields
