#include "actors/pow/rest_routes.hpp"

#include "actors/pow/control_message.hpp"
#include "actors/pow/paths.hpp"
#include "relay/http/response_head.hpp"

#include <openssl/rand.h>

#include <array>

namespace natterjack::pow {

namespace {

// RFC 9562 5.4: 122 random bits.
std::string make_uuid() {
  constexpr char digits[] = "0123456789abcdef";
  std::array<unsigned char, 16> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  bytes[6] = static_cast<unsigned char>((bytes[6] & 0x0f) | 0x40);
  bytes[8] = static_cast<unsigned char>((bytes[8] & 0x3f) | 0x80);
  std::string text;
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10)
      text += '-';
    text += digits[bytes[i] >> 4];
    text += digits[bytes[i] & 15];
  }
  return text;
}

relay::http_response wrong_method(const char* allow) {
  auto response = relay::text_response(405, "Method Not Allowed");
  response.headers.emplace_back("Allow", allow);
  return response;
}

bool is_reading(const relay::http_request& request) {
  return request.method == "GET" || request.method == "HEAD";
}

// What is there for one session, and by which method.
bool is_action(std::string_view name) {
  return name == "status" || name == "input" || name == "closeInput" || name == "cancel";
}

} // namespace

rest_routes::rest_routes(std::shared_ptr<service_core> core)
    : core_(std::move(core)), documents_(core_->options) {}

void rest_routes::handle(request_ptr request, relay::http_reply reply) {
  const auto& options = core_->options;
  const std::string_view path = request->raw_path;
  if (!options.rest && !options.websocket) {
    reply(relay::text_response(404, "Not found"));
    return;
  }
  const auto below = path_below(options.base_path, path);
  if (!below) {
    reply(not_found());
    return;
  }
  if (!options.rest) {
    auto response = relay::text_response(426, "Upgrade Required");
    response.headers.emplace_back("Connection", "Upgrade");
    response.headers.emplace_back("Upgrade", "websocket");
    reply(std::move(response));
    return;
  }
  if (auto clean = clean_path(path); clean != path) {
    if (options.docs && clean == options.base_path + "docs")
      clean += '/'; // at once
    reply(redirect(*request, std::move(clean)));
    return;
  }
  // Segments are taken apart before they are decoded, so that an encoded slash does not make two.
  const auto rest = *below;
  const auto slash = rest.find('/');
  std::string first;
  std::string second;
  relay::percent_decode(rest.substr(0, slash), first);
  if (slash != std::string_view::npos)
    relay::percent_decode(rest.substr(slash + 1), second);
  if (first == "docs" && options.docs) {
    reply(slash == std::string_view::npos ? redirect(*request, std::string(path) + "/")
                                          : documents_.docs(*request, second));
  } else if (slash == std::string_view::npos && first == "new") {
    if (request->method == "POST")
      handle_new(request, reply);
    else
      reply(wrong_method("POST"));
  } else if (slash == std::string_view::npos && first == "openapi.json") {
    reply(is_reading(*request) ? documents_.openapi(*request) : wrong_method("GET, HEAD"));
  } else if (slash != std::string_view::npos && is_action(first) && !second.empty() &&
             rest.find('/', slash + 1) == std::string_view::npos && second != "/") {
    handle_session(first, second, std::move(request), std::move(reply));
  } else {
    reply(not_found());
  }
}

void rest_routes::handle_new(const request_ptr& request, const relay::http_reply& reply) {
  auto called = decode_call(request->body, behind::anything);
  if (!called) {
    reply(relay::text_response(400, "failed to decode call message"));
    return;
  }
  if (core_->closing) {
    reply(relay::text_response(500, "failed to create new process"));
    return;
  }
  auto wanted = std::make_shared<job_request>();
  wanted->name = std::move(called->name);
  wanted->arguments = std::move(called->arguments);
  wanted->http = request;
  auto id = make_uuid();
  auto session =
      std::make_shared<rest_session>(core_, sessions_, core_->threads.next(), id);
  if (!sessions_->add(id, session, core_->options.limits.rest.sessions)) {
    reply(relay::text_response(503, "too many sessions"));
    return;
  }
  session->run([this, id, wanted, reply](rest_session& s) {
    if (s.start(wanted)) {
      reply(rest_json('"' + id + '"'));
      return;
    }
    sessions_->remove(id);
    reply(relay::text_response(503, std::string(too_many_jobs)));
  });
}

void rest_routes::handle_session(std::string_view action, const std::string& id,
                                 request_ptr request, relay::http_reply reply) {
  const bool reads = action == "status";
  if (reads ? !is_reading(*request) : request->method != "POST") {
    reply(wrong_method(reads ? "GET, HEAD" : "POST"));
    return;
  }
  const auto session = sessions_->find(id);
  if (!session) {
    reply(relay::text_response(404, "process not found"));
    return;
  }
  if (action == "status")
    session->run([reply](rest_session& s) { s.status(reply); });
  else if (action == "input")
    session->run([request, reply](rest_session& s) { s.input(request, reply); });
  else if (action == "closeInput")
    session->run([reply](rest_session& s) { s.close_input(reply); });
  else
    session->run([reply](rest_session& s) { s.cancel(reply); });
}

void rest_routes::shut_down() {
  for (const auto& session : sessions_->clear())
    session->run([](rest_session& s) { s.shut_down(); });
}

} // namespace natterjack::pow
