// Timers of a process: what is due when, and what happens then.
#include "hub/counters.hpp"
#include "runtime/lua/engine/channel.hpp"
#include "runtime/lua/engine/clocks.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/process/lua_process.hpp"

namespace natterjack::runtime::lua {

uint64_t engine::insert_timer(lua_State* L, int64_t delay_ns, timer what) {
  if (timers_.size() >= program_->limits().timers) {
    if (what.to != nullptr)
      luaL_unref(L, LUA_REGISTRYINDEX, what.anchor);
    hub::count(hub::counter::limit_timers);
    luaL_error(L, "too many timers: limit timers (%d) reached",
               static_cast<int>(program_->limits().timers));
  }
  const auto now = steady_ns();
  const auto due = delay_ns > INT64_MAX - now ? INT64_MAX : now + delay_ns;
  what.number = ++last_timer_;
  const bool is_next = timers_.empty() || due < timers_.begin()->first.first;
  timers_.emplace(std::pair{due, what.number}, what);
  timer_due_.emplace(what.number, due);
  if (is_next)
    actor_.wake_at(due);
  return what.number;
}

uint64_t engine::wake_after(lua_State* L, int64_t delay_ns) {
  return insert_timer(L, delay_ns, {0, 0, nullptr, LUA_NOREF, current_->number});
}

uint64_t engine::add_timer(lua_State* L, int channel_index, int64_t delay_ns, int64_t every_ns) {
  auto* to = to_channel(L, channel_index);
  if (to == nullptr)
    luaL_error(L, "a timer needs a channel");
  lua_pushvalue(L, channel_index);
  const int anchor = luaL_ref(L, LUA_REGISTRYINDEX);
  return insert_timer(L, delay_ns, {0, every_ns, to, anchor, 0});
}

bool engine::stop_timer(uint64_t number) noexcept {
  auto due = timer_due_.find(number);
  if (due == timer_due_.end())
    return false;
  auto i = timers_.find({due->second, number});
  luaL_unref(main_, LUA_REGISTRYINDEX, i->second.anchor);
  timers_.erase(i);
  timer_due_.erase(due);
  return true;
}

void engine::fire_timers(int64_t now_ns) noexcept {
  while (!timers_.empty() && timers_.begin()->first.first <= now_ns) {
    auto node = timers_.extract(timers_.begin());
    auto what = node.mapped();
    if (what.to == nullptr) {
      timer_due_.erase(what.number);
      wake_task(what.sleeper);
      continue;
    }
    // One tick waits at most: who is slow misses some, as with a clock one looks at.
    what.to->ticked = true;
    what.to->ticked_at = unix_ns();
    notify(*this, *what.to);
    if (what.every_ns == 0) {
      timer_due_.erase(what.number);
      luaL_unref(main_, LUA_REGISTRYINDEX, what.anchor);
      continue;
    }
    auto due = node.key().first + what.every_ns;
    if (due <= now_ns)
      due = now_ns + what.every_ns;
    node.key().first = due;
    timer_due_[what.number] = due;
    timers_.insert(std::move(node));
  }
}

} // namespace natterjack::runtime::lua
