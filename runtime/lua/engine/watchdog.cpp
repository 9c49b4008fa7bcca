#include "runtime/lua/engine/watchdog.hpp"

#include "hub/thread_name.hpp"

#include <algorithm>
#include <chrono>

namespace natterjack::runtime::lua {

namespace {

constexpr std::chrono::milliseconds look_interval{5};
constexpr int idle_looks_max = 20; // then the watchdog dozes until the next slice

// lua_sethook visits every call of the coroutine: at 200,000 levels longer than a look lasts, so that
// arming at each signal would leave the script no time to meet its hook. Armed again now and then
// all the same, since a loop may lose its mark if the signal comes in the middle of an instruction.
constexpr unsigned signals_per_arming = 16;

volatile lua_Hook slice_hook = nullptr;
thread_local slice_mark* volatile current = nullptr;
thread_local lua_State* volatile armed = nullptr; // by the signals of this slice
thread_local volatile unsigned signals = 0;       // since then

extern "C" void natterjack_slice_over(int) {
  auto* mark = current;
  if (mark == nullptr)
    return;
  mark->over = 1;
  auto* L = mark->running;
  if (L == nullptr)
    return;
  if (L == armed && signals < signals_per_arming) {
    signals = signals + 1;
    return;
  }
  armed = L;
  signals = 0;
  lua_sethook(L, slice_hook, LUA_MASKCOUNT, 1);
}

} // namespace

// One thread that runs slices. Odd turns are slices, even ones the time between.
struct worker {
  std::atomic<uint64_t> turn{0};
  std::atomic<uint32_t> looks{1}; // at the same turn until it is overdue
  uint64_t seen = 0;              // by the watchdog
  uint32_t seen_again = 0;
  pthread_t thread = pthread_self();

  worker();
  ~worker();
};

namespace {

std::mutex workers_mutex;
std::vector<worker*> workers;

worker& this_worker() {
  thread_local worker own;
  return own;
}

} // namespace

worker::worker() {
  std::lock_guard guard(workers_mutex);
  workers.push_back(this);
}

worker::~worker() {
  std::lock_guard guard(workers_mutex);
  std::erase(workers, this);
}

watchdog::slice::slice(watchdog& dog, slice_mark& mark, std::chrono::milliseconds length) noexcept
    : worker_(&this_worker()) {
  mark.over = 0;
  worker_->looks.store(static_cast<uint32_t>(std::max<int64_t>(length / look_interval, 1)),
                       std::memory_order_relaxed);
  armed = nullptr;
  current = &mark;
  // seq_cst: either the watchdog sees this turn before it dozes off, or we see it dozing.
  worker_->turn.fetch_add(1);
  if (dog.dozing_.load()) {
    std::lock_guard guard(dog.mutex_);
    dog.dozing_ = false;
    dog.wake_.notify_one();
  }
}

watchdog::slice::~slice() {
  current = nullptr;
  worker_->turn.fetch_add(1, std::memory_order_release);
}

watchdog::watchdog(lua_Hook hook) {
  slice_hook = hook;
  struct sigaction action {};
  action.sa_handler = natterjack_slice_over;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGURG, &action, nullptr);
  thread_ = std::thread([this] {
    hub::name_thread("lua-watchdog");
    look();
  });
}

watchdog::~watchdog() {
  {
    std::lock_guard guard(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void watchdog::look() {
  int idle = 0;
  std::unique_lock guard(mutex_);
  while (!stop_) {
    bool busy = false;
    {
      std::lock_guard workers_guard(workers_mutex);
      for (auto* w : workers) {
        const auto turn = w->turn.load();
        if (turn != w->seen) {
          busy = true;
          w->seen_again = 0;
        } else if (turn % 2 == 1) {
          busy = true;
          if (++w->seen_again >= w->looks.load(std::memory_order_relaxed))
            pthread_kill(w->thread, SIGURG);
        }
        w->seen = turn;
      }
    }
    idle = busy ? 0 : idle + 1;
    if (idle < idle_looks_max) {
      wake_.wait_for(guard, look_interval, [this] { return stop_; });
      continue;
    }
    dozing_ = true;
    bool started = false;
    {
      std::lock_guard workers_guard(workers_mutex);
      for (auto* w : workers)
        started = started || w->turn.load() != w->seen;
    }
    if (!started)
      wake_.wait(guard, [this] { return stop_ || !dozing_; });
    dozing_ = false;
    idle = 0;
  }
}

} // namespace natterjack::runtime::lua
