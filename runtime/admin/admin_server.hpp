// Answers the administrator of this machine: one JSON line in, one JSON line out, over a local socket.
//
//   {"command":"ps"}   ->   {"ok":true, …}   or   {"ok":false,"error":"…"}
//
//   who      the file has mode 0600: whoever may be this user
//   bound    1 MiB a request, 64 clients at a time
//   thread   one of its own, where slow answers (a walk over all processes) disturb nobody; `post`
//            lets others use it
#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <memory>

namespace natterjack::runtime {

using admin_reply = std::function<void(nlohmann::json)>; ///< from any thread, once

/// Called on the server's thread.
using admin_handler = std::function<void(const nlohmann::json& request, admin_reply reply)>;

class admin_server {
 public:
  explicit admin_server(admin_handler handle);
  ~admin_server();
  admin_server(const admin_server&) = delete;
  admin_server& operator=(const admin_server&) = delete;

  /// Listens at this path, over what a dead node has left there.
  /// @throws std::runtime_error  what names path and cause
  void open(const std::filesystem::path& path);

  /// Runs something on the server's thread. Thread-safe.
  void post(std::function<void()> call);

  /// Ends the thread and removes the file. Idempotent.
  void stop();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace natterjack::runtime
