#include "runtime/lua/http/request_body.hpp"

#include "relay/http/body_stream.hpp"

namespace natterjack::runtime::lua {

void request_body::collect(const relay::http_request& request) {
  if (!request.incoming || ended_)
    return;
  auto piece = request.incoming->take();
  if (bytes_.empty())
    bytes_ = std::move(piece.bytes);
  else
    bytes_ += piece.bytes;
  ended_ = piece.last;
  failed_ = piece.failed;
  failure_ = piece.status;
}

} // namespace natterjack::runtime::lua
