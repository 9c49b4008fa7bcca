#include "actors/amqp/broker_options.hpp"

#include <charconv>
#include <stdexcept>

namespace natterjack::amqp {

namespace {

[[noreturn]] void fail(const std::string& why) {
  throw std::invalid_argument("AMQP URL: " + why +
                              "; expected amqp://user:password@host:port/vhost");
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

std::string decode(std::string_view text, const char* part) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      result += text[i];
      continue;
    }
    const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0)
      fail("broken % escape in the " + std::string(part));
    result += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return result;
}

template <class Number>
Number read_number(std::string_view text, const char* part, Number min, Number max) {
  Number value{};
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || value < min || value > max)
    fail(std::string(part) + " must be a number from " + std::to_string(min) + " to " +
         std::to_string(max) + ", found \"" + std::string(text) + "\"");
  return value;
}

void read_parameter(std::string_view name, const std::string& value, broker_options& options) {
  if (name == "heartbeat") {
    options.heartbeat = std::chrono::seconds(read_number<int>(value, "heartbeat", 0, 65535));
  } else if (name == "connection_timeout") {
    options.connect_timeout =
        std::chrono::seconds(read_number<int>(value, "connection_timeout", 1, 3600));
  } else if (name == "cacertfile") {
    options.tls.ca_file = value;
  } else if (name == "certfile") {
    options.tls.cert_file = value;
  } else if (name == "keyfile") {
    options.tls.key_file = value;
  } else if (name == "verify") {
    if (value != "verify_peer" && value != "verify_none")
      fail("verify must be verify_peer or verify_none, found \"" + value + "\"");
    options.tls.verify_peer = options.tls.verify_host = value == "verify_peer";
  } else if (name == "name") {
    options.connection_name = value;
  } else {
    fail(
        "unknown parameter \"" + std::string(name) +
        "\"; known are heartbeat, connection_timeout, cacertfile, certfile, keyfile, verify, name");
  }
}

} // namespace

void read_amqp_url(std::string_view url, broker_options& options) {
  auto result = options;
  if (url.starts_with("amqps://")) {
    result.tls.enabled = true;
    result.port = 5671;
    url.remove_prefix(8);
  } else if (url.starts_with("amqp://")) {
    url.remove_prefix(7);
  } else {
    fail("it begins with neither amqp:// nor amqps://");
  }
  const auto mark = url.find('?');
  auto query = mark == std::string_view::npos ? std::string_view{} : url.substr(mark + 1);
  url = url.substr(0, mark);
  const auto slash = url.find('/');
  auto authority = url.substr(0, slash);
  if (slash != std::string_view::npos && slash + 1 < url.size()) {
    const auto vhost = url.substr(slash + 1);
    if (vhost.find('/') != std::string_view::npos)
      fail("a / within the vhost is written %2F");
    result.vhost = decode(vhost, "vhost");
  }
  if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
    const auto login = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    const auto colon = login.find(':');
    result.user = decode(login.substr(0, colon), "user");
    if (colon != std::string_view::npos)
      result.password = decode(login.substr(colon + 1), "password");
  }
  std::string_view port;
  if (authority.starts_with('[')) { // IPv6
    const auto end = authority.find(']');
    if (end == std::string_view::npos)
      fail("an IPv6 address ends with ]");
    result.host = std::string(authority.substr(1, end - 1));
    port = authority.substr(end + 1);
  } else {
    const auto colon = authority.find(':');
    if (colon != 0 && !authority.empty())
      result.host = decode(authority.substr(0, colon), "host");
    if (colon != std::string_view::npos)
      port = authority.substr(colon);
  }
  if (!port.empty()) {
    if (port.front() != ':')
      fail("something other than a port stands behind the address");
    result.port = read_number<uint16_t>(port.substr(1), "port", 1, 65535);
  }
  while (!query.empty()) {
    const auto one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), one.size() + 1));
    const auto equals = one.find('=');
    if (equals == std::string_view::npos)
      fail("a parameter is written name=value");
    read_parameter(one.substr(0, equals), decode(one.substr(equals + 1), "parameter"), result);
  }
  options = std::move(result);
}

std::string to_string(const broker_options& options) {
  std::string result;
  if (options.user != "guest")
    result += options.user + "@";
  result += options.host.find(':') == std::string::npos ? options.host : "[" + options.host + "]";
  result += ":" + std::to_string(options.port);
  if (options.vhost != "/")
    result += " vhost \"" + options.vhost + "\"";
  if (options.tls.enabled)
    result += " (TLS)";
  return result;
}

} // namespace natterjack::amqp
