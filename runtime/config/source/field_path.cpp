#include "runtime/config/source/field_path.hpp"

#include "runtime/config/kinds/kind_schema.hpp"

#include <algorithm>
#include <charconv>

namespace natterjack::runtime {

namespace {

constexpr size_t steps_max = 32; // values are walked recursively

const field* find_named(const std::vector<field>* fields, std::string_view name) {
  if (!fields)
    return nullptr;
  auto found = std::find_if(fields->begin(), fields->end(),
                            [name](const field& f) { return f.name == name; });
  return found == fields->end() ? nullptr : &*found;
}

bool has_free_keys(const field* f) {
  return f && (f->type == field_type::option_map || f->type == field_type::text_map ||
               f->type == field_type::imports);
}

config_value* list_item(config_value& list, std::string_view step) {
  size_t index = 0;
  auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
  if (error != std::errc{} || end != step.data() + step.size() || index >= list.items().size())
    return nullptr;
  return &list.items()[index];
}

} // namespace

std::string set_field(entry& e, std::string_view path, config_value value) {
  if (path == "name" || path == "kind" || path == "namespace" || path == "id")
    return "the " + std::string(path) + " of an entry cannot be changed";
  if (path.empty() || path.starts_with('.') || path.ends_with('.') ||
      path.find("..") != std::string_view::npos)
    return "\"" + std::string(path) + "\" is no path of a field";
  if (path == "meta" || path == "data")
    return "\"" + std::string(path) + "\" is all of the entry; name a field in it";
  if (std::count(path.begin(), path.end(), '.') >= static_cast<std::ptrdiff_t>(steps_max))
    return "the path of the field has more than " + std::to_string(steps_max) + " steps";

  const kind_definition* kind = find_kind(e.kind);
  const std::vector<field>* fields = kind ? &kind->fields : nullptr;
  config_value* at = &e.data;
  if (path.starts_with("meta.")) {
    path.remove_prefix(5);
    fields = kind ? &kind->meta : nullptr;
    at = &e.meta;
  } else if (path.starts_with("data.")) {
    path.remove_prefix(5);
  }
  const field* in = nullptr;
  std::string passed;
  while (true) {
    const auto dot = has_free_keys(in) ? std::string_view::npos : path.find('.');
    const auto step = path.substr(0, dot);
    const bool is_last = dot == std::string_view::npos;
    if (!at->is_map() && !at->is_list() && !at->is_null())
      return "\"" + passed + "\" is " + at->describe() + " and has no fields";
    config_value* next = nullptr;
    if (at->is_list()) {
      next = list_item(*at, step);
      if (!next)
        return "\"" + passed + "\" is a list of " + std::to_string(at->items().size()) +
               " and has no item " + std::string(step) + " (the first is 0)";
    } else {
      next = at->find(step);
      if (!next) {
        next = &at->put(step, is_last ? config_value() : config_value::map());
        next->set_origin(value.origin()); // a section that nobody has written stands there as well
      }
    }
    if (is_last) {
      *next = std::move(value);
      return {};
    }
    passed += (passed.empty() ? "" : ".") + std::string(step);
    in = find_named(fields, step);
    fields = in ? &in->fields : nullptr;
    at = next;
    path.remove_prefix(dot + 1);
  }
}

} // namespace natterjack::runtime
