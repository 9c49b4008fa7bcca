// What a POW service is made of: jobs, limits, and which of its sides are there.
#pragma once

#include "actors/pow/frame_stream.hpp"
#include "actors/pow/job_bounds.hpp"
#include "actors/pow/job_source.hpp"

#include <functional>
#include <optional>
#include <string>

namespace natterjack::pow {

struct rest_limits {
  std::chrono::nanoseconds timeout = std::chrono::seconds(60); ///< a session nobody used is removed
  size_t sessions = 10'000;        ///< at a time; `new` gives 503 beyond
  size_t lines = 1000;             ///< complete lines kept of a session's output
  size_t line_bytes = 1 << 20;     ///< a longer line is broken
  size_t store_bytes = 16 << 20;   ///< of all lines of a session; the oldest make room
  std::chrono::nanoseconds input_wait = std::chrono::seconds(30);  ///< then `input` gives 504
  std::chrono::nanoseconds cancel_wait = std::chrono::seconds(10); ///< then `cancel` answers anyway
};

struct service_limits {
  std::chrono::nanoseconds call_time = std::chrono::seconds(1); ///< from handshake to call message
  size_t jobs = 10'000;                                         ///< at a time, both sides together
  stream_limits stream;
  job_bounds job;
  rest_limits rest;
};

/// Decides whether a request may have its job; answers once, from any thread.
/// The answer is empty for yes, else the reason the client is given, such as `not_authorized`.
using authorization_answer = std::function<void(std::optional<std::string> refusal)>;
using authorization = std::function<void(std::shared_ptr<const job_request>, authorization_answer)>;

struct service_options {
  std::string entry_id = "pow:service"; ///< the host part of its jobs' PIDs
  std::string base_path = "/";          ///< cleaned by the service: "pow" becomes "/pow/"
  job_catalog jobs;
  service_limits limits;
  bool websocket = true;
  bool rest = true;
  bool docs = true;             ///< Swagger UI; openapi.json belongs to REST
  std::string description;      ///< of the server, in openapi.json
  authorization authorize;      ///< none: everybody may
};

} // namespace natterjack::pow
