#include "runtime/lua/storage/key_value_store.hpp"

#include <nlohmann/json.hpp>

namespace natterjack::runtime::lua {

hub::payload json_boolean(bool value) {
  return hub::payload::json(value ? "true" : "false");
}

store_result store_refusal(error_kind kind, std::string text) {
  store_result made;
  made.why = {kind, std::move(text), {}};
  if (kind == error_kind::conflict)
    made.why.more = "{\"retryable\":true}";
  return made;
}

memory_store::memory_store(std::string id, size_t keys_max, size_t bytes_max,
                           std::chrono::nanoseconds cleanup_interval)
    : id_(std::move(id)), keys_max_(keys_max), bytes_max_(bytes_max),
      cleanup_interval_(cleanup_interval) {
}

memory_store::item_map::iterator memory_store::find(const std::string& key,
                                                    clock::time_point now) {
  auto i = items_.find(key);
  if (i != items_.end() && i->second.expires <= now) {
    erase(i);
    return items_.end();
  }
  return i;
}

memory_store::item_map::iterator memory_store::erase(item_map::iterator which) {
  bytes_ -= which->first.size() + which->second.value.bytes().size();
  return items_.erase(which);
}

void memory_store::clean(clock::time_point now) {
  cleaned_ = now;
  for (auto i = items_.begin(); i != items_.end();)
    i = i->second.expires <= now ? erase(i) : std::next(i);
}

std::string memory_store::lack_of_room(bool is_new, size_t more_bytes) const {
  if (is_new && items_.size() >= keys_max_)
    return "the store is full: max_size (" + std::to_string(keys_max_) + ") reached";
  if (bytes_ + more_bytes > bytes_max_)
    return "the store is full: max_bytes (" + std::to_string(bytes_max_) + ") reached";
  return {};
}

store_result memory_store::write(const store_request& request, clock::time_point now) {
  auto present = find(request.key, now);
  if (request.only_if_absent && present != items_.end())
    return store_refusal(error_kind::already_exists, "key '" + request.key + "' exists already");
  const auto version = present == items_.end() ? std::string{}
                                               : std::to_string(present->second.version);
  if (!request.if_version.empty() && request.if_version != version)
    return store_refusal(error_kind::conflict,
                         "key '" + request.key + "' was changed by somebody else meanwhile");
  const bool is_new = present == items_.end();
  const size_t before = is_new ? 0 : request.key.size() + present->second.value.bytes().size();
  const size_t after = request.key.size() + request.value.bytes().size();
  const size_t more = after > before ? after - before : 0;
  if (!lack_of_room(is_new, more).empty()) {
    clean(now); // never takes `present`, which has not expired
    if (auto why = lack_of_room(is_new, more); !why.empty())
      return store_refusal(error_kind::unavailable, std::move(why));
  }
  auto& one = items_[request.key];
  bytes_ += after - before; // unsigned: right also when it shrinks
  one.value = request.value;
  one.version = ++last_version_;
  one.expires = request.ttl_s > 0
                    ? now + std::chrono::duration_cast<clock::duration>(
                                std::chrono::duration<double>(std::min(request.ttl_s, 1e9)))
                    : clock::time_point::max();
  if (request.what == store_operation::set)
    return {{json_boolean(true)}, {}};
  return {{one.value, hub::payload::text(std::to_string(one.version))}, {}};
}

store_result memory_store::list(const store_request& request, clock::time_point now) {
  clean(now);
  const auto most = request.limit == 0 ? list_max : std::min(request.limit, list_max);
  store_result made{{json_boolean(false), hub::payload::text("")}, {}};
  size_t count = 0;
  auto i = request.key.empty() ? items_.lower_bound(request.prefix)
                               : items_.upper_bound(request.key);
  for (; i != items_.end(); ++i) {
    const auto& [key, one] = *i;
    if (!key.starts_with(request.prefix)) {
      if (key > request.prefix)
        break;
      continue;
    }
    if (count++ == most) {
      made.values[0] = json_boolean(true);
      break;
    }
    made.values[1] = hub::payload::text(key);
    made.values.push_back(hub::payload::text(key));
    made.values.push_back(one.value);
    made.values.push_back(hub::payload::text(std::to_string(one.version)));
  }
  return made;
}

store_result memory_store::run(const store_request& request) {
  std::lock_guard guard(mutex_);
  const auto now = clock::now();
  if (cleanup_interval_.count() != 0 && now - cleaned_ > cleanup_interval_)
    clean(now);
  switch (request.what) {
  case store_operation::get:
  case store_operation::entry: {
    auto i = find(request.key, now);
    if (i == items_.end())
      return store_refusal(error_kind::not_found, "no key '" + request.key + "'");
    return {{i->second.value, hub::payload::text(std::to_string(i->second.version))}, {}};
  }
  case store_operation::set:
  case store_operation::put:
    return write(request, now);
  case store_operation::has:
    return {{json_boolean(find(request.key, now) != items_.end())}, {}};
  case store_operation::remove: {
    auto i = find(request.key, now);
    if (i == items_.end())
      return {{json_boolean(false)}, {}};
    erase(i);
    return {{json_boolean(true)}, {}};
  }
  case store_operation::list:
    return list(request, now);
  case store_operation::info:
    break;
  }
  const nlohmann::json info{{"id", id_},         {"backend", "memory"}, {"consistency", "linearizable"},
                            {"durable", false},  {"list", true},        {"versioned", true},
                            {"ttl", true},       {"conditional_put", true},
                            {"size", items_.size()}, {"max_size", keys_max_},
                            {"bytes", bytes_},   {"max_bytes", bytes_max_}};
  return {{hub::payload::json(info.dump())}, {}};
}

} // namespace natterjack::runtime::lua
