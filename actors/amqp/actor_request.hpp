// A command on its way to an actor of ours, and the replies that go back, as they are on the wire.
#pragma once

#include "actors/amqp/command.hpp"
#include "actors/amqp/delivery.hpp"
#include "actors/amqp/json_value.hpp"
#include "actors/amqp/publication.hpp"

#include <string>

namespace natterjack::amqp {

/// Kept for the time the command runs.
struct actor_request {
  json_value command_id; ///< null if there is none; replies carry what came, type and all
  json_value commander_id;
  bool internal = false;
  bool write_to_log = true;
  bool is_task = false;
  json_value body;
};

/// @returns false for what is not JSON
bool read_actor_request(const delivery& from, actor_request& to);

/// A reply with this code under this routing key.
/// @param to  the command it belongs to; an empty one for a broadcast
publication to_publication(const actor_request& to, const speaker& from, const std::string& code,
                           const json_value& body, bool is_internal, const std::string& key);

} // namespace natterjack::amqp
