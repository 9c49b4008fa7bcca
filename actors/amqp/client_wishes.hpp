// What a websocket client may ask for beyond the plain pass-through. By default: nothing.
//
//   query          {"options": {…}}    effect
//   acks=1         "acks": true        {"ack": id} when the broker has a command, else {"error": …}
//   status=1       "status": true      {"broker": "up" | "down" | "blocked"}, now and at each change
//   sender=a,b     "sender": ["a"]     only replies of these actors
//   code=:,f       "code": [":"]       only replies with these message codes
//   keys=text      "keys": ["text"]    only replies whose body has one of these keys
//   own=1          "own": true         only replies to this client's own commands
//   history=50     "history": 50       {"history": n}, the last n replies, then what comes
//
// The options are a client's first message.
#pragma once

#include "actors/amqp/json_value.hpp"
#include "actors/amqp/reply.hpp"

#include <deque>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace natterjack::amqp {

struct client_wishes {
  bool acks = false;
  bool status = false;
  bool own = false;
  std::vector<std::string> senders; ///< empty: all; so for the next two
  std::vector<std::string> codes;
  std::vector<std::string> keys;
  size_t history = 0;

  bool filters() const noexcept {
    return own || !senders.empty() || !codes.empty() || !keys.empty();
  }
  /// Whether a client with these wishes gets this reply; `own` is looked at elsewhere.
  bool match(const reply& what) const noexcept;
};

/// @returns problems with known parameters, one sentence each; unknown ones are passed over
std::vector<std::string> read_wishes(std::string_view query, client_wishes& wishes);
std::vector<std::string> read_wishes(const json_value& options, client_wishes& wishes);

/// The ids of the last commands of one client.
class recent_ids {
 public:
  void add(const std::string& id);
  bool contains(const std::string& id) const noexcept { return known_.count(id) != 0; }

 private:
  static constexpr size_t kept_max = 1024;
  std::deque<std::string> order_;
  std::unordered_multiset<std::string> known_;
};

} // namespace natterjack::amqp
