// The websocket side of a service: handshake, call, input, output, signals, result.
//
//   client sends      while waiting        while running
//   text              kept as input        input of the job
//   binary            the call             close, cancel; anything else: cause "protocol error occurred"
//   nothing for       call_time: result "timeout expired"
//
//   client gets       text: output         binary: the result, once, then close 1000
//   states            waiting (no call yet) -> running -> done
#pragma once

#include "actors/pow/service_core.hpp"

namespace natterjack::pow {

/// @returns the refusal of an upgrade request, or nothing if it may be accepted
std::optional<relay::http_response> refuse_websocket(const service_core& core,
                                                     const relay::http_request& request);

/// Accepts the websocket and serves it to its end. @pre `refuse_websocket` said nothing
void start_ws_session(std::shared_ptr<service_core> core,
                      std::shared_ptr<const relay::http_request> request,
                      relay::taken_socket taken);

} // namespace natterjack::pow
