#include "runtime/server/amqp_entries.hpp"

#include "actors/amqp/actor_schema.hpp"
#include "actors/amqp/broker_desk.hpp"
#include "runtime/server/amqp_services.hpp"

#include <filesystem>
#include <set>
#include <stdexcept>

namespace natterjack::runtime {

namespace {

amqp::broker_options to_broker(const amqp_bridge_entry& from) {
  amqp::broker_options to;
  to.host = from.host;
  to.port = static_cast<uint16_t>(from.port);
  to.user = from.user;
  to.password = from.password;
  to.vhost = from.vhost;
  to.tls.enabled = from.tls;
  to.tls.ca_file = from.ca_file.string();
  to.tls.cert_file = from.cert_file.string();
  to.tls.key_file = from.key_file.string();
  to.tls.verify_peer = to.tls.verify_host = from.verify;
  to.heartbeat = std::chrono::ceil<std::chrono::seconds>(from.heartbeat);
  to.waiting_messages_max = from.limits.waiting_messages;
  to.waiting_bytes_max = from.limits.waiting_bytes;
  to.body_bytes_max = from.limits.body_bytes;
  if (!from.url.empty())
    amqp::read_amqp_url(from.url, to);
  return to;
}

amqp::json_value to_json_value(const nlohmann::json& from) {
  amqp::json_error error;
  return amqp::json_value::parse(from.dump(), error).value_or(amqp::json_value{});
}

amqp::parameter_type to_type(const std::string& word) {
  return word == "integer"   ? amqp::parameter_type::integer
         : word == "number"  ? amqp::parameter_type::number
         : word == "boolean" ? amqp::parameter_type::boolean
         : word == "choice"  ? amqp::parameter_type::choice
                             : amqp::parameter_type::text;
}

amqp::command_spec to_command(const amqp_command& from) {
  amqp::command_spec to;
  to.name = from.name;
  to.help = from.help;
  to.is_raw = from.is_raw;
  for (const auto& p : from.parameters) {
    amqp::parameter_spec made;
    made.name = p.name;
    made.type = to_type(p.type);
    made.help = p.help;
    made.is_option = p.is_option;
    made.is_flag = p.is_flag;
    made.is_rest = p.is_rest;
    made.required = p.required.value_or(!p.is_option && !p.is_rest && !p.fallback);
    made.choices = p.choices;
    if (p.fallback)
      made.fallback = to_json_value(*p.fallback);
    to.parameters.push_back(std::move(made));
  }
  return to;
}

std::optional<field_problem> check_bridge(const amqp_bridge_entry& entry) {
  auto tls = amqp::tls_options{};
  try {
    tls = to_broker(entry).tls;
  } catch (const std::invalid_argument& e) {
    return field_problem{"url", e.what()};
  }
  if (tls.cert_file.empty() != tls.key_file.empty())
    return field_problem{"tls", "cert_file and key_file are given together"};
  for (const auto& [field, file] : {std::pair{"tls.ca_file", &tls.ca_file},
                                    {"tls.cert_file", &tls.cert_file},
                                    {"tls.key_file", &tls.key_file}})
    if (std::error_code error; !file->empty() && !std::filesystem::exists(*file, error))
      return field_problem{field, "looked for " + *file + ", which does not exist"};
  if (entry.scheme.empty() || entry.scheme.find_first_of(":{}") != std::string::npos)
    return field_problem{"scheme", "found \"" + entry.scheme + "\", expected a word"};
  return std::nullopt;
}

// What can be seen without a broker: name, schema, commands.
std::optional<field_problem> check_actor(const amqp_actor_entry& entry) {
  try {
    amqp::check_actor_name(entry.actor);
  } catch (const std::invalid_argument& e) {
    return field_problem{"actor", e.what()};
  }
  try {
    amqp::make_actor_schema(to_json_value(entry.schema));
  } catch (const std::invalid_argument& e) {
    return field_problem{"schema", e.what()};
  }
  std::set<std::string> verbs;
  for (const auto& command : entry.commands) {
    if (!verbs.insert(command.name).second)
      return field_problem{"commands", "\"" + command.name + "\" is there twice"};
    bool has_rest = false;
    for (const auto& p : command.parameters) {
      const auto where = "commands: " + command.name + ": " + p.name + ": ";
      if (p.type == "choice" && p.choices.empty())
        return field_problem{"commands", where + "a choice needs choices"};
      if (!p.is_option && has_rest)
        return field_problem{"commands",
                             where + "an argument before it takes all words that are left"};
      has_rest = has_rest || p.is_rest;
    }
  }
  return std::nullopt;
}

} // namespace

amqp::bridge_options to_bridge(const amqp_bridge_entry& from) {
  amqp::bridge_options to;
  to.id = from.id;
  to.broker = to_broker(from);
  to.exchange = from.exchange;
  to.name = from.client_name;
  to.queue = from.queue;
  to.prefetch = static_cast<uint16_t>(from.prefetch);
  if (from.byte_exact)
    to.replies.numbers = amqp::number_style::exact;
  to.hold_time = std::chrono::duration_cast<std::chrono::milliseconds>(from.limits.hold_time);
  to.history_messages = from.limits.history_messages;
  to.history_bytes = from.limits.history_bytes;
  return to;
}

amqp::actor_options to_actor(const amqp_actor_entry& from) {
  amqp::actor_options to;
  to.id = from.id;
  to.name = from.actor;
  to.version = from.version;
  to.process = from.process;
  to.schema = to_json_value(from.schema);
  to.commands_max = from.commands_max;
  for (const auto& one : from.commands)
    to.commands.push_back(to_command(one));
  return to;
}

amqp::feed_options to_feed(const amqp_feed_entry& from) {
  amqp::binding wanted;
  wanted.queue = from.queue;
  wanted.exchange = from.exchange;
  wanted.exchange_type = from.exchange_type;
  wanted.routing_keys = from.routing_keys;
  wanted.durable = from.durable;
  wanted.exclusive = from.exclusive;
  wanted.auto_delete = from.auto_delete;
  wanted.passive = from.passive;
  wanted.prefetch = static_cast<uint16_t>(from.prefetch);
  amqp::feed_options to;
  to.id = from.id;
  to.queue = amqp::to_topology(wanted);
  to.process = from.process;
  to.topic = from.topic;
  to.manual_acks = from.manual_acks;
  return to;
}

amqp_check make_amqp_check() {
  return {check_bridge, check_actor};
}

} // namespace natterjack::runtime
