// Work on a thread of the pool that owes a process an answer: it gives one, or what flies out of it is one.
#pragma once

#include "runtime/lua/reply.hpp"
#include "runtime/lua/shared/work_pool.hpp"

namespace natterjack::runtime::lua {

/// @param work  answers `to`; if it throws instead, the answer is an error of kind INTERNAL that says what
void run_answering(work_pool& pool, const reply_address& to, std::function<void()> work);

} // namespace natterjack::runtime::lua
