#include "runtime/config/options/amqp_options.hpp"

#include "runtime/config/kinds/kind_schema.hpp"
#include "runtime/config/options/field_reader.hpp"

namespace natterjack::runtime {

namespace {

std::filesystem::path file_of(const entry& e, const std::string& said) {
  return said.empty() ? std::filesystem::path() : (e.folder / said).lexically_normal();
}

std::string text_or(const config_value& map, const char* name, const char* otherwise = "") {
  const auto* found = map.find(name);
  return found && !found->is_null() ? plain_text(*found) : otherwise;
}

bool flag_of(const config_value& map, const char* name) {
  const auto* found = map.find(name);
  return found && found->as_bool().value_or(false);
}

amqp_parameter read_parameter(const config_value& from) {
  amqp_parameter made;
  made.name = text_or(from, "name");
  made.type = text_or(from, "type", "text");
  made.help = text_or(from, "help");
  made.is_flag = flag_of(from, "flag");
  made.is_option = made.is_flag || flag_of(from, "option");
  made.is_rest = flag_of(from, "rest");
  if (const auto* said = from.find("required"))
    made.required = said->as_bool();
  if (const auto* said = from.find("choices"))
    for (const auto& word : said->items())
      made.choices.push_back(plain_text(word));
  if (const auto* said = from.find("default"); said && !said->is_null())
    made.fallback = said->to_json();
  return made;
}

amqp_command read_command(const config_value& from) {
  amqp_command made;
  made.name = text_or(from, "name");
  made.help = text_or(from, "help");
  made.is_raw = flag_of(from, "raw");
  if (const auto* said = from.find("parameters"))
    for (const auto& one : said->items())
      made.parameters.push_back(read_parameter(one));
  return made;
}

// A text is JSON from a file; one that does not parse stays a text, which no schema is.
nlohmann::json read_schema(const config_value* said) {
  if (!said || said->is_null())
    return nullptr;
  if (const auto* text = said->as_text()) {
    auto parsed = nlohmann::json::parse(*text, nullptr, false);
    return parsed.is_discarded() ? nlohmann::json(*text) : parsed;
  }
  return said->to_json();
}

} // namespace

amqp_bridge_entry read_amqp_bridge(const application&, const entry& e) {
  const field_reader fields(e);
  amqp_bridge_entry made;
  made.id = e.id;
  made.place = place_of(e);
  made.url = fields.text("url");
  made.host = fields.text("host");
  made.port = fields.count("port");
  made.user = fields.text("user");
  made.password = fields.text("password");
  made.vhost = fields.text("vhost");
  made.tls = fields.flag("tls.enabled");
  made.ca_file = file_of(e, fields.text("tls.ca_file"));
  made.cert_file = file_of(e, fields.text("tls.cert_file"));
  made.key_file = file_of(e, fields.text("tls.key_file"));
  made.verify = fields.flag("tls.verify");
  made.exchange = fields.text("exchange");
  made.client_name = fields.text("client_name");
  made.queue = fields.text("queue");
  made.prefetch = fields.count("prefetch");
  made.byte_exact = fields.flag("byte_exact");
  made.heartbeat = fields.time("heartbeat");
  made.scheme = fields.text("scheme");
  if (fields.says("server"))
    made.server_id = fields.id("server");
  made.path = fields.says("path") ? fields.text("path") : fields.says("addr") ? "/" : "/clu";
  made.limits = {
      .hold_time = fields.time("limits.hold_time"),
      .waiting_messages = fields.count("limits.waiting_messages"),
      .waiting_bytes = fields.bytes("limits.waiting_bytes"),
      .body_bytes = fields.bytes("limits.body_bytes"),
      .history_messages = fields.count("limits.history_messages"),
      .history_bytes = fields.bytes("limits.history_bytes"),
      .client_commands = fields.count("limits.client_commands"),
      .client_bytes = fields.bytes("limits.client_bytes"),
      .ping_interval = fields.time("limits.ping_interval"),
      .ping_timeout = fields.time("limits.ping_timeout"),
      .addresses = fields.count("limits.addresses"),
  };
  return made;
}

amqp_actor_entry read_amqp_actor(const application&, const entry& e) {
  const field_reader fields(e);
  amqp_actor_entry made;
  made.id = e.id;
  made.place = place_of(e);
  made.bridge_id = fields.id("bridge");
  made.actor = fields.says("actor") ? fields.text("actor") : e.name;
  made.version = fields.text("version");
  made.process = fields.says("process") ? fields.text("process") : made.actor;
  made.schema = read_schema(fields.said("schema"));
  if (const auto* said = fields.said("commands"))
    for (const auto& one : said->items())
      made.commands.push_back(read_command(one));
  made.commands_max = fields.count("commands_max");
  return made;
}

amqp_feed_entry read_amqp_feed(const application&, const entry& e) {
  const field_reader fields(e);
  amqp_feed_entry made;
  made.id = e.id;
  made.place = place_of(e);
  made.bridge_id = fields.id("bridge");
  made.process = fields.text("process");
  made.topic = fields.text("topic");
  made.queue = fields.text("queue");
  made.exchange = fields.text("exchange");
  made.exchange_type = fields.text("exchange_type");
  made.routing_keys = fields.texts("routing_keys");
  if (made.routing_keys.empty())
    made.routing_keys = {"#"};
  made.durable = fields.flag("durable");
  made.exclusive = fields.flag("exclusive");
  made.auto_delete = fields.flag("auto_delete");
  made.passive = fields.flag("passive");
  made.manual_acks = fields.flag("manual_acks");
  made.prefetch = fields.count("prefetch");
  return made;
}

} // namespace natterjack::runtime
