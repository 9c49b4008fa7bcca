#include "runtime/config/network_address.hpp"

#include <charconv>
#include <utility>

namespace natterjack::runtime {

namespace {

bool is_ipv6(std::string_view text) {
  return text.find(':') != std::string_view::npos &&
         text.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos;
}

bool is_host_name(std::string_view text) {
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  if (text.size() > 253 || text.find_first_not_of(allowed) != std::string_view::npos)
    return false;
  if (text.find_first_not_of("0123456789.") != std::string_view::npos)
    return true;
  // Digits and dots alone are meant as an IPv4 address and must be one.
  size_t parts = 0;
  while (true) {
    const auto dot = text.find('.');
    const auto part = text.substr(0, dot);
    unsigned value = 0;
    auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (part.empty() || part.size() > 3 || error != std::errc{} || value > 255)
      return false;
    ++parts;
    if (dot == std::string_view::npos)
      return parts == 4;
    text.remove_prefix(dot + 1);
  }
}

} // namespace

std::optional<network_address> parse_address(std::string_view text, std::string* why) {
  auto refuse = [why](std::string reason) -> std::optional<network_address> {
    if (why)
      *why = std::move(reason);
    return {};
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos)
    return refuse("has no port");
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);
  network_address made;
  auto [end, error] =
      std::from_chars(port_text.data(), port_text.data() + port_text.size(), made.port);
  if (port_text.empty() || error != std::errc{} || end != port_text.data() + port_text.size())
    return refuse("has no port from 0 to 65535 behind the last colon");
  if (host.starts_with('[')) {
    if (host.find('%') != std::string_view::npos)
      return refuse("has an IPv6 address with a zone (%), which is not supported");
    if (!host.ends_with(']') || !is_ipv6(host.substr(1, host.size() - 2)))
      return refuse("has no IPv6 address in its brackets");
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return refuse("has an IPv6 address without brackets around it");
  } else if (!host.empty() && !is_host_name(host)) {
    return refuse("has \"" + std::string(host) + "\", which is no host name or IP address");
  }
  made.host = host;
  return made;
}

std::string to_string(const network_address& address) {
  const bool v6 = address.host.find(':') != std::string::npos;
  return (v6 ? '[' + address.host + ']' : address.host) + ':' + std::to_string(address.port);
}

} // namespace natterjack::runtime
