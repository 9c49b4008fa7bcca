// Certificate and key of a gateway, and which clients' certificates it takes.
//
// TLS 1.2 and 1.3. HTTP/1.1 is what is offered by ALPN.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct ssl_ctx_st;

namespace natterjack::relay {

enum class client_certificate : uint8_t {
  none,            ///< not asked for
  request,         ///< asked for; not looked at
  require,         ///< must be there, from whomever
  verify_if_given, ///< need not be there, but must be signed by `client_ca` if it is
  require_and_verify,
};

/// Each is PEM text, or the path of a file that holds it.
struct tls_options {
  std::string certificate; ///< first the gateway's own, then those that signed it
  std::string key;
  std::string client_ca; ///< empty: none
  client_certificate client_auth = client_certificate::none;
};

class tls_context {
 public:
  /// @throws std::runtime_error  what() says which file or text, and what is wrong with it
  explicit tls_context(const tls_options& options);
  ~tls_context();
  tls_context(const tls_context&) = delete;
  tls_context& operator=(const tls_context&) = delete;

  ssl_ctx_st* native() const noexcept { return context_; }
  /// Of all that was read: two contexts with the same one show and accept the same.
  const std::string& fingerprint() const noexcept { return fingerprint_; }

 private:
  ssl_ctx_st* context_;
  std::string fingerprint_;
};

/// What is wrong with certificates that are not used yet.
struct tls_finding {
  std::string field;   ///< cert, key or client_ca
  std::string message; ///< begins with the field, as in `tls.cert: ...`
  bool is_mistake;     ///< false: it can be used, but clients will not take it
};

/// Reads everything, as a gateway would, and says all that is wrong, not only the first.
std::vector<tls_finding> check_tls(const tls_options& options);

} // namespace natterjack::relay
