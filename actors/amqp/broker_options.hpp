// Where the broker is, who we are there, and how patient we are.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace natterjack::amqp {

using namespace std::chrono_literals;

struct tls_options {
  bool enabled = false;
  std::string ca_file;   ///< PEM; empty: the system's
  std::string cert_file; ///< PEM, our own; with `key_file`
  std::string key_file;
  bool verify_peer = true; ///< the broker's certificate must be signed by a known authority
  bool verify_host = true; ///< and be for `host`
};

struct broker_options {
  std::string host = "localhost";
  uint16_t port = 5672;
  std::string user = "guest";
  std::string password = "guest";
  std::string vhost = "/";
  tls_options tls;

  /// Shown in the broker's list of connections.
  std::string connection_name = "natterjack";

  std::chrono::seconds heartbeat{10}; ///< the broker may ask for less; twice without a sign: lost
  std::chrono::milliseconds connect_timeout{5'000}; ///< TCP, TLS and login, each
  std::chrono::milliseconds rpc_timeout{10'000};    ///< one declaration
  std::chrono::milliseconds backoff_min{250}; ///< before the second attempt; doubles, with jitter
  std::chrono::milliseconds backoff_max{5'000};

  size_t waiting_messages_max = 10'000; ///< publications not sent yet
  size_t waiting_bytes_max = 64 << 20;
  size_t unconfirmed_max = 1'000;   ///< sent, without the broker's word
  size_t body_bytes_max = 32 << 20; ///< of one delivery; larger ones come without their body
};

/// Reads amqp://user:password@host:port/vhost?heartbeat=10 (or amqps) into `options`; parts that
/// are not there stay as they are. Query parameters: heartbeat, connection_timeout (seconds),
/// cacertfile, certfile, keyfile, verify (verify_peer, verify_none), name.
/// @throws std::invalid_argument  saying what is wrong; the password is not in the text
void read_amqp_url(std::string_view url, broker_options& options);

/// "localhost:5672", with user and vhost where they are not the usual ones; never the password.
std::string to_string(const broker_options& options);

} // namespace natterjack::amqp
