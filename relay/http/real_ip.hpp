// Middleware `real_ip`: the client's address from the headers of a proxy in front of us.
//
//   True-Client-IP, X-Real-IP, X-Forwarded-For   in this order, the first that holds an address
//
// Taken only from peers in the trusted subnets: anybody could write such a header. Of X-Forwarded-For it is
// the last address that is not trusted itself: what stands before it may be the client's invention.
#pragma once

#include "relay/http/middleware.hpp"

#include <boost/asio/ip/address.hpp>

#include <string>

namespace natterjack::relay {

class subnet_list {
 public:
  /// The private and loopback networks (RFC 1918, 4193, 6890).
  static subnet_list private_networks();
  /// @param list  comma-separated networks or addresses: 10.0.0.0/8, ::1
  /// @throws std::invalid_argument  what() names the item
  explicit subnet_list(std::string_view list);

  bool contains(const boost::asio::ip::address& address) const noexcept;

 private:
  struct subnet {
    boost::asio::ip::address_v6::bytes_type prefix; // IPv4 mapped
    unsigned bits;
  };
  std::vector<subnet> subnets_;
};

struct real_ip_options {
  subnet_list trusted = subnet_list::private_networks();
  bool trust_all = false;
};

/// Puts the address, without a port, into `remote_addr`.
std::shared_ptr<middleware> make_real_ip(real_ip_options options);

/// The address in a text such as 10.0.0.1:80, [::1]:80 or ::1; nothing if there is none.
std::optional<boost::asio::ip::address> address_in(std::string_view text);

} // namespace natterjack::relay
