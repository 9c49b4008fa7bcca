// What lets a protocol that owns a plain socket run on TLS: a local socket pair, and a pump between its far
// end and the TLS session, on the same io thread.
//
//   bound   16 KiB each way besides the kernel's; who does not read is not read for
//   ends    an end of one side's writing is passed on behind what it wrote; a loss ends both
#pragma once

#include "relay/http/wire.hpp"

struct ssl_st;

namespace natterjack::relay {

struct ssl_deleter {
  void operator()(ssl_st* session) const noexcept;
};
using ssl_ptr = std::unique_ptr<ssl_st, ssl_deleter>;

/// What a call of OpenSSL that returned `returned` is waiting for.
http_wire::state tls_state(ssl_st* session, int returned);

/// @returns the near end, non-blocking, as a socket
/// @throws boost::system::system_error  no descriptor is left; `socket` and `session` are as they were
stream_socket start_tls_pump(io_thread& thread, stream_socket&& socket, ssl_ptr&& session,
                             std::shared_ptr<void> place);

} // namespace natterjack::relay
