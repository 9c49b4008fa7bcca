#include "actors/amqp/actor_commands.hpp"

#include <algorithm>
#include <charconv>

namespace natterjack::amqp {

namespace {

std::string bad(const parameter_spec& p, const std::string& why) {
  return "BadParameter: Invalid value for '" + shown_name(p) + "': " + why;
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
  parameter_spec verb{"command", parameter_type::text, false, false, false, true,
                      {},        std::nullopt,         ""};
  parameter_spec keyword{"keyword", parameter_type::text, false, false, true, false,
                         {},        std::nullopt,         ""};
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
      if (p.is_option && shown_name(p) == name)
        return &p;
    return nullptr;
  }

  bool read_option(const parameter_spec& p, size_t& i, parsed_command& to, std::string& problem) {
    const auto equals = words_[i].find('=');
    if (p.is_flag) {
      if (equals != std::string::npos) {
        problem = "BadOptionUsage: Option '" + shown_name(p) + "' does not take a value.";
        return false;
      }
      to.params.set(p.name, json_value(true));
      return true;
    }
    if (equals == std::string::npos && i + 1 == words_.size()) {
      problem = "BadOptionUsage: Option '" + shown_name(p) + "' requires an argument.";
      return false;
    }
    auto value = read_value(
        p, equals == std::string::npos ? words_[++i] : words_[i].substr(equals + 1), problem);
    if (value)
      to.params.set(p.name, std::move(*value));
    return value.has_value();
  }

  bool read_arguments(const std::vector<std::string>& plain, parsed_command& to,
                      std::string& problem) {
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
        problem = std::string("MissingParameter: Missing ") +
                  (p.is_option ? "option" : "argument") + " '" + shown_name(p) + "'.";
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

} // namespace natterjack::amqp
