#include "runtime/lua/function_pool.hpp"

#include "hub/node.hpp"
#include "runtime/lua/engine/clocks.hpp"
#include "runtime/lua/failure_log.hpp"

#include <caf/all.hpp>

#include <algorithm>

namespace natterjack::runtime::lua {

namespace {

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
      log_failure(runtime_, log_level::warn, program_->id(), call.worker,
                  "call failed: " + end.result.error, end.traceback);
    done(end);
  };
  one.patient = extras.patient;
  one.unbegun = std::move(extras.unbegun);
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
      patient_ -= queued.patient ? 1 : 0;
    } else {
      for (const auto& [id, one] : busy_)
        if (one.call == call)
          worker = workers_.at(id);
    }
  }
  if (queued.call)
    queued.answer(*queued.call, end);
  else if (worker && finished(worker->id(), end, worker_after::lost, call.get()))
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

void function_pool::refuse(job& one, const char* why) {
  if (one.unbegun)
    return one.unbegun();
  auto end = refused(why);
  one.answer(*one.call, end);
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
    } else if (one.patient || queue_.size() - patient_ < options_.buffer) {
      patient_ += one.patient ? 1 : 0;
      queue_.push_back(std::move(one));
      return watch_last();
    } else {
      why = "too many calls wait for this function";
    }
  }
  refuse(one, why);
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

function_pool::job function_pool::next_job() {
  auto next = std::move(queue_.front());
  queue_.pop_front();
  patient_ -= next.patient ? 1 : 0;
  return next;
}

// Gives a worker the next call, or a place among those that wait for one. @returns it if it shall end
caf::strong_actor_ptr function_pool::set_free(caf::actor_id id) {
  const auto i = workers_.find(id);
  if (i == workers_.end())
    return nullptr;
  if (!queue_.empty()) {
    assign(i->second, next_job());
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

bool function_pool::finished(caf::actor_id id, main_end& end, worker_after next,
                             const function_call* only) {
  job done;
  caf::strong_actor_ptr surplus;
  bool tells = false;
  {
    std::lock_guard guard(mutex_);
    auto i = busy_.find(id);
    if (i == busy_.end() || (only != nullptr && i->second.call.get() != only))
      return false;
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
      if (!queue_.empty() && !stopped_)
        assign(make_worker(), next_job());
    }
  }
  if (tells)
    runtime_.log(log_level::warn, program_->id(), done.call->worker,
                 "tasks of " + std::to_string(options_.lingering) +
                     " answered calls go on already: those of further ones are dropped");
  end_worker(surplus);
  done.answer(*done.call, end);
  return true;
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
  std::shared_ptr<alarm> released; // without the mutex
  {
    std::lock_guard guard(mutex_);
    stopped_ = true;
    released.swap(alarm_);
    workers.swap(workers_);
    workers.merge(lingering_);
    lingering_.clear();
    queue.swap(queue_);
    patient_ = 0;
    idle_.clear();
  }
  for (auto& [id, worker] : workers)
    caf::anon_send_exit(caf::actor_cast<caf::actor>(worker), caf::exit_reason::kill);
  for (auto& one : queue)
    refuse(one, "the function is stopped");
}

size_t function_pool::workers() const {
  std::lock_guard guard(mutex_);
  return workers_.size() + lingering_.size();
}

} // namespace natterjack::runtime::lua
