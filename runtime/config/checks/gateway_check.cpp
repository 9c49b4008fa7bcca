#include "runtime/config/checks/gateway_check.hpp"

#include "runtime/config/locate.hpp"
#include "runtime/config/network_address.hpp"

#include <fstream>
#include <vector>

namespace natterjack::runtime {

namespace {

void check_tls(application& app, const entry& e, const config_value& tls) {
  const auto* mode = tls.find("mode");
  const auto* word = mode ? mode->as_text() : nullptr;
  const bool manual = word && *word == "manual";
  const bool own = word && *word == "auto";
  const auto* auth = tls.find("client_auth");
  const bool verifies =
      auth && auth->as_text() && auth->as_text()->find("verify") != std::string::npos;
  for (const char* name : {"cert", "key", "client_ca"}) {
    const auto* member = tls.find_member(name);
    const auto field = std::string("tls.") + name;
    const bool of_clients = std::string_view(name) == "client_ca";
    const bool needed = of_clients ? (manual || own) && verifies : manual;
    if (!member) {
      if (needed)
        app.diagnostics.push_back(
            mistake_at(e, tls, 0, field + " is missing",
                       "PEM text, or the name of a file relative to the folder of this one"));
      continue;
    }
    if (member->value.is_broken())
      continue;
    if (!manual && !(own && of_clients)) {
      app.warnings.push_back(mistake_at(e, member->value, member->line,
                                        field + " has no effect: tls.mode is not manual"));
      continue;
    }
    const auto text = pem_or_path(e, field);
    const bool is_pem = text.find("-----BEGIN ") != std::string::npos;
    constexpr std::string_view scheme = "file://";
    if (const auto& written = member->value.written(); !is_pem && written.starts_with(scheme))
      app.diagnostics.push_back(
          mistake_at(e, member->value, member->line,
                     field + ": " + written.substr(scheme.size()) + " holds no PEM " +
                         (std::string_view(name) == "key" ? "key" : "certificate")));
    else if (!is_pem && !std::ifstream(text))
      app.diagnostics.push_back(mistake_at(e, member->value, member->line,
                                           field + ": " + text + " cannot be read",
                                           "PEM text, or the name of a file"));
  }
}

struct listener {
  const entry* gateway;
  network_address at;
};

bool is_all(const std::string& host) {
  return host.empty() || host == "0.0.0.0";
}

// Names other than this one are looked up when the gateway starts, not before.
bool is_ipv4(const std::string& host) {
  return host == "localhost" || host.find_first_not_of("0123456789.") == std::string::npos;
}

// Whether the second of them could not bind.
bool collide(const network_address& a, const network_address& b) {
  if (a.port != b.port || a.port == 0)
    return false;
  auto plain = [](const std::string& host) {
    return host == "localhost" ? "127.0.0.1" : host;
  };
  return plain(a.host) == plain(b.host) || (is_all(a.host) && is_ipv4(b.host)) ||
         (is_all(b.host) && is_ipv4(a.host));
}

// Only of gateways that start with the application: others may take turns.
void check_addresses(application& app) {
  std::vector<listener> started;
  for (const auto& e : app.entries) {
    const auto* addr = e.kind == "http.service" ? e.data.find("addr") : nullptr;
    const auto* starts = e.data.find_path("lifecycle.auto_start");
    if (addr == nullptr || addr->as_text() == nullptr || starts == nullptr ||
        !starts->as_bool().value_or(false))
      continue;
    const auto at = parse_address(*addr->as_text());
    if (!at)
      continue;
    for (const auto& other : started) {
      if (!collide(other.at, *at))
        continue;
      // The implicit one stands in no file.
      const auto& [told, first] =
          e.implicit ? std::pair(other.gateway, &e) : std::pair(&e, other.gateway);
      const auto* member = told->data.find_member("addr");
      app.diagnostics.push_back(mistake_at(
          *told, member->value, member->line,
          "addr: " + *member->value.as_text() + " is the address of " + first->id + " as well (" +
              first->file + (first->implicit ? "" : ':' + std::to_string(first->line)) + ')',
          "an address of its own for each gateway that starts"));
      break;
    }
    started.push_back({&e, *at});
  }
}

} // namespace

std::string pem_or_path(const entry& e, const std::string& path) {
  const auto* value = e.data.find_path(path);
  const auto* text = value ? value->as_text() : nullptr;
  if (!text || text->empty() || text->find("-----BEGIN ") != std::string::npos)
    return text ? *text : "";
  return (e.folder / *text).lexically_normal().string();
}

void check_gateways(application& app) {
  check_addresses(app);
  for (const auto& e : app.entries)
    if (e.kind == "http.service")
      if (const auto* tls = e.data.find("tls"); tls && tls->is_map())
        check_tls(app, e, *tls);
}

} // namespace natterjack::runtime
