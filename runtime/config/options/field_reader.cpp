#include "runtime/config/options/field_reader.hpp"

#include <nlohmann/json.hpp>

#include <stdexcept>

namespace natterjack::runtime {

namespace {

const kind_definition& kind_of(const entry& e) {
  const auto* kind = find_kind(e.kind);
  if (!kind)
    throw std::logic_error(e.id + " is of unknown kind " + e.kind);
  return *kind;
}

} // namespace

field_reader::field_reader(const entry& e) : entry_(e), kind_(kind_of(e)) {
}

const config_value* field_reader::said(std::string_view path) const {
  constexpr std::string_view meta = "meta.";
  const auto* found = path.starts_with(meta) ? entry_.meta.find_path(path.substr(meta.size()))
                                             : entry_.data.find_path(path);
  if (!found || found->is_null())
    return nullptr;
  // The dialect writes an empty word where it means the default.
  const auto* text = found->as_text();
  const auto* definition = text && text->empty() ? find_field(kind_, path) : nullptr;
  return definition && definition->type == field_type::choice ? nullptr : found;
}

config_value field_reader::value(std::string_view path) const {
  if (const auto* found = said(path))
    return *found;
  const auto* definition = find_field(kind_, path);
  if (!definition)
    fail(path);
  auto made = typed_scalar(definition->default_text);
  made.set_loose(true);
  return made;
}

void field_reader::fail(std::string_view path) const {
  throw std::logic_error(entry_.id + " (" + entry_.kind + ") cannot be read at " +
                         std::string(path));
}

std::string field_reader::text(std::string_view path) const {
  const auto found = value(path);
  return found.is_null() ? "" : plain_text(found);
}

std::string field_reader::id(std::string_view path) const {
  return resolve_reference(entry_.ns, text(path));
}

duration field_reader::time(std::string_view path) const {
  const auto found = value(path);
  if (found.as_text() && *found.as_text() == "off")
    return duration{0};
  if (auto time = found.as_duration())
    return *time;
  fail(path);
}

uint64_t field_reader::bytes(std::string_view path) const {
  const auto found = value(path);
  if (found.as_text() && *found.as_text() == "off")
    return 0;
  if (auto size = found.as_bytes())
    return *size;
  fail(path);
}

uint64_t field_reader::count(std::string_view path) const {
  const auto found = value(path);
  if (found.as_text() && *found.as_text() == "off")
    return 0;
  if (auto whole = found.as_integer(); whole && *whole >= 0)
    return static_cast<uint64_t>(*whole);
  fail(path);
}

double field_reader::real(std::string_view path) const {
  if (auto number = value(path).as_real())
    return *number;
  fail(path);
}

bool field_reader::flag(std::string_view path) const {
  if (auto is_set = value(path).as_bool())
    return *is_set;
  fail(path);
}

std::vector<std::string> field_reader::texts(std::string_view path) const {
  std::vector<std::string> made;
  if (const auto* list = said(path))
    for (const auto& item : list->items())
      made.push_back(plain_text(item));
  return made;
}

std::vector<std::string> field_reader::ids(std::string_view path) const {
  auto made = texts(path);
  for (auto& each : made)
    each = resolve_reference(entry_.ns, each);
  return made;
}

string_map field_reader::text_map(std::string_view path) const {
  string_map made;
  if (const auto* map = said(path))
    for (const auto& member : map->members())
      made[member.key] = plain_text(member.value);
  return made;
}

std::string plain_text(const config_value& value) {
  if (const auto* text = value.as_text())
    return *text;
  if (value.is_null())
    return {};
  return value.written().empty() ? value.to_json().dump() : value.written();
}

} // namespace natterjack::runtime
