#include "actors/amqp/command.hpp"

#include "actors/amqp/json_bytes.hpp"

#include <cmath>

namespace natterjack::amqp {

namespace {

constexpr size_t depth_max = 4096;
constexpr size_t id_bytes_max = 255;       // a correlation id is an AMQP short string
constexpr size_t consumer_bytes_max = 247; // with "command." before it, a routing key is one too

json_value command_headers(const command& c) {
  return json_value::make_object({{"command_id", c.id},
                                  {"commander_id", json_value(c.commander_id)},
                                  {"internal", json_value(c.internal)},
                                  {"write_to_log", json_value(c.write_to_log)}});
}

json_value failure_headers(const command& c) {
  return json_value::make_object({{"command_id", c.id},
                                  {"commander_id", json_value(c.commander_id)},
                                  {"internal", json_value(c.internal)},
                                  {"message_code", json_value("f")},
                                  {"sender", c.consumer},
                                  {"write_to_log", json_value(c.write_to_log)}});
}

json_value failure_body(const std::string& error) {
  return json_value::make_object({{"error", json_value(error)}});
}

std::shared_ptr<command> assemble(const speaker& from, json_value consumer, json_value id,
                                  const json_value& command_string) {
  auto made = std::make_shared<command>();
  made->consumer_text = consumer.to_python_text();
  made->consumer = std::move(consumer);
  made->id = id.is_truthy() ? std::move(id) : json_value(make_uuid());
  made->id_text = made->id.to_python_text();
  made->commander_id = from.name + "." + made->consumer_text;
  made->body = R"({"command_string": )";
  command_string.write(made->body);
  made->body += '}';
  return made;
}

} // namespace

std::string find_fault(const command& c) {
  using kind = json_value::kind;
  if (c.id.is(kind::array) || c.id.is(kind::object))
    return "command_id must be a text or a number, found " + c.id_text.substr(0, 60);
  if (c.id.is(kind::integer) && !c.id.integer())
    return "command_id is an integer beyond 64 bits: " + c.id_text.substr(0, 60);
  if (c.id.is(kind::real) && !std::isfinite(c.id.real()))
    return "command_id is no finite number: " + c.id_text;
  if (c.id_text.size() > id_bytes_max)
    return "command_id has " + std::to_string(c.id_text.size()) + " bytes, at most " +
           std::to_string(id_bytes_max) + " are possible";
  if (c.consumer_text.size() > consumer_bytes_max)
    return "consumer has " + std::to_string(c.consumer_text.size()) + " bytes, at most " +
           std::to_string(consumer_bytes_max) + " are possible";
  if (has_surrogate(c.id_text))
    return "command_id holds a lone surrogate";
  if (has_surrogate(c.consumer_text))
    return "consumer holds a lone surrogate";
  return {};
}

request read_request(std::string_view message, bool is_text, const speaker& from) {
  request result;
  std::string storage;
  std::optional<std::string_view> text = message;
  if (!is_text)
    text = decode_json_bytes(message, storage);
  if (!text) {
    result.problem = "the message is in no encoding of Unicode";
    return result;
  }
  json_error error;
  auto object = json_value::parse(*text, error, depth_max);
  if (!object) {
    result.problem = to_string(error);
    return result;
  }
  if (!object->is(json_value::kind::object)) {
    result.problem = "expected a JSON object";
    return result;
  }
  const auto* consumer = object->find("consumer");
  const auto* command_string = object->find("command_string");
  if (consumer == nullptr || command_string == nullptr) {
    result.problem =
        consumer == nullptr ? "\"consumer\" is missing" : "\"command_string\" is missing";
    result.object = std::move(object);
    return result;
  }
  const auto* id = object->find("command_id");
  result.wanted = assemble(from, *consumer, id == nullptr ? json_value{} : *id, *command_string);
  result.problem = find_fault(*result.wanted);
  return result;
}

std::shared_ptr<command> make_command(const speaker& from, const std::string& consumer,
                                      const json_value& command_string, const std::string& id) {
  return assemble(from, json_value(consumer), json_value(id), command_string);
}

publication to_publication(const command& c, const speaker& from) {
  publication p;
  p.exchange = from.exchange;
  p.routing_key = "command." + c.consumer_text;
  p.headers = command_headers(c);
  p.content_type = "text/json";
  p.correlation_id = c.id_text;
  p.reply_to = from.name + "_replies";
  p.priority = 0;
  p.body = c.body;
  return p;
}

std::string routing_error(const command& c) {
  return "Failed routing message to consumer " + c.consumer.to_python_repr() + ".";
}

publication failure_publication(const command& c, const speaker& from, const std::string& error) {
  publication p;
  p.exchange = from.exchange;
  p.routing_key = "reply." + from.name;
  p.headers = failure_headers(c);
  p.content_type = "text/json";
  p.priority = 0;
  p.correlation_id = c.id_text;
  failure_body(error).write(p.body);
  return p;
}

reply_ptr failure_reply(const command& c, const speaker& from, const std::string& error) {
  return make_reply({failure_headers(c), from.exchange, make_message_id(), "reply." + from.name,
                     failure_body(error)});
}

std::string make_client_name() {
  return "amqp-client-" + make_message_id().substr(20);
}

} // namespace natterjack::amqp
