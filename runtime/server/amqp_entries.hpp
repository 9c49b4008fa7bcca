// Entries of `amqp.*` as the options of actors/amqp.
#pragma once

#include "actors/amqp/bridge.hpp"
#include "actors/amqp/clu_actor.hpp"
#include "actors/amqp/feed.hpp"
#include "runtime/config/options/amqp_options.hpp"

namespace natterjack::runtime {

amqp::bridge_options to_bridge(const amqp_bridge_entry& from);
amqp::actor_options to_actor(const amqp_actor_entry& from);
amqp::feed_options to_feed(const amqp_feed_entry& from);

} // namespace natterjack::runtime
