#include "hub/thread_name.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/thread_hook.hpp>

#include <atomic>
#include <string_view>

#include <pthread.h>

namespace natterjack::hub {

namespace {

constexpr size_t name_max = 15; // pthread_setname_np

// CAF has named its threads when it tells of them, workers by a word that is not theirs.
class worker_names final : public caf::thread_hook {
 public:
  void init(caf::actor_system&) override {}
  void thread_started() override {
    char name[name_max + 1] = "";
    if (pthread_getname_np(pthread_self(), name, sizeof name) == 0 &&
        std::string_view(name) == "caf.multiplexer")
      name_thread("hub-" + std::to_string(workers_++));
  }
  void thread_terminates() override {}

 private:
  std::atomic<size_t> workers_{0};
};

} // namespace

void name_thread(std::string name) noexcept {
  if (name.size() > name_max)
    name.resize(name_max);
  pthread_setname_np(pthread_self(), name.c_str());
}

void name_workers(caf::actor_system_config& config) {
  config.add_thread_hook<worker_names>();
}

} // namespace natterjack::hub
