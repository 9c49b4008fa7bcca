#include "runtime/lua/program/type_annotations.hpp"

#include <cctype>
#include <vector>

namespace natterjack::runtime::lua {

namespace {

enum class token_kind : uint8_t { name, text, number, symbol, end };

struct token {
  token_kind kind = token_kind::end;
  size_t from = 0;
  size_t to = 0;
  std::string_view text;
};

// Symbols are single characters but for `::`, `->`, `..` and `...`: all that matters here.
class scanner {
 public:
  explicit scanner(std::string_view source) : source_(source) {}

  std::vector<token> all() {
    std::vector<token> tokens;
    while (skip_blank(), at_ < source_.size())
      tokens.push_back(next());
    tokens.push_back({token_kind::end, source_.size(), source_.size(), {}});
    return tokens;
  }

 private:
  char peek(size_t ahead = 0) const noexcept {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }

  // Length of `[[` or `[==[` at `at_`, 0 if there is none.
  size_t long_bracket() const noexcept {
    if (peek() != '[')
      return 0;
    size_t level = 1;
    while (peek(level) == '=')
      ++level;
    return peek(level) == '[' ? level + 1 : 0;
  }

  void skip_long(size_t opening) {
    const std::string closing = "]" + std::string(opening - 2, '=') + "]";
    const auto end = source_.find(closing, at_ + opening);
    at_ = end == source_.npos ? source_.size() : end + closing.size();
  }

  void skip_blank() {
    while (at_ < source_.size()) {
      if (std::isspace(static_cast<unsigned char>(peek())) != 0) {
        ++at_;
      } else if (at_ == 0 && peek() == '#') { // as the first line of a script
        at_ = std::min(source_.find('\n'), source_.size());
      } else if (peek() == '-' && peek(1) == '-') {
        at_ += 2;
        if (const size_t opening = long_bracket(); opening != 0)
          skip_long(opening);
        else
          at_ = std::min(source_.find('\n', at_), source_.size());
      } else {
        return;
      }
    }
  }

  token next() {
    const size_t from = at_;
    auto kind = token_kind::symbol;
    const char c = peek();
    if (std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_') {
      kind = token_kind::name;
      while (std::isalnum(static_cast<unsigned char>(peek())) != 0 || peek() == '_')
        ++at_;
    } else if (std::isdigit(static_cast<unsigned char>(c)) != 0) {
      kind = token_kind::number;
      while (std::isalnum(static_cast<unsigned char>(peek())) != 0 ||
             (peek() == '.' && peek(1) != '.') ||
             ((peek() == '-' || peek() == '+') && is_exponent(from)))
        ++at_;
    } else if (c == '"' || c == '\'') {
      kind = token_kind::text;
      for (++at_; at_ < source_.size() && peek() != c && peek() != '\n'; ++at_)
        if (peek() == '\\')
          ++at_;
      ++at_;
    } else if (const size_t opening = long_bracket(); opening != 0) {
      kind = token_kind::text;
      skip_long(opening);
    } else if ((c == ':' && peek(1) == ':') || (c == '-' && peek(1) == '>')) {
      at_ += 2;
    } else if (c == '.') {
      while (peek() == '.' && at_ < from + 3)
        ++at_;
    } else {
      ++at_;
    }
    at_ = std::min(at_, source_.size());
    return {kind, from, at_, source_.substr(from, at_ - from)};
  }

  // The sign in 1e-5, but not in 0xe-5.
  bool is_exponent(size_t from) const noexcept {
    const char before = source_[at_ - 1];
    const bool is_hex = source_[from] == '0' && (source_[from + 1] == 'x' || source_[from + 1] == 'X');
    return is_hex ? before == 'p' || before == 'P' : before == 'e' || before == 'E';
  }

  std::string_view source_;
  size_t at_ = 0;
};

class stripper {
 public:
  stripper(std::string_view source, std::set<std::string>* declared)
      : source_(source), result_(source), tokens_(scanner(source).all()), declared_(declared) {}

  std::string run() {
    while (tokens_[at_].kind != token_kind::end)
      step();
    return std::move(result_);
  }

 private:
  bool is(std::string_view text, size_t ahead = 0) const noexcept {
    const auto& one = peek(ahead);
    return one.kind != token_kind::text && one.text == text;
  }
  bool is_name(size_t ahead = 0) const noexcept { return peek(ahead).kind == token_kind::name; }
  const token& peek(size_t ahead = 0) const noexcept {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }
  void skip(size_t count = 1) noexcept { at_ = std::min(at_ + count, tokens_.size() - 1); }

  void blank(size_t first, size_t last) { // tokens, the last one not included
    if (first >= last)
      return;
    for (size_t i = tokens_[first].from; i < tokens_[last - 1].to; ++i)
      if (result_[i] != '\n')
        result_[i] = ' ';
  }

  void declare(const token& name) {
    if (declared_ != nullptr)
      declared_->emplace(name.text);
  }

  bool on_one_line(size_t a, size_t b) const noexcept {
    return source_.substr(tokens_[a].to, tokens_[b].from - tokens_[a].to).find('\n') ==
           source_.npos;
  }

  // Whether an expression may end with the token before the present one.
  bool behind_value() const noexcept {
    if (at_ == 0)
      return false;
    const auto& before = tokens_[at_ - 1];
    if (before.kind == token_kind::text || before.kind == token_kind::number)
      return true;
    if (before.kind == token_kind::name)
      return !is_keyword(before.text) || before.text == "nil" || before.text == "true" ||
             before.text == "false" || before.text == "end";
    return before.text == ")" || before.text == "]" || before.text == "}" || before.text == "!" ||
           before.text == "...";
  }

  static bool is_keyword(std::string_view word) noexcept {
    for (const char* one : {"and",   "break", "do",     "else", "elseif", "end",   "false", "for",
                            "function", "goto", "if",   "in",   "local",  "nil",   "not",   "or",
                            "repeat", "return", "then", "true", "until",  "while"})
      if (word == one)
        return true;
    return false;
  }

  void step() {
    if (is("local") && !is("function", 1)) {
      skip();
      names();
    } else if (is("for")) {
      skip();
      names();
    } else if (is("function")) {
      function();
    } else if (is_type_declaration()) {
      type_declaration();
    } else if (is("::")) {
      if (is_name(1) && is("::", 2)) {
        skip(3); // a label
      } else {
        cast();
      }
    } else if (is("as") && behind_value() && (is_name(1) || is("{", 1) || is("(", 1)) &&
               !(is_name(1) && is_keyword(peek(1).text) && !is("nil", 1)) &&
               on_one_line(at_ - 1, at_) && on_one_line(at_, at_ + 1)) {
      cast();
    } else if (is_interface()) {
      interface();
    } else if (is("!") && behind_value() && !is("=", 1)) {
      blank(at_, at_ + 1);
      skip();
    } else {
      skip();
    }
  }

  // name [<attribute>] [: type], …
  void names() {
    while (is_name() && !is_keyword(peek().text)) {
      skip();
      if (is("<") && is_name(1) && is(">", 2))
        skip(3);
      if (is(":"))
        annotation();
      if (is("<") && is_name(1) && is(">", 2))
        skip(3);
      if (!is(","))
        return;
      skip();
    }
  }

  void function() {
    skip();
    while (is_name() || is(".") || is(":"))
      skip();
    if (is("<")) {
      const auto first = at_;
      angles();
      blank(first, at_);
    }
    if (!is("("))
      return;
    skip();
    while (!is(")") && peek().kind != token_kind::end) {
      skip(); // a name or ...
      if (is("?")) {
        blank(at_, at_ + 1);
        skip();
      }
      if (is(":"))
        annotation();
      if (is(","))
        skip();
    }
    skip();
    if (!is(":"))
      return;
    const auto first = at_;
    types();
    blank(first, at_);
  }

  // `: T` or `: T, U` behind the arguments of a function
  void types() {
    do {
      skip();
      type();
    } while (is(","));
  }

  bool is_interface() const noexcept {
    return is("interface") && is_name(1) && !is_keyword(peek(1).text) && on_one_line(at_, at_ + 1);
  }

  // interface Name<T>: Other  function method(a: T): U  end
  void interface() {
    const auto first = at_;
    declare(peek(1));
    skip(2);
    if (is("<"))
      angles();
    if (is(":"))
      types();
    while (is("function")) {
      skip(2);
      if (is("<"))
        angles();
      if (is("("))
        brackets();
      if (is(":"))
        types();
    }
    if (is("end"))
      skip();
    blank(first, at_);
  }

  bool is_type_declaration() const noexcept {
    const size_t shift = is("export") && is("type", 1) ? 1 : 0;
    if (!is("type", shift) || !is_name(shift + 1) || is_keyword(peek(shift + 1).text))
      return false;
    return is("=", shift + 2) || is("<", shift + 2);
  }

  void type_declaration() {
    const auto first = at_;
    declare(peek(is("export") ? 2 : 1));
    skip(is("export") ? 3 : 2);
    if (is("<"))
      angles();
    if (is("=")) {
      skip();
      type();
    }
    blank(first, at_);
  }

  // The type of a value that may be indexed behind it: `(v as T)[1]`, but also `v :: T [1]`.
  void cast() {
    in_cast_ = true;
    annotation();
    in_cast_ = false;
  }

  // From `:`, `::` or `as` to the end of the type.
  void annotation() {
    const auto first = at_;
    skip();
    type();
    blank(first, at_);
  }

  // -- types: skipped, not understood ---------------------------------------------

  static constexpr int levels_max = 200; // as Lua's own parser has it

  struct level {
    explicit level(int& depth) noexcept : of(depth) { ++of; }
    ~level() { --of; }
    level(const level&) = delete;
    level& operator=(const level&) = delete;
    int& of;
  };

  // Too many levels are left as they are: no Lua, then, which who compiles the text says.
  void type() {
    const level here(depth_);
    if (depth_ > levels_max)
      return;
    if (is("|") || is("&"))
      skip();
    for (;;) {
      type_part();
      if (is("->")) {
        skip();
        continue;
      }
      if (is("extends") && on_one_line(at_ - 1, at_)) { // T extends U ? A : B
        skip();
        type(); // its `?` looks like the one of `U?`
        if (is("?"))
          skip();
        type();
        if (!is(":"))
          return;
        skip();
        continue;
      }
      if (!is("|") && !is("&"))
        return;
      skip();
    }
  }

  void type_part() {
    if (is("<"))
      angles(); // of a generic function type
    if (is("...") || is("-"))
      skip();
    if ((is("readonly") || is("interface")) && begins_type(1))
      skip();
    if (is("(") || is("{")) {
      brackets();
    } else if (is("asserts") && is_name(1) && !is_keyword(peek(1).text) &&
               on_one_line(at_, at_ + 1)) {
      skip(2); // of a function that raises unless its argument is something, or of that type
      if (is("is") && on_one_line(at_ - 1, at_)) {
        skip();
        type();
      }
    } else if (peek().kind == token_kind::text || peek().kind == token_kind::number) {
      skip();
    } else if (is_name()) {
      const bool is_call = is("fun") || is("typeof") || is("keyof");
      const bool is_fun = is("fun");
      skip();
      while (is(".") && is_name(1))
        skip(2);
      if (is_call && is("("))
        brackets();
      if (is_fun && is(":")) {
        skip();
        type();
      }
      if (is("<"))
        angles();
    }
    while (is("?") || is("@") || (is("[") && (is("]", 1) || !in_cast_)) || is("!")) {
      const bool is_validator = is("@");
      if (is("["))
        brackets(); // `T[]` or `T["field"]`
      else
        skip(is_validator ? 2 : 1);
      if (is_validator && is("("))
        brackets();
    }
  }

  // What stands behind `readonly` is what it says something about.
  bool begins_type(size_t ahead) const noexcept {
    return is("{", ahead) || is("(", ahead) ||
           (is_name(ahead) && !is_keyword(peek(ahead).text) &&
            on_one_line(at_ + ahead - 1, at_ + ahead));
  }

  void brackets() {
    size_t depth = 0;
    do {
      if (is("(") || is("{") || is("["))
        ++depth;
      else if (is(")") || is("}") || is("]"))
        --depth;
      skip();
    } while (depth > 0 && peek().kind != token_kind::end);
  }

  void angles() {
    size_t depth = 0;
    do {
      if (is("<"))
        ++depth;
      else if (is(">"))
        --depth;
      skip();
    } while (depth > 0 && peek().kind != token_kind::end);
  }

  std::string_view source_;
  std::string result_;
  std::vector<token> tokens_;
  std::set<std::string>* declared_;
  size_t at_ = 0;
  int depth_ = 0; // of types in types
  bool in_cast_ = false;
};

} // namespace

std::string strip_types(std::string_view source, std::set<std::string>* declared) {
  return stripper(source, declared).run();
}

} // namespace natterjack::runtime::lua
