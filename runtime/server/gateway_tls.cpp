#include "runtime/server/gateway_tls.hpp"

#include "relay/http/self_signed.hpp"
#include "runtime/config/checks/gateway_check.hpp"
#include "runtime/config/locate.hpp"
#include "runtime/config/options/field_reader.hpp"

#include <openssl/sha.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <unistd.h>

namespace natterjack::runtime {

namespace fs = std::filesystem;

namespace {

// Browsers take nothing that is valid for more than 398 days.
constexpr std::chrono::days valid_for{397};
constexpr std::chrono::days renewed_before{30};

relay::client_certificate auth_of(const std::string& word) {
  using auth = relay::client_certificate;
  static const std::map<std::string, auth> words{{"none", auth::none},
                                                 {"request", auth::request},
                                                 {"require", auth::require},
                                                 {"verify_if_given", auth::verify_if_given},
                                                 {"require_and_verify", auth::require_and_verify}};
  const auto found = words.find(word);
  return found == words.end() ? auth::none : found->second;
}

// What clients may call a gateway: this machine, and where it listens if that says more.
std::vector<std::string> names_of(const http_service_entry& gateway) {
  std::vector<std::string> names{"localhost", "127.0.0.1", "::1"};
  char host[256] = "";
  const auto& at = gateway.address.host;
  for (const std::string& name :
       {at, std::string(::gethostname(host, sizeof host - 1) == 0 ? host : "")})
    if (!name.empty() && name != "0.0.0.0" && name != "::" && name.size() <= 64 &&
        std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  return names;
}

// The id for people, and what tells two applications apart.
std::string file_name(const fs::path& application, const std::string& id) {
  std::string name = id;
  std::replace(name.begin(), name.end(), ':', '.');
  const auto whole = fs::weakly_canonical(application).string() + '\n' + id;
  unsigned char digest[SHA256_DIGEST_LENGTH];
  ::SHA256(reinterpret_cast<const unsigned char*>(whole.data()), whole.size(), digest);
  char mark[10];
  std::snprintf(mark, sizeof mark, "-%02x%02x%02x%02x", digest[0], digest[1], digest[2], digest[3]);
  return name + mark + ".pem";
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// For the owner alone from the first byte on, and never half there.
bool keep(const fs::path& file, const std::string& text) {
  std::error_code error;
  fs::create_directories(file.parent_path(), error);
  const auto scratch = file.string() + '.' + std::to_string(::getpid());
  const int to = ::open(scratch.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (to < 0)
    return false;
  const bool written = ::write(to, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(to);
  if (written)
    fs::rename(scratch, file, error);
  if (!written || error)
    ::unlink(scratch.c_str());
  return written && !error;
}

} // namespace

fs::path state_folder() {
  auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return fs::path(value == nullptr ? "" : value);
  };
  // Several folders are divided by colons.
  if (const auto given = variable("STATE_DIRECTORY").string(); !given.empty())
    return given.substr(0, given.find(':'));
  if (const auto base = variable("XDG_STATE_HOME"); base.is_absolute())
    return base / "natterjack";
  if (const auto home = variable("HOME"); home.is_absolute())
    return home / ".local/state/natterjack";
  return {};
}

relay::tls_options gateway_tls::options_of(const http_service_entry& gateway) {
  const auto& from = *gateway.tls;
  if (!from.makes_own)
    return {from.cert, from.key, from.client_ca, auth_of(from.client_auth)};
  const auto own = own_certificate(gateway);
  return {own, own, from.client_ca, auth_of(from.client_auth)};
}

std::string gateway_tls::own_certificate(const http_service_entry& gateway) {
  const auto names = names_of(gateway);
  const auto folder = state_folder();
  const auto file =
      folder.empty() ? fs::path() : folder / "tls" / file_name(application_, gateway.id);
  auto& known = made_[gateway.id];
  const auto pem = known.starts_with("-----BEGIN ") ? known : text_of(file);
  if (!known.empty() && relay::is_good_for(pem, names, renewed_before))
    return known; // it was told already
  std::string kept = pem;
  if (!relay::is_good_for(pem, names, renewed_before)) {
    kept = relay::make_self_signed(names, valid_for);
    known = !file.empty() && keep(file, kept) ? file.string() : kept;
  } else {
    known = file.string();
  }
  spdlog::warn(
      "{}: tls.mode auto: nobody has signed this certificate: clients do not trust it unless they "
      "are told to; SHA-256 {}; {}. For one they know: tls.mode manual, with cert and key",
      gateway.id, relay::certificate_digest(kept),
      known == kept ? "it cannot be kept, so the next start makes another one"
                    : "it is kept in " + known);
  return known;
}

void check_certificates(application& app) {
  for (const auto& e : app.entries) {
    const auto* tls = e.kind == "http.service" ? e.data.find("tls") : nullptr;
    if (tls == nullptr || !tls->is_map())
      continue;
    auto word = [tls](const char* name) {
      const auto* value = tls->find(name);
      return value != nullptr && value->as_text() != nullptr ? *value->as_text() : std::string();
    };
    // What is missing or cannot be read was told by `check_gateways`.
    const auto mode = word("mode");
    auto there = [&e](const char* field) {
      const auto text = pem_or_path(e, field);
      return text.empty() || text.find("-----BEGIN ") != std::string::npos || std::ifstream(text);
    };
    const bool own = mode == "auto";
    if ((mode != "manual" && !own) || !there("tls.cert") || !there("tls.key") ||
        !there("tls.client_ca"))
      continue;
    relay::tls_options options{pem_or_path(e, "tls.cert"), pem_or_path(e, "tls.key"),
                               pem_or_path(e, "tls.client_ca"), auth_of(word("client_auth"))};
    for (auto& found : relay::check_tls(options)) {
      const auto* member = tls->find_member(found.field);
      if (member == nullptr || member->value.is_broken() || (own && found.field != "client_ca"))
        continue;
      (found.is_mistake ? app.diagnostics : app.warnings)
          .push_back(mistake_at(e, member->value, member->line, std::move(found.message)));
    }
  }
  sort(app.diagnostics);
  sort(app.warnings);
}

} // namespace natterjack::runtime
