// What every process is besides a CAF actor: something with a PID that takes messages.
//
// CAF gives monitor, link, exit and request. This adds the address, the short way for messages (no CAF
// tuple is built for a connection), and what a process leaves behind when it ends.
#pragma once

#include "hub/facts.hpp"
#include "hub/message.hpp"
#include "hub/pid.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/intrusive_ptr.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace natterjack::hub {

class node;
class delivery_domain;

enum class send_result : uint8_t {
  sent = 0,        ///< queued at the receiver, not yet processed
  no_process,      ///< ended, or never was
  no_host,         ///< no such host on this node
  no_node,         ///< another node, and none is connected
  mailbox_full,    ///< the receiver's `mailbox` limit is reached
};

/// Sentence for an error text: "process not found", …
const char* to_string(send_result result) noexcept;

/// How a process wants to be told about joins, leaves and heartbeats (compatibility rule).
enum class relay_dialect : uint8_t {
  table, ///< current: JSON value, snake_case names
  text,  ///< guide: JSON as text, both spellings
};

/// How a process ended, for those who monitor it.
struct exit_result {
  payload value;     ///< what it returned, nil if nothing
  std::string error; ///< empty: ended normally
  /// More about the error, as JSON: `{"kind": "NotFound", "retryable": true, "details": {…}}`, each
  /// of them only if it is known; nil: the text is all.
  payload error_facts{};
};

/// Asks a process to end by itself: Lua sees the CANCEL event, a connection closes.
struct cancel_signal {
  pid from;
  std::string reason;
  bool is_last = false; ///< the node ends: who does not listen to it may end at once
};

class process {
 public:
  /// Takes a fresh PID on `host`. The most derived constructor ends with `enter()`.
  process(node& home, const host_name* host);
  virtual ~process();
  process(const process&) = delete;
  process& operator=(const process&) = delete;

  const pid& id() const noexcept { return id_; }
  /// False once it has ended, however long somebody holds it in memory; from any thread.
  bool is_here() const noexcept { return entered_.load(std::memory_order_acquire); }
  node& home() const noexcept { return home_; }

  /// Queues a message. Thread-safe, never blocks, keeps the order of one sender.
  virtual send_result deliver(message_ptr what) noexcept = 0;

  /// The thread that can deliver to many of its own at once; null for scheduled processes.
  virtual delivery_domain* domain() const noexcept { return nullptr; }

  /// Set if the entry of this process decides the dialect (`meta.relay_payload`).
  virtual std::optional<relay_dialect> dialect() const noexcept { return std::nullopt; }

  /// Bytes queued at this process that its peer has not taken; connections only.
  virtual size_t outbox_bytes() const noexcept { return 0; }

  /// For operators; from any thread.
  virtual process_facts facts() const { return {}; }
  std::chrono::steady_clock::time_point born() const noexcept { return born_; }

  /// Valid once monitors have been told.
  const exit_result& result() const noexcept {
    static const exit_result nothing;
    return result_ ? *result_ : nothing;
  }

 protected:
  /// Makes the PID known. @param self  this process's own control block
  void enter(caf::actor_control_block* self);

  /// Forgets PID, names and groups; call it from on_exit(). Idempotent.
  void leave() noexcept;

  /// To say how it ends: who lives holds no room for that.
  exit_result& ending() {
    if (!result_)
      result_ = std::make_unique<exit_result>();
    return *result_;
  }

 private:
  node& home_;
  pid id_;
  std::chrono::steady_clock::time_point born_ = std::chrono::steady_clock::now();
  std::unique_ptr<exit_result> result_;
  std::atomic<bool> entered_{false};
};

} // namespace natterjack::hub

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(natterjack::hub::cancel_signal)
