#include "runtime/lua/http/http_streaming.hpp"

#include "relay/http/body_stream.hpp"
#include "runtime/lua/base/module_errors.hpp"
#include "runtime/lua/engine/clocks.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/reply.hpp"

#include <algorithm>

namespace natterjack::runtime::lua {

namespace {

int push_client_gone(lua_State* L) {
  return push_error_with(L, error_kind::unavailable, "the client has gone");
}

// Its destructor must not be in the way of a wait, which never comes back here.
void call_when_room(relay::body_stream& stream, const reply_address& to) {
  stream.when_room([to] { answer(to, {}); });
}

void call_when_more(relay::body_stream& stream, const reply_address& to) {
  stream.attach([to] { answer(to, {}); });
}

int wait_for_room(lua_State* L);

int room_came(lua_State* L, int, lua_KContext) {
  engine_of(L).current().answer.reset();
  return wait_for_room(L);
}

int wait_for_room(lua_State* L) {
  auto& self = engine_of(L);
  const auto* exchange = self.exchange();
  if (exchange == nullptr || !exchange->stream || exchange->stream->is_closed())
    return push_client_gone(L);
  if (!exchange->stream->is_full())
    return 0;
  const auto to = expect_answer(L);
  call_when_room(*exchange->stream, to);
  return self.wait(L, 0, guarded_k<room_came>);
}

} // namespace

void start_answer(http_exchange& exchange) {
  exchange.stream = std::make_shared<relay::body_stream>();
  auto head = std::exchange(exchange.response, {});
  head.stream = exchange.stream;
  exchange.touched = true;
  exchange.reply(std::move(head));
}

int send_body(lua_State* L, http_exchange& exchange, std::string_view bytes) {
  if (!exchange.stream->write(bytes))
    return push_client_gone(L);
  return exchange.stream->is_full() ? wait_for_room(L) : 0;
}

void collect_body(http_exchange& exchange) { exchange.body.collect(*exchange.request); }

void close_body(http_exchange& exchange) {
  if (exchange.request->incoming)
    exchange.request->incoming->close();
}

int await_body(lua_State* L, const http_exchange& exchange, int64_t due_ns, lua_KFunction k) {
  auto& self = engine_of(L);
  const auto to = expect_answer(L);
  const auto timer = self.wake_after(L, std::max<int64_t>(due_ns - steady_ns(), 0));
  lua_pushinteger(L, static_cast<lua_Integer>(to.number)); // for end_await: the context has one number
  call_when_more(*exchange.request->incoming, to);
  return self.wait(L, static_cast<lua_KContext>(timer), k);
}

void end_await(lua_State* L, lua_KContext context) noexcept {
  auto& self = engine_of(L);
  self.stop_timer(static_cast<uint64_t>(context));
  self.current().answer.reset();
  // What comes later must not wake the task from whatever it waits for by then.
  self.forget_reply(static_cast<uint64_t>(lua_tointeger(L, -1)));
  lua_pop(L, 1);
}

} // namespace natterjack::runtime::lua
