// Jobs whose code is a process of the hub, such as one written in Lua: messages in, messages out.
//
//   worker sends the job   value               the job does
//   pow.read               -                   sends one piece of input, or its end, when there is one
//   pow.output             text or binary      writes it; answers pow.written when the client keeps up
//   pow.error_output       text or binary      tells attached processes only
//   pow.result             any value           ends with it
//   pow.error              text                ends with this error
//
//   job sends the worker   value               when
//   pow.input              text or binary      once for each pow.read
//   pow.input_end          -                   once, instead of an input
//   pow.written            -                   once for each pow.output; a worker that waits for it is paced
//   pow.cancel             text, the cause     once, at the first cause
//   cancel                 -                   as process.cancel would: end soon
//
//   The end of the worker is the end of the job: with the value it returned, or the error it ended with.
//   A worker whose job was killed is killed.
#pragma once

#include "actors/pow/job_source.hpp"
#include "hub/directory.hpp"

namespace natterjack::pow {

/// A worker, or why there is none: given to the client behind "failed to get process: ".
struct started_worker {
  hub::process_ref process;
  std::string error;
};

/// Starts the worker of one job. On an io thread: never blocks.
/// @param job  PID of the job, to send the messages above to
using worker_starter = std::function<started_worker(const job_request& request, const hub::pid& job)>;

std::shared_ptr<job_source> worker_source(worker_starter start);

} // namespace natterjack::pow
