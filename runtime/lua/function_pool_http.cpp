// Requests as calls of a function, and what its end makes of the answer.
#include "hub/node.hpp"
#include "relay/http/body_stream.hpp"
#include "runtime/lua/call_batch.hpp"
#include "runtime/lua/failure_log.hpp"
#include "runtime/lua/function_pool.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <random>

namespace natterjack::runtime::lua {

namespace {

// Ties a client's complaint to a line of the log.
std::string make_error_id() {
  thread_local std::mt19937_64 random{std::random_device{}()};
  char text[17];
  std::snprintf(text, sizeof text, "%012llx",
                static_cast<unsigned long long>(random() & 0xffffffffffffULL));
  return text;
}

relay::http_response error_response(unsigned status, const std::string& text,
                                    const std::string& id = {}) {
  nlohmann::json body{{"error", text}};
  if (!id.empty())
    body["id"] = id;
  relay::http_response response;
  response.status = status;
  response.headers.emplace_back("Content-Type", "application/json");
  response.body = body.dump();
  return response;
}

// Who `token_auth` found, for `security.actor()` and what the function starts.
context_ptr context_of_request(const relay::http_request& request) {
  if (!request.actor)
    return nullptr;
  auto made = std::make_shared<call_context>();
  made->actor = hub::payload::json(request.actor->value);
  if (request.actor->has_scope)
    made->scope = hub::payload::json(nlohmann::json(request.actor->policies).dump());
  return made;
}

} // namespace

void function_pool::call_http(std::shared_ptr<const relay::http_request> request,
                              relay::http_reply reply) {
  job one;
  one.call = std::make_shared<function_call>();
  one.call->is_http = true;
  one.call->exchange.request = std::move(request);
  one.call->exchange.reply = reply;
  one.call->context = context_of_request(*one.call->exchange.request);
  one.answer = [this, reply = std::move(reply)](function_call& call, main_end& end) {
    answer_http(call, end, reply);
  };
  allow(one, options_.deadline);
  start_in_turn(runtime_.node().system(),
                [self = shared_from_this(), one = std::move(one)](caf::execution_unit* unit) {
                  self->submit(one, unit);
                });
}

// The head has been sent: what went wrong is in the log, and seen by the client as an answer without end.
void function_pool::end_streamed(function_call& call, main_end& end) {
  auto& stream = *call.exchange.stream;
  if (end.result.error.empty()) {
    stream.finish();
    return;
  }
  stream.fail();
  log_failure(runtime_, log_level::error, program_->id(), call.worker,
              "answer broken off, error id " + make_error_id() + ": " + end.result.error, end.traceback);
}

void function_pool::answer_http(function_call& call, main_end& end,
                                const relay::http_reply& reply) {
  if (call.exchange.stream)
    return end_streamed(call, end);
  auto& response = call.exchange.response;
  if (!end.result.error.empty()) {
    if (end.refused)
      return reply(error_response(503, end.result.error));
    const auto id = make_error_id();
    log_failure(runtime_, log_level::error, program_->id(), call.worker,
                "request failed, error id " + id + ": " + end.result.error, end.traceback);
    if (end.timed_out)
      return reply(error_response(504, "the function did not answer in time", id));
    return reply(error_response(500, "internal error", id));
  }
  if (call.exchange.touched)
    return reply(std::move(response));
  if (end.result.value.kind() != hub::payload_kind::nil) {
    response.headers.emplace_back("Content-Type", "application/json");
    response.body = end.result.value.bytes();
    return reply(std::move(response));
  }
  const auto id = make_error_id();
  runtime_.log(log_level::error, program_->id(), call.worker,
               "no response sent, error id " + id + ": the handler set no status, header or body");
  reply(error_response(500, "no response sent", id));
}

} // namespace natterjack::runtime::lua
