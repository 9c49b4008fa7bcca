#include "actors/amqp/actor_commands.hpp"

#include <algorithm>

namespace natterjack::amqp {

namespace {

constexpr size_t width = 78; // of a line of help
constexpr size_t short_help_max = 45;
constexpr size_t first_column_max = 30; // wider entries put their text on the next line

std::string upper(std::string_view name) {
  std::string result(name);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) {
    return c == '-' ? '_' : static_cast<char>(std::toupper(c));
  });
  return result;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : std::string(text) + " ") {
    if (c != ' ' && c != '\n' && c != '\t') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  return words;
}

// Adds `text` as lines of at most `width`.
void wrap(std::vector<std::string>& lines, std::string_view text, size_t indent) {
  const std::string margin(indent, ' ');
  auto* line = &lines.emplace_back(margin);
  bool is_empty = true;
  for (const auto& word : words_of(text)) {
    if (!is_empty && line->size() + 1 + word.size() > width) {
      line = &lines.emplace_back(margin);
      is_empty = true;
    }
    if (!is_empty)
      *line += ' ';
    *line += word;
    is_empty = false;
  }
}

// The first sentence, cut at a word's end.
std::string short_help(std::string_view help) {
  std::string result;
  for (const auto& word : words_of(help)) {
    if (result.size() + word.size() + 1 > short_help_max)
      return result + "...";
    result += (result.empty() ? "" : " ") + word;
    if (word.ends_with('.'))
      break;
  }
  return result;
}

void add_table(std::vector<std::string>& lines, const char* title,
               const std::vector<std::pair<std::string, std::string>>& rows) {
  lines.emplace_back();
  lines.emplace_back(title);
  size_t column = 0;
  for (const auto& [name, text] : rows)
    column = std::max(column, name.size());
  column = std::min(column, first_column_max) + 2;
  for (const auto& [name, text] : rows) {
    std::string line = "  " + name;
    if (text.empty()) {
      lines.push_back(std::move(line));
      continue;
    }
    std::vector<std::string> wrapped;
    wrap(wrapped, text, column + 2);
    if (name.size() + 2 <= column)
      wrapped.front().replace(0, line.size(), line);
    else
      lines.push_back(std::move(line));
    lines.insert(lines.end(), wrapped.begin(), wrapped.end());
  }
}

std::string usage_of(const parameter_spec& p) {
  std::string result = upper(p.name);
  if (p.is_rest)
    result = "[" + result + "]...";
  else if (!p.required)
    result = "[" + result + "]";
  return result;
}

const char* type_name(parameter_type type) noexcept {
  switch (type) {
  case parameter_type::integer:
    return "integer";
  case parameter_type::number:
    return "float";
  case parameter_type::boolean:
    return "boolean";
  case parameter_type::choice:
    return "choice";
  case parameter_type::text:
    break;
  }
  return "text";
}

} // namespace

std::string shown_name(const parameter_spec& p) {
  if (!p.is_option)
    return upper(p.name);
  std::string result = "--" + p.name;
  std::replace(result.begin(), result.end(), '_', '-');
  return result;
}

// -- help ---------------------------------------------------------------------

std::vector<std::string> actor_commands::help(const command_spec* of) const {
  std::vector<std::string> lines;
  std::vector<std::pair<std::string, std::string>> options;
  std::string usage = "Usage: " + actor_;
  if (of == nullptr) {
    usage += " [OPTIONS] COMMAND [ARGS]...";
  } else {
    usage += " " + of->name + " [OPTIONS]";
    for (const auto& p : of->parameters) {
      if (!p.is_option) {
        usage += " " + usage_of(p);
        continue;
      }
      auto name = shown_name(p);
      if (!p.is_flag)
        name += p.type == parameter_type::choice ? " CHOICE" : " " + upper(type_name(p.type));
      options.emplace_back(std::move(name), p.help + (p.required ? "  [required]" : ""));
    }
    if (of->is_raw)
      usage += " [WORDS]...";
  }
  wrap(lines, usage, 0);
  if (of != nullptr && !of->help.empty()) {
    lines.emplace_back();
    wrap(lines, of->help, 2);
  }
  options.emplace_back("--help", "Show this message and exit.");
  add_table(lines, "Options:", options);
  if (of == nullptr) {
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto& one : all_)
      rows.emplace_back(one.name, short_help(one.help));
    add_table(lines, "Commands:", rows);
  }
  return lines;
}

// -- the model ----------------------------------------------------------------

namespace {

json_value text_or_null(const std::string& text) {
  return text.empty() ? json_value{} : json_value(text);
}

json_value describe(const parameter_spec& p) {
  const bool is_bool = p.is_flag || p.type == parameter_type::boolean;
  const auto make_list = [](const std::string& one) {
    return json_value::make_array({json_value(one)});
  };
  auto result = json_value::make_object(
      {{"name", json_value(p.name)},
       {"param_type_name", json_value(p.is_option ? "option" : "argument")},
       {"opts", make_list(shown_name(p))},
       {"secondary_opts", json_value::make_array()},
       {"type", json_value::make_object(
                    {{"param_type", json_value(is_bool                             ? "Bool"
                                               : p.type == parameter_type::integer ? "Int"
                                               : p.type == parameter_type::number  ? "Float"
                                               : p.type == parameter_type::choice  ? "Choice"
                                                                                   : "String")},
                     {"name", json_value(is_bool ? "boolean" : type_name(p.type))}})},
       {"required", json_value(p.required && !p.is_rest)},
       {"nargs", json_value(int64_t{p.is_rest ? -1 : 1})},
       {"multiple", json_value(false)},
       {"default", p.fallback.value_or(p.is_flag ? json_value(false) : json_value{})},
       {"envvar", json_value{}},
       {"help", text_or_null(p.help)}});
  if (p.is_option) {
    result.set("prompt", json_value{});
    result.set("is_flag", json_value(p.is_flag));
    result.set("flag_value", json_value(p.is_flag));
    result.set("count", json_value(false));
    result.set("hidden", json_value(false));
  }
  return result;
}

json_value describe(const std::string& name, const std::string& help,
                    const std::vector<parameter_spec>& parameters) {
  std::vector<json_value> params;
  for (const auto& p : parameters)
    params.push_back(describe(p));
  parameter_spec show_help{"help",       parameter_type::boolean,      true, true, false, false, {},
                           std::nullopt, "Show this message and exit."};
  params.push_back(describe(show_help));
  return json_value::make_object({{"name", json_value(name)},
                                  {"params", json_value::make_array(std::move(params))},
                                  {"help", text_or_null(help)},
                                  {"epilog", json_value{}},
                                  {"short_help", json_value{}},
                                  {"hidden", json_value(false)},
                                  {"deprecated", json_value(false)}});
}

} // namespace

json_value actor_commands::model(const command_spec* of) const {
  if (of != nullptr)
    return describe(of->name, of->help, of->parameters);
  auto result = describe("command-parser", "", {});
  auto all = json_value::make_object();
  for (const auto& one : all_)
    all.set(one.name, describe(one.name, one.help, one.parameters));
  result.set("commands", std::move(all));
  return result;
}

} // namespace natterjack::amqp
