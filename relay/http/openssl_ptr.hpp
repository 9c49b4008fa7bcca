// Owners of what OpenSSL hands out. For .cpp files: it brings OpenSSL's headers along.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>

namespace natterjack::relay {

/// A deleter for std::unique_ptr that is a function, and so takes no room.
template <auto Free> struct freer {
  template <class T> void operator()(T* what) const noexcept { Free(what); }
};

using bio_ptr = std::unique_ptr<BIO, freer<&BIO_free>>;
using x509_ptr = std::unique_ptr<X509, freer<&X509_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freer<&EVP_PKEY_free>>;

} // namespace natterjack::relay
