#include "actors/amqp/json_schema.hpp"

#include "actors/amqp/json_bytes.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <regex>
#include <stdexcept>

namespace natterjack::amqp {

namespace {

using kind = json_value::kind;

constexpr size_t depth_max = 200;             // of $ref and nesting together
// A pattern with back-references goes down the stack with each character.
constexpr size_t pattern_text_max = 16 << 10;

// Of an integer too: schemas compare them as numbers.
double number_of(const json_value& v) noexcept {
  return v.is(kind::integer) ? read_double(v.text()) : v.real();
}
bool is_number(const json_value& v) noexcept {
  return v.is(kind::integer) || v.is(kind::real);
}
bool is_whole(const json_value& v) noexcept {
  return v.is(kind::integer) || (v.is(kind::real) && std::floor(v.real()) == v.real());
}

// Draft 7, 6.1: 1 and 1.0 are equal; objects are, whatever their order.
bool same(const json_value& a, const json_value& b) {
  if (is_number(a) && is_number(b))
    return a.is(kind::integer) && b.is(kind::integer) ? a.text() == b.text()
                                                      : number_of(a) == number_of(b);
  if (a.what() != b.what())
    return false;
  if (a.is(kind::array))
    return std::equal(a.elements().begin(), a.elements().end(), b.elements().begin(),
                      b.elements().end(), same);
  if (a.is(kind::object)) {
    if (a.members().size() != b.members().size())
      return false;
    return std::all_of(a.members().begin(), a.members().end(), [&b](const auto& m) {
      const auto* other = b.find(m.first);
      return other != nullptr && same(m.second, *other);
    });
  }
  return a == b;
}

bool is_of_type(const json_value& v, std::string_view type) {
  if (type == "null")
    return v.is(kind::null);
  if (type == "boolean")
    return v.is(kind::boolean);
  if (type == "integer")
    return is_whole(v);
  if (type == "number")
    return is_number(v);
  if (type == "string")
    return v.is(kind::text);
  if (type == "array")
    return v.is(kind::array);
  return type == "object" && v.is(kind::object);
}

size_t length_of(const std::string& utf8) noexcept {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

// The default of libstdc++ may try for ever, as with (a+)+b; the other form has no back-references.
std::regex without_back_tracking(const std::string& pattern) {
  try {
    return std::regex(pattern, std::regex::ECMAScript | std::regex_constants::__polynomial);
  } catch (const std::regex_error& e) {
    if (e.code() != std::regex_constants::error_complexity)
      throw;
    return std::regex(pattern, std::regex::ECMAScript);
  }
}

bool has_match(const std::string& text, const std::regex& pattern) {
  return text.size() <= pattern_text_max && std::regex_search(text, pattern);
}

std::string decode_pointer_part(std::string_view part) {
  std::string result;
  for (size_t i = 0; i < part.size(); ++i) {
    const char next = part[i] == '~' && i + 1 < part.size() ? part[i + 1] : '\0';
    if (next == '0' || next == '1') {
      result += next == '0' ? '~' : '/';
      ++i;
    } else {
      result += part[i];
    }
  }
  return result;
}

} // namespace

struct json_schema::state {
  json_value document;
  std::map<std::string, std::regex> patterns;

  const json_value* resolve(const std::string& reference) const {
    if (!reference.starts_with('#'))
      return nullptr;
    const auto* at = &document;
    std::string_view path = std::string_view(reference).substr(1);
    while (path.starts_with('/')) {
      path.remove_prefix(1);
      const auto part = path.substr(0, path.find('/'));
      path.remove_prefix(part.size());
      const auto name = decode_pointer_part(part);
      if (at->is(kind::array)) {
        const auto index = static_cast<size_t>(std::strtoul(name.c_str(), nullptr, 10));
        at = index < at->elements().size() ? &at->elements()[index] : nullptr;
      } else {
        at = at->find(name);
      }
      if (at == nullptr)
        return nullptr;
    }
    return path.empty() ? at : nullptr;
  }

  void compile(const std::string& pattern) {
    if (patterns.count(pattern) != 0)
      return;
    try {
      patterns.emplace(pattern, without_back_tracking(pattern));
    } catch (const std::regex_error& e) {
      throw std::invalid_argument("schema: pattern \"" + pattern + "\": " + e.what());
    }
  }

  // Everything in the document that looks like a pattern or a reference must be one.
  void prepare(const json_value& at) {
    for (const auto& element : at.elements())
      prepare(element);
    for (const auto& [name, value] : at.members()) {
      if (name == "pattern" && value.is(kind::text))
        compile(value.text());
      if (name == "patternProperties")
        for (const auto& [pattern, schema] : value.members())
          compile(pattern);
      if (name == "$ref" && value.is(kind::text) && resolve(value.text()) == nullptr)
        throw std::invalid_argument("schema: $ref \"" + value.text() + "\" leads nowhere");
      if (name != "enum" && name != "const" && name != "default" && name != "examples")
        prepare(value);
    }
  }
};

namespace {

class checker {
 public:
  checker(const std::map<std::string, std::regex>& patterns,
          std::function<const json_value*(const std::string&)> resolve)
      : patterns_(patterns), resolve_(std::move(resolve)) {}

  bool check(const json_value& schema, const json_value& value, const std::string& where) {
    if (schema.is(kind::boolean))
      return schema.boolean() || fail(where, "nothing is allowed here");
    if (!schema.is(kind::object))
      return true;
    if (++depth_ > depth_max) {
      --depth_;
      return fail(where, "the schema refers to itself without end");
    }
    const bool result = check_object(schema, value, where);
    --depth_;
    return result;
  }

  std::string problem;

 private:
  bool fail(const std::string& where, const std::string& why) {
    problem = (where.empty() ? "the reply" : where) + ": " + why;
    return false;
  }

  bool quietly(const json_value& schema, const json_value& value) {
    const auto kept = problem;
    const bool result = check(schema, value, "");
    problem = kept;
    return result;
  }

  bool check_object(const json_value& schema, const json_value& value, const std::string& where) {
    if (const auto* reference = schema.find("$ref");
        reference != nullptr && reference->is(kind::text)) {
      const auto* target = resolve_(reference->text()); // draft 7: what stands beside it is ignored
      return target == nullptr || check(*target, value, where);
    }
    return check_type(schema, value, where) && check_combinations(schema, value, where) &&
           (!value.is(kind::text) || check_text(schema, value, where)) &&
           (!is_number(value) || check_number(schema, value, where)) &&
           (!value.is(kind::array) || check_array(schema, value, where)) &&
           (!value.is(kind::object) || check_members(schema, value, where));
  }

  bool check_type(const json_value& schema, const json_value& value, const std::string& where) {
    if (const auto* type = schema.find("type")) {
      const bool fits =
          type->is(kind::text)
              ? is_of_type(value, type->text())
              : std::any_of(type->elements().begin(), type->elements().end(),
                            [&value](const auto& t) { return is_of_type(value, t.text()); });
      if (!fits)
        return fail(where, "is not of type " + type->to_python_text());
    }
    if (const auto* list = schema.find("enum"))
      if (std::none_of(list->elements().begin(), list->elements().end(),
                       [&value](const auto& one) { return same(one, value); }))
        return fail(where, "is not one of " + list->to_python_text());
    if (const auto* one = schema.find("const"); one != nullptr && !same(*one, value))
      return fail(where, "is not " + one->to_python_repr());
    return true;
  }

  bool check_combinations(const json_value& schema, const json_value& value,
                          const std::string& where) {
    if (const auto* all = schema.find("allOf"))
      for (const auto& one : all->elements())
        if (!check(one, value, where))
          return false;
    auto matches = [this, &value](const json_value& list) {
      return std::count_if(list.elements().begin(), list.elements().end(),
                           [this, &value](const auto& one) { return quietly(one, value); });
    };
    if (const auto* any = schema.find("anyOf"); any != nullptr && matches(*any) == 0)
      return fail(where, "matches none of the schemas it may");
    if (const auto* one = schema.find("oneOf"); one != nullptr && matches(*one) != 1)
      return fail(where, "does not match exactly one of the schemas it may");
    if (const auto* no = schema.find("not"); no != nullptr && quietly(*no, value))
      return fail(where, "matches a schema it must not");
    if (const auto* condition = schema.find("if")) {
      const auto* branch = schema.find(quietly(*condition, value) ? "then" : "else");
      if (branch != nullptr && !check(*branch, value, where))
        return false;
    }
    return true;
  }

  // @returns false if `name` is a bound and `n` breaks it
  static bool is_at_least(const json_value& schema, const char* name, double n) {
    const auto* bound = schema.find(name);
    return bound == nullptr || !is_number(*bound) || n >= number_of(*bound);
  }
  static bool is_at_most(const json_value& schema, const char* name, double n) {
    const auto* bound = schema.find(name);
    return bound == nullptr || !is_number(*bound) || n <= number_of(*bound);
  }

  bool check_text(const json_value& schema, const json_value& value, const std::string& where) {
    const auto length = static_cast<double>(length_of(value.text()));
    if (!is_at_least(schema, "minLength", length))
      return fail(where, "is too short");
    if (!is_at_most(schema, "maxLength", length))
      return fail(where, "is too long");
    if (const auto* pattern = schema.find("pattern"); pattern != nullptr && pattern->is(kind::text))
      if (!has_match(value.text(), patterns_.at(pattern->text())))
        return fail(where, "does not match " + pattern->to_python_repr());
    return true;
  }

  bool check_number(const json_value& schema, const json_value& value, const std::string& where) {
    const auto n = number_of(value);
    if (!is_at_least(schema, "minimum", n) || !is_at_most(schema, "maximum", n))
      return fail(where, value.to_python_text() + " is out of range");
    const auto* above = schema.find("exclusiveMinimum");
    const auto* below = schema.find("exclusiveMaximum");
    if ((above != nullptr && is_number(*above) && n <= number_of(*above)) ||
        (below != nullptr && is_number(*below) && n >= number_of(*below)))
      return fail(where, value.to_python_text() + " is out of range");
    if (const auto* step = schema.find("multipleOf"); step != nullptr && number_of(*step) > 0) {
      const auto quotient = n / number_of(*step);
      if (std::abs(quotient - std::round(quotient)) > 1e-9)
        return fail(where,
                    value.to_python_text() + " is not a multiple of " + step->to_python_text());
    }
    return true;
  }

  bool check_array(const json_value& schema, const json_value& value, const std::string& where) {
    const auto& elements = value.elements();
    const auto count = static_cast<double>(elements.size());
    if (!is_at_least(schema, "minItems", count))
      return fail(where, "has too few items");
    if (!is_at_most(schema, "maxItems", count))
      return fail(where, "has too many items");
    const auto* items = schema.find("items");
    const bool is_tuple = items != nullptr && items->is(kind::array);
    for (size_t i = 0; items != nullptr && i < elements.size(); ++i) {
      const auto* wanted = items;
      if (is_tuple)
        wanted =
            i < items->elements().size() ? &items->elements()[i] : schema.find("additionalItems");
      if (wanted != nullptr && !check(*wanted, elements[i], where + "[" + std::to_string(i) + "]"))
        return false;
    }
    if (const auto* one = schema.find("contains"))
      if (std::none_of(elements.begin(), elements.end(),
                       [this, one](const auto& e) { return quietly(*one, e); }))
        return fail(where, "has no item of the kind it must have");
    if (const auto* unique = schema.find("uniqueItems"); unique != nullptr && unique->is_truthy())
      for (size_t i = 0; i < elements.size(); ++i)
        for (size_t k = 0; k < i; ++k)
          if (same(elements[i], elements[k]))
            return fail(where, "has the same item twice");
    return true;
  }

  bool check_members(const json_value& schema, const json_value& value, const std::string& where) {
    const auto count = static_cast<double>(value.members().size());
    if (!is_at_least(schema, "minProperties", count))
      return fail(where, "has too few properties");
    if (!is_at_most(schema, "maxProperties", count))
      return fail(where, "has too many properties");
    if (const auto* required = schema.find("required"))
      for (const auto& name : required->elements())
        if (value.find(name.text()) == nullptr)
          return fail(where, "'" + name.text() + "' is missing");
    for (const auto& [name, member] : value.members())
      if (!check_member(schema, name, member, where.empty() ? name : where + "." + name))
        return false;
    if (const auto* dependencies = schema.find("dependencies"))
      for (const auto& [name, needed] : dependencies->members()) {
        if (value.find(name) == nullptr)
          continue;
        if (!needed.is(kind::array) && !check(needed, value, where))
          return false;
        for (const auto& other : needed.elements())
          if (value.find(other.text()) == nullptr)
            return fail(where, "'" + other.text() + "' must go with '" + name + "'");
      }
    return true;
  }

  bool check_member(const json_value& schema, const std::string& name, const json_value& member,
                    const std::string& where) {
    if (const auto* names = schema.find("propertyNames"))
      if (!check(*names, json_value(name), where))
        return false;
    const auto* by_pattern = schema.find("patternProperties");
    if (by_pattern != nullptr && name.size() > pattern_text_max)
      return fail("", "a name of " + std::to_string(name.size()) +
                          " bytes is too long for patternProperties");
    bool is_known = false;
    if (const auto* properties = schema.find("properties"))
      if (const auto* wanted = properties->find(name)) {
        is_known = true;
        if (!check(*wanted, member, where))
          return false;
      }
    if (by_pattern != nullptr)
      for (const auto& [pattern, wanted] : by_pattern->members())
        if (has_match(name, patterns_.at(pattern))) {
          is_known = true;
          if (!check(wanted, member, where))
            return false;
        }
    const auto* more = schema.find("additionalProperties");
    if (is_known || more == nullptr)
      return true;
    if (more->is(kind::boolean) && !more->boolean())
      return fail(where, "is not a keyword of the schema");
    return check(*more, member, where);
  }

  const std::map<std::string, std::regex>& patterns_;
  std::function<const json_value*(const std::string&)> resolve_;
  size_t depth_ = 0;
};

} // namespace

json_schema::json_schema(json_value document) : state_(std::make_unique<state>()) {
  if (!document.is(kind::object) && !document.is(kind::boolean))
    throw std::invalid_argument("schema: expected an object, found " + document.to_python_text());
  state_->document = std::move(document);
  state_->prepare(state_->document);
}

json_schema::~json_schema() = default;
json_schema::json_schema(json_schema&&) noexcept = default;
json_schema& json_schema::operator=(json_schema&&) noexcept = default;

const json_value& json_schema::document() const noexcept {
  return state_->document;
}

bool json_schema::accepts(const json_value& value, std::string* problem) const {
  checker c(state_->patterns,
            [this](const std::string& reference) { return state_->resolve(reference); });
  const bool result = c.check(state_->document, value, "");
  if (!result && problem != nullptr)
    *problem = c.problem;
  return result;
}

} // namespace natterjack::amqp
