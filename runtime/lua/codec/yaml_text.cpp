#include "runtime/lua/codec/yaml_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace natterjack::runtime::lua {

namespace {

using json = nlohmann::json;

// Words with which nothing but a text can be meant, whoever reads them.
bool is_plain(const std::string& text) {
  if (text.empty() || text.size() > 200 || text.back() == ' ')
    return false;
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto is_inner = [&is_letter](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '/' || c == '-' || c == ' ';
  };
  if (!is_letter(text.front()) || !std::all_of(text.begin(), text.end(), is_inner))
    return false;
  auto lower = text;
  for (char& c : lower)
    c = static_cast<char>(c | 0x20);
  constexpr const char* taken[]{"true", "false", "null", "yes", "no", "on", "off", "y", "n"};
  return std::none_of(std::begin(taken), std::end(taken), [&lower](const char* w) { return lower == w; });
}

std::string text_of(const json& scalar) {
  if (scalar.is_string() && is_plain(scalar.get_ref<const std::string&>()))
    return scalar.get<std::string>();
  return scalar.dump(-1, ' ', false, json::error_handler_t::replace);
}

void write(const json& value, size_t indent, std::string& out);

// What stands behind `key:` or `-`.
void write_behind(const json& value, size_t indent, bool in_list, std::string& out) {
  if (!value.is_structured() || value.empty()) {
    out.append(" ").append(text_of(value)).append("\n");
  } else if (in_list) { // the first key stands beside the dash
    std::string inner;
    write(value, indent + 2, inner);
    out.append(" ").append(inner, indent + 2);
  } else {
    out += '\n';
    write(value, indent + 2, out);
  }
}

void write(const json& value, size_t indent, std::string& out) {
  const std::string before(indent, ' ');
  if (value.is_array()) {
    for (const auto& one : value) {
      out.append(before).append("-");
      write_behind(one, indent, true, out);
    }
    return;
  }
  for (const auto& [key, one] : value.items()) {
    out.append(before).append(text_of(json(key))).append(":");
    write_behind(one, indent, false, out);
  }
}

} // namespace

std::string to_yaml(const json& value) {
  if (!value.is_structured() || value.empty())
    return text_of(value) + "\n";
  std::string out;
  write(value, 0, out);
  return out;
}

} // namespace natterjack::runtime::lua
