#include "runtime/lua/process/error_argument.hpp"

#include "hub/multicast.hpp"
#include "hub/node.hpp"
#include "runtime/lua/process/lua_process.hpp"
#include "runtime/lua/process/message_object.hpp"
#include "runtime/lua/process/payload_object.hpp"

#include <algorithm>
#include <cstdio>

namespace natterjack::runtime::lua {

bool read_argument(lua_State* L, int index, hub::payload& out, encode_error& error) noexcept {
  const int type = lua_type(L, index);
  if (type != LUA_TUSERDATA && type != LUA_TTABLE)
    return read_payload(L, index, out, error);
  try {
    if (const auto* held = type == LUA_TUSERDATA ? to_payload(L, index) : nullptr) {
      out = *held;
      return true;
    }
    std::string_view document;
    if (!encode_with_errors(L, index, document, error))
      return false;
    out = hub::payload::json(document);
    encode_buffer(); // gives back what was much
    return true;
  } catch (const std::exception& e) {
    error.fault = encode_fault::too_large;
    std::snprintf(error.text, sizeof error.text, "%s", e.what());
    return false;
  }
}

bool reads_errors(const hub::process& receiver) noexcept {
  return dynamic_cast<const lua_process*>(&receiver) != nullptr;
}

bool holds_errors(const hub::message& what) noexcept {
  return std::ranges::any_of(what.payloads(),
                             [](const hub::payload& value) { return holds_errors(value); });
}

hub::message_ptr for_others(const hub::message_ptr& what) {
  if (!holds_errors(*what))
    return what;
  std::vector<hub::payload> values;
  for (const auto& value : what->payloads())
    values.push_back(shown_errors(value));
  return hub::make_message(what->from(), hub::shared_bytes(what->topic()), std::move(values));
}

void broadcast(hub::node& node, const std::string& group, const hub::message_ptr& what) {
  if (!holds_errors(*what)) {
    node.groups().broadcast(group, what);
    return;
  }
  hub::multicast scripts;
  hub::multicast others;
  for (const auto& member : node.groups().members(group))
    if (auto found = node.processes().find(member.number()))
      (reads_errors(*found.self) ? scripts : others).add(std::move(found));
  scripts.send(what);
  others.send(for_others(what));
}

} // namespace natterjack::runtime::lua
