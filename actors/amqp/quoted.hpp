// What strangers say, for a line of the log.
#pragma once

#include "actors/amqp/json_value.hpp"

namespace natterjack::amqp {

/// The text in quotes, without line ends and other control characters: nobody writes a line of
/// his own.
inline std::string quoted(std::string_view utf8) {
  std::string text;
  append_python_repr(text, utf8);
  return text;
}

} // namespace natterjack::amqp
