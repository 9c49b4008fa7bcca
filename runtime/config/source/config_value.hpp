// A value read from YAML, JSON or the command line: a small tree that knows the line of every node.
//
//   kinds      null, boolean, integer, real, text, list, map (members keep the order of the file)
//   made by    the YAML and JSON readers, overrides, the implicit entries
//   read by    the schema checks and the typed option structs
//   never      throws when asked for the wrong kind: accessors answer with nothing
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace natterjack::runtime {

enum class value_kind : uint8_t { null, boolean, integer, real, text, list, map };

struct map_member;

class config_value {
 public:
  config_value() noexcept; ///< null
  config_value(const config_value&);
  config_value(config_value&&) noexcept;
  config_value& operator=(const config_value&);
  config_value& operator=(config_value&&) noexcept;
  ~config_value();

  static config_value boolean(bool value, int line = 0);
  static config_value integer(int64_t value, int line = 0);
  static config_value real(double value, int line = 0);
  static config_value text(std::string value, int line = 0);
  static config_value list(int line = 0);
  static config_value map(int line = 0);

  value_kind kind() const noexcept;
  bool is_null() const noexcept { return kind() == value_kind::null; }
  bool is_list() const noexcept { return kind() == value_kind::list; }
  bool is_map() const noexcept { return kind() == value_kind::map; }

  /// Line of the file this value begins on, from 1; 0 when it is from no file.
  int line() const noexcept { return line_; }
  void set_line(int line) noexcept { line_ = line; }

  std::optional<bool> as_bool() const;
  std::optional<int64_t> as_integer() const;
  std::optional<double> as_real() const; ///< of an integer as well
  /// The text, or null. A number written by `${env:…}` or on the command line can be read as text
  /// as well, since nobody could say there which of the two was meant.
  const std::string* as_text() const noexcept;
  /// Go syntax (`1m30s`) or the number 0.
  std::optional<std::chrono::nanoseconds> as_duration() const;
  /// A whole number of bytes or text such as `64KiB`.
  std::optional<uint64_t> as_bytes() const;

  const std::vector<config_value>& items() const noexcept; ///< empty when this is no list
  std::vector<config_value>& items();                      ///< makes this a list
  const std::vector<map_member>& members() const noexcept; ///< empty when this is no map
  std::vector<map_member>& members();                      ///< makes this a map

  const map_member* find_member(std::string_view key) const noexcept;
  const config_value* find(std::string_view key) const noexcept;
  config_value* find(std::string_view key) noexcept;
  /// The value below a dotted path (`limits.ping_interval`), or null.
  const config_value* find_path(std::string_view dotted) const noexcept;
  /// Sets or adds a member; makes this a map if it is none.
  config_value& put(std::string_view key, config_value value, int key_line = 0);

  /// For messages: `text "yes"`, `number 5`, `a list`, `nothing`.
  std::string describe() const;
  nlohmann::json to_json() const;

  /// The option this value was given with (`--set a:b.c=1`); null when it is from a file.
  const std::shared_ptr<const std::string>& origin() const noexcept { return origin_; }
  void set_origin(std::shared_ptr<const std::string> option);

  /// How a number, boolean or null was written; empty if it was not written but made.
  const std::string& written() const noexcept { return written_; }
  void set_written(std::string as) { written_ = std::move(as); }
  /// Text and numbers may stand for each other (see `as_text`).
  bool is_loose() const noexcept { return loose_; }
  void set_loose(bool loose) noexcept { loose_ = loose; }
  /// Text that was written without quotes.
  bool is_plain() const noexcept { return plain_; }
  void set_plain(bool plain) noexcept { plain_ = plain; }
  /// Text that was written as a block (`|`), so that its first line is the one behind `line()`.
  bool is_block() const noexcept { return block_; }
  void set_block(bool block) noexcept { block_ = block; }
  /// What is wrong with it was said already: further checks leave it alone.
  bool is_broken() const noexcept { return broken_; }
  void set_broken() noexcept { broken_ = true; }

 private:
  using list_type = std::vector<config_value>;
  using map_type = std::vector<map_member>;
  std::variant<std::monostate, bool, int64_t, double, std::string, list_type, map_type> value_;
  std::string written_;
  std::shared_ptr<const std::string> origin_;
  int line_ = 0;
  bool loose_ = false;
  bool plain_ = false;
  bool block_ = false;
  bool broken_ = false;
};

struct map_member {
  std::string key;
  int line = 0; ///< of the key
  config_value value;
};

/// Gives text without quotes the type that YAML 1.2 gives it: null, boolean, number or text.
config_value typed_scalar(std::string_view text, int line = 0);

} // namespace natterjack::runtime
