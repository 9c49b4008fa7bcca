#include "runtime/config/kinds/kind_schema.hpp"

#include "runtime/config/nearest.hpp"

#include <algorithm>
#include <cmath>

namespace natterjack::runtime {

namespace {

const field* find_in(const std::vector<field>& fields, std::string_view path) noexcept {
  const auto dot = path.find('.');
  const auto name = path.substr(0, dot);
  auto found =
      std::find_if(fields.begin(), fields.end(), [name](const field& f) { return f.name == name; });
  if (found == fields.end())
    return nullptr;
  return dot == std::string_view::npos ? &*found : find_in(found->fields, path.substr(dot + 1));
}

std::string number(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.'))
    text.pop_back();
  return text;
}

std::string size(double bytes) {
  for (auto [unit, factor] : {std::pair{"GiB", 0x1p30}, {"MiB", 0x1p20}, {"KiB", 0x1p10}})
    if (bytes >= factor && std::fmod(bytes, factor) == 0)
      return number(bytes / factor) + unit;
  return number(bytes);
}

std::string time(double seconds) {
  for (auto [unit, factor] : {std::pair{"h", 3600.0}, {"s", 1.0}, {"ms", 1e-3}, {"us", 1e-6}})
    if (seconds >= factor)
      return number(std::round(seconds / factor * 1000) / 1000) + unit;
  return number(seconds) + "s";
}

std::string range(const field& f, std::string (*write)(double)) {
  std::string text = std::isinf(f.max) ? (f.min > 0 ? ", at least " + write(f.min) : "")
                                       : " from " + write(f.min) + " to " + write(f.max);
  return text + (f.can_be_off ? ", or off" : "");
}

} // namespace

const kind_definition* find_kind(std::string_view name) noexcept {
  for (const auto& kind : kinds())
    if (kind.name == name)
      return &kind;
  return nullptr;
}

const field* find_field(const kind_definition& kind, std::string_view path) noexcept {
  constexpr std::string_view meta = "meta.";
  return path.starts_with(meta) ? find_in(kind.meta, path.substr(meta.size()))
                                : find_in(kind.fields, path);
}

bool is_built_in_job(std::string_view name) noexcept { return name == "echo"; }

std::string expectation(const field& f) {
  switch (f.type) {
  case field_type::text:
    return "text";
  case field_type::reference:
    return "the id of an entry of kind " + one_of(f.words);
  case field_type::reference_list:
    return "a list of ids of entries of kind " + one_of(f.words);
  case field_type::text_list:
    return "a list of texts";
  case field_type::time:
    return "a time such as 25s, 300ms or 1m30s" + range(f, time);
  case field_type::bytes:
    return "bytes as a number or such as 64KiB" + range(f, size);
  case field_type::integer:
    return "a whole number" + range(f, number);
  case field_type::real:
    return "a number" + range(f, number);
  case field_type::boolean:
    return "true or false";
  case field_type::choice:
    return one_of(f.words);
  case field_type::section:
  case field_type::map:
    return "a map";
  case field_type::section_list:
    return "a list of maps";
  case field_type::text_map:
  case field_type::option_map:
    return "a map of texts";
  case field_type::list:
    return "a list";
  case field_type::any:
    return "anything";
  case field_type::source:
    return "file://NAME.lua or Lua text";
  case field_type::address:
    return "ADDRESS:PORT such as 127.0.0.1:8082 or :8082";
  case field_type::url_path:
  case field_type::pattern_path:
    return "a path that starts with /";
  case field_type::url_prefix:
    return "a path that starts with /, or nothing";
  case field_type::modules:
    return "a list of module names";
  case field_type::imports:
    return "a map from alias to the id of a library.lua";
  case field_type::middleware:
    return "a list of middleware names";
  case field_type::job_map:
    return "a map from name to echo or the id of an entry of kind " + one_of(f.words);
  case field_type::file_mode:
    return "permissions as octal digits in quotes such as \"0755\"";
  }
  return {};
}

} // namespace natterjack::runtime
