#include "runtime/lua/reply.hpp"

#include "hub/message.hpp"
#include "hub/node.hpp"
#include "runtime/lua/base/module_errors.hpp"
#include "runtime/lua/engine/channel.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/process/error_argument.hpp"
#include "runtime/lua/process/lua_process.hpp"

#include <charconv>
#include <cstdio>

namespace natterjack::runtime::lua {

namespace {

// Kinds of topics: the answer of a task, an item of a stream, its end.
constexpr char answer_topic = 'a';
constexpr char item_topic = 's';
constexpr char end_topic = 'e';

hub::send_result deliver(const reply_address& to, char kind, std::vector<hub::payload> values,
                         hub::credit unheard = {}) {
  if (!to)
    return hub::send_result::no_process;
  auto who = to.home->processes().find(to.to.number());
  if (!who)
    return hub::send_result::no_process;
  char topic[32];
  const int size = std::snprintf(topic, sizeof topic, "@%c%llu", kind,
                                 static_cast<unsigned long long>(to.number));
  return who.self->deliver(hub::make_message(
      hub::pid{}, hub::shared_bytes(std::string_view(topic, static_cast<size_t>(size))),
      std::move(values), std::move(unheard)));
}

const char* const fine = "";

// The answer is with the task until its values are on the stack.
int answer_arrived(lua_State* L, int, lua_KContext) {
  auto& held = engine_of(L).current().answer;
  if (!held)
    return fail(L, error_kind::internal, "the answer got lost");
  const auto values = held->payloads();
  const int base = lua_gettop(L);
  luaL_checkstack(L, static_cast<int>(values.size()) + 4, "too many values");
  if (values.empty() || !values[0].bytes().empty()) {
    lua_pushnil(L);
    push_failure(L, values);
  } else {
    decode_error error;
    for (size_t i = 1; i < values.size(); ++i)
      if (!push_argument(L, values[i], error))
        lua_pushnil(L);
  }
  held.reset();
  return lua_gettop(L) - base;
}

} // namespace

// -- from any thread ------------------------------------------------------------

void answer(const reply_address& to, std::vector<hub::payload> values) {
  values.insert(values.begin(), hub::payload::text(fine));
  deliver(to, answer_topic, std::move(values));
}

std::vector<hub::payload> failure_values(const failure& why) {
  // An empty text in front says that it went well.
  const auto kind = why.kind == error_kind::unknown ? "UNKNOWN" : to_string(why.kind);
  std::vector<hub::payload> values{hub::payload::text(kind),
                                   hub::is_utf8(why.text) ? hub::payload::text(why.text)
                                                          : hub::payload::binary(why.text)};
  if (!why.more.empty())
    values.push_back(hub::payload::json(why.more));
  return values;
}

void answer_error(const reply_address& to, const failure& why) {
  deliver(to, answer_topic, failure_values(why));
}

void answer_error(const reply_address& to, error_kind kind, std::string_view text) {
  answer_error(to, failure{kind, std::string(text), {}});
}

hub::send_result stream_item(const reply_address& to, std::vector<hub::payload> values,
                             hub::credit unheard) {
  return deliver(to, item_topic, std::move(values), std::move(unheard));
}

void end_stream(const reply_address& to, std::vector<hub::payload> last) {
  deliver(to, end_topic, std::move(last));
}

// -- in the process -------------------------------------------------------------

void push_failure(lua_State* L, std::span<const hub::payload> values) {
  const auto kind = values.empty() ? std::string_view{} : values[0].bytes();
  const auto text = values.size() > 1 ? values[1].bytes() : std::string_view("failed");
  push_error(L, error_kind_named(kind), text);
  decode_error error;
  if (values.size() > 2 && values[2].kind() == hub::payload_kind::json &&
      push_payload(L, values[2], error)) {
    set_error_more(L, -2);
    lua_pop(L, 1);
  }
}

hub::payload error_facts_of(const failure& why) {
  auto facts = std::string("{\"kind\":\"") + to_string(why.kind) + '"';
  facts += why.more.empty() ? "}" : "," + why.more.substr(1);
  return hub::payload::json(facts);
}

void push_known_error(lua_State* L, std::string_view text, const hub::payload& facts) {
  luaL_checkstack(L, 8, "no room for an error");
  decode_error error;
  if (facts.kind() != hub::payload_kind::json || !push_payload(L, facts, error))
    return push_error(L, error_kind::internal, text);
  size_t size = 0;
  const char* kind = lua_getfield(L, -1, "kind") == LUA_TSTRING ? lua_tolstring(L, -1, &size) : "";
  push_error(L, error_kind_named({kind, size}), text);
  lua_replace(L, -2); // the kind
  lua_pushvalue(L, -2);
  set_error_more(L, -2);
  lua_pop(L, 1);
  lua_remove(L, -2); // the facts
}

reply_address expect_answer(lua_State* L) {
  auto& self = engine_of(L);
  self.check_can_wait(L);
  return {&self.node(), self.id(), self.expect_reply()};
}

void forget_answer(lua_State* L, const reply_address& to) noexcept {
  engine_of(L).forget_reply(to.number);
}

int await_answer(lua_State* L) {
  return engine_of(L).wait(L, 0, guarded_k<answer_arrived>);
}

reply_address open_stream(lua_State* L) {
  auto& self = engine_of(L);
  return {&self.node(), self.id(), self.push_stream(L)};
}

void close_stream(lua_State* L, uint64_t number) noexcept {
  engine_of(L).close_stream(number);
}

// -- engine ---------------------------------------------------------------------

uint64_t engine::expect_reply() {
  expected_.emplace(++last_reply_, current_->number);
  return last_reply_;
}

void engine::forget_reply(uint64_t number) noexcept {
  expected_.erase(number);
}

uint64_t engine::push_stream(lua_State* L) {
  auto& ch = push_new_channel(L, 0);
  auto& made = streams_[++last_reply_];
  made = std::make_unique<feed>();
  made->as_message = false;
  made->stream = last_reply_;
  made->out = &ch;
  ch.source = made.get();
  lua_pushvalue(L, -1);
  made->anchor = luaL_ref(L, LUA_REGISTRYINDEX);
  return made->stream;
}

void engine::close_stream(uint64_t number) noexcept {
  auto i = streams_.find(number);
  if (i == streams_.end())
    return;
  auto gone = std::move(i->second);
  streams_.erase(i);
  while (!gone->queue.empty()) {
    actor_.box().received(*gone->queue.front().message);
    gone->queue.front().message->settle();
    gone->queue.pop();
  }
  gone->out->source = nullptr;
  gone->out->closed = true;
  luaL_unref(main_, LUA_REGISTRYINDEX, gone->anchor);
  while (auto* w = gone->out->receivers.first())
    wake(*w->who, -1);
}

void engine::reply_arrived(hub::message_ptr what) {
  const auto topic = what->topic();
  uint64_t number = 0;
  if (topic.size() > 2)
    std::from_chars(topic.data() + 2, topic.data() + topic.size(), number);
  const char kind = topic.size() > 2 ? topic[1] : ' ';
  auto stream = streams_.find(number);
  const bool is_last = kind == end_topic && !what->payloads().empty();
  if ((kind == item_topic || is_last) && stream != streams_.end()) {
    stream->second->ends = is_last;
    stream->second->queue.push({std::move(what), intake_.next_number()});
    notify(*this, *stream->second->out);
    return; // counts as received when the script takes it
  }
  actor_.box().received(*what);
  what->settle();
  if (kind == answer_topic) {
    auto expected = expected_.find(number);
    if (expected == expected_.end())
      return;
    auto who = tasks_.find(expected->second);
    expected_.erase(expected);
    if (who == tasks_.end() || who->second->state != task::mode::waiting)
      return;
    who->second->answer = std::move(what);
    wake(*who->second, 0);
  } else if (kind == end_topic && stream != streams_.end()) {
    if (stream->second->queue.empty())
      close_stream(number);
    else
      stream->second->ends = true;
  }
}

} // namespace natterjack::runtime::lua
