// How a line of the log is written: as text for people, or as one JSON object for machines.
//
//   text   2026-01-31T12:00:00.000+00:00 info system:gateway listening on http://127.0.0.1:8082
//   json   {"time":"…","level":"info","message":"…","entry":"…","pid":"…","connection":"…","fields":{…}}
//
//   json   what a line is not about is left out; `fields` are those of the logger module; one line each,
//          newlines of tracebacks escaped
#pragma once

#include <spdlog/formatter.h>

#include <cstdint>
#include <memory>

namespace natterjack::runtime {

enum class log_format : uint8_t { text, json };

std::unique_ptr<spdlog::formatter> make_formatter(log_format format);

} // namespace natterjack::runtime
