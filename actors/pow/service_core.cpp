#include "actors/pow/service_core.hpp"

#include "hub/node.hpp"

namespace natterjack::pow {

service_core::service_core(hub::node& home, relay::io_pool& pool, service_options given)
    : node(home), threads(pool), options(std::move(given)),
      places(node.add_process_host(options.entry_id, options.limits.jobs)) {}

job_ref service_core::make_job(relay::io_thread& thread, std::shared_ptr<job_front> front) {
  if (!places.reserve())
    return {};
  return spawn_job(thread, node, places, options.limits.job, std::move(front));
}

made_job service_core::find_code(const job_request& request) const {
  auto* source = options.jobs.find(request.name);
  return source == nullptr ? job_refusal{std::string(unknown_process)} : source->make(request);
}

void service_core::begin(job& target, const job_request& request) const {
  try {
    target.begin(find_code(request));
  } catch (const std::exception& e) {
    target.panic(e.what());
  }
}

void service_core::start_job(const job_ref& target, std::shared_ptr<const job_request> request) {
  if (!options.authorize) {
    begin(*target.self, *request);
    return;
  }
  const job_handle handle(target.actor);
  options.authorize(request, [self = shared_from_this(), handle,
                              request](std::optional<std::string> refusal) {
    handle.post([self, request, refusal = std::move(refusal)](job_io& io) {
      auto& waiting = static_cast<job&>(io);
      if (refusal)
        waiting.refuse(*refusal);
      else
        self->begin(waiting, *request);
    });
  });
}

} // namespace natterjack::pow
