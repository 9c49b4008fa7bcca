#include "relay/http/relaying.hpp"

#include "relay/http/upgrade.hpp"

#include <spdlog/spdlog.h>

namespace natterjack::relay {

namespace {

constexpr size_t known_header_max = 4096; // one a thread is kept

} // namespace

std::string name_of(const http_request& request, const route& of) {
  if (of.entry_id.empty())
    return request.method + ' ' + of.pattern;
  return of.entry_id + (of.place.empty() ? "" : " (" + of.place + ')');
}

std::optional<http_response> read_ws_relay(const std::string& header, const http_request& request,
                                           const route& of, gateway_context& gateway,
                                           relay_config& config) {
  // Most endpoints say the same of all clients: the last header of this thread that had no mistake.
  struct known_header {
    std::string text;
    relay_config config;
  };
  thread_local known_header last;
  std::string error;
  const bool is_known = !header.empty() && header == last.text;
  auto read = is_known ? std::optional(last.config) : parse_relay_config(header, error);
  if (read && !read->problems.empty())
    error = read->problems.front();
  else if (read && !is_known && read->warnings.empty() && header.size() <= known_header_max)
    last = {header, *read};
  if (!error.empty()) {
    spdlog::error("{}: X-WS-Relay: {}; found {}", name_of(request, of), error, header);
    auto refused = text_response(500, "{\"error\":\"the endpoint's X-WS-Relay header is wrong; "
                                      "the server's log says what\"}");
    refused.set("Content-Type", "application/json");
    return refused;
  }
  for (const auto& warning : read->warnings)
    spdlog::warn("{}: X-WS-Relay: {}", name_of(request, of), warning);
  const auto target = read->target_pid.value_or("");
  std::string why = "target_pid is missing";
  if (target.empty() || (!hub::parse_pid(target, &why) && !gateway.node.names().lookup(target)))
    return text_response(400, "Invalid target PID: " + why);
  if (auto refusal = refuse_upgrade(request, of.options->origins))
    return refusal;
  config = std::move(*read);
  return std::nullopt;
}

std::optional<http_response> read_sse_relay(const std::string& header, const http_request& request,
                                            const route& of, gateway_context& gateway,
                                            sse_config& config, hub::process_ref& target) {
  std::string error;
  auto read = parse_sse_config(header, error);
  if (!read) {
    spdlog::error("{}: X-SSE-Relay: {}; found {}", name_of(request, of), error, header);
    return text_response(400, "invalid relay configuration: " + error);
  }
  const auto origin = request.has("Origin") ? std::optional(request.header("Origin")) : std::nullopt;
  if (!of.options->sse_origins.allows(origin, request.host))
    return text_response(403, "origin \"" + std::string(*origin) + "\" is not allowed for host \"" +
                                  request.host + "\"");
  const auto wanted = read->target_pid.value_or("");
  if (!wanted.empty()) {
    std::string why;
    if (!hub::parse_pid(wanted, &why) && !gateway.node.names().lookup(wanted))
      return text_response(400, "invalid target PID: \"" + wanted + "\": " + why);
    target = gateway.node.resolve(wanted, &why);
    if (!target)
      return text_response(404, "pid not registered");
  }
  config = std::move(*read);
  return std::nullopt;
}

} // namespace natterjack::relay
