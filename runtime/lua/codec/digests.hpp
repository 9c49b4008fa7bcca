// Digests, authentication codes, random bytes and ciphers by OpenSSL, as plain strings.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace natterjack::runtime::lua {

/// @param name  md5, sha1, sha256, sha384 or sha512
bool digest(const char* name, std::string_view data, std::string& out);
bool hmac(const char* name, std::string_view secret, std::string_view data, std::string& out);
bool random_bytes(size_t count, std::string& out);

/// @param name  a cipher with authentication: AES-128-GCM, AES-192-GCM, AES-256-GCM,
///              ChaCha20-Poly1305. @param out  nonce, ciphertext and tag, one behind the other
bool seal(const char* name, std::string_view key, std::string_view data, std::string_view aad,
          std::string& out);
/// The opposite. @returns false if the key, the additional data or a single bit is another
bool unseal(const char* name, std::string_view key, std::string_view sealed, std::string_view aad,
            std::string& out);

/// Signs (RSA, SHA-256, PKCS 1.5) and checks with keys in PEM.
bool sign_rs256(std::string_view private_pem, std::string_view data, std::string& out);
bool verify_rs256(std::string_view public_pem, std::string_view data, std::string_view signature);

} // namespace natterjack::runtime::lua
