#include "actors/amqp/session.hpp"

#include "actors/amqp/field_table.hpp"

#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>

#include <cerrno>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace natterjack::amqp {

namespace {

timeval to_timeval(std::chrono::milliseconds time) noexcept {
  return {static_cast<time_t>(time.count() / 1000),
          static_cast<suseconds_t>(time.count() % 1000 * 1000)};
}

// The library only says "a socket error occurred"; the system knows more.
std::string reason_not_connected(const std::string& host, uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failed != 0)
    return std::string(::gai_strerror(failed));
  std::string result = "no answer";
  for (const auto* a = found; a != nullptr; a = a->ai_next) {
    const int fd = ::socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error = fd < 0 ? errno : 0;
    if (fd >= 0 && ::connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
      error = errno;
      pollfd p{fd, POLLOUT, 0};
      socklen_t size = sizeof error;
      if (error == EINPROGRESS && ::poll(&p, 1, 500) > 0)
        ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    }
    if (fd >= 0)
      ::close(fd);
    if (error != 0 && error != EINPROGRESS)
      result = std::generic_category().message(error);
  }
  ::freeaddrinfo(found);
  return result;
}

// Large enough that a frame of 32 KiB fits whenever poll says "writable" (a third is free).
constexpr int send_buffer_bytes = 256 << 10;

} // namespace

session::session(const broker_options& options)
    : state_(amqp_new_connection()), is_tls_(options.tls.enabled) {
  if (state_ == nullptr)
    throw std::bad_alloc();
  try {
    connect(options);
    log_in(options);
  } catch (...) {
    amqp_destroy_connection(state_);
    throw;
  }
}

session::~session() {
  amqp_destroy_connection(state_);
}

void session::connect(const broker_options& options) {
  amqp_socket_t* socket = nullptr;
  if (options.tls.enabled) {
    const auto& tls = options.tls;
    socket = amqp_ssl_socket_new(state_);
    if (socket == nullptr)
      throw broker_error(0, false, "cannot start TLS");
    amqp_ssl_socket_set_verify_peer(socket, tls.verify_peer ? 1 : 0);
    amqp_ssl_socket_set_verify_hostname(socket, tls.verify_host ? 1 : 0);
    const auto ca =
        tls.ca_file.empty() ? std::string("/etc/ssl/certs/ca-certificates.crt") : tls.ca_file;
    if (tls.verify_peer && amqp_ssl_socket_set_cacert(socket, ca.c_str()) != AMQP_STATUS_OK)
      throw broker_error(0, false, "cannot read the CA file " + ca);
    if (!tls.cert_file.empty() && amqp_ssl_socket_set_key(socket, tls.cert_file.c_str(),
                                                          tls.key_file.c_str()) != AMQP_STATUS_OK)
      throw broker_error(0, false,
                         "cannot read the certificate " + tls.cert_file + " with the key " +
                             tls.key_file);
  } else {
    socket = amqp_tcp_socket_new(state_);
    if (socket == nullptr)
      throw std::bad_alloc();
  }
  auto timeout = to_timeval(options.connect_timeout);
  const int opened = amqp_socket_open_noblock(socket, options.host.c_str(), options.port, &timeout);
  if (opened == AMQP_STATUS_SOCKET_ERROR || opened == AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED ||
      opened == AMQP_STATUS_TIMEOUT)
    throw broker_error(0, false,
                       "cannot connect: " + reason_not_connected(options.host, options.port));
  check_status(opened, "connect");
  const int on = 1;
  ::setsockopt(descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(descriptor(), SOL_SOCKET, SO_SNDBUF, &send_buffer_bytes, sizeof send_buffer_bytes);
  amqp_set_handshake_timeout(state_, &timeout);
  auto rpc = to_timeval(options.rpc_timeout);
  amqp_set_rpc_timeout(state_, &rpc);
}

void session::log_in(const broker_options& options) {
  memory_pool pool;
  const auto properties = json_value::make_object(
      {{"product", json_value("Natterjack")},
       {"connection_name", json_value(options.connection_name)},
       {"capabilities", json_value::make_object({{"authentication_failure_close", json_value(true)},
                                                 {"basic.nack", json_value(true)},
                                                 {"connection.blocked", json_value(true)},
                                                 {"consumer_cancel_notify", json_value(true)},
                                                 {"exchange_exchange_bindings", json_value(true)},
                                                 {"publisher_confirms", json_value(true)}})}});
  const auto table = to_table(properties, pool);
  constexpr int frame_max = 131072;
  const auto reply = amqp_login_with_properties(
      state_, options.vhost.c_str(), channel_max_wanted, frame_max,
      static_cast<int>(options.heartbeat.count()), &table, AMQP_SASL_METHOD_PLAIN,
      options.user.c_str(), options.password.c_str());
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION &&
      (reply.library_error == AMQP_STATUS_SOCKET_ERROR ||
       reply.library_error == AMQP_STATUS_CONNECTION_CLOSED))
    throw broker_error(0, false,
                       "the broker hung up during login: " +
                           std::string(amqp_error_string2(reply.library_error)));
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
      reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
    const auto& why = *static_cast<amqp_connection_close_t*>(reply.reply.decoded);
    throw broker_error(why.reply_code, false,
                       "login: " + std::to_string(why.reply_code) + " " +
                           std::string(view(why.reply_text)));
  }
  if (reply.reply_type != AMQP_RESPONSE_NORMAL)
    check_status(reply.library_error, "log in");
}

// -- requests -----------------------------------------------------------------

void session::check_status(int status, const char* doing) const {
  if (status != AMQP_STATUS_OK)
    throw broker_error(0, false,
                       "cannot " + std::string(doing) + ": " + amqp_error_string2(status));
}

void session::check(const char* doing) {
  const auto reply = amqp_get_rpc_reply(state_);
  if (reply.reply_type == AMQP_RESPONSE_NORMAL)
    return;
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
    check_status(reply.library_error, doing);
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
      reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD)
    throw on_connection_close(*static_cast<amqp_connection_close_t*>(reply.reply.decoded));
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION &&
      reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const auto& why = *static_cast<amqp_channel_close_t*>(reply.reply.decoded);
    throw broker_error(why.reply_code, true,
                       std::to_string(why.reply_code) + " " + std::string(view(why.reply_text)));
  }
  throw broker_error(0, false, std::string("cannot ") + doing + ": the broker gave no answer");
}

void session::open_channel(uint16_t channel) {
  amqp_channel_open(state_, channel);
  check("open a channel");
}

void session::close_channel(uint16_t channel) noexcept {
  amqp_channel_close(state_, channel, AMQP_REPLY_SUCCESS);
}

void session::select_confirms(uint16_t channel) {
  amqp_confirm_select(state_, channel);
  check("ask for confirms");
}

void session::declare(uint16_t channel, const exchange_options& e) {
  amqp_exchange_declare(state_, channel, bytes_of(e.name), bytes_of(e.type), e.passive, e.durable,
                        e.auto_delete, e.internal, amqp_empty_table);
  check("declare the exchange");
}

std::string session::declare(uint16_t channel, const queue_options& q) {
  memory_pool pool;
  const auto arguments = to_table(q.arguments, pool);
  const auto* made = amqp_queue_declare(state_, channel, bytes_of(q.name), q.passive, q.durable,
                                        q.exclusive, q.auto_delete, arguments);
  check("declare the queue");
  return std::string(view(made->queue));
}

void session::delete_queue(uint16_t channel, const std::string& queue) {
  amqp_queue_delete(state_, channel, bytes_of(queue), 0, 0);
  check("delete the queue");
}

void session::bind(uint16_t channel, const std::string& queue, const std::string& exchange,
                   const std::string& routing_key) {
  amqp_queue_bind(state_, channel, bytes_of(queue), bytes_of(exchange), bytes_of(routing_key),
                  amqp_empty_table);
  check("bind the queue");
}

void session::consume(uint16_t channel, const std::string& queue, uint16_t prefetch,
                      bool exclusive) {
  amqp_basic_qos(state_, channel, 0, prefetch, 0);
  check("set the prefetch");
  amqp_basic_consume(state_, channel, bytes_of(queue), amqp_empty_bytes, 0, 0, exclusive ? 1 : 0,
                     amqp_empty_table);
  check("consume");
}

// -- frames -------------------------------------------------------------------

bool session::next_frame(amqp_frame_t& frame) {
  timeval now{0, 0};
  const auto status = amqp_simple_wait_frame_noblock(state_, &frame, &now);
  if (status == AMQP_STATUS_TIMEOUT)
    return false;
  if (status == AMQP_STATUS_HEARTBEAT_TIMEOUT)
    throw broker_error(0, false, "no heartbeat from the broker");
  check_status(status, "read");
  return true;
}

bool session::is_writable() const noexcept {
  pollfd p{descriptor(), POLLOUT, 0};
  return ::poll(&p, 1, 0) > 0 && (p.revents & POLLOUT) != 0;
}

void session::acknowledge(uint16_t channel, uint64_t tag, bool multiple) {
  check_status(amqp_basic_ack(state_, channel, tag, multiple ? 1 : 0), "acknowledge");
}

void session::reject(uint16_t channel, uint64_t tag, bool requeue) {
  check_status(amqp_basic_reject(state_, channel, tag, requeue ? 1 : 0), "reject");
}

void session::confirm_channel_closed(uint16_t channel) {
  amqp_channel_close_ok_t ok{};
  check_status(amqp_send_method(state_, channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok),
               "close a channel");
}

broker_error session::on_connection_close(const amqp_connection_close_t& method) {
  broker_error error(method.reply_code, false,
                     std::to_string(method.reply_code) + " " +
                         std::string(view(method.reply_text)));
  amqp_connection_close_ok_t ok{};
  amqp_send_method(state_, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
  return error;
}

void session::close() noexcept {
  timeval second{1, 0};
  amqp_set_rpc_timeout(state_, &second);
  amqp_connection_close(state_, AMQP_REPLY_SUCCESS);
}

} // namespace natterjack::amqp
