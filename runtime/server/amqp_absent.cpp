// amqp_services of a binary that was built without rabbitmq-c: says so to whoever needs it.
#include "runtime/server/amqp_services.hpp"

#include <stdexcept>

namespace natterjack::runtime {

namespace {

constexpr const char* why = "this binary was built without rabbitmq-c (Debian: librabbitmq-dev)";

} // namespace

struct amqp_services::state {};

amqp_check make_amqp_check() {
  return {[](const amqp_bridge_entry&) -> std::optional<field_problem> {
            return field_problem{"kind", why};
          },
          {}};
}

amqp_services::amqp_services(const application_options& options, hub::node&, relay::io_pool&) {
  if (!options.amqp_bridges.empty())
    throw std::runtime_error(options.amqp_bridges.front().place + ": " + why);
}
amqp_services::~amqp_services() = default;
void amqp_services::mount(const std::map<std::string, relay::gateway*>&) {
}
void amqp_services::start_bridges() {
}
void amqp_services::start_actors() {
}
void amqp_services::stop() {
}

} // namespace natterjack::runtime
