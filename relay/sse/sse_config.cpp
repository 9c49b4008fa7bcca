#include "relay/sse/sse_config.hpp"

#include "hub/quantities.hpp"

#include <nlohmann/json.hpp>

namespace natterjack::relay {

using json = nlohmann::ordered_json; // metadata keeps the order its author gave it
using std::chrono::nanoseconds;

namespace {

constexpr int depth_max = 512;

class reader {
 public:
  reader(const json& object, std::string& error) : object_(object), error_(error) {}

  std::optional<std::string> text(const char* name) {
    auto i = object_.find(name);
    if (i == object_.end() || i->is_null())
      return std::nullopt;
    if (i->is_string())
      return i->get<std::string>();
    fail(name, "a string", i->type_name());
    return std::nullopt;
  }

  std::optional<nanoseconds> time(const char* name, nanoseconds otherwise) {
    auto said = text(name);
    if (!said)
      return std::nullopt;
    if (said->empty())
      return otherwise;
    const auto value = hub::parse_duration(*said);
    if (value && value->count() >= 0)
      return value;
    fail(name, "a duration such as \"30s\", or \"0s\" for none", "\"" + *said + "\"");
    return std::nullopt;
  }

  std::optional<std::string> metadata() {
    auto i = object_.find("metadata");
    if (i == object_.end() || i->is_null())
      return std::nullopt;
    if (i->is_object())
      return i->dump(-1, ' ', false, json::error_handler_t::replace);
    if (i->is_array() && i->empty()) // an empty Lua table
      return "{}";
    fail("metadata", "an object", i->type_name());
    return std::nullopt;
  }

 private:
  void fail(const char* name, const std::string& expected, const std::string& found) {
    if (error_.empty())
      error_ = std::string(name) + ": expected " + expected + ", found " + found;
  }

  const json& object_;
  std::string& error_;
};

} // namespace

std::optional<sse_config> parse_sse_config(std::string_view text, std::string& error) {
  error.clear();
  bool too_deep = false;
  auto object = json::parse(
      text.begin(), text.end(),
      [&too_deep](int depth, json::parse_event_t, json&) {
        too_deep = too_deep || depth > depth_max;
        return !too_deep;
      },
      false);
  if (too_deep)
    error = "nested deeper than 512 levels";
  else if (object.is_discarded())
    error = "not valid JSON";
  else if (!object.is_object() && !(object.is_array() && object.empty()))
    error = std::string("expected a JSON object, found ") + object.type_name();
  if (!error.empty())
    return std::nullopt;
  if (object.is_array()) // an empty Lua table
    object = json::object();
  reader fields(object, error);
  sse_config result;
  result.target_pid = fields.text("target_pid");
  result.message_topic = fields.text("message_topic");
  if (result.message_topic && result.message_topic->empty())
    result.message_topic = sse_default_topic;
  result.heartbeat_interval = fields.time("heartbeat_interval", sse_default_heartbeat);
  result.idle_timeout = fields.time("idle_timeout", nanoseconds(0));
  result.hard_timeout = fields.time("hard_timeout", nanoseconds(0));
  result.metadata = fields.metadata();
  if (!error.empty())
    return std::nullopt;
  return result;
}

} // namespace natterjack::relay
