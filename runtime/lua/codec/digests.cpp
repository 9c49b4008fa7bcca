#include "runtime/lua/codec/digests.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <memory>

namespace natterjack::runtime::lua {

namespace {

const unsigned char* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* bytes_of(std::string& text) noexcept {
  return reinterpret_cast<unsigned char*>(text.data());
}

constexpr size_t nonce_size = 12; // of all ciphers here
constexpr size_t tag_size = 16;

using cipher_context = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;
using digest_context = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;
using bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using key_pair = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

// A key behind a password cannot be used; OpenSSL would ask the terminal for it, and wait.
int no_password(char*, int, int, void*) {
  return -1;
}

bio open_text(std::string_view text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free};
}

} // namespace

bool digest(const char* name, std::string_view data, std::string& out) {
  const auto* method = EVP_get_digestbyname(name);
  unsigned char made[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (method == nullptr ||
      EVP_Digest(data.data(), data.size(), made, &size, method, nullptr) != 1)
    return false;
  out.assign(reinterpret_cast<char*>(made), size);
  return true;
}

bool hmac(const char* name, std::string_view secret, std::string_view data, std::string& out) {
  const auto* method = EVP_get_digestbyname(name);
  unsigned char made[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (method == nullptr || HMAC(method, secret.data(), static_cast<int>(secret.size()),
                                bytes_of(data), data.size(), made, &size) == nullptr)
    return false;
  out.assign(reinterpret_cast<char*>(made), size);
  return true;
}

bool random_bytes(size_t count, std::string& out) {
  out.assign(count, '\0');
  return RAND_bytes(bytes_of(out), static_cast<int>(count)) == 1;
}

bool seal(const char* name, std::string_view key, std::string_view data, std::string_view aad,
          std::string& out) {
  const auto* method = EVP_get_cipherbyname(name);
  cipher_context context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  std::string made;
  if (method == nullptr || !context || !random_bytes(nonce_size, made) ||
      key.size() != static_cast<size_t>(EVP_CIPHER_key_length(method)))
    return false;
  made.resize(nonce_size + data.size() + tag_size);
  int size = 0;
  int rest = 0;
  if (EVP_EncryptInit_ex(context.get(), method, nullptr, bytes_of(key), bytes_of(made)) != 1 ||
      (!aad.empty() && EVP_EncryptUpdate(context.get(), nullptr, &size, bytes_of(aad),
                                         static_cast<int>(aad.size())) != 1) ||
      EVP_EncryptUpdate(context.get(), bytes_of(made) + nonce_size, &size, bytes_of(data),
                        static_cast<int>(data.size())) != 1 ||
      EVP_EncryptFinal_ex(context.get(), bytes_of(made) + nonce_size + data.size(), &rest) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, tag_size,
                          bytes_of(made) + nonce_size + data.size()) != 1)
    return false;
  out = std::move(made);
  return true;
}

bool unseal(const char* name, std::string_view key, std::string_view sealed, std::string_view aad,
            std::string& out) {
  const auto* method = EVP_get_cipherbyname(name);
  cipher_context context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  if (method == nullptr || !context || sealed.size() < nonce_size + tag_size ||
      key.size() != static_cast<size_t>(EVP_CIPHER_key_length(method)))
    return false;
  const auto body = sealed.substr(nonce_size, sealed.size() - nonce_size - tag_size);
  std::string tag(sealed.substr(sealed.size() - tag_size));
  std::string made(body.size(), '\0');
  int size = 0;
  int rest = 0;
  if (EVP_DecryptInit_ex(context.get(), method, nullptr, bytes_of(key), bytes_of(sealed)) != 1 ||
      (!aad.empty() && EVP_DecryptUpdate(context.get(), nullptr, &size, bytes_of(aad),
                                         static_cast<int>(aad.size())) != 1) ||
      EVP_DecryptUpdate(context.get(), bytes_of(made), &size, bytes_of(body),
                        static_cast<int>(body.size())) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, tag_size, bytes_of(tag)) != 1 ||
      EVP_DecryptFinal_ex(context.get(), bytes_of(made) + size, &rest) != 1)
    return false;
  out = std::move(made);
  return true;
}

bool sign_rs256(std::string_view private_pem, std::string_view data, std::string& out) {
  auto text = open_text(private_pem);
  key_pair key(PEM_read_bio_PrivateKey(text.get(), nullptr, no_password, nullptr), &EVP_PKEY_free);
  digest_context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  size_t size = 0;
  if (!key || !context || EVP_PKEY_base_id(key.get()) != EVP_PKEY_RSA ||
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), nullptr, &size, bytes_of(data), data.size()) != 1)
    return false;
  std::string made(size, '\0');
  if (EVP_DigestSign(context.get(), bytes_of(made), &size, bytes_of(data), data.size()) != 1)
    return false;
  made.resize(size);
  out = std::move(made);
  return true;
}

bool verify_rs256(std::string_view public_pem, std::string_view data, std::string_view signature) {
  auto text = open_text(public_pem);
  key_pair key(PEM_read_bio_PUBKEY(text.get(), nullptr, no_password, nullptr), &EVP_PKEY_free);
  digest_context context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  return key && context && EVP_PKEY_base_id(key.get()) == EVP_PKEY_RSA &&
         EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(data),
                          data.size()) == 1;
}

} // namespace natterjack::runtime::lua
