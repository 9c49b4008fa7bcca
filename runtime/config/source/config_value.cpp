#include "runtime/config/source/config_value.hpp"

#include "hub/quantities.hpp"
#include "hub/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace natterjack::runtime {

namespace {

const std::vector<config_value> no_items;
const std::vector<map_member> no_members;

// A long text in a message hides the message.
std::string quoted(const std::string& text) {
  constexpr size_t shown_max = 40;
  const auto line = std::string_view(text).substr(0, text.find('\n'));
  const std::string shown(hub::beginning_of(line, shown_max));
  return '"' + shown + (shown.size() != text.size() ? "…\"" : "\"");
}

} // namespace

config_value::config_value() noexcept = default;
config_value::config_value(const config_value&) = default;
config_value::config_value(config_value&&) noexcept = default;
config_value& config_value::operator=(const config_value&) = default;
config_value& config_value::operator=(config_value&&) noexcept = default;
config_value::~config_value() = default;

config_value config_value::boolean(bool value, int line) {
  config_value made;
  made.value_ = value;
  made.line_ = line;
  return made;
}

config_value config_value::integer(int64_t value, int line) {
  config_value made;
  made.value_ = value;
  made.line_ = line;
  return made;
}

config_value config_value::real(double value, int line) {
  config_value made;
  made.value_ = value;
  made.line_ = line;
  return made;
}

config_value config_value::text(std::string value, int line) {
  config_value made;
  made.value_ = std::move(value);
  made.line_ = line;
  return made;
}

config_value config_value::list(int line) {
  config_value made;
  made.value_ = list_type{};
  made.line_ = line;
  return made;
}

config_value config_value::map(int line) {
  config_value made;
  made.value_ = map_type{};
  made.line_ = line;
  return made;
}

value_kind config_value::kind() const noexcept {
  return static_cast<value_kind>(value_.index()); // the enum follows the variant
}

std::optional<bool> config_value::as_bool() const {
  if (auto* value = std::get_if<bool>(&value_))
    return *value;
  if (auto* text = std::get_if<std::string>(&value_); text && loose_)
    return typed_scalar(*text).as_bool();
  return {};
}

std::optional<int64_t> config_value::as_integer() const {
  if (auto* value = std::get_if<int64_t>(&value_))
    return *value;
  if (auto* text = std::get_if<std::string>(&value_); text && loose_)
    return typed_scalar(*text).as_integer();
  return {};
}

std::optional<double> config_value::as_real() const {
  if (auto* value = std::get_if<double>(&value_))
    return *value;
  if (auto whole = as_integer())
    return static_cast<double>(*whole);
  if (auto* text = std::get_if<std::string>(&value_); text && loose_)
    return typed_scalar(*text).as_real();
  return {};
}

const std::string* config_value::as_text() const noexcept {
  if (auto* text = std::get_if<std::string>(&value_))
    return text;
  const bool scalar = kind() != value_kind::list && kind() != value_kind::map && !is_null();
  return loose_ && scalar && !written_.empty() ? &written_ : nullptr;
}

std::optional<std::chrono::nanoseconds> config_value::as_duration() const {
  if (auto whole = as_integer(); whole && *whole == 0)
    return std::chrono::nanoseconds{0};
  if (auto* text = as_text())
    return hub::parse_duration(*text);
  return {};
}

std::optional<uint64_t> config_value::as_bytes() const {
  if (auto whole = as_integer()) {
    if (*whole < 0)
      return {};
    return static_cast<uint64_t>(*whole);
  }
  if (auto* text = as_text())
    return hub::parse_bytes(*text);
  return {};
}

const std::vector<config_value>& config_value::items() const noexcept {
  auto* list = std::get_if<list_type>(&value_);
  return list ? *list : no_items;
}

std::vector<config_value>& config_value::items() {
  if (!is_list())
    value_ = list_type{};
  return std::get<list_type>(value_);
}

const std::vector<map_member>& config_value::members() const noexcept {
  auto* map = std::get_if<map_type>(&value_);
  return map ? *map : no_members;
}

std::vector<map_member>& config_value::members() {
  if (!is_map())
    value_ = map_type{};
  return std::get<map_type>(value_);
}

const map_member* config_value::find_member(std::string_view key) const noexcept {
  for (const auto& member : members())
    if (member.key == key)
      return &member;
  return nullptr;
}

const config_value* config_value::find(std::string_view key) const noexcept {
  auto* member = find_member(key);
  return member ? &member->value : nullptr;
}

config_value* config_value::find(std::string_view key) noexcept {
  return const_cast<config_value*>(std::as_const(*this).find(key));
}

const config_value* config_value::find_path(std::string_view dotted) const noexcept {
  const config_value* at = this;
  while (at) {
    const auto dot = dotted.find('.');
    at = at->find(dotted.substr(0, dot));
    if (dot == std::string_view::npos)
      return at;
    dotted.remove_prefix(dot + 1);
  }
  return nullptr;
}

config_value& config_value::put(std::string_view key, config_value value, int key_line) {
  auto& all = members();
  auto found = std::find_if(all.begin(), all.end(),
                            [key](const map_member& member) { return member.key == key; });
  if (found == all.end())
    return all.emplace_back(map_member{std::string(key), key_line, std::move(value)}).value;
  found->line = key_line;
  found->value = std::move(value);
  return found->value;
}

std::string config_value::describe() const {
  switch (kind()) {
  case value_kind::null:
    return "nothing";
  case value_kind::boolean:
    return std::get<bool>(value_) ? "true" : "false";
  case value_kind::integer:
  case value_kind::real:
    return "number " + (written_.empty() ? to_json().dump() : written_);
  case value_kind::text:
    return "text " + quoted(std::get<std::string>(value_));
  case value_kind::list:
    return items().empty() ? "an empty list" : "a list";
  case value_kind::map:
    return members().empty() ? "an empty map" : "a map";
  }
  return {};
}

nlohmann::json config_value::to_json() const {
  switch (kind()) {
  case value_kind::null:
    return nullptr;
  case value_kind::boolean:
    return std::get<bool>(value_);
  case value_kind::integer:
    return std::get<int64_t>(value_);
  case value_kind::real:
    return std::get<double>(value_);
  case value_kind::text:
    return std::get<std::string>(value_);
  case value_kind::list: {
    auto made = nlohmann::json::array();
    for (const auto& item : items())
      made.push_back(item.to_json());
    return made;
  }
  case value_kind::map: {
    auto made = nlohmann::json::object();
    for (const auto& member : members())
      made[member.key] = member.value.to_json();
    return made;
  }
  }
  return nullptr;
}

void config_value::set_origin(std::shared_ptr<const std::string> option) {
  if (auto* list = std::get_if<list_type>(&value_))
    for (auto& item : *list)
      item.set_origin(option);
  if (auto* map = std::get_if<map_type>(&value_))
    for (auto& member : *map)
      member.value.set_origin(option);
  origin_ = std::move(option);
}

} // namespace natterjack::runtime
