// A world without sockets and threads in which tests drive hubs by hand: nothing runs until something
// is looked at or `run()` is called, and no time passes until `advance()`.
//
//   testing::world world;
//   auto room = world.start<chat_room>({.input = {"lobby"}});
//   auto ada = world.join(room, {{"nick", "ada"}});
//   ada.say({{"type", "say"}, {"text", "hello"}});
//   ada.take("said").at("text") == "hello"
//
//   clients follow ws.control and ws.close and are closed when their hub ends, as connections do;
//   wire format, limits of a gateway and order between io threads are the system tests' business
#pragma once

#include "hub/hub_process.hpp"
#include "hub/node.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace natterjack::testing {

class world;
class test_actor;

/// What a process was sent: a frame, if it is a client.
struct frame {
  std::string topic;
  json data; ///< text as a string, bytes as json::binary, nothing as null
};

struct closing {
  int code = 1000;
  std::string reason;
};

/// A process under the test's hand.
class test_process {
 public:
  const hub::pid& id() const;
  hub::send_result send(const hub::pid& to, std::string_view topic, const json& value) const;
  /// The first frame under this topic, which is taken out; others stay.
  /// @throws std::runtime_error  there is none; says what there is
  json take(std::string_view topic);
  /// Topics of what was heard and not taken, oldest first.
  std::vector<std::string> topics();
  /// Everything that was heard and not taken; forgets it.
  std::vector<frame> take_all();
  /// Ends it, as done or as failed.
  void end(const std::string& error = {});
  bool is_alive() const;

 protected:
  friend class world;
  test_process(world& where, hub::process_ref self);
  test_actor& self() const;
  world* world_;
  hub::process_ref self_;
};

/// A connection that has joined a hub.
class test_client : public test_process {
 public:
  /// A text frame.
  void say(std::string_view text) const;
  void say(const char* text) const { say(std::string_view(text)); }
  void say(const std::string& text) const { say(std::string_view(text)); }
  /// A text frame that holds JSON.
  void say(const json& value) const;
  void say_bytes(std::string_view bytes) const;
  /// The hub gets a heartbeat.
  void beat(std::string_view uptime = "30s") const;
  /// The client goes away: ws.leave, and its process ends.
  void leave();
  /// What the hub closed it with; nothing while it is open.
  std::optional<closing> closed();
  /// The hub it reports to.
  hub::pid target();

 private:
  friend class world;
  using test_process::test_process;
};

struct start_options {
  std::vector<json> input{};
  json options = json::object();
  hub::hub_limits limits{};
  std::string entry = "test:hub";
};

class world {
 public:
  world();
  ~world();
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  /// Starts a hub; on_start has run when this returns.
  template <class T> hub::pid start(start_options options = {}) {
    static const hub::hub_class made{"a test's own",
                                     [] { return std::unique_ptr<hub_actor>(new T()); }};
    return start(made, std::move(options));
  }
  /// The same with a registered class. @throws std::runtime_error  there is none of that name
  hub::pid start(std::string_view class_name, start_options options = {});

  test_client join(const hub::pid& hub, const json& metadata = json::object());
  /// A process that is no client.
  test_process process();

  /// Runs until nobody has anything to do. @throws std::runtime_error  they never come to rest
  void run();
  /// Lets time pass: every timer on the way fires at its own moment.
  void advance(std::chrono::nanoseconds time);

  /// Asks a hub to end, as the end of its service does.
  void stop(const hub::pid& hub, const std::string& reason = "service stopping");
  bool is_alive(const hub::pid& hub);
  /// How a hub that this world started has ended; `error` is empty for done.
  hub::exit_result result_of(const hub::pid& hub);
  /// Lines of logs, "error test:hub: text".
  const std::vector<std::string>& log();

  hub::node& node() noexcept { return *node_; }

 private:
  friend class test_process;
  friend class test_client;
  hub::pid start(const hub::hub_class& what, start_options options);
  hub::process_ref make_actor();

  caf::actor_system_config config_;
  std::unique_ptr<caf::actor_system> system_;
  std::unique_ptr<hub::node> node_;
  std::vector<hub::process_ref> started_;
  std::vector<std::string> log_;
};

} // namespace natterjack::testing
