// An endpoint's wish to hand its client to a process, read from a response header: is it right, and may
// this client have it?
#pragma once

#include "relay/gateway_context.hpp"
#include "relay/http/router.hpp"
#include "relay/relay_config.hpp"
#include "relay/sse/sse_config.hpp"

#include <optional>
#include <string>

namespace natterjack::relay {

/// What the log calls a route: the entry with its file and line, else method and pattern.
std::string name_of(const http_request& request, const route& of);

/// X-WS-Relay. @returns the refusal, or nothing and `config`
std::optional<http_response> read_ws_relay(const std::string& header, const http_request& request,
                                           const route& of, gateway_context& gateway,
                                           relay_config& config);

/// X-SSE-Relay. @returns the refusal, or nothing, `config` and the target if one is named
std::optional<http_response> read_sse_relay(const std::string& header, const http_request& request,
                                            const route& of, gateway_context& gateway,
                                            sse_config& config, hub::process_ref& target);

} // namespace natterjack::relay
