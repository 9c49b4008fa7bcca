#include "actors/amqp/clu_actor.hpp"

#include "actors/amqp/actor_schema.hpp"
#include "actors/amqp/actor_worker.hpp"
#include "actors/amqp/quoted.hpp"

#include <spdlog/spdlog.h>

#include <stdexcept>

namespace natterjack::amqp {

void check_actor_name(const std::string& name) {
  // With "command.….#" around it, and a client's name before it, it is a routing key.
  constexpr size_t name_bytes_max = 200;
  if (name.empty() || name.size() > name_bytes_max || !hub::is_utf8(name) ||
      name.find_first_of(".#*") != std::string::npos)
    throw std::invalid_argument("actor name \"" + name +
                                "\": expected 1 to 200 bytes of UTF-8 without '.', '#' and '*'");
}

std::shared_ptr<clu_actor> clu_actor::make(std::shared_ptr<bridge> owner, actor_options options) {
  check_actor_name(options.name);
  make_actor_schema(options.schema); // throws
  return std::shared_ptr<clu_actor>(new clu_actor(std::move(owner), std::move(options)));
}

clu_actor::clu_actor(std::shared_ptr<bridge> owner, actor_options options)
    : bridge_(std::move(owner)), options_(std::move(options)) {
}

clu_actor::~clu_actor() = default;

hub::process_ref clu_actor::process() const {
  return worker_ ? hub::process_ref{worker_->handle, worker_->process} : hub::process_ref{};
}

void clu_actor::start(std::function<void(const std::string&)> on_first) {
  worker_ = std::make_unique<actor_worker>(start_actor_worker(bridge_, options_));

  const auto& exchange = bridge_->self().exchange;
  auto first = std::make_shared<std::function<void(const std::string&)>>(std::move(on_first));
  auto tell_first = [first](const std::string& problem) { // the connection's thread only
    if (auto call = std::exchange(*first, nullptr))
      call(problem);
  };
  auto on_lost = [id = options_.id, name = options_.name, tell_first](const std::string& why,
                                                                      int code) {
    if (code == 0)
      return;
    spdlog::error("{}: cannot be actor \"{}\": {}", id, name, why);
    tell_first(why);
  };

  // Nobody reads it: it holds the name, and answers who asks whether we are there.
  topology replies;
  replies.exchanges = {{exchange, "topic", false, true, false, false}};
  replies.queue.name = options_.name + "_replies";
  replies.queue.exclusive = true;
  consumer_handlers ignore;
  ignore.on_delivery = [](const delivery&, const delivery_token_ptr&) {
  };
  ignore.on_lost = on_lost;
  replies_number_ = bridge_->link().consume(std::move(replies), std::move(ignore));

  topology commands;
  commands.exchanges = {{exchange, "topic", false, true, false, false}};
  commands.queue.name = options_.name + "_commands";
  commands.queue.exclusive = true;
  commands.bound_to = exchange;
  commands.routing_keys = {"command." + options_.name + ".#"};
  consumer_handlers take;
  take.on_ready = [id = options_.id, name = options_.name, tell_first](const std::string&) {
    spdlog::info("{}: actor \"{}\" is on the exchange", id, name);
    tell_first({});
  };
  take.on_lost = on_lost;
  take.on_delivery = [self = shared_from_this()](const delivery& from,
                                                 const delivery_token_ptr& token) {
    auto came = std::make_shared<actor_request>();
    if (!read_actor_request(from, *came)) {
      spdlog::warn("{}: a command that is not JSON, routing key {}: rejected",
                   self->options_.id, quoted(from.routing_key));
      token->settle(verdict::reject);
      return;
    }
    // Acknowledged when the worker has it, so that the prefetch bounds what waits for it.
    self->bridge_->run([target = self->worker_->on_command, came, token] {
      target(std::move(*came));
      token->settle(verdict::ack);
    });
  };
  commands_number_ = bridge_->link().consume(std::move(commands), std::move(take));
}

void clu_actor::stop() {
  if (!worker_)
    return;
  bridge_->link().cancel(commands_number_);
  bridge_->link().cancel(replies_number_);
  worker_->handle->enqueue(nullptr, caf::make_message_id(), caf::make_message(hub::cancel_signal{}),
                           nullptr);
}

} // namespace natterjack::amqp
