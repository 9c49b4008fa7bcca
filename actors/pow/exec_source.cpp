#include "actors/pow/exec_source.hpp"

#include "actors/pow/exec_job.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <unistd.h>

namespace natterjack::pow {

namespace {

// Whole words "{1}" … "{9}" and "{*}".
bool is_placeholder(std::string_view word) noexcept {
  return word.size() == 3 && word.front() == '{' && word.back() == '}' &&
         ((word[1] >= '1' && word[1] <= '9') || word[1] == '*');
}

// "{0}", "{10}": meant as one, and none.
bool is_numbered(std::string_view word) noexcept {
  return word.size() > 2 && word.front() == '{' && word.back() == '}' &&
         std::all_of(word.begin() + 1, word.end() - 1, [](char c) { return c >= '0' && c <= '9'; });
}

// Matches in time that grows with the argument, and needs no stack for it: what a client sends must not be
// able to hold up a thread or to end the process, as the back-tracking default of libstdc++ would let it.
std::regex make_pattern(const std::string& text) {
  using namespace std::regex_constants;
  return std::regex(text, ECMAScript | __polynomial);
}

bool has_placeholder_inside(std::string_view word) noexcept {
  for (size_t i = 0; i + 3 <= word.size(); ++i)
    if (is_placeholder(word.substr(i, 3)) && word.size() > 3)
      return true;
  return false;
}

class exec_job_source final : public job_source {
 public:
  explicit exec_job_source(exec_options options) : options_(std::move(options)) {
    check_template();
    make_plan();
    for (const auto& pattern : options_.argument_patterns) {
      try {
        patterns_.push_back(make_pattern(pattern));
      } catch (const std::regex_error& e) {
        refuse("argument_patterns",
               "the pattern \"" + pattern + "\" is no regular expression: " + e.what());
      }
    }
  }

  made_job make(const job_request& request) override {
    static const std::vector<std::string> none;
    const auto& arguments = request.arguments ? *request.arguments : none;
    if (!are_fine(arguments))
      return job_refusal{std::string(invalid_arguments)};
    exec_job_plan plan = plan_;
    plan.child.argv.clear();
    for (const auto& word : options_.argv) {
      if (!is_placeholder(word))
        plan.child.argv.push_back(word);
      else if (word[1] != '*')
        plan.child.argv.push_back(arguments[static_cast<size_t>(word[1] - '1')]);
      else
        for (size_t i = named_; i < arguments.size(); ++i)
          plan.child.argv.push_back(arguments[i]);
    }
    return make_exec_job(std::move(plan));
  }

 private:
  [[noreturn]] void refuse(const char* option, const std::string& why) const {
    throw exec_option_error(options_.name, option, why);
  }

  void check_template() {
    if (options_.argv.empty() || options_.argv.front().empty())
      refuse("argv", "there is no program to run");
    if (is_placeholder(options_.argv.front()))
      refuse("argv", "a client may not choose the program");
    bool has_rest = false;
    for (const auto& word : options_.argv) {
      if (has_placeholder_inside(word))
        refuse("argv", "a placeholder must be a whole word, found \"" + word + "\"");
      if (is_numbered(word) && !is_placeholder(word))
        refuse("argv", "placeholders are {1} to {9} and {*}, found \"" + word + "\"");
      if (word.find('\0') != std::string::npos)
        refuse("argv", "a word may not hold a NUL byte");
      if (!is_placeholder(word))
        continue;
      if (word[1] == '*')
        has_rest = true;
      else
        named_ = std::max(named_, static_cast<size_t>(word[1] - '0'));
    }
    min_ = options_.arguments_min.value_or(named_);
    max_ = options_.arguments_max.value_or(has_rest ? 1000 : named_);
    if (min_ < named_)
      refuse("arguments_min", "it is " + std::to_string(min_) + ", but argv names {" +
                                  std::to_string(named_) + "}");
    if (max_ < min_)
      refuse("arguments_max", "it is " + std::to_string(max_) + ", below the " +
                                  std::to_string(min_) + " arguments that are needed");
  }

  void make_plan() {
    auto& child = plan_.child;
    child.program = find_program(options_.argv.front());
    if (child.program.empty())
      refuse("argv", "\"" + options_.argv.front() + "\" is not in PATH");
    const bool is_absolute = child.program.front() == '/';
    if ((is_absolute || options_.directory.empty()) && ::access(child.program.c_str(), X_OK) != 0)
      refuse("argv", "\"" + child.program + "\" is not an executable file");
    if (!options_.directory.empty() && !std::filesystem::is_directory(options_.directory))
      refuse("directory", "there is no directory \"" + options_.directory + "\"");
    child.directory = options_.directory;
    if (!options_.user.empty()) {
      child.user = find_user(options_.user);
      if (!child.user)
        refuse("user", "there is no user \"" + options_.user + "\"");
      if (::geteuid() != 0 && child.user->uid != ::geteuid())
        refuse("user", "only root can run a command as another user, \"" + options_.user + "\"");
      if (::geteuid() != 0)
        child.user.reset(); // it is us already
    }
    for (const auto& name : options_.pass_environment)
      if (const char* value = std::getenv(name.c_str());
          value != nullptr && options_.environment.find(name) == options_.environment.end())
        child.environment.push_back(name + "=" + value);
    for (const auto& [name, value] : options_.environment)
      child.environment.push_back(name + "=" + value);
    auto limit = [&child](int resource, uint64_t soft, uint64_t hard) {
      if (soft != 0)
        child.limits.push_back({resource, {static_cast<rlim_t>(soft), static_cast<rlim_t>(hard)}});
    };
    // One second between SIGXCPU, which tells the cause, and SIGKILL.
    limit(RLIMIT_CPU, options_.cpu_seconds, options_.cpu_seconds + 1);
    limit(RLIMIT_AS, options_.memory_bytes, options_.memory_bytes);
    limit(RLIMIT_NOFILE, options_.open_files, options_.open_files);
    limit(RLIMIT_FSIZE, options_.file_bytes, options_.file_bytes);
    child.limits.push_back({RLIMIT_CORE, {0, 0}});
    child.error_output = options_.error_output == error_output::merged ? child_plan::errors::merged
                         : options_.error_output == error_output::apart
                             ? child_plan::errors::piped
                             : child_plan::errors::dropped;
    plan_.name = options_.name;
    plan_.wall_clock = options_.wall_clock;
    plan_.grace = options_.grace;
    plan_.lost_grace = std::min(options_.grace, options_.lost_grace);
    plan_.cpu_seconds = options_.cpu_seconds;
    plan_.interrupt_on_cancel = options_.interrupt_on_cancel;
  }

  bool are_fine(const std::vector<std::string>& arguments) const {
    if (arguments.size() < min_ || arguments.size() > max_)
      return false;
    for (size_t i = 0; i < arguments.size(); ++i) {
      const auto& argument = arguments[i];
      if (argument.size() > options_.argument_bytes || argument.find('\0') != std::string::npos)
        return false;
      if (!patterns_.empty() &&
          !std::regex_match(argument, patterns_[std::min(i, patterns_.size() - 1)]))
        return false;
    }
    return true;
  }

  exec_options options_;
  exec_job_plan plan_; // without argv
  std::vector<std::regex> patterns_;
  size_t named_ = 0; // highest number in the template
  size_t min_ = 0;
  size_t max_ = 0;
};

} // namespace

std::shared_ptr<job_source> exec_source(exec_options options) {
  return std::make_shared<exec_job_source>(std::move(options));
}

std::optional<std::vector<std::string>> split_words(std::string_view text, std::string& why) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = '\0';
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool escapes = c == '\\' && quote != '\'';
    if (escapes) {
      if (++i == text.size()) {
        why = "nothing stands behind the last \\";
        return std::nullopt;
      }
      // Between double quotes only these lose the backslash.
      if (quote == '"' && text[i] != '"' && text[i] != '\\')
        word += '\\';
      word += text[i];
      in_word = true;
    } else if (quote != '\0') {
      if (c == quote)
        quote = '\0';
      else
        word += c;
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (c == ' ' || c == '\t' || c == '\n') {
      if (std::exchange(in_word, false))
        words.push_back(std::exchange(word, {}));
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != '\0') {
    why = std::string("a ") + quote + " is not closed";
    return std::nullopt;
  }
  if (in_word)
    words.push_back(std::move(word));
  if (words.empty()) {
    why = "there is no command";
    return std::nullopt;
  }
  return words;
}

} // namespace natterjack::pow
