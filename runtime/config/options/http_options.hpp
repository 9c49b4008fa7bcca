// What answers HTTP: gateways, routers, endpoints and folders of files.
#pragma once

#include "relay/limits.hpp"
#include "runtime/config/application.hpp"
#include "runtime/config/network_address.hpp"
#include "runtime/config/options/lifecycle_options.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace natterjack::runtime {

/// Certificates of a gateway: PEM text or the absolute path of a file.
struct http_tls {
  bool makes_own = false; ///< `mode: auto`: cert and key are the gateway's to make
  std::string cert, key, client_ca;
  std::string client_auth; ///< none, request, require, verify_if_given, require_and_verify
};

struct http_service_entry {
  std::string id;
  network_address address;
  relay::gateway_limits limits; ///< outbox_hard_bytes is at least twice message_bytes
  std::optional<http_tls> tls; ///< set: HTTPS
  lifecycle_options lifecycle;
  bool implicit = false;
};

struct router_entry {
  std::string id;
  std::string server_id; ///< a http_service_entry
  std::string prefix;    ///< without trailing slash; may be empty
  std::vector<std::string> middleware;
  string_map options;
  std::vector<std::string> post_middleware;
  string_map post_options;
  bool implicit = false;
};

struct endpoint_entry {
  std::string id;
  std::string router_id;
  std::string method;
  std::string path;      ///< as written, below the router's prefix
  std::string full_path; ///< prefix and path
  std::string function_id;
  bool guide_dialect = false;
  std::string place{}; ///< file:line of the entry
};

struct static_entry {
  std::string id;
  std::string server_id;
  std::string path;                ///< URL prefix, starts with `/`
  std::filesystem::path directory; ///< absolute
  bool spa = false;
  std::string index;
  std::string cache; ///< value of Cache-Control; may be empty
  string_map media_types; ///< by ending, with the dot
  std::vector<std::string> middleware;
  string_map options;
};

http_service_entry read_http_service(const application& app, const entry& e);
router_entry read_router(const application& app, const entry& e);
endpoint_entry read_endpoint(const application& app, const entry& e);
static_entry read_static(const application& app, const entry& e);

} // namespace natterjack::runtime
