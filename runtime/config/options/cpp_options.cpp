#include "runtime/config/options/cpp_options.hpp"

#include "runtime/config/locate.hpp"
#include "runtime/config/nearest.hpp"
#include "runtime/config/options/field_reader.hpp"

#include <algorithm>

namespace natterjack::runtime {

process_cpp_entry read_process_cpp(const entry& e) {
  const field_reader fields(e);
  process_cpp_entry made;
  made.id = e.id;
  made.class_name = fields.text("class");
  const auto* options = fields.said("options");
  made.options = options ? options->to_json() : nlohmann::json::object();
  made.mailbox = fields.count("limits.mailbox");
  made.mailbox_bytes = fields.bytes("limits.mailbox_bytes");
  made.timers = fields.count("limits.timers");
  made.names = fields.count("limits.names");
  return made;
}

void check_hub_classes(application& app, const std::vector<std::string>& known) {
  for (const auto& e : app.entries) {
    const auto* member = e.kind == "process.cpp" ? e.data.find_member("class") : nullptr;
    const auto* name = member ? member->value.as_text() : nullptr;
    if (!name || name->empty() || std::find(known.begin(), known.end(), *name) != known.end())
      continue;
    app.diagnostics.push_back(mistake_at(
        e, member->value, member->line,
        "class: this program has no hub class \"" + *name + '"' + did_you_mean(*name, known),
        known.empty() ? "a program of your own that registers it; this one has no classes"
                      : one_of(known)));
  }
}

} // namespace natterjack::runtime
