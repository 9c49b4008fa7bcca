// A command to an actor: read from what a client says, put on the exchange, and failed if need be.
//
//   client says                                   becomes
//   no JSON, no object, no consumer or no          nothing: it is passed over
//     command_string
//   an id or consumer AMQP cannot carry            a failure, to this client alone
//   anything else                                  a command; without an id it gets one
#pragma once

#include "actors/amqp/json_value.hpp"
#include "actors/amqp/publication.hpp"
#include "actors/amqp/reply.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace natterjack::amqp {

struct command {
  json_value consumer;       ///< usually a text; its JSON type comes back in a failure
  std::string consumer_text; ///< as in the routing key
  json_value id;
  std::string id_text; ///< as in the correlation id
  std::string commander_id;
  std::string body; ///< {"command_string": …}
  bool internal = false;
  bool write_to_log = true;
  publish_clock::time_point deadline = publish_clock::time_point::max();
  bool has_waited = false; ///< the broker was away when it came
};

/// What a client's message turned out to be.
struct request {
  std::shared_ptr<command> wanted;  ///< set: a command
  std::optional<json_value> object; ///< set: an object that is no command
  std::string problem;              ///< why `wanted` cannot be sent, or why there is none
};

/// Who speaks on the exchange, and on which.
struct speaker {
  std::string name; ///< "amqp-client-0123456789ab"
  std::string exchange;
};

/// @param message  a whole websocket message
/// @param is_text  text is UTF-8 without a byte order mark; binary may be any Unicode encoding
request read_request(std::string_view message, bool is_text, const speaker& from);

/// A command of our own making. @param id empty: one is made
std::shared_ptr<command> make_command(const speaker& from, const std::string& consumer,
                                      const json_value& command_string, const std::string& id = {});

/// @returns what keeps AMQP from carrying it, or an empty text
std::string find_fault(const command& wanted);

publication to_publication(const command& wanted, const speaker& from);

/// "Failed routing message to consumer 'nobody'."
std::string routing_error(const command& wanted);

/// The failure that is published when no queue wanted the command.
publication failure_publication(const command& wanted, const speaker& from,
                                const std::string& error);
/// The same as a reply that never was on the exchange.
reply_ptr failure_reply(const command& wanted, const speaker& from, const std::string& error);

/// "amqp-client-" and 12 hexadecimal digits.
std::string make_client_name();

} // namespace natterjack::amqp
