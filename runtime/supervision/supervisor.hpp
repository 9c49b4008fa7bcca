// The actor behind a service: one for each, with no state but the process, its count of failures and an
// upgrade under way.
//
//   receives   start       runs the process, unless it runs or is being stopped
//              upgrade     starts the new version beside it; then decides (service.hpp)
//              stop        CANCEL, a kill after a time; answered when the process is gone
//   monitors   its process, and the new version while that starts
#pragma once

#include "runtime/supervision/service.hpp"

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/atom.hpp>

#include <atomic>
#include <mutex>

namespace natterjack::runtime {

namespace supervision {

using start_atom = caf::atom_constant<caf::atom("start")>;
using stop_atom = caf::atom_constant<caf::atom("stop")>;
using upgrade_atom = caf::atom_constant<caf::atom("upgrade")>;

} // namespace supervision

/// Told of every start, and of the first failure.
class first_answer {
 public:
  void ask(std::function<void(const std::string&)> who) { who_ = std::move(who); }
  void give(const std::string& text) {
    const bool is_first = !std::exchange(given_, true);
    if (who_ && (is_first || text.empty()))
      who_(text);
  }

 private:
  bool given_ = false;
  std::function<void(const std::string&)> who_;
};

struct service::state {
  std::string id;
  service_plan plan; ///< of the version that runs; touched by the supervisor only once it exists
  first_answer settled;
  caf::actor supervisor;
  std::mutex mutex;
  service_status status; ///< under `mutex`
  hub::pid asked_to_end; ///< under `mutex`: by the administrator
};

/// An error as the lines of a service say it: its traceback was logged by the process itself.
inline std::string_view without_traceback(std::string_view error) {
  return error.substr(0, error.find("\nstack traceback:"));
}

struct upgrade_wish {
  service_plan plan;
  std::promise<std::string> decided;
};

caf::actor spawn_supervisor(caf::actor_system& system, std::shared_ptr<service::state> about);

} // namespace natterjack::runtime

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::shared_ptr<natterjack::runtime::upgrade_wish>)
