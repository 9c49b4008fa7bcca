// What a job is to those who write one: code that reads, writes, hears of cancellation, and ends once.
//
//   code is told   when
//   start          once, first
//   on_input       once for each `read`, when there is a piece
//   on_input_end   instead of on_input, once: no more will come
//   on_cancel      once, at the first cause; input and output go on
//   on_terminate   at most once: end soon (second cancel, client lost, limit, shutdown)
//   on_client_lost behind it, if that is why: nobody hears what the code still says
//   on_writable    after a `write` that returned false
//   on_message     a message of another process that is not the job's own business
//
//   code says      effect
//   read           asks for one piece of input; not asked, the client is slowed down
//   write          one message to the client, one piece in the store of a REST session
//   finish, fail   the one end; whatever is said later is ignored
//
// All on one io thread, so code never blocks. Other threads use `job_handle`.
#pragma once

#include "hub/message.hpp"
#include "hub/pid.hpp"
#include "relay/http/exchange.hpp"

#include <caf/actor_control_block.hpp>
#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace natterjack::hub {
class node;
}

namespace natterjack::relay {
class io_thread;
}

namespace natterjack::pow {

/// What the client asked for.
struct job_request {
  std::string name;
  /// Empty if the client gave no list at all, which is not the same as an empty list.
  std::optional<std::vector<std::string>> arguments;
  /// The upgrade or REST request: headers, cookies, query, path. Null for a job started by a process.
  std::shared_ptr<const relay::http_request> http;

  /// Number of arguments; 0 without a list.
  size_t count() const noexcept { return arguments ? arguments->size() : 0; }
};

/// How a job ended.
struct job_end {
  enum class kind : uint8_t {
    value,    ///< `text` is JSON; empty: a value that JSON cannot say
    error,    ///< `text` is the error of the job
    refused,  ///< the job was never started: `text` says why
    panicked, ///< its code threw something: `text` is what it said
  };
  kind what = kind::value;
  std::string text = "null";
};

/// Refusals clients know; any other text may be given as well.
inline constexpr std::string_view unknown_process = "unknown process";
inline constexpr std::string_view invalid_arguments = "invalid args";
inline constexpr std::string_view not_authorized = "authorization denied";

class job_io;

/// Reaches a job from any thread; does nothing once it has ended. Cheap to copy.
class job_handle {
 public:
  job_handle() = default;
  explicit job_handle(caf::strong_actor_ptr job) : job_(std::move(job)) {}
  /// Runs `call` on the job's thread, in order, if the job is alive then.
  void post(std::function<void(job_io&)> call) const;

 private:
  caf::strong_actor_ptr job_;
};

/// The job as its code sees it.
class job_io {
 public:
  /// Asks for one piece of input. Asking twice before a piece came is asking once.
  virtual void read() = 0;

  /// Takes all of `bytes`; what is not UTF-8 is repaired on its way to a websocket.
  /// @returns false if the client is slow: wait for `on_writable` before writing more
  virtual bool write(std::string_view bytes) = 0;

  /// What a command says on its error output when it is kept apart: goes to attached processes only.
  virtual void write_error(std::string_view bytes) = 0;

  /// Ends the job with a value.
  virtual void finish(const nlohmann::json& value) = 0;
  /// As above. @param json  a document that follows the rules of json_text.hpp already
  virtual void finish_text(std::string json) = 0;
  /// Ends the job with an error.
  virtual void fail(std::string error) = 0;
  /// Ends the job as one that could not even be started.
  virtual void refuse(std::string why) = 0;

  virtual bool is_cancelled() const noexcept = 0;
  /// Why the job was cancelled first; empty if it was not.
  virtual const std::string& cause() const noexcept = 0;
  virtual bool has_ended() const noexcept = 0;

  virtual const hub::pid& id() const noexcept = 0;
  virtual hub::node& node() noexcept = 0;
  virtual relay::io_thread& thread() const noexcept = 0;
  virtual job_handle handle() = 0;

  /// `on_down` is called when that process ends.
  virtual void watch(const caf::strong_actor_ptr& process) = 0;

 protected:
  ~job_io() = default;
};

/// The code of one job. Destroyed on the job's thread, also if the job is killed: release all there.
class job_code {
 public:
  virtual ~job_code() = default;
  virtual void start(job_io& io) = 0;
  virtual void on_input(std::string_view piece) = 0;
  virtual void on_input_end() = 0;
  virtual void on_cancel(const std::string& cause) { static_cast<void>(cause); }
  virtual void on_terminate() {}
  virtual void on_client_lost() {}
  virtual void on_writable() {}
  /// @returns false if the message means nothing to this code
  virtual bool on_message(const hub::message_ptr& what) {
    static_cast<void>(what);
    return false;
  }
  /// A watched process has ended.
  virtual void on_down(const caf::actor_addr& who) { static_cast<void>(who); }
};

/// Why there is no job.
struct job_refusal {
  std::string why;
};

} // namespace natterjack::pow
