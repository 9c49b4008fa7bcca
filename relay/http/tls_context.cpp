#include "relay/http/tls_context.hpp"

#include "relay/http/openssl_ptr.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>

#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>

namespace natterjack::relay {

namespace {

std::string openssl_says() {
  const auto code = ::ERR_get_error();
  ::ERR_clear_error();
  if (code == 0)
    return "unknown";
  const char* text = ::ERR_reason_error_string(code);
  return text == nullptr ? "error " + std::to_string(code) : text;
}

bool is_pem(const std::string& text) { return text.find("-----BEGIN ") != std::string::npos; }

[[noreturn]] void fail(const char* field, const std::string& given, const std::string& why) {
  throw std::runtime_error(std::string("tls.") + field + ": " +
                           (is_pem(given) ? std::string("the text") : "\"" + given + "\"") + ": " +
                           why);
}

std::string read_pem(const char* field, const std::string& given) {
  if (given.empty())
    throw std::runtime_error(std::string("tls.") + field + " is missing");
  if (is_pem(given))
    return given;
  std::ifstream file(given, std::ios::binary);
  if (!file)
    fail(field, given, "cannot be read");
  return {std::istreambuf_iterator<char>(file), {}};
}

void each_certificate(const char* field, const std::string& given,
                      const std::function<void(X509*, size_t)>& take) {
  const auto text = read_pem(field, given);
  bio_ptr bio(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  size_t count = 0;
  while (x509_ptr one{::PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)})
    take(one.get(), count++);
  const auto last = ::ERR_peek_last_error();
  if (count == 0 || ERR_GET_REASON(last) != PEM_R_NO_START_LINE)
    fail(field, given, count == 0 ? "holds no certificate" : openssl_says());
  ::ERR_clear_error();
}

// Both key and certificates, so that it is not known from outside what it was made of.
std::string digest_of(const tls_options& options) {
  std::string all = read_pem("cert", options.certificate) + read_pem("key", options.key);
  if (!options.client_ca.empty())
    all += read_pem("client_ca", options.client_ca);
  all += std::to_string(static_cast<int>(options.client_auth));
  unsigned char digest[SHA256_DIGEST_LENGTH];
  ::SHA256(reinterpret_cast<const unsigned char*>(all.data()), all.size(), digest);
  return {reinterpret_cast<const char*>(digest), sizeof digest};
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                    unsigned int offered_size, void*) {
  static constexpr unsigned char ours[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (::SSL_select_next_proto(&chosen, size, ours, sizeof ours - 1, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK; // a client that offers others alone still gets an answer it can read
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

int verify_mode(client_certificate wanted) {
  switch (wanted) {
    case client_certificate::none:
      return SSL_VERIFY_NONE;
    case client_certificate::request:
    case client_certificate::verify_if_given:
      return SSL_VERIFY_PEER;
    case client_certificate::require:
    case client_certificate::require_and_verify:
      return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  return SSL_VERIFY_NONE;
}

int take_any(int, X509_STORE_CTX*) { return 1; }

bool verifies(const tls_options& options) {
  return options.client_auth == client_certificate::verify_if_given ||
         options.client_auth == client_certificate::require_and_verify;
}

void use_certificate(SSL_CTX* context, const tls_options& options) {
  each_certificate("cert", options.certificate, [context, &options](X509* one, size_t index) {
    const auto done = index == 0 ? ::SSL_CTX_use_certificate(context, one)
                                 : ::SSL_CTX_add1_chain_cert(context, one);
    if (done != 1)
      fail("cert", options.certificate, openssl_says());
  });
}

// @param certificate  is in use: the key has to be its own
void use_key(SSL_CTX* context, const tls_options& options, bool certificate) {
  const auto text = read_pem("key", options.key);
  bio_ptr bio(::BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  // A passphrase would be asked for on the terminal; nobody is there.
  key_ptr key(::PEM_read_bio_PrivateKey(
      bio.get(), nullptr, [](char*, int, int, void*) { return -1; }, nullptr));
  if (!key)
    fail("key", options.key, "holds no private key without a passphrase");
  if (certificate && (::SSL_CTX_use_PrivateKey(context, key.get()) != 1 ||
                      ::SSL_CTX_check_private_key(context) != 1))
    fail("key", options.key, "is not the key of tls.cert (" + openssl_says() + ")");
}

void use_client_ca(SSL_CTX* context, const tls_options& options) {
  if (verifies(options) || !options.client_ca.empty())
    each_certificate("client_ca", options.client_ca, [context](X509* one, size_t) {
      ::X509_STORE_add_cert(::SSL_CTX_get_cert_store(context), one);
      ::SSL_CTX_add_client_CA(context, one);
    });
}

std::string day_of(const ASN1_TIME* time) {
  tm parts{};
  char text[32] = "an unreadable date";
  if (::ASN1_TIME_to_tm(time, &parts) == 1)
    std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
  return text;
}

// Certificates that can be read but are out of their time.
void look_at_times(const char* field, const std::string& given, std::vector<tls_finding>& found) {
  each_certificate(field, given, [field, &found](X509* one, size_t index) {
    const auto which = "tls." + std::string(field) + ": certificate " + std::to_string(index + 1);
    const auto* first = ::X509_get0_notBefore(one);
    const auto* last = ::X509_get0_notAfter(one);
    if (::X509_cmp_current_time(last) < 0)
      found.push_back({field, which + " has expired on " + day_of(last), false});
    else if (::X509_cmp_current_time(first) > 0)
      found.push_back({field, which + " is not valid before " + day_of(first), false});
  });
}

} // namespace

tls_context::tls_context(const tls_options& options)
    : context_(::SSL_CTX_new(::TLS_server_method())) {
  std::unique_ptr<SSL_CTX, freer<&SSL_CTX_free>> guard(context_);
  if (context_ == nullptr)
    throw std::runtime_error("tls: " + openssl_says());
  ::SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
  ::SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                      SSL_OP_CIPHER_SERVER_PREFERENCE |
                                      SSL_OP_IGNORE_UNEXPECTED_EOF);
  // Released buffers: 15 kB a connection instead of 74.
  ::SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                   SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_alpn_select_cb(context_, choose_protocol, nullptr);
  use_certificate(context_, options);
  use_key(context_, options, true);
  use_client_ca(context_, options);
  ::SSL_CTX_set_verify(context_, verify_mode(options.client_auth), verifies(options) ? nullptr : take_any);
  // Sessions of clients are resumed by tickets only within one context (RFC 5246 F.1.4).
  static constexpr unsigned char id[] = "natterjack";
  ::SSL_CTX_set_session_id_context(context_, id, sizeof id - 1);
  fingerprint_ = digest_of(options);
  guard.release();
}

tls_context::~tls_context() { ::SSL_CTX_free(context_); }

std::vector<tls_finding> check_tls(const tls_options& options) {
  std::vector<tls_finding> found;
  std::unique_ptr<SSL_CTX, freer<&SSL_CTX_free>> scratch(::SSL_CTX_new(::TLS_server_method()));
  auto look = [&found](const char* field, const std::function<void()>& step) {
    try {
      step();
      return true;
    } catch (const std::runtime_error& e) {
      found.push_back({field, e.what(), true});
      return false;
    }
  };
  const bool has_certificate = look("cert", [&scratch, &options, &found] {
    use_certificate(scratch.get(), options);
    look_at_times("cert", options.certificate, found);
  });
  look("key", [&scratch, &options, has_certificate] {
    use_key(scratch.get(), options, has_certificate);
  });
  look("client_ca", [&scratch, &options, &found] {
    use_client_ca(scratch.get(), options);
    if (!options.client_ca.empty())
      look_at_times("client_ca", options.client_ca, found);
  });
  return found;
}

} // namespace natterjack::relay
