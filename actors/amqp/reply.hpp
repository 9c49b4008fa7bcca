// A reply from the exchange: what it is, and the frame every client gets of it.
//
//   taken    a message with a message code, whose command id is its correlation id, in JSON
//   dropped  all else, with the reason; acknowledged all the same, so that nothing stops the flow
//
// The frame is made once, written as Python writes JSON: {"headers", "exchange", "message_id",
// "routing_key", "timestamp", "body"}, in this order.
#pragma once

#include "actors/amqp/delivery.hpp"
#include "actors/amqp/json_value.hpp"
#include "hub/message.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace natterjack::amqp {

/// Why something from the reply queue does not go to the clients.
enum class reply_fault : uint8_t {
  none,
  no_code,       ///< no message code, or an empty one: not for clients
  foreign_id,    ///< command id and correlation id differ
  not_json,      ///< the body is empty, cut, binary, …
  too_deep,      ///< the body is nested beyond `depth_max`
  too_big,       ///< the body, or the frame made of it
  bad_timestamp, ///< beyond year 9999
};
constexpr size_t reply_fault_count = 7;

const char* to_string(reply_fault fault) noexcept;

struct reply_options {
  number_style numbers = number_style::strict;
  size_t depth_max = 4096;
  size_t frame_bytes_max = 32 << 20;
};

/// Windows of permessage-deflate, both ways, as CLU's server offers them.
inline constexpr int deflate_window_bits = 12;

/// What somebody among the clients makes of replies, so that it must be prepared.
struct reply_demand {
  bool keys = false;     ///< filters by key names
  bool deflated = false; ///< takes compressed frames
};

class reply final : public hub::message_attachment {
 public:
  hub::shared_bytes frame;    ///< a whole websocket text frame
  hub::shared_bytes deflated; ///< the same, compressed, if anybody takes it and it is shorter
  uint64_t number = 0;        ///< counts the replies of a bridge
  std::string sender;         ///< "" if there is none
  std::string code;           ///< ">", ":", "f", …; Python's text of what is no string
  std::string command_id;     ///< "" if there is none
  std::string commander_id;
  bool internal = false;
  bool is_held = false;          ///< made by us, never on the exchange
  std::vector<std::string> keys; ///< of the body, if they were asked for
  size_t body_at = 0;            ///< of the body's text within the frame
  size_t body_size = 0;

  /// The body as JSON text.
  std::string_view body() const noexcept { return frame.view().substr(body_at, body_size); }
  /// ":", "f" and "!" end a command.
  bool is_final() const noexcept { return code == ":" || code == "f" || code == "!"; }
  /// Last part of the commander id: who was commanded.
  std::string_view consumer() const noexcept;
};

using reply_ptr = caf::intrusive_ptr<reply>;

/// @param why         set to what is wrong with the body
/// @returns null for what is not taken, with the fault
reply_ptr read_reply(const delivery& from, const reply_options& options, reply_demand demand,
                     reply_fault& fault, std::string& why);

/// The parts of a reply that we make up ourselves, as if it had come from the exchange.
struct local_reply {
  json_value headers; ///< an object; written in its order
  std::string exchange;
  std::string message_id;
  std::string routing_key;
  json_value body;
};
reply_ptr make_reply(const local_reply& parts);

/// "2023-05-25T19:25:05+00:00", as Python writes a UTC time; values over 2^32-1 are milliseconds.
/// @returns nothing beyond year 9999
std::optional<std::string> format_timestamp(uint64_t value);

/// What happened to replies so far.
struct reply_stats {
  std::atomic<uint64_t> passed{0};
  std::array<std::atomic<uint64_t>, reply_fault_count> dropped{};
};

} // namespace natterjack::amqp
