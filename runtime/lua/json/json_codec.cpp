// The forms of the codec that host_api promises: text in a std::string, errors as sentences.
#include "runtime/lua/json/json_codec.hpp"

#include "runtime/lua/host_api.hpp"

namespace natterjack::runtime::lua {

const char* append_json(lua_State* L, int index, std::string& out) noexcept {
  thread_local encode_error error; // keeps the sentence for the caller
  byte_buffer& buffer = encode_buffer();
  if (!encode_value(L, index, buffer, error))
    return error.text;
  try {
    out.append(buffer.view());
  } catch (const std::exception&) {
    return "no memory for the JSON text";
  }
  return nullptr;
}

json_error push_json(lua_State* L, std::string_view text) {
  thread_local decode_error error;
  if (decode_value(L, text, error))
    return {};
  return {error.text, error.offset - 1};
}

} // namespace natterjack::runtime::lua
