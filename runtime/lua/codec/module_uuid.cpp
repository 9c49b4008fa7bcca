// The Lua module `uuid` (RFC 9562).
//
//   uuid.v1() v4() v7()                  text
//   uuid.v3(namespace, name) v5(…)       text            nil, err (INVALID): no namespace UUID
//   uuid.validate(any)                   boolean
//   uuid.version(id) variant(id)         number; text    nil, err (INVALID)
//   uuid.parse(id)                       {version, variant, timestamp (v1, v7: unix seconds), node}
//   uuid.format(id, "standard" | "simple" | "urn")
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/codec/digests.hpp"
#include "runtime/lua/codec/text_codes.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstring>

namespace natterjack::runtime::lua {

namespace {

using uuid_bytes = std::array<uint8_t, 16>;

// Between the calendar of version 1 (1582) and 1970, in 100 ns.
constexpr uint64_t gregorian_offset = 0x01B21DD213814000ULL;

int digit(char c) noexcept {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Standard, without hyphens, as a URN, or in braces.
bool parse(std::string_view text, uuid_bytes& out) noexcept {
  if (text.starts_with("urn:uuid:"))
    text.remove_prefix(9);
  if (text.size() == 38 && text.front() == '{' && text.back() == '}')
    text = text.substr(1, 36);
  const bool with_hyphens = text.size() == 36;
  if (!with_hyphens && text.size() != 32)
    return false;
  size_t at = 0;
  for (size_t i = 0; i < 16; ++i) {
    if (with_hyphens && (i == 4 || i == 6 || i == 8 || i == 10))
      if (text[at++] != '-')
        return false;
    const int high = digit(text[at]);
    const int low = digit(text[at + 1]);
    if (high < 0 || low < 0)
      return false;
    out[i] = static_cast<uint8_t>(high * 16 + low);
    at += 2;
  }
  return true;
}

void write(const uuid_bytes& id, std::string& out, bool with_hyphens = true) {
  std::string hex;
  encode_hex({reinterpret_cast<const char*>(id.data()), id.size()}, hex);
  if (with_hyphens)
    for (const size_t place : {20U, 16U, 12U, 8U})
      hex.insert(place, 1, '-');
  out = std::move(hex);
}

void stamp(uuid_bytes& id, int version) noexcept {
  id[6] = static_cast<uint8_t>((id[6] & 0x0f) | version << 4);
  id[8] = static_cast<uint8_t>((id[8] & 0x3f) | 0x80);
}

bool fill_random(uuid_bytes& id) {
  std::string bytes;
  if (!random_bytes(id.size(), bytes))
    return false;
  std::memcpy(id.data(), bytes.data(), id.size());
  return true;
}

uint64_t unix_100ns() {
  return static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch() /
                               std::chrono::nanoseconds(100));
}

bool make_v1(uuid_bytes& id) {
  static std::atomic<uint64_t> last{0};
  if (!fill_random(id)) // the node is a random one, as RFC 9562 6.10 wants it for privacy
    return false;
  auto now = unix_100ns() + gregorian_offset;
  auto before = last.load();
  do
    now = now > before ? now : before + 1; // never twice the same
  while (!last.compare_exchange_weak(before, now));
  for (int i = 0; i < 4; ++i)
    id[static_cast<size_t>(i)] = static_cast<uint8_t>(now >> (24 - 8 * i));
  id[4] = static_cast<uint8_t>(now >> 40);
  id[5] = static_cast<uint8_t>(now >> 32);
  id[6] = static_cast<uint8_t>(now >> 56);
  id[7] = static_cast<uint8_t>(now >> 48);
  id[10] |= 1;
  stamp(id, 1);
  return true;
}

// Milliseconds and a fraction of one in `rand_a` (RFC 9562 6.2, method 3), never twice the same.
bool make_v7(uuid_bytes& id) {
  static std::atomic<uint64_t> last{0};
  if (!fill_random(id))
    return false;
  const auto ticks = unix_100ns();
  auto now = ticks / 10'000 << 12 | (ticks % 10'000) * 4096 / 10'000;
  auto before = last.load();
  do
    now = now > before ? now : before + 1;
  while (!last.compare_exchange_weak(before, now));
  for (int i = 0; i < 6; ++i)
    id[static_cast<size_t>(i)] = static_cast<uint8_t>(now >> (52 - 8 * i));
  id[6] = static_cast<uint8_t>(now >> 8 & 15);
  id[7] = static_cast<uint8_t>(now);
  stamp(id, 7);
  return true;
}

bool make_v4(uuid_bytes& id) {
  if (!fill_random(id))
    return false;
  stamp(id, 4);
  return true;
}

const char* variant_of(const uuid_bytes& id) noexcept {
  const int bits = id[8] >> 5;
  if (bits < 4)
    return "NCS";
  if (bits < 6)
    return "RFC4122";
  return bits == 6 ? "Microsoft" : "Future";
}

template <bool (*Make)(uuid_bytes&)> int push_new(lua_State* L) {
  uuid_bytes id;
  auto& text = context_of(L).scratch;
  if (!Make(id))
    return fail(L, error_kind::internal, "no random bytes are available");
  write(id, text);
  lua_pushlstring(L, text.data(), text.size());
  return 1;
}

bool make_named(const char* method, int version, std::string_view space, std::string_view name,
                std::string& out) {
  uuid_bytes id;
  if (!parse(space, id))
    return false;
  std::string input(reinterpret_cast<const char*>(id.data()), id.size());
  input += name;
  std::string made;
  if (!digest(method, input, made))
    return false;
  std::memcpy(id.data(), made.data(), id.size());
  stamp(id, version);
  write(id, out);
  return true;
}

int push_named(lua_State* L, const char* method, int version) {
  auto& text = context_of(L).scratch;
  if (lua_type(L, 2) != LUA_TSTRING)
    return fail(L, error_kind::invalid, "the name must be a text");
  if (!make_named(method, version, text_of(L, 1), text_of(L, 2), text))
    return fail(L, error_kind::invalid, "the namespace must be a UUID");
  lua_pushlstring(L, text.data(), text.size());
  return 1;
}

int uuid_v3(lua_State* L) {
  return push_named(L, "md5", 3);
}
int uuid_v5(lua_State* L) {
  return push_named(L, "sha1", 5);
}

int uuid_validate(lua_State* L) {
  uuid_bytes id;
  lua_pushboolean(L, parse(text_of(L, 1), id));
  return 1;
}

int no_uuid(lua_State* L) {
  return fail(L, error_kind::invalid, "this is not a UUID");
}

int uuid_version(lua_State* L) {
  uuid_bytes id;
  if (!parse(text_of(L, 1), id))
    return no_uuid(L);
  lua_pushinteger(L, id[6] >> 4);
  return 1;
}

int uuid_variant(lua_State* L) {
  uuid_bytes id;
  if (!parse(text_of(L, 1), id))
    return no_uuid(L);
  lua_pushstring(L, variant_of(id));
  return 1;
}

uint64_t number_at(const uuid_bytes& id, std::initializer_list<size_t> places) noexcept {
  uint64_t value = 0;
  for (const auto place : places)
    value = value << 8 | id[place];
  return value;
}

int uuid_parse(lua_State* L) {
  uuid_bytes id;
  if (!parse(text_of(L, 1), id))
    return no_uuid(L);
  const int version = id[6] >> 4;
  lua_createtable(L, 0, 4);
  lua_pushinteger(L, version);
  lua_setfield(L, -2, "version");
  lua_pushstring(L, variant_of(id));
  lua_setfield(L, -2, "variant");
  if (version == 1) {
    const auto ticks = number_at(id, {6, 7, 4, 5, 0, 1, 2, 3}) & 0x0fffffffffffffffULL;
    lua_pushinteger(L, static_cast<lua_Integer>((ticks - gregorian_offset) / 10'000'000));
    lua_setfield(L, -2, "timestamp");
    char node[18];
    std::snprintf(node, sizeof node, "%02x:%02x:%02x:%02x:%02x:%02x", id[10], id[11], id[12],
                  id[13], id[14], id[15]);
    lua_pushstring(L, node);
    lua_setfield(L, -2, "node");
  } else if (version == 7) {
    lua_pushinteger(L, static_cast<lua_Integer>(number_at(id, {0, 1, 2, 3, 4, 5}) / 1000));
    lua_setfield(L, -2, "timestamp");
  }
  return 1;
}

int uuid_format(lua_State* L) {
  uuid_bytes id;
  if (!parse(text_of(L, 1), id))
    return no_uuid(L);
  const auto form = lua_isnoneornil(L, 2) ? std::string_view("standard") : text_of(L, 2);
  if (form != "standard" && form != "simple" && form != "urn")
    return fail(L, error_kind::invalid, "the format must be standard, simple or urn");
  auto& text = context_of(L).scratch;
  write(id, text, form != "simple");
  if (form == "urn")
    text.insert(0, "urn:uuid:");
  lua_pushlstring(L, text.data(), text.size());
  return 1;
}

} // namespace

bool make_random_uuid(std::string& out) {
  uuid_bytes id;
  if (!make_v4(id))
    return false;
  write(id, out);
  return true;
}

int open_uuid(lua_State* L) {
  constexpr luaL_Reg functions[] = {{"v1", guarded<push_new<make_v1>>},
                                    {"v3", guarded<uuid_v3>},
                                    {"v4", guarded<push_new<make_v4>>},
                                    {"v5", guarded<uuid_v5>},
                                    {"v7", guarded<push_new<make_v7>>},
                                    {"validate", guarded<uuid_validate>},
                                    {"version", guarded<uuid_version>},
                                    {"variant", guarded<uuid_variant>},
                                    {"parse", guarded<uuid_parse>},
                                    {"format", guarded<uuid_format>},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  return 1;
}

} // namespace natterjack::runtime::lua
