#include "relay/http/tls_context.hpp"
#include "relay/http/tls_pump.hpp"
#include "relay/http/wire.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace natterjack::relay {

namespace {

constexpr size_t record_bytes = 16 << 10; // RFC 8446 5.1

class tls_wire final : public http_wire {
 public:
  tls_wire(stream_socket&& socket, const tls_context& context)
      : http_wire(std::move(socket)), session_(::SSL_new(context.native())) {
    if (!session_ || ::SSL_set_fd(session_.get(), socket_.descriptor()) != 1)
      throw std::runtime_error("no memory for a TLS session");
    ::SSL_set_accept_state(session_.get());
  }

  state handshake() override {
    ::ERR_clear_error();
    const auto n = ::SSL_do_handshake(session_.get());
    if (n != 1 && ERR_GET_REASON(::ERR_peek_error()) == SSL_R_HTTP_REQUEST)
      answer_plainly();
    return n == 1 ? state::ok : why(n);
  }

  result read(char* to, size_t size) override {
    ::ERR_clear_error();
    size_t got = 0;
    const auto n = ::SSL_read_ex(session_.get(), to, size, &got);
    return n == 1 ? result{state::ok, got} : result{why(n), 0};
  }

  // One record for what is written together: a record of its own costs ten times as much.
  result write(std::span<const std::string_view> parts) override {
    if (parts.size() == 1 || parts.front().size() >= record_bytes)
      return write_record(parts.front().substr(0, record_bytes));
    thread_local char record[record_bytes];
    size_t used = 0;
    for (auto part : parts) {
      const auto n = std::min(part.size(), record_bytes - used);
      std::memcpy(record + used, part.data(), n);
      used += n;
      if (used == record_bytes)
        break;
    }
    return write_record({record, used});
  }

  result send_file(int descriptor, size_t offset, size_t size) override {
    thread_local char record[record_bytes];
    const auto n = ::pread(descriptor, record, std::min(size, record_bytes),
                           static_cast<off_t>(offset));
    if (n <= 0)
      return {state::failed, 0}; // the file became shorter
    return write_record({record, static_cast<size_t>(n)});
  }

  size_t sealed() const noexcept override { return sealed_; }

  state peek() override {
    ::ERR_clear_error();
    char octet;
    size_t got = 0;
    const auto n = ::SSL_peek_ex(session_.get(), &octet, 1, &got);
    return n == 1 ? state::ok : why(n);
  }

  void shut_down() override {
    ::ERR_clear_error();
    if (::SSL_is_init_finished(session_.get()) != 0)
      ::SSL_shutdown(session_.get());
    ::ERR_clear_error();
    ::shutdown(socket_.descriptor(), SHUT_WR);
  }

  bool is_secure() const noexcept override { return true; }

  stream_socket release(io_thread& thread, std::shared_ptr<void> place) override {
    return start_tls_pump(thread, std::move(socket_), std::move(session_), std::move(place));
  }

 private:
  // A client that forgot the s of https would only see a reset. What it has sent is read first: closing
  // with unread bytes would take the answer along.
  void answer_plainly() {
    constexpr std::string_view answer = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"
                                        "Content-Length: 38\r\nConnection: close\r\n\r\n"
                                        "this port speaks HTTPS: use https://\r\n";
    char request[record_bytes];
    (void)::recv(socket_.descriptor(), request, sizeof request, MSG_DONTWAIT);
    (void)::send(socket_.descriptor(), answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  result write_record(std::string_view bytes) {
    ::ERR_clear_error();
    size_t taken = 0;
    const auto n = ::SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &taken);
    sealed_ = n == 1 ? 0 : std::max(sealed_, bytes.size()); // offered again, it may have become more
    return n == 1 ? result{state::ok, taken} : result{why(n), 0};
  }

  state why(int n) { return tls_state(session_.get(), n); }

  ssl_ptr session_;
  size_t sealed_ = 0; // the record that OpenSSL has made of what the socket had no room for
};

} // namespace

void ssl_deleter::operator()(ssl_st* session) const noexcept { ::SSL_free(session); }

http_wire::state tls_state(ssl_st* session, int returned) {
  switch (::SSL_get_error(session, returned)) {
    case SSL_ERROR_WANT_READ:
      return http_wire::state::want_read;
    case SSL_ERROR_WANT_WRITE:
      return http_wire::state::want_write;
    case SSL_ERROR_ZERO_RETURN:
      return http_wire::state::closed;
    default:
      return http_wire::state::failed;
  }
}

std::unique_ptr<http_wire> make_tls_wire(stream_socket socket, const tls_context& context) {
  return std::make_unique<tls_wire>(std::move(socket), context);
}

} // namespace natterjack::relay
