// A hub in C++: derive from `hub_actor`, override what you want to hear of, register the class.
//
//   hears          when
//   on_start       once, before anything else; input and options are there
//   on_join        a connection reports to this hub from now on; it is in `clients()` already
//   on_message     a client said something
//   on_heartbeat   each heartbeat_interval of a connection
//   on_leave       once for each join, last; it is not in `clients()` any more
//   on_topic       any other message, from whomever
//   on_down        a monitored process has ended
//   on_link_down   a linked process has failed, and links are trapped
//   on_stop        the service stops: last words; the process ends when this returns
//
//   runs     one callback at a time, on the scheduler's threads: no locks. A callback must not wait:
//            use a timer or a message
//   throws   what leaves a callback ends the process with "entry: callback: what()"; its service is
//            started again, its clients are told by a close
//   bounds   `mailbox`, `timers` and `names` of hub_limits; what a client may say is bounded by its
//            connection's credit, what it does not read by its outbox
#pragma once

#include "hub/incoming.hpp"
#include "hub/json_value.hpp"
#include "hub/log_level.hpp"
#include "hub/process.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace natterjack {

namespace hub {
class hub_process;
}

class hub_actor {
 public:
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::steady_clock::time_point;

  hub_actor() = default;
  virtual ~hub_actor() = default;
  hub_actor(const hub_actor&) = delete;
  hub_actor& operator=(const hub_actor&) = delete;

  // -- what a hub hears

  virtual void on_start() {}
  virtual void on_join(const client& /*who*/) {}
  virtual void on_message(const client& /*who*/, const incoming& /*what*/) {}
  virtual void on_heartbeat(const client& /*who*/, const heartbeat& /*beat*/) {}
  virtual void on_leave(const client& /*who*/) {}
  virtual void on_topic(const incoming& /*what*/) {}
  virtual void on_down(const hub::pid& /*who*/, const hub::exit_result& /*how*/) {}
  virtual void on_link_down(const hub::pid& /*who*/, const hub::exit_result& /*how*/) {}
  virtual void on_stop(const std::string& /*reason*/) {}

 protected:
  // -- itself. All of this from on_start on: in the constructor it throws

  const hub::pid& id() const;
  /// Id of the entry it was started from.
  const std::string& entry() const;
  /// `input` of the service, or what `spawn` was given.
  const std::vector<json>& input() const;
  /// One of them as a type that has `from_json`. @throws std::runtime_error  missing, does not fit
  template <class T> T input_as(size_t index) const {
    const auto name = "input " + std::to_string(index + 1);
    if (index >= input().size())
      throw std::runtime_error(name + " is missing");
    auto read = read_value<T>(input()[index]);
    if (!read)
      throw std::runtime_error(name + ": " + read.error());
    return *read;
  }
  /// `options` of the entry, an object.
  const json& options() const;
  /// `options` as a type that has `from_json`. @throws std::runtime_error  what does not fit
  template <class T> T options_as() const {
    auto read = read_value<T>(options());
    if (!read)
      throw std::runtime_error("options: " + read.error());
    return *read;
  }
  /// Ends the process when the callback returns. @param value  what its monitors get as result
  void stop(const json& value = nullptr);
  void log(log_level level, std::string_view text) const;

  // -- clients

  const std::map<hub::pid, client>& clients() const;
  /// @returns null for anybody who is no client of this hub
  const client* find_client(const hub::pid& who) const;
  /// Asks a connection to change: another target, topic, interval, metadata. See relay_change.
  hub::send_result reconfigure(const hub::pid& client, const relay_change& change);
  /// Closes a connection. @param reason  at most 123 bytes of it arrive
  hub::send_result close(const hub::pid& client, std::string_view reason = {}, int code = 1000);

  // -- sending; a value is anything `to_payload` takes, or braces as of a json

  template <class T = json>
  hub::send_result send(const hub::pid& to, std::string_view topic, const T& value) {
    return send_payload(to, topic, to_payload(value));
  }
  /// Under a topic that says it all: no frame for a connection.
  hub::send_result send(const hub::pid& to, std::string_view topic);
  /// One message for all of them. @returns processes reached
  template <class T = json>
  size_t send(std::span<const hub::pid> to, std::string_view topic, const T& value) {
    return send_payload(to, topic, to_payload(value));
  }
  /// To the sender of the message whose callback runs.
  template <class T = json> hub::send_result reply(std::string_view topic, const T& value) {
    return send_payload(sender(), topic, to_payload(value));
  }
  /// To all clients of this hub: one message for each io thread. @returns clients reached
  template <class T = json> size_t broadcast(std::string_view topic, const T& value) {
    return broadcast_payload(client_group(), topic, to_payload(value));
  }
  /// To all clients but one.
  template <class T = json>
  size_t broadcast_except(const hub::pid& whom, std::string_view topic, const T& value) {
    return broadcast_except_payload(whom, topic, to_payload(value));
  }
  /// To a group, whoever its members are. @returns members reached
  template <class T = json>
  size_t broadcast_to(const std::string& group, std::string_view topic, const T& value) {
    return broadcast_payload(group, topic, to_payload(value));
  }

  // -- groups; a member that ends leaves by itself. The group `name` of a scope that Lua opens with
  //    pg.open("scope") is "scope/name"

  bool join(const std::string& group, const hub::pid& member);
  bool leave(const std::string& group, const hub::pid& member);
  std::vector<hub::pid> members(const std::string& group) const;
  /// The group all clients of this hub are in.
  const std::string& client_group() const;

  // -- names and neighbours

  /// @returns false if another process has the name, or `names` of the limits is reached
  bool register_name(const std::string& name);
  bool unregister_name(const std::string& name);
  std::optional<hub::pid> lookup(const std::string& name) const;
  /// on_down when it ends. @returns false if it is gone already, or monitored already
  bool monitor(const hub::pid& whom);
  bool demonitor(const hub::pid& whom);
  /// If one fails, the other does as well. @returns false as `monitor`
  bool link(const hub::pid& whom);
  bool unlink(const hub::pid& whom);
  /// From now on a linked process that fails is told to on_link_down.
  void trap_links(bool yes);
  /// Starts a registered class on the host of this process.
  result<hub::pid> spawn(std::string_view class_name, std::vector<json> input = {});
  /// Asks a process to end by itself.
  bool cancel(const hub::pid& whom, const std::string& reason = {});

  // -- time

  using timer = uint64_t;
  /// Calls once. @returns its number; 0 when `timers` of the limits is reached
  timer after(duration delay, std::function<void()> call);
  /// Calls again and again. One that comes late by more than an interval skips what it missed.
  timer every(duration interval, std::function<void()> call);
  /// @returns false if it is no timer any more
  bool cancel(timer which);
  /// Of the clock the timers go by; a test turns it by hand.
  time_point now() const;

 private:
  friend class hub::hub_process;

  hub::send_result send_payload(const hub::pid& to, std::string_view topic, hub::payload value);
  size_t send_payload(std::span<const hub::pid> to, std::string_view topic, hub::payload value);
  size_t broadcast_payload(const std::string& group, std::string_view topic, hub::payload value);
  size_t broadcast_except_payload(const hub::pid& whom, std::string_view topic,
                                  hub::payload value);
  hub::pid sender() const;

  hub::hub_process* process_ = nullptr;
};

} // namespace natterjack
