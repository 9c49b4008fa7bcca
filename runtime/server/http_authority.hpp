// Who asks by HTTP and what that one may: the tokens and policies of an application, for the middleware
// `token_auth`, `endpoint_firewall` and `resource_firewall`.
//
//   a token is what `security.token_store(id):create` gave, from the same store; its scope goes along
//   a policy is evaluated as `security.can` does: denied by one is denied, else one must allow it
#pragma once

#include "relay/http/authority.hpp"
#include "runtime/lua/shared/services.hpp"

#include <string>

namespace natterjack::runtime {

/// The tokens of a `security.token_store`. A lookup is a read of its store on the calling thread,
/// which waits for nobody who writes there.
relay::token_lookup tokens_of(lua::services& shared, const std::string& token_store_id);

/// What actors may do, by the policies of the application as they are now.
relay::permission permission_of(lua::services& shared);

} // namespace natterjack::runtime
