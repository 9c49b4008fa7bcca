// A certificate that a gateway makes for itself: for machines that nobody signs certificates for.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace natterjack::relay {

/// A new key (P-256) and a certificate that it has signed itself.
/// @param names  DNS names and addresses it stands for; the first one is its common name
/// @returns both as PEM, key first: good for `tls_options::certificate` and `key` alike
/// @throws std::runtime_error  OpenSSL would not
std::string make_self_signed(const std::vector<std::string>& names, std::chrono::days valid_for);

/// Whether the first certificate of a PEM text is good for so long from now on, and for all these
/// names.
bool is_good_for(const std::string& pem, const std::vector<std::string>& names,
                 std::chrono::days from_now);

/// SHA-256 of the first certificate of a PEM text, as browsers show it: `AB:CD:...`; empty: there
/// is none.
std::string certificate_digest(const std::string& pem);

} // namespace natterjack::relay
