// What all sessions of one POW service share.
#pragma once

#include "actors/pow/frame_stream.hpp"
#include "actors/pow/job_actor.hpp"
#include "actors/pow/service_options.hpp"
#include "relay/io_pool.hpp"

#include <atomic>

namespace natterjack::pow {

struct service_core : std::enable_shared_from_this<service_core> {
  service_core(hub::node& home, relay::io_pool& pool, service_options given);

  hub::node& node;
  relay::io_pool& threads;
  const service_options options;
  hub::process_host& places; ///< holds the jobs and bounds their number
  std::atomic<bool> closing{false};

  /// A job without code yet, or none when there are too many.
  job_ref make_job(relay::io_thread& thread, std::shared_ptr<job_front> front);

  /// Asks for authorization, then gives the job its code, or ends it with the refusal.
  void start_job(const job_ref& target, std::shared_ptr<const job_request> request);

 private:
  made_job find_code(const job_request& request) const;
  void begin(job& target, const job_request& request) const;
};

/// Sent as the cause of jobs that are ended by a shutdown.
inline constexpr std::string_view server_closing = "server closing";
inline constexpr std::string_view cancelled_by_client = "client requested cancellation";
inline constexpr std::string_view protocol_error = "protocol error occurred";
inline constexpr std::string_view too_many_jobs = "too many processes";

} // namespace natterjack::pow
