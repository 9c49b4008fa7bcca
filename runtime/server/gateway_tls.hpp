// Certificates of the gateways of an application: those it names, and those made for `tls.mode:
// auto`.
//
//   manual   what the entry says
//   auto     self-signed, made when first needed and kept in the state folder, so that who trusts
//   it
//            trusts it after a restart as well; made anew a month before it expires, or when the
//            entry listens under another name
#pragma once

#include "relay/http/tls_context.hpp"
#include "runtime/config/application.hpp"
#include "runtime/config/options/options.hpp"

#include <filesystem>
#include <map>
#include <string>

namespace natterjack::runtime {

/// Where a program keeps what it makes for itself: $STATE_DIRECTORY (as systemd sets it), else
/// natterjack in $XDG_STATE_HOME, else ~/.local/state/natterjack; empty: there is no such place.
std::filesystem::path state_folder();

class gateway_tls {
 public:
  /// @param application  folder of the application: two of them may have gateways of the same id
  explicit gateway_tls(std::filesystem::path application) : application_(std::move(application)) {}

  /// @pre `gateway.tls` is set
  /// @throws std::runtime_error  no certificate can be made
  relay::tls_options options_of(const http_service_entry& gateway);

 private:
  std::string own_certificate(const http_service_entry& gateway);

  std::filesystem::path application_;
  std::map<std::string, std::string> made_; // id -> PEM text, or path of its file
};

/// Adds what is wrong with the certificates of gateways, with their lines.
void check_certificates(application& app);

} // namespace natterjack::runtime
