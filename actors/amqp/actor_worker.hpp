// What an actor of ours does with its commands; clu_actor.hpp says what that is.
#pragma once

#include "actors/amqp/actor_request.hpp"
#include "actors/amqp/clu_actor.hpp"

#include <functional>

namespace natterjack::amqp {

struct actor_worker {
  caf::strong_actor_ptr handle;
  hub::process* process = nullptr;
  /// On the bridge's thread.
  std::function<void(actor_request)> on_command;
};

/// Starts the process of an actor; it takes commands at once.
/// @throws std::invalid_argument  for a bad schema
actor_worker start_actor_worker(std::shared_ptr<bridge> owner, const actor_options& options);

} // namespace natterjack::amqp
