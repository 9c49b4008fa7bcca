#include "runtime/server/server_state.hpp"

#include "runtime/server/service_plans.hpp"

#include <spdlog/spdlog.h>

#include <filesystem>

namespace natterjack::runtime {

nlohmann::json server::state::take_over(const application& app,
                                        const std::function<bool()>& give_up) {
  auto result = nlohmann::json{{"ok", true},
                               {"done", nlohmann::json::array()},
                               {"notes", nlohmann::json::array()},
                               {"errors", nlohmann::json::array()}};
  auto fail = [&result](const std::string& text) {
    result["ok"] = false;
    result["error"] = text;
    spdlog::error("reload: {}", text);
  };
  for (const auto& warning : app.warnings)
    result["notes"].push_back(to_string(warning));
  if (!app.ok()) {
    for (const auto& mistake : app.diagnostics) {
      spdlog::error("reload: {}", to_string(mistake));
      result["errors"].push_back(to_string(mistake));
    }
    fail(std::to_string(app.diagnostics.size()) +
         (app.diagnostics.size() == 1 ? " mistake in " : " mistakes in ") + app.folder +
         "; nothing was changed");
    return result;
  }
  const auto before = latest.load();
  version_ptr next;
  pool_map next_pools;
  std::vector<std::unique_ptr<relay::gateway>> closed; // gateways that are not open here
  std::map<std::string, std::shared_ptr<const relay::tls_context>> renewed;
  try {
    next = std::make_shared<application_version>(app);
    for (const auto& entry : next->options.gateways)
      if (entry.tls)
        renewed[entry.id] = std::make_shared<relay::tls_context>(certificates.options_of(entry));
    gateway_map by_id;
    for (auto& gateway : gateways) {
      gateway->begin_routes();
      by_id.emplace(gateway->entry_id(), gateway.get());
    }
    for (const auto* of : {&next->options, &options})
      for (const auto& entry : of->gateways)
        if (!by_id.contains(entry.id)) {
          relay::gateway_options wanted;
          wanted.entry_id = entry.id;
          closed.push_back(std::make_unique<relay::gateway>(node, threads, std::move(wanted)));
          by_id.emplace(entry.id, closed.back().get());
        }
    fill_routes(*next, by_id, next_pools);
  } catch (const std::exception& e) {
    pools.discard(next_pools);
    fail(std::string(e.what()) + "; nothing was changed");
    return result;
  }
  for (const auto& host : next->options.hosts)
    node.add_process_host(host.id, host.max_processes);
  for (const auto& folder : next->options.directories)
    if (std::error_code error; folder.auto_init)
      std::filesystem::create_directories(folder.directory, error);
  // What new versions of services spawn is new as well.
  latest.store(next);
  for (auto& gateway : gateways) {
    gateway->publish_routes();
    if (const auto made = renewed.find(gateway->entry_id());
        made != renewed.end() && gateway->use_certificate(made->second))
      result["done"].push_back(gateway->entry_id() + " has a new certificate");
  }
  for (auto& text : pools.exchange(*next, std::move(next_pools)))
    result["done"].push_back(std::move(text));
  std::vector<std::string> done = changed_routes(*before, *next);
  for (const auto& error : services.replace_all(plan_services(next, node, lua), give_up, done)) {
    result["ok"] = false;
    result["error"] = "not all services took over the change";
    result["errors"].push_back(error);
  }
  for (const auto& text : done)
    result["done"].push_back(text);
  const auto waiting = changes_for_restart(*first, *next);
  result["waiting"] = waiting.size(); // for the next start
  for (const auto& text : waiting) {
    spdlog::warn("reload: {}: takes effect with the next start", text);
    result["notes"].push_back(text + ": takes effect with the next start");
  }
  return result;
}

void server::reload(const std::function<bool()>& give_up) {
  auto& s = *state_;
  std::vector<admin_reply> replies;
  {
    std::lock_guard guard(s.reload_mutex);
    replies.swap(s.reload_replies);
  }
  spdlog::info("reload: reading {}", s.line.folder);
  ++s.progress.reloads;
  auto result = s.take_over(s.load(), give_up);
  const bool ok = result["ok"];
  if (!ok)
    ++s.progress.reloads_failed;
  std::string summary;
  if (result["done"].empty())
    summary = result.value("waiting", size_t{0}) == 0 ? "nothing has changed"
                                                      : "nothing was taken over";
  for (const auto& text : result["done"])
    summary += (summary.empty() ? "" : ", ") + text.get<std::string>();
  if (ok)
    spdlog::info("reload: {}", summary);
  result["summary"] = "reloaded: " + summary;
  for (auto& reply : replies)
    reply(result);
}

} // namespace natterjack::runtime
