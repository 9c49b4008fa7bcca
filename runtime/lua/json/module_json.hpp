// The Lua module `json`.
//
//   json.encode(value)   text              nil, err (INTERNAL): a value without JSON form
//   json.decode(text)    value             nil, err (INVALID): no text; (INTERNAL): not JSON
//
// The rules are those of json_codec. `open_json` stands in host_api.
#pragma once

#include "runtime/lua/host_api.hpp"
