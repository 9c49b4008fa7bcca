// The actor of one job: input queue, cause, observers, one end. Its code does the rest.
//
//   receives            does                                         value
//   pow.input           queues input; credit comes back when read    text or binary
//                       `mailbox_full` to the sender when `input_bytes` of processes wait
//   pow.close           ends the input behind what is queued         -
//   pow.cancel          sets the cause, the first one wins           text, or none
//   pow.attach          sends output and end to a process            PID text; none: the sender
//                       that comes when the job has ended: the end
//   pow.detach          stops that                                   as above
//   cancel, exit        cause, end of input, "end soon"; forced after `stop_wait`
//   any other topic     goes to the code
//
//   sends to each observer
//   pow.output          every piece of output from now on            text
//   pow.error_output    what a command says on its error output      text
//   pow.end             exactly once, last                           {"status":…,…}
//
//   monitors   each observer
//   states     asking (no code yet) -> running -> ended
//   never      blocks, drops input of a living client, sends two ends
//
// The front (websocket or REST session) lives on the same thread and calls directly.
#pragma once

#include "actors/pow/job_bounds.hpp"
#include "actors/pow/job_observers.hpp"
#include "actors/pow/job_source.hpp"
#include "hub/directory.hpp"
#include "hub/process_host.hpp"
#include "relay/pinned_actor.hpp"
#include "relay/timer_wheel.hpp"

#include <atomic>
#include <deque>

namespace natterjack::pow {

/// The client's side of a job, on the job's thread.
class job_front {
 public:
  /// @returns false if the client is slow; `job::output_has_room` tells when it is not
  virtual bool on_output(std::string_view bytes) = 0;
  /// There is room in the input queue again, after `has_input_room` was false.
  virtual void on_input_room() = 0;
  virtual void on_end(const job_end& end) = 0;

 protected:
  ~job_front() = default;
};

class job final : public relay::pinned_actor, public job_io {
 public:
  /// Called once: true when the piece has been read, false when the job ended before.
  using input_done = std::function<void(bool)>;

  job(caf::actor_config& config, relay::io_thread& thread, hub::node& node,
      const hub::host_name* host, job_bounds bounds, std::shared_ptr<job_front> front);

  // -- from the front, on this thread
  void begin(made_job made);
  void push_input(std::string_view bytes, input_done on_done = {});
  /// Forgets what was pushed with an `on_done` and has not been read, without calling that.
  void take_back_input();
  bool has_input_room() const noexcept { return input_bytes_ < bounds_.input_bytes; }
  void output_has_room();
  void close_input();
  void cancel(std::string_view cause);
  /// Cancel, end of input and "end soon".
  void terminate(std::string_view cause);
  /// Nobody is interested any more: as terminate, unread input is dropped, and the job is ended by force
  /// when it does not end by itself. The front hears nothing more.
  void abandon(std::string_view cause);
  /// As abandon, for a client that has left while its job ran.
  void lose_client(std::string_view cause);
  void panic(const char* what);

  // -- job_io
  void read() override;
  bool write(std::string_view bytes) override;
  void write_error(std::string_view bytes) override;
  void finish(const nlohmann::json& value) override;
  void finish_text(std::string json) override;
  void fail(std::string error) override;
  void refuse(std::string why) override;
  bool is_cancelled() const noexcept override { return cancelled_; }
  const std::string& cause() const noexcept override { return cause_; }
  bool has_ended() const noexcept override { return ended_; }
  const hub::pid& id() const noexcept override { return hub::process::id(); }
  hub::node& node() noexcept override { return home(); }
  relay::io_thread& thread() const noexcept override { return relay::pinned_actor::thread(); }
  job_handle handle() override;
  void watch(const caf::strong_actor_ptr& who) override { monitor(who); }

  // -- actor
  const char* name() const override { return "pow_job"; }
  hub::process_facts facts() const override { return {"job", {}, 0, 0, 0, 0}; }
  caf::behavior make_behavior() override;
  void on_exit() override;

  // -- hub::process
  hub::send_result deliver(hub::message_ptr what) noexcept override;
  /// None, so that what is sent to many comes by `deliver` as well, which counts.
  hub::delivery_domain* domain() const noexcept override { return nullptr; }

 protected:
  void accept(const hub::message_ptr& what) override;

 private:
  struct piece {
    std::string bytes;
    hub::message_ptr message; // set: the bytes are its first value
    input_done on_done;
    std::string_view view() const noexcept {
      return message ? message->payloads().front().bytes() : std::string_view(bytes);
    }
  };

  void queue(piece added);
  void let_go(const piece& done, bool was_read);
  void pump();
  void drop_input();
  template <class Call>
  void guard(Call&& call);
  bool accept_input(const hub::message_ptr& what);
  hub::process_ref observer_in(const hub::message& what);
  void attach(const hub::message& what);
  void detach(const hub::message& what);
  void end(job_end result);

  job_bounds bounds_;
  std::shared_ptr<job_front> front_;
  std::unique_ptr<job_code> code_;
  std::deque<piece> input_;
  size_t input_bytes_ = 0;
  std::atomic<size_t> sent_bytes_{0}; // input of processes, from their `deliver` until it is read
  bool input_closed_ = false;
  bool input_end_told_ = false;
  bool wants_input_ = false;
  bool pumping_ = false;
  bool input_was_full_ = false;
  bool output_full_ = false;
  bool cancelled_ = false;
  bool terminated_ = false;
  bool client_lost_ = false;
  bool ended_ = false;
  job_end end_; // how, once it has
  std::string cause_;
  job_observers observers_;
  relay::timer_wheel::timer stop_timer_;
};

// What code throws ends its job, nothing else.
template <class Call>
void job::guard(Call&& call) {
  try {
    call();
  } catch (const std::exception& e) {
    panic(e.what());
  } catch (...) {
    panic("unknown exception");
  }
}

/// A job and who keeps it alive.
struct job_ref {
  caf::strong_actor_ptr actor;
  job* self = nullptr;
  explicit operator bool() const noexcept { return self != nullptr; }
};

/// Starts the actor, without code, on `thread`, which must be the current one.
/// @param places  holds it until it ends; `reserve` has been called
job_ref spawn_job(relay::io_thread& thread, hub::node& node, hub::process_host& places,
                  job_bounds bounds, std::shared_ptr<job_front> front);

/// The result as clients get it: {"status":"fulfilled","value":…} or {"status":"rejected","reason":…}.
/// @param with_prefix  "process returned error: " before errors, as over websocket
std::string result_document(const job_end& end, bool with_prefix);

} // namespace natterjack::pow
