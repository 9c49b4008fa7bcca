// The middleware an entry lists, as objects of the relay.
#pragma once

#include "relay/http/authority.hpp"
#include "relay/http/router.hpp"
#include "runtime/config/options/options.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace natterjack::runtime {

/// What middleware needs besides its options.
struct middleware_needs {
  std::function<std::filesystem::path(const std::string& fs_id)> folder_of;
  std::string ns; ///< of the entry: what ids in options are relative to
  /// Tokens of a store, and what actors may do; without them `token_auth` knows nobody and the firewalls
  /// let nobody pass.
  std::function<relay::token_lookup(const std::string& store_id)> tokens_of = {};
  std::function<relay::permission()> permission = {};
};

/// The steps in order. The relays are no steps: see `read_relays`.
relay::middleware_chain make_chain(const std::vector<std::string>& names, const string_map& options,
                                   const middleware_needs& needs);

/// Switches the relays on that are listed, with the pages that may use them.
/// @param allow_origins  instead of what the options do not say
void read_relays(const std::vector<std::string>& names, const string_map& options,
                 const std::optional<std::string>& allow_origins, relay::route_options& to);

} // namespace natterjack::runtime
