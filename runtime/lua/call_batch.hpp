// Calls that the clients of one io thread caused in one turn, handed to the scheduler as one job.
//
// A worker that is sent a call wakes a hub thread. Where both have one core, that thread takes it at once,
// answers, and sleeps: a switch there and back for each request. So requests that were read together are sent
// together, from a hub thread.
#pragma once

#include "runtime/lua/process/lua_process.hpp"

namespace natterjack::runtime::lua {

/// Sends `call` at the end of this thread's turn (see wake_list.hpp), at once if it has none.
void send_in_turn(caf::actor_system& system, caf::strong_actor_ptr worker, function_call_ptr call);

} // namespace natterjack::runtime::lua
