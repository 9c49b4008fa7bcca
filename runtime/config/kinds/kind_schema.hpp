// What an entry of each kind may say: one definition a kind, for checks, defaults and documents.
//
//   find_kind, name              its definition, also of kinds of the dialect that are not built
//   here find_field, kind, path       `limits.ping_interval`, `meta.router`
//
//   a default is written as a user would write it and read by the same code as the user's value
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace natterjack::runtime {

enum class field_type : uint8_t {
  text,
  reference, ///< id of an entry of one of `words`
  reference_list,
  text_list,
  time,
  bytes,
  integer,
  real,
  boolean,
  choice,       ///< one of `words`
  section,      ///< a map with `fields`
  section_list, ///< a list of such maps
  text_map,     ///< free keys, plain values
  option_map,   ///< middleware options
  list,         ///< of anything
  map,          ///< of anything
  any,
  source, ///< Lua text or `file://…`
  address,
  url_path, ///< starts with `/`; `pattern_path` may hold `{name}`
  pattern_path,
  url_prefix, ///< as url_path, may be empty
  modules,
  imports, ///< alias: id of a library.lua
  middleware,
  file_mode, ///< octal digits
  job_map,   ///< name: id of an entry of one of `words`, or the name of a built-in job
};

enum class field_support : uint8_t {
  built,
  ignored,   ///< accepted so that applications need no change, without effect: a warning
  not_built, ///< would change what the application means if it were left out: an error
};

struct field {
  std::string name;
  field_type type = field_type::any;
  std::string doc;
  bool is_required = false;
  std::string default_text; ///< empty: none
  double min = 0;           ///< integer, real; bytes; seconds for durations
  double max = std::numeric_limits<double>::infinity();
  bool can_be_off = false; ///< 0 or `off` mean "no bound", below `min` as well
  std::vector<std::string> words;
  std::vector<field> fields;
  field_support support = field_support::built;

  field&& required() && { return is_required = true, std::move(*this); }
  field&& otherwise(std::string text) && {
    return default_text = std::move(text), std::move(*this);
  }
  field&& between(double low, double high) && { return min = low, max = high, std::move(*this); }
  field&& or_off() && { return can_be_off = true, std::move(*this); }
  field&& of(std::vector<std::string> which) && {
    return words = std::move(which), std::move(*this);
  }
  field&& with(std::vector<field> inner) && { return fields = std::move(inner), std::move(*this); }
  field&& without_effect() && { return support = field_support::ignored, std::move(*this); }
  field&& not_built() && { return support = field_support::not_built, std::move(*this); }
};

struct kind_definition {
  std::string name;
  std::string doc;
  bool is_built = true;
  std::vector<field> fields{};
  std::vector<field> meta{}; ///< names inside the otherwise free `meta`
  bool is_service = false;   ///< has a life cycle
  bool is_free = false;      ///< fields are the application's own
  /// Of a kind that is not built: without it the application does something else than was meant, so it
  /// is an error. Others only matter to entries that refer to them.
  bool is_vital = true;
};

/// All kinds, in the order documents list them.
const std::vector<kind_definition>& kinds();
const kind_definition* find_kind(std::string_view name) noexcept;

/// @param path  dotted; begins with `meta.` for fields of `meta`
const field* find_field(const kind_definition& kind, std::string_view path) noexcept;

/// Names in a `job_map` that need no entry.
bool is_built_in_job(std::string_view name) noexcept;

/// For messages: `a time such as 25s`, `true or false`, `one of: close, drop_newest, drop_oldest`.
std::string expectation(const field& f);

} // namespace natterjack::runtime
