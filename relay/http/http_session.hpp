// One HTTP connection, for the files that make it up: reading (session.cpp), answering
// (session_answers.cpp), writing (session_output.cpp) and taking a body in while its request is answered
// (session_intake.cpp). Others use session.hpp.
//
// All on the connection's io thread. What waits for the socket, for a handler or in an actor holds the
// session; it ends with the last of them.
#pragma once

#include "relay/gateway_context.hpp"
#include "relay/http/body_stream.hpp"
#include "relay/http/request_reader.hpp"
#include "relay/http/response_head.hpp"
#include "relay/http/response_writer.hpp"
#include "relay/http/router.hpp"
#include "relay/http/wire.hpp"
#include "relay/sse/event_stream.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace natterjack::relay {

class ws_transport;

class http_session final : public std::enable_shared_from_this<http_session>,
                           public writer_owner,
                           public event_sink {
 public:
  http_session(io_thread& thread, std::unique_ptr<http_wire> wire,
               const boost::asio::ip::tcp::endpoint& remote,
               std::shared_ptr<gateway_context> gateway, std::shared_ptr<const router> routes,
               std::shared_ptr<connection_place> place);
  ~http_session() override;

  io_thread& thread() noexcept { return thread_; }
  void start();

  /// The answer to the request that was dispatched: once for each, also after the client has gone.
  void respond(http_response response);

  // -- event_sink
  void send(hub::shared_bytes framed) override { writer_.push(std::move(framed)); }
  size_t waiting_bytes() const noexcept override { return writer_.bytes(); }
  size_t drop_oldest(size_t until_bytes) override { return writer_.drop_oldest(until_bytes); }
  bool is_chunked() const noexcept override { return chunked_; }
  void finish() override;
  void abort() override;

 private:
  enum class phase : uint8_t {
    handshake,
    idle,
    head,
    body,
    answering,
    writing,
    streaming,
    lingering,
    closed, // or given away
  };

  // -- reading: goes on until the socket, a handler or the writer has to be waited for
  bool is_reading() const noexcept { return phase_ <= phase::body && !waiting_; }
  void run();
  void go_on();
  void wait_for(http_wire::state what);
  void shake_hands();
  void begin_request(std::chrono::nanoseconds idle);
  void read_on();
  void read_some();
  void ask_for_body();
  void fail(http_response response);
  void on_timeout();

  // -- a large body, while its request is answered
  bool dispatch_early();
  /// The timer is the body's: nothing waits to be written, or the answer is not there yet.
  bool owns_timer() const noexcept {
    return phase_ == phase::answering || (phase_ == phase::streaming && writer_.empty());
  }
  void pump();
  bool pump_some();
  void break_intake(http_response failure, unsigned status);

  // -- answering
  static bool is_empty_answer(const http_response& response) {
    return response.status < 300 && response.body.empty() && !response.file && !response.stream;
  }
  void dispatch();
  static http_response not_found(const std::string& method, const std::string& path,
                                 const std::string& allow);
  void enter_route(const route& found, http_request& request);
  void answer_options(http_request& request, std::string allow);
  std::optional<http_response> run_chain(http_request& request);
  void finish_chain(http_response& response);

  // -- giving the client away
  void relay(const std::string& header, http_response response);
  void take_over();
  void give_socket();
  std::shared_ptr<ws_transport> make_transport();
  std::optional<stream_socket> release();

  // -- writing
  void write_head(const http_response& response, framing how);
  void write(http_response response);
  void on_write_progress() override;
  void on_all_written() override;
  void on_write_failed() override { close(); }
  std::shared_ptr<void> keep_alive() override { return shared_from_this(); }
  void on_answered();
  void begin_stream(std::shared_ptr<body_stream> stream);
  void push_piece(std::string_view bytes);
  void pull();
  void end_stream();
  void start_events(const std::string& header, http_response response);
  void watch();

  // -- ending
  void read_to_end();
  void close();
  void set_phase(phase next) noexcept;
  void set_timer(std::chrono::nanoseconds delay) { thread_.set_timer(timer_, delay); }

  io_thread& thread_;
  std::unique_ptr<http_wire> wire_;
  std::shared_ptr<gateway_context> gateway_;
  std::shared_ptr<const router> routes_;
  std::shared_ptr<connection_place> place_;
  request_reader reader_;
  response_writer writer_;
  timer_wheel::timer timer_;
  phase phase_ = phase::handshake;
  bool waiting_ = false; // for the socket, or for another turn
  bool watching_ = false;
  bool pump_waits_ = false;
  bool running_ = false;
  bool keep_alive_ = true;
  bool is_head_request_ = false;
  bool is_http_1_0_ = false;
  bool chunked_ = false;
  bool ended_ = false; // the last of a stream is queued
  std::string remote_;
  std::shared_ptr<const http_request> request_;
  const route* route_ = nullptr;
  size_t entered_ = 0; // steps of the chain that let the request pass
  std::shared_ptr<body_stream> stream_;
  std::shared_ptr<body_stream> incoming_; // until the body is complete
  std::optional<http_response> intake_failure_;
  caf::strong_actor_ptr events_actor_;
  event_source* events_ = nullptr;
};

} // namespace natterjack::relay
