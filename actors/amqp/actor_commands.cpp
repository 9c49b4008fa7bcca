#include "actors/amqp/actor_commands.hpp"

#include <algorithm>
#include <charconv>

namespace natterjack::amqp {

namespace {

constexpr size_t width = 78;            // of a line of help
constexpr size_t short_help_max = 45;
constexpr size_t first_column_max = 30; // wider entries put their text on the next line

std::string upper(std::string_view name) {
  std::string result(name);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return c == '-' ? '_' : static_cast<char>(std::toupper(c)); });
  return result;
}

std::string option_name(const parameter_spec& p) {
  std::string result = "--" + p.name;
  std::replace(result.begin(), result.end(), '_', '-');
  return result;
}

std::string shown(const parameter_spec& p) { return p.is_option ? option_name(p) : upper(p.name); }

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

// Fills lines; the first begins with what `lines` ends with.
void wrap(std::vector<std::string>& lines, std::string_view text, size_t indent) {
  const std::string margin(indent, ' ');
  auto& first = lines.emplace_back(margin);
  bool is_empty = true;
  auto* line = &first;
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

std::string bad(const parameter_spec& p, const std::string& why) {
  return "BadParameter: Invalid value for '" + shown(p) + "': " + why;
}

std::optional<json_value> read_boolean(std::string_view text) {
  for (const char* yes : {"1", "true", "t", "yes", "y", "on"})
    if (text == yes)
      return json_value(true);
  for (const char* no : {"0", "false", "f", "no", "n", "off"})
    if (text == no)
      return json_value(false);
  return std::nullopt;
}

// @returns nothing with `problem` set
std::optional<json_value> read_value(const parameter_spec& p, const std::string& word,
                                     std::string& problem) {
  std::string quoted;
  append_python_repr(quoted, word);
  switch (p.type) {
    case parameter_type::text:
      return json_value(word);
    case parameter_type::integer: {
      int64_t value = 0;
      const auto* from = word.data() + (word.starts_with('+') ? 1 : 0);
      const auto read = std::from_chars(from, word.data() + word.size(), value);
      if (read.ec == std::errc{} && read.ptr == word.data() + word.size() && !word.empty())
        return json_value(value);
      problem = bad(p, quoted + " is not a valid integer.");
      return std::nullopt;
    }
    case parameter_type::number: {
      double value = 0;
      const auto* from = word.data() + (word.starts_with('+') ? 1 : 0);
      const auto read = std::from_chars(from, word.data() + word.size(), value);
      if (read.ec == std::errc{} && read.ptr == word.data() + word.size() && !word.empty())
        return json_value(value);
      problem = bad(p, quoted + " is not a valid float.");
      return std::nullopt;
    }
    case parameter_type::boolean:
      if (auto value = read_boolean(word))
        return value;
      problem = bad(p, quoted + " is not a valid boolean.");
      return std::nullopt;
    case parameter_type::choice: {
      if (std::find(p.choices.begin(), p.choices.end(), word) != p.choices.end())
        return json_value(word);
      std::string list;
      for (const auto& choice : p.choices) {
        list += list.empty() ? "" : ", ";
        append_python_repr(list, choice);
      }
      problem = bad(p, quoted + " is not one of " + list + ".");
      return std::nullopt;
    }
  }
  return std::nullopt;
}

std::vector<command_spec> built_in() {
  parameter_spec verb{"command", parameter_type::text, false, false, false, true, {}, std::nullopt, ""};
  parameter_spec keyword{"keyword", parameter_type::text, false, false, true, false, {}, std::nullopt, ""};
  parameter_spec one = verb;
  one.name = "command_name";
  one.is_rest = false;
  return {{"get-command-model", "Returns a dictionary representation of the command model.", {one}},
          {"get_schema", "Returns the schema of the actor as a JSON schema.", {}},
          {"help", "Shows the help.", {verb}},
          {"keyword", "Prints human-readable information about a keyword.", {keyword}},
          {"ping", "Pings the actor.", {}},
          {"version", "Reports the version.", {}}};
}

} // namespace

actor_commands::actor_commands(std::string actor, std::vector<command_spec> own)
    : actor_(std::move(actor)), all_(std::move(own)) {
  for (auto& one : built_in())
    if (find(one.name) == nullptr) // an actor may have its own
      all_.push_back(std::move(one));
  std::sort(all_.begin(), all_.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
}

const command_spec* actor_commands::find(std::string_view name) const noexcept {
  for (const auto& one : all_)
    if (one.name == name)
      return &one;
  return nullptr;
}

// -- parsing ------------------------------------------------------------------

namespace {

class word_reader {
 public:
  word_reader(const command_spec& spec, const std::vector<std::string>& words)
      : spec_(spec), words_(words) {}

  bool read(parsed_command& to, std::string& problem) {
    bool options_end = false;
    std::vector<std::string> plain;
    for (size_t i = 1; i < words_.size(); ++i) {
      const auto& word = words_[i];
      if (!options_end && word == "--") {
        options_end = true;
      } else if (!options_end && word == "--help") {
        to.wants_help = true;
        return true;
      } else if (const auto* option = options_end ? nullptr : find_option(word)) {
        if (!read_option(*option, i, to, problem))
          return false;
      } else {
        plain.push_back(word); // also what looks like an option and is none: negative numbers
      }
    }
    return read_arguments(plain, to, problem) && fill_in(to, problem);
  }

 private:
  const parameter_spec* find_option(const std::string& word) const {
    const auto name = word.substr(0, word.find('='));
    for (const auto& p : spec_.parameters)
      if (p.is_option && option_name(p) == name)
        return &p;
    return nullptr;
  }

  bool read_option(const parameter_spec& p, size_t& i, parsed_command& to, std::string& problem) {
    const auto equals = words_[i].find('=');
    if (p.is_flag) {
      if (equals != std::string::npos) {
        problem = "BadOptionUsage: Option '" + option_name(p) + "' does not take a value.";
        return false;
      }
      to.params.set(p.name, json_value(true));
      return true;
    }
    if (equals == std::string::npos && i + 1 == words_.size()) {
      problem = "BadOptionUsage: Option '" + option_name(p) + "' requires an argument.";
      return false;
    }
    auto value = read_value(p, equals == std::string::npos ? words_[++i] : words_[i].substr(equals + 1),
                            problem);
    if (value)
      to.params.set(p.name, std::move(*value));
    return value.has_value();
  }

  bool read_arguments(const std::vector<std::string>& plain, parsed_command& to, std::string& problem) {
    size_t at = 0;
    for (const auto& p : spec_.parameters) {
      if (p.is_option)
        continue;
      if (p.is_rest) {
        std::vector<json_value> rest;
        for (; at < plain.size(); ++at) {
          auto value = read_value(p, plain[at], problem);
          if (!value)
            return false;
          rest.push_back(std::move(*value));
        }
        to.params.set(p.name, json_value::make_array(std::move(rest)));
      } else if (at < plain.size()) {
        auto value = read_value(p, plain[at++], problem);
        if (!value)
          return false;
        to.params.set(p.name, std::move(*value));
      }
    }
    if (at == plain.size())
      return true;
    problem = plain.size() - at == 1 ? "UsageError: Got unexpected extra argument ("
                                     : "UsageError: Got unexpected extra arguments (";
    for (auto i = at; i < plain.size(); ++i)
      problem += (i == at ? "" : " ") + plain[i];
    problem += ")";
    return false;
  }

  bool fill_in(parsed_command& to, std::string& problem) {
    for (const auto& p : spec_.parameters) {
      if (to.params.find(p.name) != nullptr)
        continue;
      if (p.fallback) {
        to.params.set(p.name, *p.fallback);
      } else if (p.is_flag) {
        to.params.set(p.name, json_value(false));
      } else if (p.required) {
        problem = std::string("MissingParameter: Missing ") + (p.is_option ? "option" : "argument") +
                  " '" + shown(p) + "'.";
        return false;
      } else {
        to.params.set(p.name, json_value{});
      }
    }
    return true;
  }

  const command_spec& spec_;
  const std::vector<std::string>& words_;
};

} // namespace

std::optional<parsed_command> actor_commands::parse(const std::vector<std::string>& words,
                                                    std::string& problem) const {
  parsed_command result;
  if (words.empty()) {
    problem = "UsageError: Missing command.";
    return std::nullopt;
  }
  if (words.front() == "--help") {
    result.wants_help = true;
    return result;
  }
  result.spec = find(words.front());
  if (result.spec == nullptr) {
    std::string quoted;
    append_python_repr(quoted, words.front());
    problem = words.front().starts_with('-') ? "NoSuchOption: No such option: " + words.front()
                                             : "NoSuchCommand: No such command " + quoted + ".";
    return std::nullopt;
  }
  if (result.spec->is_raw) {
    std::vector<json_value> rest;
    for (size_t i = 1; i < words.size(); ++i)
      rest.emplace_back(words[i]);
    result.params.set("words", json_value::make_array(std::move(rest)));
    return result;
  }
  if (!word_reader(*result.spec, words).read(result, problem))
    return std::nullopt;
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
      auto name = option_name(p);
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
       {"opts", make_list(shown(p))},
       {"secondary_opts", json_value::make_array()},
       {"type", json_value::make_object(
                    {{"param_type", json_value(is_bool                                ? "Bool"
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
  parameter_spec show_help{"help", parameter_type::boolean, true, true, false, false, {}, std::nullopt,
                           "Show this message and exit."};
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
