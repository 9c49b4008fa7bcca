// The kinds of the broker bridge: the bridge itself, our actors on its exchange, queues for
// processes.
#include "runtime/config/kinds/kind_fields.hpp"

namespace natterjack::runtime {

namespace {

using namespace fields;
using type = field_type;

field bridge_limits() {
  return make("limits", type::section, "Bounds of what waits and of its clients")
      .with({
          time("hold_time", "15s", 0, "How long a command may wait for the broker, then it fails"),
          count("waiting_messages", "10000", 1, 10 * million,
                "Publications waiting for the broker; more are refused"),
          bytes("waiting_bytes", "64MiB", kibibyte, 64 * gibibyte, "The same in bytes"),
          bytes("body_bytes", "32MiB", kibibyte, gibibyte,
                "Longest message taken from the broker; longer ones are acknowledged and counted"),
          count("history_messages", "100", 0, million, "Replies kept for clients that ask"),
          bytes("history_bytes", "4MiB", 0, gibibyte, "The same in bytes"),
          count("client_commands", "32", 1, 10'000,
                "Commands of one client that wait; then it is not read"),
          bytes("client_bytes", "1MiB", kibibyte, gibibyte, "The same in bytes"),
          time("ping_interval", "20s", 0.01, "Between pings to a client").or_off(),
          time("ping_timeout", "20s", 0.01, "For its pong, then it is closed"),
          count("addresses", "10000", 1, 10 * million, "Actors that processes know at a time"),
      });
}

field bridge() {
  return make("bridge", type::reference, "The connection it uses").of({"amqp.bridge"}).required();
}

kind_definition amqp_bridge() {
  const std::vector<std::string> servers{"http.service"};
  return {
      .name = "amqp.bridge",
      .doc =
          "A connection to a RabbitMQ broker: its actors as addresses, and for websocket clients",
      .fields = {
          make("url", type::text,
               "amqp[s]://user:password@host:port/vhost; what it says overrides the fields"),
          make("host", type::text, "Of the broker").otherwise("localhost"),
          count("port", "5672", 1, 65'535, "Of the broker"),
          make("user", type::text, "Who we are there").otherwise("guest"),
          make("password", type::text, "Best as ${env:NAME}").otherwise("guest"),
          make("vhost", type::text, "Virtual host").otherwise("/"),
          make("tls", type::section, "Encryption")
              .with({
                  flag("enabled", "false", "Speak TLS"),
                  make("ca_file", type::text, "PEM; default: the system's authorities"),
                  make("cert_file", type::text, "PEM, our own certificate; with key_file"),
                  make("key_file", type::text, "PEM, its key"),
                  flag("verify", "true", "Check the broker's certificate and its name"),
              }),
          make("exchange", type::text, "Topic exchange the actors are on")
              .otherwise("sdss_exchange"),
          make("client_name", type::text,
               "Our name on the exchange; default: amqp-client-<12 hex>, anew at each start"),
          make("queue", type::text, "Our queue for replies; default: <client_name>_replies"),
          count("prefetch", "500", 1, 65'535, "Replies on their way through"),
          time("heartbeat", "10s", 1, "Silence of the broker is noticed within twice this time"),
          flag("byte_exact", "false", "Write NaN and Infinity as Python does, not as null"),
          make("scheme", type::text, "Processes reach actor NAME at <scheme>:NAME")
              .otherwise("amqp"),
          make("addr", type::address, "Listen for websocket clients here, on every path"),
          make("server", type::reference, "Or let them in at a gateway").of(servers),
          make("path", type::url_path,
               "Path of the websocket; default: any path of addr, /clu of server"),
          bridge_limits(),
      }};
}

field command_parameters() {
  return make("parameters", type::section_list, "What it takes, in order")
      .with({
          make("name", type::text, "An option is --name, an argument is shown as NAME").required(),
          make("type", type::choice, "What its text must be")
              .of({"text", "integer", "number", "boolean", "choice"})
              .otherwise("text"),
          flag("option", "false", "Given as --name VALUE"),
          flag("flag", "false", "An option without a value"),
          flag("rest", "false", "The last argument: takes all words that are left"),
          make("required", type::boolean, "Default: true for arguments, false for options"),
          make("choices", type::text_list, "Values of type choice"),
          make("default", type::any, "Value when it is not given"),
          make("help", type::text, "For people"),
      });
}

kind_definition amqp_actor() {
  return {.name = "amqp.actor",
          .doc = "A process of ours as a CLU actor: a name on the exchange, commands, replies",
          .fields = {
              bridge(),
              make("actor", type::text, "Its name on the exchange; default: the entry's name"),
              make("version", type::text, "What the command version answers").otherwise("?"),
              make("process", type::text,
                   "Registered name of the process that runs its commands; default: actor"),
              make("schema", type::any,
                   "JSON schema of its replies: a map, or file://NAME.json; default: what every "
                   "actor has"),
              make("commands", type::section_list, "Its own commands; ping, help … are there")
                  .with({
                      make("name", type::text, "The verb").required(),
                      make("help", type::text, "For people"),
                      flag("raw", "false", "Its words as they are, in params.words"),
                      command_parameters(),
                  }),
              count("commands_max", "1000", 1, million, "Running at a time; more fail at once"),
          }};
}

kind_definition amqp_feed() {
  return {.name = "amqp.feed",
          .doc = "A queue of the broker, delivered to a process as messages",
          .fields = {
              bridge(),
              make("process", type::text, "Registered name of who gets the messages").required(),
              make("topic", type::text, "Topic of these messages").otherwise("amqp.message"),
              make("queue", type::text, "Its name; default: one of the broker's making"),
              make("exchange", type::text, "What it is bound to; default: no binding"),
              make("exchange_type", type::choice, "How the exchange is declared")
                  .of({"topic", "direct", "fanout", "headers", "passive"})
                  .otherwise("topic"),
              make("routing_keys", type::text_list, "One binding each; default: #"),
              flag("durable", "false", "Queue and exchange outlive the broker"),
              flag("exclusive", "false", "The queue is ours alone and goes with the connection"),
              flag("auto_delete", "false", "Queue and exchange go with their last user"),
              flag("passive", "false", "The queue must be there: it is not made"),
              flag("manual_acks", "false", "Each message waits for the process's amqp.ack"),
              count("prefetch", "100", 1, 65'535, "Messages on their way through"),
          }};
}

} // namespace

std::vector<kind_definition> amqp_kinds() {
  return {amqp_bridge(), amqp_actor(), amqp_feed()};
}

} // namespace natterjack::runtime
