// The io threads, for modules that speak to other servers. Null threads: there are none.
#pragma once

#include "relay/http/client.hpp"

namespace natterjack::runtime::lua {

struct outgoing {
  relay::io_pool* threads = nullptr;
};

} // namespace natterjack::runtime::lua
