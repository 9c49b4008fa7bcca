#include "runtime/config/checks/gateway_check.hpp"

#include "runtime/config/locate.hpp"

#include <fstream>

namespace natterjack::runtime {

namespace {

void check_tls(application& app, const entry& e, const config_value& tls) {
  const auto* mode = tls.find("mode");
  const bool manual = mode && mode->as_text() && *mode->as_text() == "manual";
  const auto* auth = tls.find("client_auth");
  const bool verifies = auth && auth->as_text() && auth->as_text()->find("verify") != std::string::npos;
  for (const char* name : {"cert", "key", "client_ca"}) {
    const auto* member = tls.find_member(name);
    const auto field = std::string("tls.") + name;
    const bool needed = manual && (std::string_view(name) != "client_ca" || verifies);
    if (!member) {
      if (needed)
        app.diagnostics.push_back(mistake_at(
            e, tls, 0, field + " is missing",
            "PEM text, or the name of a file relative to the folder of this one"));
      continue;
    }
    if (member->value.is_broken())
      continue;
    if (!manual) {
      app.warnings.push_back(mistake_at(e, member->value, member->line,
                                        field + " has no effect: tls.mode is not manual"));
      continue;
    }
    const auto text = pem_or_path(e, field);
    if (text.find("-----BEGIN ") == std::string::npos && !std::ifstream(text))
      app.diagnostics.push_back(mistake_at(e, member->value, member->line,
                                           field + ": " + text + " cannot be read",
                                           "PEM text, or the name of a file"));
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
  for (const auto& e : app.entries)
    if (e.kind == "http.service")
      if (const auto* tls = e.data.find("tls"); tls && tls->is_map())
        check_tls(app, e, *tls);
}

} // namespace natterjack::runtime
