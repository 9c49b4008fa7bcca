// A step around the handlers of a router: looks at requests before them and at answers behind them.
//
//   before   in the order of the list; may change the request, or answer instead of all further in
//   after    in the opposite order, of each whose `before` let the request pass; once a request, also for
//            errors and upgrades (status 101)
//
// One object serves all requests of its router, on all io threads: thread-safe, never blocks.
#pragma once

#include "relay/http/exchange.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace natterjack::relay {

class middleware {
 public:
  virtual ~middleware() = default;
  virtual std::optional<http_response> before(http_request& request);
  virtual void after(const http_request& request, http_response& response);
};

using middleware_chain = std::vector<std::shared_ptr<middleware>>;

} // namespace natterjack::relay
