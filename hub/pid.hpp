// The address of a process: `{node@host|0x00001}`.
//
// `host` is the entry the process lives on (a process host or a gateway). The number is unique within
// one run of one node. A PID is an address, never a right: it is not taken from a client as proof of
// anything.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace natterjack::hub {

/// A place processes live on, with the text all its PIDs begin with. Owned by the node, never freed,
/// so that a PID can be two words.
struct host_name {
  std::string node;
  std::string host;
  std::string prefix; ///< "{node@host|0x"
};

class pid {
 public:
  pid() noexcept = default; ///< nobody
  pid(const host_name* where, uint64_t number) noexcept : where_(where), number_(number) {}

  explicit operator bool() const noexcept { return where_ != nullptr; }
  uint64_t number() const noexcept { return number_; }
  const host_name* where() const noexcept { return where_; }

  bool operator==(const pid&) const noexcept = default;
  auto operator<=>(const pid& other) const noexcept { return number_ <=> other.number_; }

 private:
  const host_name* where_ = nullptr;
  uint64_t number_ = 0;
};

/// The text form; "" for nobody. At least five lower-case hexadecimal digits.
std::string to_string(const pid& id);

/// Writes the text form behind what `out` holds already.
void append(std::string& out, const pid& id);

/// What a PID text says, before anybody looked whether such a process exists.
struct pid_text {
  std::string_view node; ///< empty: this node
  std::string_view host;
  uint64_t number = 0;
};

/// Reads `{node@host|0x…}`, `{host|0x…}` and the older `{node@host|entry|0x…}`, whose middle part
/// does not count.
/// @param error  set to what is wrong with the text when the result is empty
std::optional<pid_text> parse_pid(std::string_view text, std::string* error = nullptr);

} // namespace natterjack::hub
