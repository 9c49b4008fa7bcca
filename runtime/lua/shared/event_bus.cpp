#include "runtime/lua/shared/event_bus.hpp"

#include "runtime/lua/byte_buffer.hpp"
#include "runtime/lua/json/json_codec.hpp"
#include "runtime/lua/json/json_errors.hpp"
#include "runtime/lua/process/feed.hpp"

#include <vector>

namespace natterjack::runtime::lua {

namespace {

void append_member(byte_buffer& out, std::string_view name, std::string_view value) {
  out.append(name);
  if (!encode_text(value, out))
    throw std::bad_alloc();
}

hub::payload make_event(std::string_view system, std::string_view kind, std::string_view path,
                        const hub::payload& data) {
  auto& out = encode_buffer();
  if (holds_errors(data))
    out.append(' '); // as any document with errors in it
  append_member(out, "{\"system\":", system);
  append_member(out, ",\"kind\":", kind);
  append_member(out, ",\"path\":", path);
  switch (data.kind()) {
  case hub::payload_kind::nil:
    break;
  case hub::payload_kind::json:
    out.append(",\"data\":");
    out.append(data.bytes());
    break;
  case hub::payload_kind::text:
  case hub::payload_kind::binary:
    append_member(out, ",\"data\":", data.bytes());
    break;
  }
  out.append("}");
  auto made = hub::payload::json(out.view());
  out.trim();
  return made;
}

} // namespace

uint64_t event_bus::subscribe(std::string system, std::string kind, const reply_address& to) {
  std::lock_guard guard(mutex_);
  subscriptions_.emplace(++last_, subscription{std::move(system), std::move(kind), to});
  return last_;
}

void event_bus::unsubscribe(uint64_t number) {
  std::lock_guard guard(mutex_);
  subscriptions_.erase(number);
}

size_t event_bus::send(std::string_view system, std::string_view kind, std::string_view path,
                       const hub::payload& data) {
  // Found under the lock, told outside: telling the last reference of a process may end it.
  std::vector<std::pair<uint64_t, reply_address>> wanted;
  {
    std::lock_guard guard(mutex_);
    for (const auto& [number, one] : subscriptions_)
      if (matches_glob(one.system, system) && (one.kind.empty() || matches_glob(one.kind, kind)))
        wanted.emplace_back(number, one.to);
  }
  if (wanted.empty())
    return 0;
  const auto event = make_event(system, kind, path, data);
  size_t reached = 0;
  for (const auto& [number, to] : wanted) {
    const auto result = stream_item(to, {event});
    if (result == hub::send_result::sent)
      ++reached;
    else if (result == hub::send_result::no_process)
      unsubscribe(number);
  }
  return reached;
}

size_t event_bus::size() const {
  std::lock_guard guard(mutex_);
  return subscriptions_.size();
}

} // namespace natterjack::runtime::lua
