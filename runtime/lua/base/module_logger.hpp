// The Lua module `logger`: one line for each call, with fields as key=value.
//
//   Lua                                              result
//   logger:debug|info|warn|error(message, fields?)   -
//   logger:with(fields)                              a logger that adds these fields to each line
//   logger:named(name)                               a logger that begins each line with "name: "
//                                                    nil, err (INVALID): no name
//
//   bounds  16 KiB a line, 64 fields by name; then it is cut: a field that is too long ends with "..."
//   never   lets a message begin a line of its own: control bytes are escaped
//
// The host puts PID, entry and line in front. `open_logger` stands in host_api.
#pragma once

#include "runtime/lua/host_api.hpp"
