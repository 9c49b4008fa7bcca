#include "actors/amqp/actor_schema.hpp"

#include <stdexcept>

namespace natterjack::amqp {

namespace {

using kind = json_value::kind;

json_value parse(std::string_view text) {
  json_error error;
  return json_value::parse(text, error).value();
}

// Keywords every actor may use, in the order in which CLU's actors list them.
json_value common_properties() {
  const auto exception =
      R"({"oneOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"},
      {"type": "object", "properties": {"module": {"type": "string"}, "type": {"type": "string"},
       "message": {"type": "string"}, "filename": {"oneOf": [{"type": "string"}, {"type": "null"}]},
       "lineno": {"oneOf": [{"type": "integer"}, {"type": "null"}]},
       "traceback": {"oneOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]}}}]})";
  return json_value::make_object(
      {{"text", parse(R"({"type": "string"})")},
       {"schema", parse(R"({"type": "string"})")},
       {"version", parse(R"({"type": "string"})")},
       {"help",
        parse(
            R"({"oneOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}]})")},
       {"error", parse(exception)},
       {"exception", parse(exception)},
       {"exception_info", parse(exception)},
       {"yourUserID", parse(R"({"type": "integer"})")},
       {"UserInfo", parse(R"({"type": "array"})")},
       {"num_users", parse(R"({"type": "integer"})")},
       {"command_model", parse(R"({"oneOf": [{"type": "array"}, {"type": "object"}]})")}});
}

void describe(std::vector<std::string>& lines, const std::string& name, const json_value& value,
              size_t indent) {
  const std::string margin(indent, ' ');
  if (value.is(kind::object)) {
    lines.push_back(margin + name + (indent == 0 ? " = {" : ": {"));
    for (const auto& [key, member] : value.members())
      describe(lines, key, member, indent + 2);
    lines.push_back(margin + "}");
  } else {
    lines.push_back(margin + name + ": " + value.to_python_text());
  }
}

} // namespace

json_schema make_actor_schema(const json_value& own) {
  auto properties = common_properties();
  auto whole =
      json_value::make_object({{"$schema", json_value("http://json-schema.org/draft-07/schema#")},
                               {"type", json_value("object")},
                               {"properties", json_value{}},
                               {"additionalProperties", json_value(false)}});
  if (own.is(kind::object)) {
    const auto* listed = own.find("properties");
    const bool is_whole = listed != nullptr && listed->is(kind::object);
    if (is_whole)
      if (const auto* type = own.find("type"); type != nullptr && type->text() != "object")
        throw std::invalid_argument("schema: an actor's replies are of type object, not " +
                                    type->to_python_text());
    for (const auto& [name, schema] : (is_whole ? *listed : own).members())
      properties.set(name, schema);
    if (is_whole)
      for (const auto& [name, value] : own.members())
        if (name != "properties" && name != "required")
          whole.set(name, value);
  } else if (!own.is(kind::null)) {
    throw std::invalid_argument("schema: expected an object, found " + own.to_python_text());
  }
  whole.set("properties", std::move(properties));
  return json_schema(std::move(whole));
}

std::vector<std::string> describe_keyword(const json_schema& schema, const std::string& keyword) {
  std::vector<std::string> lines;
  if (const auto* properties = schema.document().find("properties"))
    if (const auto* found = properties->find(keyword))
      describe(lines, keyword, *found, 0);
  return lines;
}

} // namespace natterjack::amqp
