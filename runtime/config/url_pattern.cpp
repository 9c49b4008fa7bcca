#include "runtime/config/url_pattern.hpp"

#include <algorithm>

namespace natterjack::runtime {

namespace {

// Walks the parts between slashes without copying: pairs of routes are compared by the million.
class part_cursor {
 public:
  explicit part_cursor(std::string_view path) : rest_(path) { read(); }

  bool at_end() const { return rest_.empty(); }
  std::string_view part() const { return part_; }
  void next() {
    rest_.remove_prefix(1 + part_.size());
    read();
  }

 private:
  void read() {
    if (!rest_.empty())
      part_ = rest_.substr(1, rest_.find('/', 1) - 1); // behind the slash
  }

  std::string_view rest_; // begins with the slash before `part_`
  std::string_view part_;
};

std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  for (part_cursor at(path); !at.at_end(); at.next())
    parts.push_back(at.part());
  return parts;
}

bool is_variable(std::string_view part) {
  return part.starts_with('{');
}

bool is_rest(std::string_view part) {
  return part.ends_with("...}");
}

bool is_name(std::string_view text) {
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  return !text.empty() && !(text[0] >= '0' && text[0] <= '9') &&
         text.find_first_not_of(allowed) == std::string_view::npos;
}

} // namespace

bool check_pattern(std::string_view path, bool variables, std::string& why) {
  auto refuse = [&why](std::string reason) {
    why = std::move(reason);
    return false;
  };
  if (!path.starts_with('/'))
    return refuse("does not start with /");
  if (path.find_first_of("?#") != std::string_view::npos)
    return refuse("has ? or # in it");
  if (std::any_of(path.begin(), path.end(),
                  [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7F; }))
    return refuse("has a space or a control character in it");
  const auto parts = parts_of(path);
  std::vector<std::string_view> names;
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto part = parts[i];
    const bool is_last = i + 1 == parts.size();
    if (part.empty() && !is_last)
      return refuse("has an empty part (//)");
    if (part == "." || part == "..")
      return refuse("has . or .. as a part");
    if (part.find_first_of("{}") == std::string_view::npos)
      continue;
    if (!variables)
      return refuse("has braces in it");
    const auto opened = std::count(part.begin(), part.end(), '{');
    const auto closed = std::count(part.begin(), part.end(), '}');
    if (opened != closed)
      return refuse(opened > closed ? "has a { without its }" : "has a } without its {");
    if (!part.starts_with('{') || !part.ends_with('}'))
      return refuse("has braces around less than a whole part");
    auto name = part.substr(1, part.size() - 2);
    if (is_rest(part)) {
      if (!is_last)
        return refuse("has {…...} before its end");
      name.remove_suffix(3);
    }
    if (!is_name(name))
      return refuse("has \"" + std::string(part) + "\" in it, which names nothing");
    if (std::find(names.begin(), names.end(), name) != names.end())
      return refuse("has {" + std::string(name) + "} twice");
    names.push_back(name);
  }
  return true;
}

std::string with_braces(std::string_view path) {
  std::string made;
  for (part_cursor at(path); !at.at_end(); at.next())
    if (const auto part = at.part(); part.starts_with(':') && is_name(part.substr(1)))
      made.append("/{").append(part.substr(1)).append("}");
    else
      made.append("/").append(part);
  if (made.ends_with("/{$}")) // says that nothing follows, which is so here anyway
    made.resize(made.size() - 3);
  return path.starts_with('/') ? made : std::string(path);
}

std::string join_path(std::string_view prefix, std::string_view path) {
  while (prefix.ends_with('/'))
    prefix.remove_suffix(1);
  return std::string(prefix) + std::string(path);
}

bool collide(std::string_view a, std::string_view b) {
  part_cursor left(a), right(b);
  // A pattern is more specific where it has a fixed part and the other a variable. If each is
  // somewhere, or none is anywhere, the request that fits both has no right answer.
  bool left_wins = false, right_wins = false;
  for (; !left.at_end() && !right.at_end(); left.next(), right.next()) {
    if (is_rest(left.part()) || is_rest(right.part()))
      break;
    const bool left_free = is_variable(left.part()), right_free = is_variable(right.part());
    if (!left_free && !right_free && left.part() != right.part())
      return false;
    left_wins |= !left_free && right_free;
    right_wins |= left_free && !right_free;
  }
  const bool left_rest = !left.at_end() && is_rest(left.part());
  const bool right_rest = !right.at_end() && is_rest(right.part());
  if (!left_rest && !right_rest && left.at_end() != right.at_end())
    return false; // different lengths: nothing fits both
  left_wins |= right_rest && !left_rest;
  right_wins |= left_rest && !right_rest;
  return left_wins == right_wins;
}

bool has_variables(std::string_view path) {
  return path.find('{') != std::string_view::npos;
}

} // namespace natterjack::runtime
