#include "runtime/config/expression_node.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace natterjack::runtime {

namespace {

using kind = expression_kind;

constexpr int depth_max = 64;
constexpr size_t text_max = 4096;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class parser {
 public:
  explicit parser(std::string_view text) : text_(text) {}

  expression_ptr whole() {
    if (text_.size() > text_max)
      throw std::runtime_error("is longer than 4096 bytes");
    auto made = choice();
    if (!at_end())
      unexpected();
    return made;
  }

 private:
  // Counts how deep the recursion is.
  struct level {
    explicit level(parser& of) : of_(of) {
      if (++of_.depth_ > depth_max)
        throw std::runtime_error("is nested deeper than 64 levels");
    }
    ~level() { --of_.depth_; }
    level(const level&) = delete;
    level& operator=(const level&) = delete;
    parser& of_;
  };

  template <class... Parts>
  static expression_ptr make(kind what, nlohmann::json value, Parts... parts) {
    auto made = std::make_unique<expression_node>();
    made->kind = what;
    made->value = std::move(value);
    (made->parts.push_back(std::move(parts)), ...);
    return made;
  }

  void skip_space() {
    while (place_ < text_.size() && std::string_view(" \t\r\n").find(text_[place_]) != text_.npos)
      ++place_;
  }
  bool at_end() {
    skip_space();
    return place_ == text_.size();
  }
  [[noreturn]] void unexpected() {
    const auto at = " at column " + std::to_string(place_ + 1);
    if (at_end())
      throw std::runtime_error("ends where a value is expected");
    throw std::runtime_error("unexpected \"" + std::string(1, text_[place_]) + '"' + at);
  }

  std::string_view word_here() {
    skip_space();
    auto end = place_;
    while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end])))
      ++end;
    return text_.substr(place_, end - place_);
  }
  // Takes a sign, or a word that stands alone.
  bool take(std::string_view what) {
    skip_space();
    const bool is_here =
        is_letter(what.front()) ? word_here() == what : text_.substr(place_).starts_with(what);
    if (is_here)
      place_ += what.size();
    return is_here;
  }
  void expect(std::string_view what) {
    if (take(what))
      return;
    const auto column = place_ + 1;
    throw std::runtime_error("expected \"" + std::string(what) + "\" at column " +
                             std::to_string(column));
  }

  expression_ptr choice() {
    const level one(*this);
    auto condition = either();
    if (!take("?"))
      return condition;
    auto then = choice();
    expect(":");
    return make(kind::choose, nullptr, std::move(condition), std::move(then), choice());
  }

  expression_ptr either() {
    auto left = both();
    while (take("||") || take("or"))
      left = make(kind::either, nullptr, std::move(left), both());
    return left;
  }
  expression_ptr both() {
    auto left = comparison();
    while (take("&&") || take("and"))
      left = make(kind::both, nullptr, std::move(left), comparison());
    return left;
  }

  expression_ptr comparison() {
    auto left = sum();
    const auto before = place_;
    if (take("not")) {
      if (take("in"))
        return make(kind::negate, nullptr, make(kind::binary, "in", std::move(left), sum()));
      place_ = before;
    }
    for (const char* sign : {"==", "!=", "<=", ">=", "<", ">", "in", "contains", "startsWith", "endsWith"})
      if (take(sign))
        return make(kind::binary, sign, std::move(left), sum());
    return left;
  }

  expression_ptr sum() {
    auto left = product();
    for (;;) {
      if (take("+"))
        left = make(kind::binary, "+", std::move(left), product());
      else if (take("-"))
        left = make(kind::binary, "-", std::move(left), product());
      else
        return left;
    }
  }
  expression_ptr product() {
    auto left = unary();
    for (;;) {
      const char* found = nullptr;
      for (const char* sign : {"*", "/", "%"})
        if (found == nullptr && take(sign))
          found = sign;
      if (found == nullptr)
        return left;
      left = make(kind::binary, found, std::move(left), unary());
    }
  }

  expression_ptr unary() {
    const level one(*this);
    skip_space();
    if (!text_.substr(place_).starts_with("!=") && (take("!") || take("not")))
      return make(kind::negate, nullptr, unary());
    if (take("-"))
      return make(kind::minus, nullptr, unary());
    return member();
  }

  expression_ptr member() {
    auto of = primary();
    for (;;) {
      if (take("?.") || take(".")) {
        const auto name = word_here();
        if (name.empty() || is_digit(name.front()))
          unexpected();
        place_ += name.size();
        of = make(kind::member, nullptr, std::move(of), make(kind::constant, std::string(name)));
      } else if (take("[")) {
        auto which = choice();
        expect("]");
        of = make(kind::member, nullptr, std::move(of), std::move(which));
      } else {
        return of;
      }
    }
  }

  expression_ptr primary() {
    if (at_end())
      unexpected();
    const char c = text_[place_];
    if (c == '"' || c == '\'')
      return text(c);
    if (is_digit(c))
      return number();
    if (take("(")) {
      auto inner = choice();
      expect(")");
      return inner;
    }
    if (take("["))
      return list();
    if (!is_letter(c))
      unexpected();
    return word();
  }

  expression_ptr word() {
    const std::string name(word_here());
    place_ += name.size();
    if (name == "true" || name == "false")
      return make(kind::constant, name == "true");
    if (name == "nil" || name == "null")
      return make(kind::constant, nullptr);
    if (!take("("))
      return make(kind::fact, name);
    constexpr std::string_view known[]{"len", "lower", "upper", "string"};
    if (std::find(std::begin(known), std::end(known), name) == std::end(known))
      throw std::runtime_error("unknown function \"" + name +
                               "\"; there is: len, lower, upper, string");
    auto made = make(kind::call, name, choice());
    expect(")");
    return made;
  }

  expression_ptr list() {
    auto made = std::make_unique<expression_node>();
    made->kind = kind::list;
    if (take("]"))
      return made;
    do
      made->parts.push_back(choice());
    while (take(","));
    expect("]");
    return made;
  }

  expression_ptr number() {
    const char* first = text_.data() + place_;
    const char* last = text_.data() + text_.size();
    double real = 0;
    const auto as_real = std::from_chars(first, last, real);
    int64_t whole = 0;
    const auto as_whole = std::from_chars(first, last, whole);
    place_ += static_cast<size_t>(as_real.ptr - first);
    if (as_whole.ec == std::errc{} && as_whole.ptr == as_real.ptr)
      return make(kind::constant, whole);
    return make(kind::constant, real);
  }

  expression_ptr text(char quote) {
    const auto begin = place_++;
    std::string value;
    while (place_ < text_.size() && text_[place_] != quote) {
      if (text_[place_] == '\\' && place_ + 1 < text_.size())
        ++place_;
      value += text_[place_++];
    }
    if (place_ == text_.size())
      throw std::runtime_error("the text that begins at column " + std::to_string(begin + 1) +
                               " has no end");
    ++place_;
    return make(kind::constant, std::move(value));
  }

  std::string_view text_;
  size_t place_ = 0;
  int depth_ = 0;
};

} // namespace

expression_ptr parse_expression(std::string_view text) {
  return parser(text).whole();
}

} // namespace natterjack::runtime
