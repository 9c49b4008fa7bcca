#include "relay/websocket/deflate_offer.hpp"

#include <algorithm>
#include <cctype>
#include <optional>
#include <string_view>
#include <strings.h>
#include <vector>

namespace natterjack::relay {

namespace {

struct parameter {
  std::string name;
  std::optional<std::string> value;
};

struct extension {
  std::string name;
  std::vector<parameter> parameters;
};

bool is_token_byte(char c) noexcept {
  constexpr std::string_view others = "!#$%&'*+-.^_`|~"; // RFC 9110 5.6.2
  return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
         others.find(c) != std::string_view::npos;
}

// Reads one header line; `is_sound` turns false where it is no list of extensions.
class list_reader {
 public:
  explicit list_reader(std::string_view line) : left_(line) {}

  std::vector<extension> read() {
    std::vector<extension> found;
    while (skip(','), !left_.empty() && is_sound) {
      auto& one = found.emplace_back();
      one.name = token();
      while (is_sound && take(';'))
        one.parameters.push_back(read_parameter());
      is_sound = is_sound && (left_.empty() || left_.front() == ',');
    }
    is_sound = is_sound && !found.empty();
    return found;
  }

  bool is_sound = true;

 private:
  void skip_space() {
    while (!left_.empty() && (left_.front() == ' ' || left_.front() == '\t'))
      left_.remove_prefix(1);
  }
  bool take(char c) {
    skip_space();
    if (left_.empty() || left_.front() != c)
      return false;
    left_.remove_prefix(1);
    return true;
  }
  void skip(char c) {
    while (take(c)) {
    }
  }
  std::string token() {
    skip_space();
    const auto end = static_cast<size_t>(
        std::find_if_not(left_.begin(), left_.end(), is_token_byte) - left_.begin());
    is_sound = is_sound && end != 0;
    std::string text(left_.substr(0, end));
    left_.remove_prefix(end);
    skip_space();
    return text;
  }
  parameter read_parameter() {
    parameter one{token(), {}};
    if (!is_sound || !take('='))
      return one;
    const bool is_quoted = take('"'); // RFC 6455 9.1: what is inside is a token, too
    one.value = token();
    is_sound = is_sound && (!is_quoted || take('"'));
    skip_space();
    return one;
  }

  std::string_view left_;
};

// 8 to 15, without leading zeros (RFC 7692 7.1.2.1); 0 for anything else.
int window_bits(const std::string& text) noexcept {
  if (text == "8" || text == "9")
    return text.front() - '0';
  return text.size() == 2 && text[0] == '1' && text[1] >= '0' && text[1] <= '5'
             ? 10 + (text[1] - '0')
             : 0;
}

// An offer with sound parameters.
struct offer {
  bool server_forgets = false;
  bool client_forgets = false;
  bool names_server_bits = false;
  int server_bits = 15;
  int client_bits = 0; // 0: it did not say that it can do with less
};

std::optional<offer> read_offer(const extension& offered) {
  if (offered.name != "permessage-deflate")
    return std::nullopt;
  offer result;
  std::vector<std::string_view> seen;
  for (const auto& [name, value] : offered.parameters) {
    if (std::find(seen.begin(), seen.end(), name) != seen.end())
      return std::nullopt;
    seen.push_back(name);
    if (name == "server_no_context_takeover" || name == "client_no_context_takeover") {
      if (value)
        return std::nullopt;
      (name.front() == 's' ? result.server_forgets : result.client_forgets) = true;
    } else if (name == "server_max_window_bits") {
      result.names_server_bits = true;
      result.server_bits = value ? window_bits(*value) : 0;
      if (result.server_bits < 9)
        return std::nullopt;
    } else if (name == "client_max_window_bits") {
      result.client_bits = value ? window_bits(*value) : 15;
      if (result.client_bits == 0)
        return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  return result;
}

deflate_agreement agree(const offer& to, deflate_terms terms) {
  deflate_agreement made;
  made.window_bits = std::min(terms.window_bits, to.server_bits);
  made.answer = "permessage-deflate";
  if (to.server_forgets || !terms.keeps_context)
    made.answer += "; server_no_context_takeover";
  if (to.client_forgets || !terms.keeps_context)
    made.answer += "; client_no_context_takeover";
  // RFC 7692 7.1.2.1: who names a bound is answered with one, even with the largest.
  if (made.window_bits < 15 || to.names_server_bits)
    made.answer += "; server_max_window_bits=" + std::to_string(made.window_bits);
  if (!terms.keeps_context)
    return made;
  int client_bits = 15;
  // RFC 7692 7.1.2.2: a client that does not say it can may not be asked for a smaller window.
  if (to.client_bits != 0 && terms.window_bits < 15) {
    client_bits = std::min(terms.window_bits, to.client_bits);
    made.answer += "; client_max_window_bits=" + std::to_string(client_bits);
  }
  made.client_window_bits = to.client_forgets ? 0 : client_bits;
  return made;
}

// Calls `look` with each line's reader, until it returns true.
template <class Look> void for_each_line(const http_request& upgrade, Look&& look) {
  for (const auto& [name, line] : upgrade.headers)
    if (::strcasecmp(name.c_str(), "Sec-WebSocket-Extensions") == 0 && look(list_reader(line)))
      return;
}

} // namespace

deflate_agreement agree_on_deflate(const http_request& upgrade, deflate_terms terms) {
  deflate_agreement made;
  if (terms.window_bits == 0)
    return made;
  for_each_line(upgrade, [&made, terms](list_reader reader) {
    const auto offers = reader.read();
    for (size_t i = 0; i < offers.size() && reader.is_sound; ++i)
      if (const auto offer = read_offer(offers[i])) {
        made = agree(*offer, terms);
        return true;
      }
    return false;
  });
  return made;
}

bool has_sound_extensions(const http_request& upgrade) {
  bool all = true;
  for_each_line(upgrade, [&all](list_reader reader) {
    reader.read();
    all = reader.is_sound;
    return !all;
  });
  return all;
}

} // namespace natterjack::relay
