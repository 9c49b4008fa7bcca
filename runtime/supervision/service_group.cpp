#include "runtime/supervision/service_group.hpp"

#include "hub/log_fields.hpp"
#include "runtime/supervision/supervisor.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace natterjack::runtime {

namespace {

using namespace std::chrono_literals;

bool is_up(service_state state) {
  return state == service_state::running || state == service_state::exited;
}

} // namespace

struct service_group::gate {
  std::mutex mutex;
  service_group* group;
};

service_group::service_group(caf::actor_system& system)
    : system_(system), gate_(std::make_shared<gate>()) {
  gate_->group = this;
}

service_group::~service_group() { end(); }

void service_group::end() {
  {
    std::lock_guard guard(gate_->mutex);
    gate_->group = nullptr;
  }
  for (auto& m : members_)
    m->running.reset();
}

service_group::member* service_group::find(const std::string& id) {
  for (auto& m : members_)
    if (m->planned.id == id)
      return m.get();
  return nullptr;
}

bool service_group::may_start(const member& m) {
  return std::all_of(m.planned.requires_.begin(), m.planned.requires_.end(),
                     [this](const std::string& id) {
                       const auto* needed = find(id);
                       return needed == nullptr || needed->started ||
                              (needed->settled && !needed->planned.required);
                     });
}

// Services are told to start outside the lock: one may settle before its start has returned.
void service_group::start_what_can(std::unique_lock<std::mutex>& guard) {
  std::vector<service*> starting;
  for (auto& m : members_) {
    if (stopping_ || m->running || !may_start(*m))
      continue;
    m->running = std::make_unique<service>(system_, m->planned.id, m->planned.plan);
    starting.push_back(m->running.get());
  }
  guard.unlock();
  for (auto* one : starting)
    one->start([gate = gate_, id = one->id()](const std::string& error) {
      std::lock_guard inside(gate->mutex);
      if (gate->group != nullptr)
        gate->group->settled(id, error);
    });
  guard.lock();
}

void service_group::settled(const std::string& id, const std::string& error) {
  const hub::log_scope about({.entry = id});
  std::unique_lock guard(mutex_);
  auto* m = find(id);
  if (m == nullptr || stopping_)
    return;
  m->settled = true;
  const bool had_started = std::exchange(m->started, m->started || error.empty());
  if (error.empty() && !had_started)
    spdlog::info("{}: started", id);
  else if (!error.empty())
    spdlog::error("{}: could not be started at once: {}; going on while it is tried again", id,
                  without_traceback(error));
  start_what_can(guard);
  changed_.notify_all();
}

void service_group::start_all(std::vector<planned_service> planned,
                              std::chrono::nanoseconds patience) {
  std::unique_lock guard(mutex_);
  for (auto& p : planned) {
    members_.push_back(std::make_unique<member>());
    members_.back()->planned = std::move(p);
  }
  start_what_can(guard);
  const bool all = changed_.wait_for(guard, patience, [this] {
    return std::all_of(members_.begin(), members_.end(),
                       [](const auto& m) { return m->settled; });
  });
  if (all)
    return;
  for (const auto& m : members_)
    if (!m->settled) {
      const hub::log_scope about({.entry = m->planned.id});
      spdlog::warn("{}: {}; going on without it", m->planned.id,
                   m->running ? "has not waited for anything yet"
                              : "waits for what it requires");
    }
}

std::vector<service_group::row> service_group::rows() const {
  std::lock_guard guard(mutex_);
  std::vector<row> result;
  for (const auto& m : members_)
    result.push_back({m->planned.id, m->planned.required,
                      m->running ? m->running->status() : service_status{}});
  return result;
}

void service_group::ended_by_administrator(const hub::pid& process) {
  std::lock_guard guard(mutex_);
  for (auto& m : members_)
    if (m->running && m->running->status().process == process)
      m->running->ended_by_administrator(process);
}

std::vector<std::string> service_group::not_ready() const {
  std::vector<std::string> result;
  for (const auto& r : rows())
    if (r.required && !is_up(r.status.state))
      result.push_back(r.id + " is " + to_string(r.status.state));
  return result;
}

bool service_group::is_ready() const { return not_ready().empty(); }

std::vector<std::string> service_group::replace_all(std::vector<planned_service> planned,
                                                    const std::function<bool()>& give_up,
                                                    std::vector<std::string>& done) {
  std::vector<std::string> wrong;
  std::vector<std::unique_ptr<service>> gone;
  std::unique_lock guard(mutex_);
  for (auto i = members_.begin(); i != members_.end();) {
    const auto& id = (*i)->planned.id;
    if (std::any_of(planned.begin(), planned.end(),
                    [&id](const auto& p) { return p.id == id; })) {
      ++i;
      continue;
    }
    done.push_back(id + " stopped");
    if ((*i)->running)
      gone.push_back(std::move((*i)->running));
    i = members_.erase(i);
  }
  guard.unlock();
  for (auto& one : gone)
    one->stop(10s);
  for (auto& p : planned) {
    guard.lock();
    auto* m = find(p.id);
    if (m == nullptr) {
      done.push_back(p.id + " added");
      members_.push_back(std::make_unique<member>());
      members_.back()->planned = std::move(p);
      start_what_can(guard);
      guard.unlock();
      continue;
    }
    if (m->planned.version == p.version || !m->running) {
      m->planned = std::move(p);
      guard.unlock();
      continue;
    }
    auto decided = m->running->upgrade(p.plan);
    guard.unlock();
    while (decided.wait_for(20ms) == std::future_status::timeout && !give_up()) {
    }
    if (decided.wait_for(0s) == std::future_status::timeout) {
      wrong.push_back(p.id + ": not finished, the node is shutting down");
      return wrong;
    }
    if (const auto error = decided.get(); !error.empty()) {
      wrong.push_back(p.id + ": " + error);
      continue;
    }
    guard.lock();
    done.push_back(p.id + " upgraded");
    m->planned = std::move(p);
    m->settled = m->started = true;
    start_what_can(guard);
    guard.unlock();
  }
  return wrong;
}

void service_group::stop_all(std::chrono::steady_clock::time_point deadline) {
  std::vector<std::pair<service*, std::chrono::nanoseconds>> running;
  {
    std::lock_guard guard(mutex_);
    stopping_ = true;
    for (auto i = members_.rbegin(); i != members_.rend(); ++i)
      if ((*i)->running)
        running.emplace_back((*i)->running.get(), (*i)->planned.plan.stop_timeout);
  }
  for (auto& [one, patience] : running) {
    const auto left = std::max<std::chrono::nanoseconds>(
        deadline - std::chrono::steady_clock::now(), 100ms);
    one->stop(std::min(patience, left));
  }
}

} // namespace natterjack::runtime
