// A client's bytes as websocket messages (RFC 6455 5). No socket here, and no allocation for what
// arrives in one piece.
//
//   sink hears    when
//   on_message    a message is complete, fragments joined, text checked; it says whether to go on
//   on_ping, on_pong, on_close_frame   a control frame, also between fragments
//   on_mistake    once: 1002 for an illegal frame, and nothing after it; 1007 for text that is not UTF-8
//                 (as soon as it cannot become so) and 1009 (as soon as a length is announced that is over
//                 the limit), and only control frames after them
//
//   compressed    messages (RFC 7692) are joined first and then inflated, never beyond the limit; what does
//                 not inflate is 1002. Between two messages nothing is kept but, if agreed, the last
//                 bytes of what came
//
//   keeps         what has come of an incomplete frame or message, and what stands behind a pause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace natterjack::relay {

struct inflate_history;

class frame_sink {
 public:
  /// @param body  valid during the call only
  /// @returns false to pause: what follows stays until `go_on`
  virtual bool on_message(bool is_text, std::string_view body) = 0;
  virtual void on_ping(std::string_view body) = 0;
  virtual void on_pong() = 0;
  /// @param code    1005 if the frame carries none
  virtual void on_close_frame(uint16_t code, std::string_view reason) = 0;
  /// @param what  short, fit for a close frame's reason
  virtual void on_mistake(uint16_t code, std::string_view what) = 0;

 protected:
  ~frame_sink() = default;
};

class frame_reader {
 public:
  /// @param message_bytes  longest message
  explicit frame_reader(size_t message_bytes) noexcept;
  ~frame_reader();

  /// From now on messages may be compressed.
  /// @param window_bits  how far they may refer back to earlier ones; 0: each stands for itself
  void allow_compressed(int window_bits = 0);

  /// Bytes that came before there was anybody to tell; looked at by the next `go_on` or `take`.
  void keep(std::string_view bytes);
  /// Takes what was read; unmasks in place. The sink may call `drop_messages` and `stop`.
  void take(char* bytes, size_t size, frame_sink& sink);
  /// After a pause: the frames that are here already.
  void go_on(frame_sink& sink) { take(nullptr, 0, sink); }

  /// From now on only control frames are told of.
  void drop_messages() noexcept { mode_ = mode_ == mode::all ? mode::control : mode_; }
  /// From now on nothing is.
  void stop() noexcept { mode_ = mode::none; }

 private:
  enum class mode : uint8_t { all, control, none };
  enum class outcome : uint8_t { next, incomplete, pause, stop };
  struct head {
    bool fin;
    bool packed; // RSV1: the message is compressed
    uint8_t op;
    uint8_t size;    // of the head, with its mask
    uint64_t length; // of the payload
    uint32_t mask;   // as it stands in memory
  };
  struct assembly {
    std::string rest;    // not looked at yet
    std::string message; // fragments so far, unmasked
    size_t checked = 0;  // bytes of it known to be UTF-8
    uint64_t left = 0;   // payload bytes still to come of the frame being read
    uint32_t mask = 0;
    uint8_t op = 0; // of the message; 0: none has begun
    bool fin = false;
    bool packed = false;
    bool is_dropped = false; // the frame being read is of no interest
    bool is_idle() const noexcept { return rest.empty() && op == 0 && left == 0; }
  };

  outcome parse(char* bytes, size_t size, size_t& used, frame_sink& sink);
  outcome read_frame(char* bytes, size_t size, size_t& used, frame_sink& sink);
  outcome read_head(const char* bytes, size_t size, head& h, frame_sink& sink);
  outcome continue_frame(char* bytes, size_t size, size_t& used, frame_sink& sink);
  outcome control(const head& h, std::string_view payload, frame_sink& sink);
  outcome close_frame(std::string_view payload, frame_sink& sink);
  outcome end_of_frame(frame_sink& sink);
  outcome mistake(uint16_t code, std::string_view what, mode after, frame_sink& sink);
  bool check_text(bool is_last);
  outcome deliver(uint8_t op, std::string_view body, frame_sink& sink);
  outcome inflate_and_deliver(uint8_t op, std::string_view packed, frame_sink& sink);
  size_t room_for(bool packed) const noexcept;
  assembly& parts();
  bool in_message() const noexcept { return parts_ != nullptr && parts_->op != 0; }

  size_t message_bytes_;
  std::unique_ptr<assembly> parts_; // while something is incomplete
  mode mode_ = mode::all;
  bool may_be_packed_ = false;
  std::unique_ptr<inflate_history> history_; // while messages may refer to earlier ones
};

} // namespace natterjack::relay
