// An io thread, a node and a socket pair to try relay parts on.
#pragma once

#include "hub/node.hpp"
#include "relay/io_thread.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <functional>
#include <future>
#include <sys/socket.h>
#include <unistd.h>

namespace natterjack::relay {

struct io_fixture {
  caf::actor_system_config config;
  caf::actor_system system{config};
  hub::node home{system, "here"};
  io_thread thread{system};

  io_fixture() { thread.start(); }

  /// Runs something on the io thread and waits for it.
  void on_thread(std::function<void()> what) {
    std::promise<void> done;
    thread.push_call([&] {
      what();
      done.set_value();
    });
    done.get_future().wait();
  }
};

} // namespace natterjack::relay
