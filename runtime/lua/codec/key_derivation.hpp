// PBKDF2 (RFC 8018 5.2) in steps: millions of iterations take seconds, which no hub thread has at once.
//
//   start, hash, password, salt, iterations, length   false: OpenSSL has no such hash, or no memory
//   step, iterations      runs as many; true: done, or failed
//   take                  the key; empty: it failed
#pragma once

#include <openssl/evp.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace natterjack::runtime::lua {

class key_derivation {
 public:
  /// @param hash  sha256 or sha512. @param iterations  1 or more. @param length  bytes, 1 or more
  bool start(const char* hash, std::string_view password, std::string_view salt,
             uint64_t iterations, size_t length);
  bool step(uint64_t iterations);
  std::string take() noexcept { return std::move(made_); }

 private:
  using context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

  bool prepare(const EVP_MD* method, std::string_view password);
  bool hmac(std::string_view first, std::string_view second);
  bool begin_block();
  bool fail() noexcept;

  // The state of HMAC behind its padded key, for what is inside and outside (RFC 2104 2).
  context inside_{nullptr, &EVP_MD_CTX_free};
  context outside_{nullptr, &EVP_MD_CTX_free};
  context work_{nullptr, &EVP_MD_CTX_free};
  std::string salt_;
  uint64_t iterations_ = 0;
  size_t length_ = 0;
  uint32_t block_ = 0; // number of the present one, from 1
  uint64_t left_ = 0;  // iterations of it
  unsigned char last_[EVP_MAX_MD_SIZE] = {}; // U_i
  unsigned last_size_ = 0;
  std::string sum_; // of the present block: U_1 ^ … ^ U_i
  std::string made_;
};

} // namespace natterjack::runtime::lua
