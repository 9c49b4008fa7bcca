#include "runtime/lua/function_pool.hpp"

#include "hub/node.hpp"
#include "relay/http/body_stream.hpp"
#include "runtime/lua/call_batch.hpp"

#include <caf/all.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <random>

namespace natterjack::runtime::lua {

namespace {

int64_t steady_ns() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

// Ties a client's complaint to a line of the log.
std::string make_error_id() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  char text[17];
  std::snprintf(text, sizeof text, "%012llx",
                static_cast<unsigned long long>(random() & 0xffffffffffffULL));
  return text;
}

relay::http_response error_response(unsigned status, const std::string& text,
                                    const std::string& id = {}) {
  nlohmann::json body{{"error", text}};
  if (!id.empty())
    body["id"] = id;
  relay::http_response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "application/json");
  response.body = body.dump();
  return response;
}

// Who `token_auth` found, for `security.actor()` and what the function starts.
context_ptr context_of_request(const relay::http_request& request) {
  if (!request.actor)
    return nullptr;
  auto made = std::make_shared<call_context>();
  made->actor = hub::payload::json(request.actor->value);
  if (request.actor->has_scope)
    made->scope = hub::payload::json(nlohmann::json(request.actor->policies).dump());
  return made;
}

void end_worker(const caf::strong_actor_ptr& worker) {
  if (worker)
    caf::anon_send_exit(caf::actor_cast<caf::actor>(worker), caf::exit_reason::user_shutdown);
}

main_end refused(std::string why) {
  main_end end;
  end.ended = true;
  end.refused = true;
  end.why = {error_kind::unavailable, why, {}};
  end.result.error = std::move(why);
  return end;
}

} // namespace

std::shared_ptr<function_pool> function_pool::make(lua_runtime& runtime, program_ptr program,
                                                   const hub::host_name* host,
                                                   pool_options options) {
  std::shared_ptr<function_pool> made(
      new function_pool(runtime, std::move(program), host, options));
  made->prepare();
  return made;
}

function_pool::function_pool(lua_runtime& runtime, program_ptr program, const hub::host_name* host,
                             pool_options options)
    : runtime_(runtime), program_(std::move(program)), host_(host), options_(options) {
}

function_pool::~function_pool() {
  stop();
}

void function_pool::call_http(std::shared_ptr<const relay::http_request> request,
                              relay::http_reply reply) {
  job one;
  one.call = std::make_shared<function_call>();
  one.call->is_http = true;
  one.call->exchange.request = std::move(request);
  one.call->exchange.reply = reply;
  one.call->context = context_of_request(*one.call->exchange.request);
  one.answer = [this, reply = std::move(reply)](function_call& call, main_end& end) {
    answer_http(call, end, reply);
  };
  allow(one, options_.deadline);
  start_in_turn(runtime_.node().system(),
                [self = shared_from_this(), one = std::move(one)](caf::execution_unit* unit) {
                  self->submit(one, unit);
                });
}

void function_pool::call(std::vector<hub::payload> arguments,
                         std::function<void(hub::exit_result)> answer) {
  job one;
  one.call = std::make_shared<function_call>();
  one.call->arguments = std::move(arguments);
  one.answer = [answer = std::move(answer)](function_call&, main_end& end) {
    answer(std::move(end.result));
  };
  allow(one, options_.deadline);
  submit(std::move(one));
}

function_call_ptr function_pool::call(std::vector<hub::payload> arguments, call_extras extras) {
  job one;
  auto made = one.call = std::make_shared<function_call>();
  one.call->arguments = std::move(arguments);
  one.call->context = std::move(extras.context);
  one.call->attachment = std::move(extras.attachment);
  one.answer = [this, done = std::move(extras.done)](function_call& call, main_end& end) {
    if (!end.traceback.empty())
      runtime_.log(log_level::warn, program_->id(), call.worker,
                   "call failed: " + end.result.error + "\n" + end.traceback);
    done(end);
  };
  allow(one, extras.deadline);
  submit(std::move(one));
  return made;
}

void function_pool::cancel(const function_call_ptr& call) {
  main_end end = refused("the call was canceled");
  end.why.kind = error_kind::canceled;
  job queued;
  caf::strong_actor_ptr worker;
  {
    std::lock_guard guard(mutex_);
    auto waits = std::find_if(queue_.begin(), queue_.end(),
                              [&call](const job& one) { return one.call == call; });
    if (waits != queue_.end()) {
      queued = std::move(*waits);
      queue_.erase(waits);
    } else {
      for (const auto& [id, one] : busy_)
        if (one.call == call)
          worker = workers_.at(id);
    }
  }
  if (queued.call)
    queued.answer(*queued.call, end);
  else if (worker)
    finished(worker->id(), end, worker_after::lost);
  end_worker(worker);
}

void function_pool::prepare() {
  std::lock_guard guard(mutex_);
  while (workers_.size() < std::min(options_.prepared, options_.workers))
    idle_.push_back(make_worker()->id());
}

void function_pool::allow(job& one, std::chrono::nanoseconds deadline) {
  one.due_ns = deadline.count() == 0 ? 0 : steady_ns() + deadline.count();
  one.call->allowed_ns = deadline.count();
}

void function_pool::submit(job one, caf::execution_unit* unit) {
  const char* why = nullptr;
  {
    std::lock_guard guard(mutex_);
    if (stopped_) {
      why = "the function is stopped";
    } else if (!idle_.empty()) {
      const auto worker = workers_[idle_.back()];
      idle_.pop_back();
      return assign(worker, std::move(one), unit);
    } else if (workers_.size() < options_.workers) {
      return assign(make_worker(), std::move(one), unit);
    } else if (queue_.size() < options_.buffer) {
      queue_.push_back(std::move(one));
      return;
    } else {
      why = "too many calls wait for this function";
    }
  }
  auto end = refused(why);
  one.answer(*one.call, end);
}

caf::strong_actor_ptr function_pool::make_worker() {
  auto made = runtime_.node().system().spawn<lua_process, caf::lazy_init>(
      runtime_, host_, program_, std::vector<hub::payload>{}, spawn_options{},
      lua_process::role::worker);
  auto worker = caf::actor_cast<caf::strong_actor_ptr>(made);
  workers_.emplace(worker->id(), worker);
  std::weak_ptr<function_pool> weak = weak_from_this();
  worker->get()->attach_functor([weak, id = worker->id()](const caf::error&) {
    if (auto pool = weak.lock())
      pool->worker_ended(id);
  });
  return worker;
}

void function_pool::assign(const caf::strong_actor_ptr& worker, job one,
                           caf::execution_unit* unit) {
  auto call = one.call;
  std::weak_ptr<function_pool> weak = weak_from_this();
  call->due_ns = one.due_ns;
  call->done = [weak, id = worker->id()](main_end& end, worker_after next) {
    if (auto pool = weak.lock())
      pool->finished(id, end, next);
  };
  call->linger = options_.linger;
  call->rested = [weak, id = worker->id()] {
    if (auto pool = weak.lock())
      pool->rested(id);
  };
  busy_.insert_or_assign(worker->id(), std::move(one));
  worker->enqueue(nullptr, caf::make_message_id(), caf::make_message(std::move(call)), unit);
}

// Gives a worker the next call, or a place among those that wait for one. @returns it if it shall end
caf::strong_actor_ptr function_pool::set_free(caf::actor_id id) {
  const auto i = workers_.find(id);
  if (i == workers_.end())
    return nullptr;
  if (!queue_.empty()) {
    auto next = std::move(queue_.front());
    queue_.pop_front();
    assign(i->second, std::move(next));
    return nullptr;
  }
  if (retired_ || idle_.size() >= options_.kept) {
    auto surplus = std::move(i->second);
    workers_.erase(i);
    return surplus;
  }
  idle_.push_back(id);
  return nullptr;
}

void function_pool::finished(caf::actor_id id, main_end& end, worker_after next) {
  job done;
  caf::strong_actor_ptr surplus;
  bool tells = false;
  {
    std::lock_guard guard(mutex_);
    auto i = busy_.find(id);
    if (i == busy_.end())
      return;
    done = std::move(i->second);
    busy_.erase(i);
    if (next == worker_after::free) {
      surplus = set_free(id);
    } else {
      auto worker = workers_.extract(id); // its place is free for another
      if (next == worker_after::lingers && worker && lingering_.size() < options_.lingering)
        lingering_.insert(std::move(worker));
      else if (next == worker_after::lingers && worker) {
        surplus = std::move(worker.mapped());
        tells = !std::exchange(told_of_room_, true);
      }
      if (!queue_.empty() && !stopped_) {
        auto waits = std::move(queue_.front());
        queue_.pop_front();
        assign(make_worker(), std::move(waits));
      }
    }
  }
  if (tells)
    runtime_.log(log_level::warn, program_->id(), done.call->worker,
                 "tasks of " + std::to_string(options_.lingering) +
                     " answered calls go on already: those of further ones are dropped");
  end_worker(surplus);
  done.answer(*done.call, end);
}

void function_pool::rested(caf::actor_id id) {
  caf::strong_actor_ptr surplus;
  {
    std::lock_guard guard(mutex_);
    auto worker = lingering_.extract(id);
    if (!worker)
      return;
    told_of_room_ = false;
    if (!stopped_ && workers_.size() < options_.workers) {
      workers_.insert(std::move(worker));
      surplus = set_free(id);
    } else {
      surplus = std::move(worker.mapped());
    }
  }
  end_worker(surplus);
}

void function_pool::worker_ended(caf::actor_id id) {
  auto end = refused("the worker was terminated");
  finished(id, end, worker_after::lost);
  std::lock_guard guard(mutex_);
  workers_.erase(id);
  lingering_.erase(id);
  std::erase(idle_, id);
}

void function_pool::retire() {
  std::lock_guard guard(mutex_);
  retired_ = true;
  for (auto id : std::exchange(idle_, {}))
    if (auto worker = workers_.find(id); worker != workers_.end()) {
      caf::anon_send_exit(caf::actor_cast<caf::actor>(worker->second), caf::exit_reason::kill);
      workers_.erase(worker);
    }
}

void function_pool::stop() {
  std::unordered_map<caf::actor_id, caf::strong_actor_ptr> workers;
  std::deque<job> queue;
  {
    std::lock_guard guard(mutex_);
    stopped_ = true;
    workers.swap(workers_);
    workers.merge(lingering_);
    lingering_.clear();
    queue.swap(queue_);
    idle_.clear();
  }
  for (auto& [id, worker] : workers)
    caf::anon_send_exit(caf::actor_cast<caf::actor>(worker), caf::exit_reason::kill);
  for (auto& one : queue) {
    auto end = refused("the function is stopped");
    one.answer(*one.call, end);
  }
}

size_t function_pool::workers() const {
  std::lock_guard guard(mutex_);
  return workers_.size() + lingering_.size();
}

// The head has been sent: what went wrong is in the log, and seen by the client as an answer without end.
void function_pool::end_streamed(function_call& call, main_end& end) {
  auto& stream = *call.exchange.stream;
  if (end.result.error.empty()) {
    stream.finish();
    return;
  }
  stream.fail();
  runtime_.log(log_level::error, program_->id(), call.worker,
               "answer broken off, error id " + make_error_id() + ": " + end.result.error +
                   (end.traceback.empty() ? "" : "\n" + end.traceback));
}

void function_pool::answer_http(function_call& call, main_end& end,
                                const relay::http_reply& reply) {
  if (call.exchange.stream)
    return end_streamed(call, end);
  auto& response = call.exchange.response;
  if (!end.result.error.empty()) {
    if (end.refused)
      return reply(error_response(503, end.result.error));
    const auto id = make_error_id();
    runtime_.log(log_level::error, program_->id(), call.worker,
                 "request failed, error id " + id + ": " + end.result.error +
                     (end.traceback.empty() ? "" : "\n" + end.traceback));
    if (end.timed_out)
      return reply(error_response(504, "the function did not answer in time", id));
    return reply(error_response(500, "internal error", id));
  }
  if (call.exchange.touched)
    return reply(std::move(response));
  if (end.result.value.kind() != hub::payload_kind::nil) {
    response.headers.emplace_back("Content-Type", "application/json");
    response.body = end.result.value.bytes();
    return reply(std::move(response));
  }
  const auto id = make_error_id();
  runtime_.log(log_level::error, program_->id(), call.worker,
               "no response sent, error id " + id + ": the handler set no status, header or body");
  reply(error_response(500, "no response sent", id));
}

} // namespace natterjack::runtime::lua
