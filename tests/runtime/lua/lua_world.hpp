// A node with a Lua runtime for tests: spawns programs from text, remembers output, logs and
// messages.
#pragma once

#include "hub/node.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/process/lua_process.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace test {

namespace hub = natterjack::hub;
namespace lua = natterjack::runtime::lua;

/// A process that keeps what it is sent, as a connection would.
class probe final : public caf::event_based_actor, public hub::process {
 public:
  struct letter {
    std::string from, topic, body;
    hub::payload_kind kind = hub::payload_kind::nil;
  };

  probe(caf::actor_config& config, hub::node& home, const hub::host_name* host);
  hub::send_result deliver(hub::message_ptr what) noexcept override;
  caf::behavior make_behavior() override;
  void on_exit() override { hub::process::leave(); }

  /// Waits until `count` letters have come; those so far if they do not.
  std::vector<letter> wait_for(size_t count);
  std::vector<hub::message_ptr> messages();
  std::string pid_text() const { return to_string(hub::process::id()); }
  void end_with(hub::payload value) { ending().value = std::move(value); }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<hub::message_ptr> messages_;
};

struct world {
  explicit world(lua::lua_limits limits = {});
  ~world();

  /// Adds a program under an id; its file name is `<name>.lua`.
  lua::program_ptr add(const std::string& id, const std::string& text,
                       const std::string& method = "run",
                       std::set<std::string> modules = {"json", "time", "http", "logger"},
                       std::map<std::string, lua::program_ptr> imports = {});
  /// Spawns a program whose text is given; fails the test if that does not work.
  hub::process_ref spawn(const std::string& text, std::vector<hub::payload> arguments = {},
                         lua::spawn_options options = {});
  hub::process_ref spawn_id(const std::string& id, std::vector<hub::payload> arguments = {},
                            lua::spawn_options options = {});
  /// Runs a function body to its end. @returns its result as JSON or text, or "error: …"
  std::string run(const std::string& body);
  /// Waits for the end of a process. @returns as run()
  std::string end_of(const hub::process_ref& who);

  std::shared_ptr<probe> make_probe();
  hub::send_result send(const hub::process_ref& to, const std::string& topic, hub::payload value,
                        const hub::pid& from = {});
  hub::send_result send_text(const hub::process_ref& to, const std::string& topic,
                             const std::string& text);

  std::string printed();
  std::string logged();
  bool wait_until(const std::function<bool()>& condition,
                  std::chrono::milliseconds at_most = std::chrono::seconds(10));

  caf::actor_system_config config;
  std::unique_ptr<caf::actor_system> system;
  std::unique_ptr<hub::node> node;
  hub::process_host* host = nullptr;
  lua::lua_limits limits;
  std::unique_ptr<lua::lua_runtime> runtime;
  std::map<std::string, lua::program_ptr> programs;

 private:
  std::mutex mutex_;
  std::string printed_;
  std::string logged_;
  std::vector<caf::strong_actor_ptr> probes_;
  int last_ = 0;
};

} // namespace test
