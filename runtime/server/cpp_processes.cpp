#include "runtime/server/cpp_processes.hpp"

#include "hub/hub_process.hpp"
#include "hub/node.hpp"
#include "runtime/log_level.hpp"

#include <spdlog/spdlog.h>

namespace natterjack::runtime {

const process_cpp_entry* find_cpp_process(const application_options& options,
                                          const std::string& entry_id) noexcept {
  for (const auto& entry : options.cpp_processes)
    if (entry.id == entry_id)
      return &entry;
  return nullptr;
}

hub::process_ref start_cpp_process(hub::node& home, hub::process_host& where,
                                   const process_cpp_entry& entry, const nlohmann::json& input,
                                   std::function<void()> when_waiting, std::string& error) {
  const auto* what = hub::find_hub_class(entry.class_name);
  if (what == nullptr) { // the check has refused that
    error = "this program has no hub class \"" + entry.class_name + '"';
    return {};
  }
  hub::hub_spawn_options wanted;
  wanted.entry = entry.id;
  wanted.input.assign(input.begin(), input.end());
  wanted.options = entry.options;
  wanted.limits = {{entry.mailbox, entry.mailbox_bytes}, entry.timers, entry.names};
  wanted.on_first_wait = std::move(when_waiting);
  wanted.log = [logger = spdlog::default_logger()](log_level level, const std::string& from,
                                                   const hub::pid& who, std::string_view text) {
    logger->log(to_spdlog(level), "{} {}: {}", from, hub::to_string(who), text);
  };
  auto made = hub::spawn_hub(home, where, *what, std::move(wanted));
  error = std::move(made.error);
  return made.process;
}

} // namespace natterjack::runtime
