// What travels with a call or a spawn besides its arguments: values of `with_context`, who acts.
//
// Immutable and shared: a process hands it to everything it starts, whoever adds something makes a
// new one.
#pragma once

#include "hub/payload.hpp"

#include <map>
#include <memory>
#include <string>

namespace natterjack::runtime::lua {

struct call_context {
  std::map<std::string, hub::payload> values; ///< what `ctx.get` finds
  hub::payload actor; ///< JSON `{"id":…, "meta":{…}}` of who acts; nil: nobody in particular
  hub::payload scope; ///< JSON list of policy ids that bound it; nil: none
};

using context_ptr = std::shared_ptr<const call_context>; ///< null: nothing was said

} // namespace natterjack::runtime::lua
