#include "relay/http/self_signed.hpp"

#include "relay/http/openssl_ptr.hpp"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>

namespace natterjack::relay {

namespace {

using extension_ptr = std::unique_ptr<X509_EXTENSION, freer<&X509_EXTENSION_free>>;
using address_ptr = std::unique_ptr<ASN1_OCTET_STRING, freer<&ASN1_OCTET_STRING_free>>;

void must(bool good, const char* what) {
  if (good)
    return;
  const char* why = ::ERR_reason_error_string(::ERR_get_error());
  ::ERR_clear_error();
  throw std::runtime_error(std::string("cannot make a certificate: ") + what + ": " +
                           (why == nullptr ? "unknown" : why));
}

bool is_address(const std::string& name) {
  const address_ptr parsed(::a2i_IPADDRESS(name.c_str()));
  ::ERR_clear_error();
  return parsed != nullptr;
}

void add_extension(X509* to, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  ::X509V3_set_ctx(&context, to, to, nullptr, nullptr, 0);
  const extension_ptr made(::X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str()));
  must(made && ::X509_add_ext(to, made.get(), -1) == 1, ::OBJ_nid2sn(what));
}

void name_it(X509* it, const std::string& common_name) {
  auto* name = ::X509_get_subject_name(it);
  must(::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common_name.data()),
                                    static_cast<int>(common_name.size()), -1, 0) == 1 &&
           ::X509_set_issuer_name(it, name) == 1,
       "its name");
}

// RFC 5280 4.1.2.2: positive, at most 20 octets, and never the same one twice.
void number_it(X509* it) {
  unsigned char bytes[16];
  must(::RAND_bytes(bytes, sizeof bytes) == 1, "its number");
  bytes[0] &= 0x7f;
  const std::unique_ptr<BIGNUM, freer<&BN_free>> number(::BN_bin2bn(bytes, sizeof bytes, nullptr));
  must(number && ::BN_to_ASN1_INTEGER(number.get(), ::X509_get_serialNumber(it)) != nullptr,
       "its number");
}

x509_ptr first_certificate(const std::string& pem) {
  const bio_ptr bio(::BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  x509_ptr found(::PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  ::ERR_clear_error();
  return found;
}

std::string to_pem(EVP_PKEY* key, X509* certificate) {
  const bio_ptr out(::BIO_new(::BIO_s_mem()));
  must(out &&
           ::PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1 &&
           ::PEM_write_bio_X509(out.get(), certificate) == 1,
       "its text");
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<size_t>(size)};
}

} // namespace

std::string make_self_signed(const std::vector<std::string>& names, std::chrono::days valid_for) {
  const key_ptr key(::EVP_EC_gen("P-256"));
  const x509_ptr made(::X509_new());
  must(key && made, "its key");
  must(::X509_set_version(made.get(), X509_VERSION_3) == 1, "its version");
  number_it(made.get());
  name_it(made.get(), names.front());
  // A day back: clocks of clients differ.
  must(::X509_gmtime_adj(X509_getm_notBefore(made.get()), -24L * 3600) != nullptr &&
           ::X509_time_adj_ex(X509_getm_notAfter(made.get()), static_cast<int>(valid_for.count()),
                              0, nullptr) != nullptr,
       "its time");
  must(::X509_set_pubkey(made.get(), key.get()) == 1, "its key");
  std::string all;
  for (const auto& name : names)
    all += (all.empty() ? "" : ",") + std::string(is_address(name) ? "IP:" : "DNS:") + name;
  add_extension(made.get(), NID_subject_alt_name, all);
  // So that whoever trusts this file trusts this one certificate, and nothing that it might sign.
  // Without key usages: OpenSSL takes none for self-signed whose key may not sign certificates.
  add_extension(made.get(), NID_basic_constraints, "critical,CA:FALSE");
  add_extension(made.get(), NID_ext_key_usage, "serverAuth");
  must(::X509_sign(made.get(), key.get(), ::EVP_sha256()) != 0, "its signature");
  return to_pem(key.get(), made.get());
}

bool is_good_for(const std::string& pem, const std::vector<std::string>& names,
                 std::chrono::days from_now) {
  const auto it = first_certificate(pem);
  if (!it)
    return false;
  auto then = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now() + from_now);
  if (::X509_cmp_time(::X509_get0_notAfter(it.get()), &then) < 0)
    return false;
  for (const auto& name : names)
    if ((is_address(name) ? ::X509_check_ip_asc(it.get(), name.c_str(), 0)
                          : ::X509_check_host(it.get(), name.data(), name.size(), 0, nullptr)) != 1)
      return false;
  return true;
}

std::string certificate_digest(const std::string& pem) {
  const auto it = first_certificate(pem);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (!it || ::X509_digest(it.get(), ::EVP_sha256(), digest, &size) != 1)
    return {};
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text += i == 0 ? "" : ":";
    text += digits[digest[i] >> 4];
    text += digits[digest[i] & 15];
  }
  return text;
}

} // namespace natterjack::relay
