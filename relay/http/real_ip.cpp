#include "relay/http/real_ip.hpp"

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace natterjack::relay {

namespace ip = boost::asio::ip;

namespace {

constexpr std::string_view private_list =
    "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 127.0.0.0/8, 169.254.0.0/16, ::1, fc00::/7, fe80::/10";

ip::address_v6::bytes_type to_bytes(const ip::address& address) {
  return (address.is_v4() ? ip::make_address_v6(ip::v4_mapped, address.to_v4()) : address.to_v6())
      .to_bytes();
}

class real_ip final : public middleware {
 public:
  explicit real_ip(real_ip_options options) : options_(std::move(options)) {}

  std::optional<http_response> before(http_request& request) override {
    if (!is_trusted(request.remote_addr))
      return std::nullopt;
    for (const char* name : {"True-Client-IP", "X-Real-IP"})
      if (auto address = address_in(request.header(name))) {
        request.remote_addr = address->to_string();
        return std::nullopt;
      }
    take_forwarded(request);
    return std::nullopt;
  }

 private:
  bool is_trusted(std::string_view text) const {
    if (options_.trust_all)
      return true;
    const auto address = address_in(text);
    return address && options_.trusted.contains(*address);
  }

  void take_forwarded(http_request& request) const {
    std::vector<std::string_view> hops;
    for (const auto& [name, value] : request.headers) // several lines are one list
      if (same_word(name, "X-Forwarded-For"))
        for (auto item : list_items(value))
          hops.push_back(item);
    std::optional<ip::address> chosen;
    for (auto i = hops.rbegin(); i != hops.rend(); ++i) {
      const auto address = address_in(*i);
      if (!address)
        break; // what stands before a broken item cannot be believed
      chosen = address;
      if (!is_trusted(*i))
        break;
    }
    if (chosen)
      request.remote_addr = chosen->to_string();
  }

  real_ip_options options_;
};

} // namespace

std::optional<ip::address> address_in(std::string_view text) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos)
      return std::nullopt;
    text = text.substr(1, end - 1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    text = text.substr(0, text.find(':'));
  }
  boost::system::error_code ec;
  const auto address = ip::make_address(std::string(text), ec);
  return ec ? std::nullopt : std::optional(address);
}

subnet_list subnet_list::private_networks() { return subnet_list(private_list); }

subnet_list::subnet_list(std::string_view list) {
  for (auto item : list_items(list)) {
    const auto slash = item.find('/');
    boost::system::error_code ec;
    const auto address = ip::make_address(std::string(item.substr(0, slash)), ec);
    unsigned bits = address.is_v4() ? 32 : 128;
    bool right = !ec;
    if (slash != std::string_view::npos) {
      const auto digits = item.substr(slash + 1);
      unsigned said = 0;
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), said);
      right = right && error == std::errc{} && end == digits.data() + digits.size() && said <= bits;
      bits = said;
    }
    if (!right)
      throw std::invalid_argument("\"" + std::string(item) + "\" is no network such as 10.0.0.0/8");
    subnets_.push_back({to_bytes(address), address.is_v4() ? bits + 96 : bits});
  }
}

bool subnet_list::contains(const ip::address& address) const noexcept {
  const auto bytes = to_bytes(address);
  return std::any_of(subnets_.begin(), subnets_.end(), [&bytes](const subnet& net) {
    const auto whole = net.bits / 8;
    if (!std::equal(bytes.begin(), bytes.begin() + whole, net.prefix.begin()))
      return false;
    const auto rest = net.bits % 8;
    return rest == 0 || ((bytes[whole] ^ net.prefix[whole]) >> (8 - rest)) == 0;
  });
}

std::shared_ptr<middleware> make_real_ip(real_ip_options options) {
  return std::make_shared<real_ip>(std::move(options));
}

} // namespace natterjack::relay
