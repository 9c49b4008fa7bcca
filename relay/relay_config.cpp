#include "relay/relay_config.hpp"

#include "hub/quantities.hpp"

#include <nlohmann/json.hpp>

namespace natterjack::relay {

using json = nlohmann::ordered_json; // metadata keeps the order its author gave it

namespace {

// Reads a text field; absent and null are the same.
std::optional<std::string> read_text(const json& object, const char* name,
                                     std::vector<std::string>& problems) {
  auto i = object.find(name);
  if (i == object.end() || i->is_null())
    return std::nullopt;
  if (i->is_string())
    return i->get<std::string>();
  problems.push_back(std::string(name) + ": expected a string, found " + i->type_name());
  return std::nullopt;
}

void read_topic(const json& object, relay_config& to) {
  auto text = read_text(object, "message_topic", to.problems);
  if (text && text->starts_with('@'))
    to.problems.push_back("message_topic: topics that begin with @ are the program's own, found \"" +
                          *text + "\"");
  else
    to.message_topic = std::move(text);
}

void read_interval(const json& object, relay_config& to) {
  auto text = read_text(object, "heartbeat_interval", to.problems);
  if (!text || text->empty())
    return;
  auto value = hub::parse_duration(*text);
  if (!value)
    to.warnings.push_back("heartbeat_interval: \"" + *text +
                          "\" is not a duration such as \"30s\"; taken as absent");
  else if (value->count() < 0)
    to.problems.push_back("heartbeat_interval: expected \"0s\" for none or a positive duration, "
                          "found \"" + *text + "\"");
  else
    to.heartbeat_interval = value;
}

void read_format(const json& object, relay_config& to) {
  auto text = read_text(object, "payload_format", to.problems);
  if (text == "text")
    to.payload_format = hub::relay_dialect::text;
  else if (text == "table")
    to.payload_format = hub::relay_dialect::table;
  else if (text)
    to.problems.push_back("payload_format: expected \"text\" or \"table\", found \"" + *text + "\"");
}

void read_on_exit(const json& object, relay_config& to) {
  auto text = read_text(object, "on_exit", to.problems);
  if (text == "close")
    to.on_exit = on_exit_policy::close;
  else if (text == "hold")
    to.on_exit = on_exit_policy::hold;
  else if (text)
    to.problems.push_back("on_exit: expected \"close\" or \"hold\", found \"" + *text + "\"");
  auto time = read_text(object, "hold_timeout", to.problems);
  if (!time)
    return;
  const auto value = hub::parse_duration(*time);
  if (!value || value->count() <= 0 || *value > std::chrono::hours(1))
    to.problems.push_back("hold_timeout: expected a duration such as \"10s\", more than 0 and at "
                          "most 1h, found \"" + *time + "\"");
  else
    to.hold_timeout = value;
}

void read_metadata(const json& object, relay_config& to) {
  auto i = object.find("metadata");
  if (i == object.end() || i->is_null())
    return;
  if (i->is_object())
    to.metadata = i->dump(-1, ' ', false, json::error_handler_t::replace);
  else if (i->is_array() && i->empty())
    to.metadata = "{}";
  else
    to.problems.push_back(std::string("metadata: expected an object, found ") + i->type_name());
}

} // namespace

std::optional<relay_config> parse_relay_config(std::string_view text, std::string& error) {
  // A callback that refuses depth keeps a hostile document off the stack.
  constexpr int depth_max = 512;
  bool too_deep = false;
  auto object = json::parse(
      text.begin(), text.end(),
      [&too_deep](int depth, json::parse_event_t, json&) {
        too_deep = too_deep || depth > depth_max;
        return !too_deep;
      },
      false);
  if (too_deep) {
    error = "nested deeper than 512 levels";
    return std::nullopt;
  }
  if (object.is_discarded()) {
    error = "not valid JSON";
    return std::nullopt;
  }
  if (!object.is_object()) {
    error = std::string("expected a JSON object, found ") + object.type_name();
    return std::nullopt;
  }
  relay_config result;
  result.target_pid = read_text(object, "target_pid", result.problems);
  read_topic(object, result);
  read_interval(object, result);
  read_metadata(object, result);
  read_format(object, result);
  read_on_exit(object, result);
  return result;
}

} // namespace natterjack::relay
