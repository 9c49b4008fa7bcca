// Which pages may open a websocket here.
//
// No Origin header: not a browser, always allowed. No patterns: same origin only, that is, the Origin's
// host:port equals Host. A pattern is a shell glob on the Origin's host:port, or on the whole Origin if
// the pattern has a scheme; "*" allows all.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace natterjack::relay {

class origin_rule {
 public:
  origin_rule() = default; ///< same origin only
  /// @param list  comma-separated patterns; empty ones are dropped
  explicit origin_rule(std::string_view list);

  bool allows(std::optional<std::string_view> origin, std::string_view host) const;

 private:
  std::vector<std::string> patterns_;
};

} // namespace natterjack::relay
