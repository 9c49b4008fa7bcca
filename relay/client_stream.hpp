// The way to another server: name, connection, TLS. For http/client.cpp and websocket/client.cpp
// only: it carries Beast and OpenSSL.
#pragma once

#include "relay/http/client.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl.hpp>

#include <memory>
#include <string>

namespace natterjack::relay {

namespace client_detail {

struct lookup {
  explicit lookup(const boost::beast::tcp_stream::executor_type& executor)
      : resolver(executor), timer(executor) {}
  boost::asio::ip::tcp::resolver resolver;
  boost::asio::steady_timer timer; // ends the wait, however the look-up ends
  boost::asio::ip::tcp::resolver::results_type found;
  boost::system::error_code problem = boost::beast::error::timeout;
};

/// Whoever waits does so until the deadline; a name server that says nothing holds up the resolver alone.
inline boost::asio::awaitable<boost::asio::ip::tcp::resolver::results_type>
resolve(const boost::beast::tcp_stream::executor_type& executor, const url_parts& where,
        std::chrono::steady_clock::time_point deadline) {
  using boost::asio::ip::tcp;
  boost::system::error_code is_name;
  const auto address = boost::asio::ip::make_address(where.host, is_name);
  if (!is_name) {
    const auto port = static_cast<uint16_t>(std::stoul(where.port)); // checked with the URL
    co_return tcp::resolver::results_type::create(tcp::endpoint(address, port), where.host,
                                                  where.port);
  }
  const auto asked = std::make_shared<lookup>(executor);
  asked->timer.expires_at(deadline);
  asked->resolver.async_resolve(where.host, where.port,
                                [asked](boost::system::error_code problem,
                                        tcp::resolver::results_type found) {
                                  asked->problem = problem;
                                  asked->found = std::move(found);
                                  asked->timer.cancel();
                                });
  boost::system::error_code ignored;
  co_await asked->timer.async_wait(
      boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  if (asked->problem)
    throw boost::system::system_error(asked->problem);
  co_return std::move(asked->found);
}

inline boost::asio::awaitable<boost::beast::tcp_stream>
connect(boost::beast::tcp_stream::executor_type executor, const url_parts& where,
        std::chrono::steady_clock::time_point deadline) {
  auto found = co_await resolve(executor, where, deadline);
  boost::beast::tcp_stream stream(executor);
  stream.expires_at(deadline);
  co_await stream.async_connect(found, boost::asio::use_awaitable);
  stream.socket().set_option(boost::asio::ip::tcp::no_delay(true));
  co_return stream;
}

} // namespace client_detail

using tls_client_stream = boost::beast::ssl_stream<boost::beast::tcp_stream>;

inline boost::asio::awaitable<boost::beast::tcp_stream>
connect_plain(boost::beast::tcp_stream::executor_type executor, const url_parts& where,
              std::chrono::steady_clock::time_point deadline) {
  co_return co_await client_detail::connect(executor, where, deadline);
}

/// @throws boost::system::system_error  certificates or a key that cannot be read
inline boost::asio::ssl::context make_client_context(const client_tls& tls) {
  namespace ssl = boost::asio::ssl;
  ssl::context context(ssl::context::tls_client);
  if (tls.ca.empty())
    context.set_default_verify_paths();
  else
    context.add_certificate_authority(boost::asio::buffer(tls.ca));
  if (!tls.cert.empty()) {
    context.use_certificate_chain(boost::asio::buffer(tls.cert));
    context.use_private_key(boost::asio::buffer(tls.key), ssl::context::pem);
  }
  context.set_verify_mode(tls.verify ? ssl::verify_peer : ssl::verify_none);
  return context;
}

inline boost::asio::awaitable<tls_client_stream>
connect_tls(boost::beast::tcp_stream::executor_type executor, boost::asio::ssl::context& context,
            const url_parts& where, const client_tls& tls,
            std::chrono::steady_clock::time_point deadline) {
  auto plain = co_await client_detail::connect(executor, where, deadline);
  tls_client_stream stream(std::move(plain), context);
  const auto& name = tls.server_name.empty() ? where.host : tls.server_name;
  SSL_set_tlsext_host_name(stream.native_handle(), name.c_str());
  if (tls.verify)
    stream.set_verify_callback(boost::asio::ssl::host_name_verification(name));
  co_await stream.async_handshake(boost::asio::ssl::stream_base::client,
                                  boost::asio::use_awaitable);
  co_return stream;
}

/// A sentence for an error text.
inline std::string explain_client_error(const std::exception_ptr& problem) {
  try {
    std::rethrow_exception(problem);
  } catch (const boost::system::system_error& e) {
    return e.code() == boost::beast::error::timeout ? "timeout" : e.code().message();
  } catch (const std::exception& e) {
    return e.what();
  }
}

} // namespace natterjack::relay
