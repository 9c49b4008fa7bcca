// The entries of the broker bridge as plain structs: amqp.bridge, amqp.actor, amqp.feed. As
// options.hpp.
#pragma once

#include "runtime/config/options/lua_options.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace natterjack::runtime {

struct application;
struct entry;

struct amqp_bridge_limits {
  duration hold_time{}; ///< how long a command may wait for the broker
  uint64_t waiting_messages = 0, waiting_bytes = 0, body_bytes = 0;
  uint64_t history_messages = 0, history_bytes = 0;
  uint64_t client_commands = 0, client_bytes = 0;
  duration ping_interval{}, ping_timeout{}; ///< 0: no pings
  uint64_t addresses = 0;
};

struct amqp_bridge_entry {
  std::string id;
  std::string place; ///< file:line, for what the broker has against it
  std::string url;   ///< overrides what follows; may be empty
  std::string host;
  uint64_t port = 0;
  std::string user, password, vhost;
  bool tls = false;
  std::filesystem::path ca_file, cert_file, key_file; ///< absolute or empty
  bool verify = true;
  std::string exchange;
  std::string client_name; ///< empty: amqp-client-<12 hex>
  std::string queue;       ///< empty: <client_name>_replies
  uint64_t prefetch = 0;
  bool byte_exact = false;
  duration heartbeat{};
  std::string scheme;    ///< `amqp`: addresses are `amqp:NAME`
  std::string server_id; ///< a http_service_entry; empty: no websocket clients
  std::string path;      ///< of the websocket; "/": any
  amqp_bridge_limits limits;
};

struct amqp_parameter {
  std::string name, type, help;
  bool is_option = false, is_flag = false, is_rest = false;
  std::optional<bool> required;
  std::vector<std::string> choices;
  std::optional<nlohmann::json> fallback;
};

struct amqp_command {
  std::string name, help;
  bool is_raw = false;
  std::vector<amqp_parameter> parameters;
};

struct amqp_actor_entry {
  std::string id;
  std::string place;
  std::string bridge_id;
  std::string actor; ///< its name on the exchange
  std::string version;
  std::string process; ///< PID or registered name; empty: the actor's name
  nlohmann::json schema; ///< null: none
  std::vector<amqp_command> commands;
  uint64_t commands_max = 0;
};

struct amqp_feed_entry {
  std::string id;
  std::string place;
  std::string bridge_id;
  std::string process; ///< registered name
  std::string topic;
  std::string queue; ///< empty: one of the broker's making
  std::string exchange, exchange_type;
  std::vector<std::string> routing_keys;
  bool durable = false, exclusive = false, auto_delete = false, passive = false;
  bool manual_acks = false;
  uint64_t prefetch = 0;
};

/// Why an entry cannot be, and by which field.
struct field_problem {
  std::string field; ///< dotted
  std::string message;
};

/// Looks at what only the AMQP library can judge: a URL, an actor's name, schema and commands.
struct amqp_check {
  std::function<std::optional<field_problem>(const amqp_bridge_entry&)> bridge;
  std::function<std::optional<field_problem>(const amqp_actor_entry&)> actor;
};

amqp_bridge_entry read_amqp_bridge(const application& app, const entry& e);
amqp_actor_entry read_amqp_actor(const application& app, const entry& e);
amqp_feed_entry read_amqp_feed(const application& app, const entry& e);

/// What fields alone cannot say: two bridges of one scheme, an address beside a gateway, and what
/// `check` finds.
void check_amqp(application& app, const amqp_check& check);

} // namespace natterjack::runtime
