#include "runtime/config/source/overrides.hpp"

#include "runtime/config/nearest.hpp"
#include "runtime/config/source/document.hpp"
#include "runtime/config/source/field_path.hpp"

#include <algorithm>

namespace natterjack::runtime {

namespace {

struct target {
  std::string entry_id;
  std::string path;
};

// `[::1]:80` begins like a list and is none, so the last character must agree as well.
bool is_flow(std::string_view text) {
  return (text.starts_with('[') && text.ends_with(']')) ||
         (text.starts_with('{') && text.ends_with('}')) ||
         (text.size() > 1 && text.starts_with('"') && text.ends_with('"')) ||
         (text.size() > 1 && text.starts_with('\'') && text.ends_with('\''));
}

config_value read_value(const std::string& text, std::string& error) {
  if (is_flow(text)) {
    auto read = read_yaml(text);
    if (!read.value) {
      error = "the value " + read.error.message;
      return {};
    }
    if (read.value->unknown_tag_line != 0) {
      error = "the value has the tag \"" + read.value->unknown_tag +
              "\", which has no meaning here";
      return {};
    }
    return std::move(read.value->root);
  }
  auto made = typed_scalar(text);
  made.set_loose(true);
  return made;
}

// The entry a key such as `app:a.b.limits.memory` most likely means, if it is none of the known.
std::string nearest_entry(const std::string& key, const std::vector<std::string>& known) {
  std::string best;
  size_t least = std::string::npos;
  for (const auto& id : known) {
    // As many dotted parts of the key as the id has.
    size_t end = 0;
    for (auto dots = std::count(id.begin(), id.end(), '.'); dots >= 0 && end != std::string::npos;
         --dots)
      end = key.find('.', end == 0 ? 0 : end + 1);
    const std::string part = key.substr(0, end);
    if (nearest(part, {id}).empty())
      continue;
    const size_t distance = edit_distance(part, id);
    if (distance < least) {
      least = distance;
      best = id;
    }
  }
  return best;
}

std::string unknown_entry(const std::string& key, const std::vector<std::string>& known) {
  const auto near = nearest_entry(key, known);
  return "there is no entry \"" + key + '"' +
         (near.empty() ? "" : " (did you mean \"" + near + "\"?)");
}

target split_dotted(const std::string& key, const std::vector<std::string>& known) {
  target best;
  for (const auto& id : known) {
    const bool fits = key == id || (key.starts_with(id) && key[id.size()] == '.');
    if (fits && id.size() > best.entry_id.size())
      best = {id, key == id ? "" : key.substr(id.size() + 1)};
  }
  return best;
}

} // namespace

override_list::override_list(const std::vector<override_option>& options,
                             const std::vector<std::string>& known,
                             std::vector<diagnostic>& mistakes,
                             std::vector<diagnostic>& warnings) {
  for (const auto& given : options) {
    const std::string shown = given.option + ' ' + given.text;
    auto complain = [&](std::string message, std::string expected = {}) {
      mistakes.push_back({shown, 0, "", std::move(message), std::move(expected)});
    };
    const auto equals = given.text.find('=');
    const std::string key = given.text.substr(0, equals);
    const auto first = key.find(':');
    if (equals == std::string::npos || first == std::string::npos) {
      complain(equals == std::string::npos ? "has no =" : "names no entry",
               "ENTRY-ID.field=value, such as system:gateway.limits.ping_interval=10s");
      continue;
    }
    const auto second = key.find(':', first + 1);
    const target meant = second == std::string::npos
                             ? split_dotted(key, known)
                             : target{key.substr(0, second), key.substr(second + 1)};
    if (std::find(known.begin(), known.end(), meant.entry_id) == known.end()) {
      (given.may_miss ? warnings : mistakes)
          .push_back({shown, 0, "",
                      unknown_entry(meant.entry_id.empty() ? key : meant.entry_id, known), ""});
      continue;
    }
    if (meant.path.empty()) {
      complain("names no field of " + meant.entry_id, meant.entry_id + ".field=value");
      continue;
    }
    std::string error;
    auto value = read_value(given.text.substr(equals + 1), error);
    if (!error.empty()) {
      complain(error);
      continue;
    }
    value.set_origin(std::make_shared<const std::string>(shown));
    requests_.push_back({shown, meant.entry_id, meant.path, std::move(value)});
  }
}

void override_list::apply(entry& e, std::vector<diagnostic>& mistakes) {
  for (auto& asked : requests_) {
    if (asked.is_done || asked.entry_id != e.id)
      continue;
    asked.is_done = true;
    if (auto error = set_field(e, asked.path, asked.value); !error.empty())
      mistakes.push_back({asked.option, 0, e.id, error, ""});
  }
}

void override_list::finish(const std::vector<std::string>& known,
                           std::vector<diagnostic>& mistakes) const {
  for (const auto& asked : requests_)
    if (!asked.is_done)
      mistakes.push_back({asked.option, 0, "", unknown_entry(asked.entry_id, known), ""});
}

} // namespace natterjack::runtime
