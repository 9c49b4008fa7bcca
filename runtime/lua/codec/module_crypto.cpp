// The Lua module `crypto`.
//
//   crypto.random.bytes(n) string(n, alphabet?) uuid()
//   crypto.hmac.sha256(key, data) sha512(key, data)                   hexadecimal
//   crypto.encrypt.aes(data, key, aad?) chacha20(data, key, aad?)     nonce, ciphertext, tag
//   crypto.decrypt.aes(data, key, aad?) chacha20(data, key, aad?)     nil, err (INTERNAL): not ours
//   crypto.jwt.encode(claims, key, alg?) verify(token, key, alg?, require_exp?)   HS256 HS384 HS512
//                                                                                  RS256
//   crypto.pbkdf2(password, salt, iterations, length, hash?)          bytes
//   crypto.constant_time_compare(a, b)                                boolean
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/codec/digests.hpp"
#include "runtime/lua/codec/text_codes.hpp"

#include <nlohmann/json.hpp>
#include <openssl/crypto.h>

#include <chrono>

namespace natterjack::runtime::lua {

namespace {

constexpr lua_Integer random_max = 1'048'576;

int push_scratch(lua_State* L) {
  const auto& out = context_of(L).scratch;
  lua_pushlstring(L, out.data(), out.size());
  return 1;
}

int random_bytes_function(lua_State* L) {
  const auto count = lua_tointeger(L, 1);
  if (count < 1 || count > random_max)
    return fail(L, error_kind::invalid, "the length must be from 1 to 1048576");
  if (!random_bytes(static_cast<size_t>(count), context_of(L).scratch))
    return fail(L, error_kind::internal, "no random bytes are available");
  return push_scratch(L);
}

// Bytes that would favour the first letters are thrown away.
bool random_text(size_t count, std::string_view alphabet, std::string& out) {
  const size_t usable = 256 - 256 % alphabet.size();
  std::string made;
  std::string bytes;
  while (made.size() < count) {
    if (!random_bytes(count, bytes))
      return false;
    for (const char c : bytes)
      if (static_cast<uint8_t>(c) < usable && made.size() < count)
        made += alphabet[static_cast<uint8_t>(c) % alphabet.size()];
  }
  out = std::move(made);
  return true;
}

int random_string_function(lua_State* L) {
  constexpr std::string_view alphanumeric =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const auto count = lua_tointeger(L, 1);
  const auto alphabet = lua_isnoneornil(L, 2) ? alphanumeric : text_of(L, 2);
  if (count < 1 || count > random_max)
    return fail(L, error_kind::invalid, "the length must be from 1 to 1048576");
  if (alphabet.empty() || alphabet.size() > 256)
    return fail(L, error_kind::invalid, "the alphabet must have 1 to 256 bytes");
  if (!random_text(static_cast<size_t>(count), alphabet, context_of(L).scratch))
    return fail(L, error_kind::internal, "no random bytes are available");
  return push_scratch(L);
}

int random_uuid_function(lua_State* L) {
  if (!make_random_uuid(context_of(L).scratch))
    return fail(L, error_kind::internal, "no random bytes are available");
  return push_scratch(L);
}

constexpr char sha256_name[] = "sha256";
constexpr char sha512_name[] = "sha512";

template <const char* Name> int hmac_function(lua_State* L) {
  if (text_of(L, 1).empty() || lua_type(L, 2) != LUA_TSTRING)
    return fail(L, error_kind::invalid, "takes a key that is not empty, and the data");
  auto& out = context_of(L).scratch;
  if (!hmac(Name, text_of(L, 1), text_of(L, 2), out))
    return fail(L, error_kind::internal, "this digest is not available");
  encode_hex(out, out);
  return push_scratch(L);
}

const char* aes_of(size_t key_size) noexcept {
  return key_size == 16 ? "AES-128-GCM" : key_size == 24 ? "AES-192-GCM" : "AES-256-GCM";
}

template <bool Aes, bool Encrypt> int cipher_function(lua_State* L) {
  if (lua_type(L, 1) != LUA_TSTRING)
    return fail(L, error_kind::invalid, "the data must be a text");
  const auto key = text_of(L, 2);
  if (Aes && key.size() != 16 && key.size() != 24 && key.size() != 32)
    return fail(L, error_kind::invalid, "the key must have 16, 24 or 32 bytes");
  if (!Aes && key.size() != 32)
    return fail(L, error_kind::invalid, "the key must have 32 bytes");
  const char* name = Aes ? aes_of(key.size()) : "ChaCha20-Poly1305";
  auto& out = context_of(L).scratch;
  if (Encrypt ? !seal(name, key, text_of(L, 1), text_of(L, 3), out)
              : !unseal(name, key, text_of(L, 1), text_of(L, 3), out))
    return fail(L, error_kind::internal,
                Encrypt ? "encryption failed"
                        : "decryption failed: another key, other additional data, or not ours");
  return push_scratch(L);
}

// -- JSON web tokens (RFC 7519) ------------------------------------------------------

const char* digest_of(std::string_view algorithm) noexcept {
  return algorithm == "HS256"   ? "sha256"
         : algorithm == "HS384" ? "sha384"
         : algorithm == "HS512" ? "sha512"
                                : nullptr;
}

// What a step in C++ says; texts are static or in `scratch`. Plain data.
struct outcome {
  const char* why = nullptr;
  error_kind kind = error_kind::invalid;
};

outcome encode_token(lua_State* L, std::string_view algorithm) {
  auto& out = context_of(L).scratch;
  std::string claims_text;
  if (const char* why = append_json(L, 1, claims_text))
    return {why, error_kind::invalid};
  auto claims = nlohmann::json::parse(claims_text, nullptr, false);
  if (!claims.is_object() && !(claims.is_array() && claims.empty()))
    return {"jwt.encode takes a table of claims", error_kind::invalid};
  nlohmann::json header{{"typ", "JWT"}};
  if (claims.is_array())
    claims = nlohmann::json::object();
  if (auto more = claims.find("_header"); more != claims.end()) {
    if (more->is_object())
      header.update(*more);
    claims.erase("_header");
  }
  header["alg"] = std::string(algorithm);
  std::string head, body, code, tail;
  encode_base64_text(header.dump(), head, true);
  encode_base64_text(claims.dump(), body, true);
  const auto text = head + "." + body;
  const char* digest_name = digest_of(algorithm);
  const bool good = digest_name != nullptr ? hmac(digest_name, text_of(L, 2), text, code)
                                           : sign_rs256(text_of(L, 2), text, code);
  if (!good)
    return {"jwt.encode: the key cannot be used", error_kind::invalid};
  encode_base64_text(code, tail, true);
  out = text + "." + tail;
  return {};
}

bool is_algorithm(std::string_view name) noexcept {
  return digest_of(name) != nullptr || name == "RS256";
}

int jwt_encode(lua_State* L) {
  const auto algorithm = lua_isnoneornil(L, 3) ? std::string_view("HS256") : text_of(L, 3);
  if (!is_algorithm(algorithm))
    return fail(L, error_kind::invalid, "the algorithm must be HS256, HS384, HS512 or RS256");
  if (!lua_istable(L, 1) || text_of(L, 2).empty())
    return fail(L, error_kind::invalid, "jwt.encode takes a table of claims and a key");
  const auto result = encode_token(L, algorithm);
  return result.why != nullptr ? fail(L, result.kind, result.why) : push_scratch(L);
}

double number_claim(const nlohmann::json& claims, const char* name, double otherwise) {
  auto i = claims.find(name);
  return i != claims.end() && i->is_number() ? i->get<double>() : otherwise;
}

outcome verify_token(lua_State* L, std::string_view algorithm, bool require_exp) {
  const auto token = text_of(L, 1);
  const auto first = token.find('.');
  const auto second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos)
    return {"this is not a JSON web token", error_kind::invalid};
  std::string head, body, code, wanted;
  if (!decode_base64_text(token.substr(0, first), head) ||
      !decode_base64_text(token.substr(first + 1, second - first - 1), body) ||
      !decode_base64_text(token.substr(second + 1), code))
    return {"this is not a JSON web token", error_kind::invalid};
  const auto header = nlohmann::json::parse(head, nullptr, false);
  const auto claims = nlohmann::json::parse(body, nullptr, false);
  if (!header.is_object() || !claims.is_object())
    return {"this is not a JSON web token", error_kind::invalid};
  if (header.value("alg", nlohmann::json()) != std::string(algorithm))
    return {"the token was made with another algorithm", error_kind::internal};
  const auto text = token.substr(0, second);
  const char* digest_name = digest_of(algorithm);
  const bool good = digest_name != nullptr
                        ? hmac(digest_name, text_of(L, 2), text, wanted) &&
                              wanted.size() == code.size() &&
                              CRYPTO_memcmp(wanted.data(), code.data(), code.size()) == 0
                        : verify_rs256(text_of(L, 2), text, code);
  if (!good)
    return {"the signature is not right", error_kind::internal};
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  if (!claims.contains("exp") && require_exp)
    return {"the token has no exp claim", error_kind::internal};
  if (claims.contains("exp") && number_claim(claims, "exp", 0) <= now)
    return {"the token has expired", error_kind::internal};
  if (claims.contains("nbf") && number_claim(claims, "nbf", 1e18) > now)
    return {"the token is not valid yet", error_kind::internal};
  context_of(L).scratch = body;
  return {};
}

int jwt_verify(lua_State* L) {
  const auto algorithm = lua_isnoneornil(L, 3) ? std::string_view("HS256") : text_of(L, 3);
  if (!is_algorithm(algorithm))
    return fail(L, error_kind::invalid, "the algorithm must be HS256, HS384, HS512 or RS256");
  if (lua_type(L, 1) != LUA_TSTRING || text_of(L, 2).empty())
    return fail(L, error_kind::invalid, "jwt.verify takes a token and a key");
  const auto result = verify_token(L, algorithm, lua_isnoneornil(L, 4) || lua_toboolean(L, 4) != 0);
  if (result.why != nullptr)
    return fail(L, result.kind, result.why);
  if (push_json(L, context_of(L).scratch).what != nullptr)
    return fail(L, error_kind::internal, "the claims are not JSON");
  return 1;
}

int constant_time_compare(lua_State* L) {
  const auto a = text_of(L, 1);
  const auto b = text_of(L, 2);
  lua_pushboolean(L, a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
  return 1;
}

} // namespace

int open_crypto(lua_State* L) {
  constexpr luaL_Reg random[] = {{"bytes", guarded<random_bytes_function>},
                                 {"string", guarded<random_string_function>},
                                 {"uuid", guarded<random_uuid_function>},
                                 {nullptr, nullptr}};
  constexpr luaL_Reg codes[] = {{"sha256", guarded<hmac_function<sha256_name>>},
                                {"sha512", guarded<hmac_function<sha512_name>>},
                                {nullptr, nullptr}};
  constexpr luaL_Reg encrypt[] = {{"aes", guarded<cipher_function<true, true>>},
                                  {"chacha20", guarded<cipher_function<false, true>>},
                                  {nullptr, nullptr}};
  constexpr luaL_Reg decrypt[] = {{"aes", guarded<cipher_function<true, false>>},
                                  {"chacha20", guarded<cipher_function<false, false>>},
                                  {nullptr, nullptr}};
  constexpr luaL_Reg jwt[] = {
      {"encode", guarded<jwt_encode>}, {"verify", guarded<jwt_verify>}, {nullptr, nullptr}};
  constexpr luaL_Reg functions[] = {{"pbkdf2", guarded<push_pbkdf2>},
                                    {"constant_time_compare", guarded<constant_time_compare>},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  set_table(L, "random", random);
  set_table(L, "hmac", codes);
  set_table(L, "encrypt", encrypt);
  set_table(L, "decrypt", decrypt);
  set_table(L, "jwt", jwt);
  return 1;
}

} // namespace natterjack::runtime::lua
