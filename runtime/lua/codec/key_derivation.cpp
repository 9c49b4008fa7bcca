#include "runtime/lua/codec/key_derivation.hpp"

#include <algorithm>

namespace natterjack::runtime::lua {

namespace {

bool begin_with(EVP_MD_CTX* made, const EVP_MD* method, std::string key, unsigned char pad) {
  for (auto& byte : key)
    byte = static_cast<char>(static_cast<unsigned char>(byte) ^ pad);
  return made != nullptr && EVP_DigestInit_ex(made, method, nullptr) == 1 &&
         EVP_DigestUpdate(made, key.data(), key.size()) == 1;
}

} // namespace

bool key_derivation::prepare(const EVP_MD* method, std::string_view password) {
  const auto block_size = static_cast<size_t>(EVP_MD_block_size(method));
  std::string key(password);
  if (key.size() > block_size) {
    unsigned size = 0;
    if (EVP_Digest(password.data(), password.size(), last_, &size, method, nullptr) != 1)
      return false;
    key.assign(reinterpret_cast<char*>(last_), size);
  }
  key.resize(block_size, '\0');
  inside_.reset(EVP_MD_CTX_new());
  outside_.reset(EVP_MD_CTX_new());
  work_.reset(EVP_MD_CTX_new());
  return work_ != nullptr && begin_with(inside_.get(), method, key, 0x36) &&
         begin_with(outside_.get(), method, key, 0x5c);
}

// Into `last_`, of two texts one behind the other.
bool key_derivation::hmac(std::string_view first, std::string_view second) {
  auto* work = work_.get();
  return EVP_MD_CTX_copy_ex(work, inside_.get()) == 1 &&
         EVP_DigestUpdate(work, first.data(), first.size()) == 1 &&
         EVP_DigestUpdate(work, second.data(), second.size()) == 1 &&
         EVP_DigestFinal_ex(work, last_, &last_size_) == 1 &&
         EVP_MD_CTX_copy_ex(work, outside_.get()) == 1 &&
         EVP_DigestUpdate(work, last_, last_size_) == 1 &&
         EVP_DigestFinal_ex(work, last_, &last_size_) == 1;
}

// U_1 is made of the salt and the number of the block, most significant byte first.
bool key_derivation::begin_block() {
  ++block_;
  char number[4];
  for (int i = 0; i < 4; ++i)
    number[i] = static_cast<char>(block_ >> (24 - 8 * i));
  if (!hmac(salt_, {number, sizeof number}))
    return false;
  sum_.assign(reinterpret_cast<char*>(last_), last_size_);
  left_ = iterations_ - 1;
  return true;
}

bool key_derivation::fail() noexcept {
  made_.clear();
  return false;
}

bool key_derivation::start(const char* hash, std::string_view password, std::string_view salt,
                           uint64_t iterations, size_t length) {
  const auto* method = EVP_get_digestbyname(hash);
  salt_ = salt;
  iterations_ = iterations;
  length_ = length;
  return method != nullptr && prepare(method, password) && begin_block();
}

bool key_derivation::step(uint64_t iterations) {
  for (;;) {
    const auto now = std::min(iterations, left_);
    for (uint64_t i = 0; i < now; ++i) {
      if (!hmac({reinterpret_cast<const char*>(last_), last_size_}, {}))
        return !fail();
      for (size_t at = 0; at < sum_.size(); ++at)
        sum_[at] = static_cast<char>(sum_[at] ^ static_cast<char>(last_[at]));
    }
    left_ -= now;
    iterations -= now;
    if (left_ != 0)
      return false;
    made_.append(sum_, 0, length_ - made_.size());
    if (made_.size() == length_)
      return true;
    if (!begin_block())
      return !fail();
  }
}

} // namespace natterjack::runtime::lua
