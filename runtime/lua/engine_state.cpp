// The Lua state of an engine: made, started, closed, and made anew for another program.
#include "runtime/lua/engine.hpp"
#include "runtime/lua/lua_process.hpp"
#include "runtime/lua/method.hpp"
#include "runtime/lua/sandbox.hpp"
#include "runtime/lua/stack_floor.hpp"
#include "runtime/lua/thread_mark.hpp"

#include <cstdio>

namespace natterjack::runtime::lua {

namespace {

// Only for what happens outside any protected call, which nothing here does.
int panic(lua_State* L) {
  std::fprintf(stderr, "natterjack: Lua error outside a protected call: %s\n",
               lua_tostring(L, -1) != nullptr ? lua_tostring(L, -1) : "?");
  return 0;
}

int add_task_protected(lua_State* L) {
  lua_pushcfunction(L, call_method);
  engine_of(L).add_task(L, true);
  return 0;
}

} // namespace

engine::engine(lua_process& actor, lua_runtime& runtime, program_ptr program)
    : actor_(actor), runtime_(runtime), program_(std::move(program)),
      memory_(program_->limits().memory) {
}

engine::~engine() {
  close();
}

const hub::pid& engine::id() const noexcept {
  return actor_.hub::process::id();
}

hub::node& engine::node() const noexcept {
  return actor_.hub::process::home();
}

std::string engine::open() {
  main_ = lua_newstate(&lua_memory::allocate, &memory_);
  if (main_ == nullptr)
    return "not enough memory for a Lua state";
  set_context(main_, this);
  lua_atpanic(main_, panic);
  lua_pushcfunction(main_, open_sandbox);
  int status = lua_pcall(main_, 0, 0, 0);
  if (const auto levels = program_->limits().stack; status == LUA_OK && levels < c_calls_max) {
    lua_pushcfunction(main_, make_stack_floor);
    lua_pushinteger(main_, static_cast<lua_Integer>(levels));
    status = lua_pcall(main_, 1, 0, 0);
  }
  if (status == LUA_OK)
    return {};
  const char* why = lua_tostring(main_, -1);
  return why != nullptr ? why : "cannot make a Lua state";
}

void engine::close() noexcept {
  if (main_ != nullptr)
    lua_close(main_);
  main_ = nullptr;
  current_ = ready_first_ = ready_last_ = nullptr;
  tasks_.clear();
  timers_.clear();
  timer_due_.clear();
  intake_.clear();
  expected_.clear();
  streams_.clear();
  fresh_.clear();
  arguments.clear();
}

std::string engine::start(std::vector<hub::payload> given) {
  arguments = std::move(given);
  outcome_ = {};
  lua_pushcfunction(main_, add_task_protected);
  if (lua_pcall(main_, 0, 0, 0) == LUA_OK)
    return {};
  const char* why = lua_tostring(main_, -1);
  std::string text = why != nullptr ? why : "cannot start a task";
  lua_settop(main_, 0);
  return text;
}

void engine::upgrade(program_ptr program, std::vector<hub::payload> given) {
  next_program_ = std::move(program);
  next_arguments_ = std::move(given);
  if (current_ == nullptr)
    restart(); // between two slices
}

void engine::restart() {
  collect();
  tasks_.clear();
  current_ = ready_first_ = ready_last_ = nullptr;
  timers_.clear();
  timer_due_.clear();
  expected_.clear();
  for (auto& [number, one] : streams_)
    while (!one->queue.empty()) {
      actor_.box().received(*one->queue.front().message);
      one->queue.pop();
    }
  streams_.clear();
  lua_close(main_);
  main_ = nullptr;
  intake_.unclaim_all();
  fatal_ = false;
  channels = 0;
  channel_meta = case_meta = message_meta = payload_meta = message_payload_meta = nullptr;
  events_anchor = LUA_NOREF;
  events_channel = nullptr;
  program_ = std::exchange(next_program_, nullptr);
  shown_program_.store(program_);
  memory_.set_bytes_max(program_->limits().memory);
  auto why = open();
  if (why.empty())
    why = start(std::exchange(next_arguments_, {}));
  if (!why.empty())
    end_main("upgrade to " + program_->id() + ": " + why, {});
}

} // namespace natterjack::runtime::lua
