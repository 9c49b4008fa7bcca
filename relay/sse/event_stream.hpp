// The actor of one stream of server-sent events: what a websocket connection is, with one way only.
//
//   receives      does                                          when
//   sse.control   new target, topic, heartbeat, time-outs, ...  body is a JSON object without problems
//   sse.close     event `done` with the reason, then the end    open
//   message_topic an event of that name to the client           open; "*": every topic but the relay's own
//   any other     nothing
//   cancel, going_away   as sse.close
//
//   sends to its target, if it has one
//   sse.join      once, first                                   client_pid, stream_pid, metadata
//   sse.heartbeat every interval                                uptime, message_count (events sent), ...
//   sse.leave     exactly once for each join, last
//
//   sends to the client   `ready` if nobody is its target, events, `: ping`, `done` {"reason":...}
//   watches   the target, as all of its io thread do together; its end ends the stream
//   bounds    outbox_soft_bytes, outbox_soft_time, outbox_hard_bytes and outbox_policy of the gateway
#pragma once

#include "relay/gateway_context.hpp"
#include "relay/pinned_actor.hpp"
#include "relay/sse/sse_config.hpp"

#include <caf/actor_control_block.hpp>

#include <memory>

namespace natterjack::relay {

/// The client's end of a stream. All on one io thread; nothing calls back from within a call.
class event_sink {
 public:
  virtual ~event_sink() = default;
  virtual void send(hub::shared_bytes framed) = 0;
  virtual size_t waiting_bytes() const noexcept = 0;
  /// @returns how many blocks were thrown away
  virtual size_t drop_oldest(size_t until_bytes) = 0;
  virtual bool is_chunked() const noexcept = 0;
  /// Nothing more comes; what waits is written.
  virtual void finish() = 0;
  /// The client does not read: the connection ends at once.
  virtual void abort() = 0;
};

/// What the sink tells the stream.
class event_source {
 public:
  virtual void on_progress() = 0;    ///< some of what waited is written
  virtual void on_client_gone() = 0; ///< the last call
 protected:
  ~event_source() = default;
};

struct event_stream_options {
  std::shared_ptr<gateway_context> gateway;
  sse_config config;
  hub::process_ref target; ///< of the config, alive when it was looked for
  hub::relay_dialect dialect = hub::relay_dialect::table;
};

struct started_stream {
  caf::strong_actor_ptr actor;
  event_source* source;
};

/// On the thread of the sink, whose answer's head is written already.
started_stream start_event_stream(io_thread& thread, std::shared_ptr<event_sink> sink,
                                  event_stream_options options);

} // namespace natterjack::relay
