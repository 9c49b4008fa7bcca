// One immutable value on its way between processes: bytes and what they mean.
//
// A table sent from Lua or a value from C++ is encoded to JSON text once, when it is sent. Whoever
// only forwards a payload never parses it.
#pragma once

#include "hub/shared_bytes.hpp"

#include <cstdint>
#include <string_view>

namespace natterjack::hub {

enum class payload_kind : uint8_t {
  nil,    ///< no value
  text,   ///< UTF-8 text
  binary, ///< any bytes
  json,   ///< one JSON document
};

class payload {
 public:
  payload() noexcept = default; ///< nil

  /// A text value. @param utf8 must be valid UTF-8; the edge and the Lua host have checked it.
  static payload text(std::string_view utf8) { return {payload_kind::text, shared_bytes(utf8)}; }
  static payload binary(std::string_view bytes) {
    return {payload_kind::binary, shared_bytes(bytes)};
  }
  /// A value that is already JSON text. @param document one valid document, UTF-8
  static payload json(std::string_view document) {
    return {payload_kind::json, shared_bytes(document)};
  }
  payload(payload_kind kind, shared_bytes bytes) noexcept : bytes_(std::move(bytes)), kind_(kind) {}

  payload_kind kind() const noexcept { return kind_; }
  std::string_view bytes() const noexcept { return bytes_.view(); }

 private:
  shared_bytes bytes_;
  payload_kind kind_ = payload_kind::nil;
};

/// True if `bytes` are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool is_utf8(std::string_view bytes) noexcept;

} // namespace natterjack::hub
