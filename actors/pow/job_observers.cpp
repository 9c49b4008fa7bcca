#include "actors/pow/job_observers.hpp"

#include "hub/message.hpp"
#include "hub/process.hpp"

#include <caf/actor_addr.hpp>

#include <algorithm>

namespace natterjack::pow {

bool job_observers::add(hub::process_ref who) {
  const bool is_known = std::any_of(all_.begin(), all_.end(),
                                    [&who](const auto& one) { return one.self == who.self; });
  if (!is_known)
    all_.push_back(std::move(who));
  return !is_known;
}

void job_observers::remove(const caf::actor_addr& who) {
  std::erase_if(all_, [&who](const auto& one) { return one.actor->address() == who; });
}

void job_observers::output(const hub::pid& job, std::string_view bytes) {
  if (empty())
    return;
  if (const auto text = output_.take(bytes); !text.empty())
    tell(job, "pow.output", hub::payload::text(text));
}

void job_observers::error_output(const hub::pid& job, std::string_view bytes) {
  if (empty())
    return;
  utf8_joiner repair;
  std::string text(repair.take(bytes));
  text += repair.finish();
  tell(job, "pow.error_output", hub::payload::text(text));
}

void job_observers::end(const hub::pid& job, std::string_view document) {
  if (const auto rest = output_.finish(); !rest.empty())
    tell(job, "pow.output", hub::payload::text(rest));
  tell(job, "pow.end", hub::payload::json(document));
}

void job_observers::tell(const hub::pid& job, const char* topic, hub::payload value) const {
  if (empty())
    return;
  const auto message = hub::make_message(job, hub::shared_bytes(topic), std::move(value));
  for (const auto& one : all_)
    one.self->deliver(message);
}

} // namespace natterjack::pow
