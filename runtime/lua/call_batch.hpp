// Calls that the clients of one io thread caused in one turn, run by the scheduler as one job.
//
// A worker that is sent a call wakes a hub thread. Where both have one core, that thread takes it at once,
// answers, and sleeps: a switch there and back for each request. So requests that were read together are
// taken together, and answered together: each is given to a worker and run in its place, so that the next
// one finds that worker free, with its memory at hand.
//
//   parts   many calls are spread over the hub threads; so are those behind a call that takes long
#pragma once

#include <caf/fwd.hpp>

#include <functional>

namespace natterjack::runtime::lua {

/// Gives a call to a worker. @param unit  what runs the worker from here; null: the scheduler does
using call_start = std::function<void(caf::execution_unit* unit)>;

/// Starts a call at the end of this thread's turn (see wake_list.hpp), at once if it has none.
void start_in_turn(caf::actor_system& system, call_start start);

} // namespace natterjack::runtime::lua
