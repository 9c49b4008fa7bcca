// Policies and token stores of the application, for the module `security`.
#pragma once

#include "hub/payload.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace natterjack::runtime {
class expression;
}

namespace natterjack::runtime::lua {

struct token_store_settings {
  std::string store; ///< id of a key-value store
  size_t token_length = 32;
  double expiration_s = 86'400;
  std::string token_key; ///< of an HMAC-SHA256; empty: none
};

struct security_shelf {
  std::map<std::string, hub::payload> policies; ///< id -> JSON
  std::map<std::string, std::shared_ptr<const expression>> expressions; ///< of some of them
  std::map<std::string, std::vector<std::string>> groups; ///< named scope -> policy ids
  std::map<std::string, token_store_settings> token_stores;
};

} // namespace natterjack::runtime::lua
