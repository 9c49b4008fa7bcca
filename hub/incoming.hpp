// What a hub in C++ is told: a client, a message of somebody, a heartbeat; and what it may ask of a
// connection.
#pragma once

#include "hub/json_value.hpp"
#include "hub/message.hpp"
#include "hub/pid.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace natterjack {

/// A connection that reports to a hub. Stands wherever a PID is wanted.
struct client {
  hub::pid id;
  json metadata = json::object(); ///< as of the join, or of a later heartbeat

  operator const hub::pid&() const noexcept { return id; }
  /// The metadata as a type that has `from_json`.
  template <class T> result<T> metadata_as() const { return read_value<T>(metadata); }
};

/// A heartbeat says that time went by, nothing about the client.
struct heartbeat {
  std::string uptime;     ///< of the connection, such as "1m30.2s"
  uint64_t messages = 0;  ///< the client's, since it came
};

/// A message, in the hands of the hub it was sent to.
class incoming {
 public:
  explicit incoming(hub::message_ptr what) noexcept : what_(std::move(what)) {}

  const hub::pid& from() const noexcept { return what_->from(); }
  std::string_view topic() const noexcept { return what_->topic(); }
  /// The first value, to be passed on without being looked at; nil if there is none.
  const hub::payload& value() const noexcept {
    static const hub::payload nothing;
    return what_->payloads().empty() ? nothing : what_->payloads().front();
  }
  std::span<const hub::payload> values() const noexcept { return what_->payloads(); }
  /// Bytes of the first value: what a client typed, or the JSON of a table.
  std::string_view text() const noexcept { return value().bytes(); }
  bool is_binary() const noexcept { return value().kind() == hub::payload_kind::binary; }
  /// The first value as JSON: a table, or text that holds JSON. Clients may send anything: look at
  /// the error.
  result<json> to_json() const { return parse_json(text()); }
  /// The same as a type that has `from_json`.
  template <class T> result<T> read() const { return read_json<T>(text()); }
  const hub::message_ptr& message() const noexcept { return what_; }

 private:
  hub::message_ptr what_;
};

/// What a hub wants changed at a connection; what is not set stays. Target and metadata together hand a
/// client over: `ws.leave` here, `ws.join` there, the socket stays open.
struct relay_change {
  std::optional<std::string> target; ///< PID text or registered name
  std::optional<std::string> message_topic;
  std::optional<std::chrono::milliseconds> heartbeat_interval; ///< 0: none
  std::optional<json> metadata; ///< an object; replaces the whole
};

} // namespace natterjack
