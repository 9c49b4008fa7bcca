// Keys and values that outlive a process: the contract, and the one in memory.
//
//   run, request     values                                              why not
//   get              value                                               not_found
//   entry            value, version                                      not_found
//   set              true                                                unavailable: no room
//   put              value, version                                      already_exists, conflict
//   has, remove      true or false
//   list             more?, cursor, then key, value, version of each
//   info             one JSON object
//
//   a request that `blocks()` is run on a thread of its own, any other at once; `read_now` waits for nobody
#pragma once

#include "runtime/lua/reply.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace natterjack::runtime::lua {

enum class store_operation : uint8_t { get, entry, set, put, has, remove, list, info };

struct store_request {
  store_operation what = store_operation::get;
  std::string key; ///< of `list`: where to go on
  hub::payload value;
  double ttl_s = 0; ///< 0: for ever
  bool only_if_absent = false;
  std::string if_version; ///< empty: whatever is there
  std::string prefix;
  size_t limit = 0; ///< of `list`; 0: the most there may be
};

struct store_result {
  std::vector<hub::payload> values;
  failure why; ///< empty text: fine
};

class key_value_store {
 public:
  static constexpr size_t list_max = 1000;

  virtual ~key_value_store() = default;
  virtual bool blocks() const noexcept = 0;
  virtual store_result run(const store_request& request) = 0;
  /// `get` of a key, for threads that must not wait for those who write.
  virtual store_result read_now(const std::string& key) {
    store_request request;
    request.key = key;
    return run(request);
  }
};

/// The stores of an application by entry id.
struct store_shelf {
  std::map<std::string, std::shared_ptr<key_value_store>> stores;
};

class memory_store final : public key_value_store {
 public:
  /// @param bytes_max  of keys and values together
  memory_store(std::string id, size_t keys_max, size_t bytes_max,
               std::chrono::nanoseconds cleanup_interval);
  bool blocks() const noexcept override { return false; }
  store_result run(const store_request& request) override;

 private:
  using clock = std::chrono::steady_clock;
  struct item {
    hub::payload value;
    uint64_t version = 0;
    clock::time_point expires;
  };
  using item_map = std::map<std::string, item>;

  item_map::iterator find(const std::string& key, clock::time_point now);
  item_map::iterator erase(item_map::iterator which);
  /// @returns what stands in the way of a key with so many bytes more; empty: nothing
  std::string lack_of_room(bool is_new, size_t more_bytes) const;
  store_result write(const store_request& request, clock::time_point now);
  store_result list(const store_request& request, clock::time_point now);
  void clean(clock::time_point now);

  const std::string id_;
  const size_t keys_max_;
  const size_t bytes_max_;
  const std::chrono::nanoseconds cleanup_interval_;
  std::mutex mutex_;
  item_map items_;
  size_t bytes_ = 0;
  uint64_t last_version_ = 0;
  clock::time_point cleaned_ = clock::now();
};

hub::payload json_boolean(bool value);
store_result store_refusal(error_kind kind, std::string text);

} // namespace natterjack::runtime::lua
