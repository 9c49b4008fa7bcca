// Frames of a websocket client (RFC 6455 5): bytes in, whole messages and control frames out.
//
//   sink hears      when
//   on_message      a message is complete, fragments joined
//   on_control      a close, ping or pong, also between fragments
//   on_mistake      once: 1009 for a message over the limit, as soon as its length is announced; 1002
//                   with what is wrong for an illegal frame. After 1009 frames are still told apart
//
// Keeps no more than one incomplete frame and the fragments before it. Text is not checked here.
#pragma once

#include "relay/frame.hpp"

#include <string>
#include <string_view>

namespace natterjack::pow {

class frame_sink {
 public:
  virtual void on_message(relay::opcode op, std::string_view body) = 0;
  virtual void on_control(relay::opcode op, std::string_view payload) = 0;
  virtual void on_mistake(uint16_t code, std::string_view what) = 0;

 protected:
  ~frame_sink() = default;
};

class frame_parser {
 public:
  /// @param message_bytes  longest message
  frame_parser(size_t message_bytes, frame_sink& sink) noexcept
      : message_bytes_(message_bytes), sink_(sink) {}

  /// Takes what was read; unmasks in place. The sink may call anything but this.
  void take(char* bytes, size_t size);

  /// From now on only control frames are of interest.
  void drop_messages();
  /// From now on nothing is.
  void stop();

 private:
  struct frame_head {
    bool fin;
    uint8_t op;
    size_t size;     // of the head
    uint64_t length; // of the payload
    const char* mask;
  };
  enum class mode : uint8_t { messages, control, stopped };

  size_t parse(char* bytes, size_t size);
  /// @returns 0 for more bytes needed, 1 for a head, -1 after an illegal one
  int read_head(const char* bytes, size_t size, frame_head& head);
  std::string mistakes(const frame_head& head, bool masked, unsigned reserved) const;
  void on_frame(const frame_head& head, std::string_view payload);

  static constexpr uint8_t no_message = 0xff;

  size_t message_bytes_;
  frame_sink& sink_;
  std::string rest_;    // beginning of a frame
  std::string message_; // fragments so far
  uint64_t skip_ = 0;   // payload bytes of a frame nobody wants
  uint8_t message_op_ = no_message;
  mode mode_ = mode::messages;
};

} // namespace natterjack::pow
