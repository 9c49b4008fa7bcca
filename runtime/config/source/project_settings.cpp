#include "runtime/config/source/project_settings.hpp"

#include "hub/quantities.hpp"
#include "runtime/config/network_address.hpp"
#include "runtime/config/source/document.hpp"
#include "runtime/config/source/source_tree.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cctype>

namespace natterjack::runtime {

namespace {

namespace fs = std::filesystem;

constexpr auto file_name = ".wippy.yaml";
constexpr auto default_metrics = "localhost:9090";

// From little to much: the position says which of two is stricter.
constexpr std::array<std::string_view, 4> levels{"debug", "info", "warn", "error"};

// Sections that do nothing unless they say `enabled: true`.
constexpr std::array<std::string_view, 5> asleep{"cluster", "lsp", "otel", "profiler", "prometheus"};

// Settings of other runtimes that say what holds here anyway.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> held_anyway{
    {{"logmanager.propagate_downstream", "true"},
     {"logmanager.stream_to_events", "false"},
     {"lua.type_system.enabled", "true"},
     {"metrics.interceptor.enabled", "false"},
     {"registry.enable_history", "true"},
     {"registry.history_type", "\"memory\""},
     {"security.strict_mode", "false"}}};

// Sections that are looked into; others are named as a whole.
constexpr std::array<std::string_view, 13> known{
    "cluster", "finder",   "functions",  "logger", "logmanager", "lua",       "metrics",
    "otel",    "profiler", "prometheus", "relay",  "registry",   "supervisor"};

template <class Names> bool is_one_of(std::string_view name, const Names& names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

fs::path find_file(const fs::path& folder) {
  std::error_code ignored;
  if (fs::exists(folder / file_name, ignored))
    return folder / file_name;
  const auto here = fs::weakly_canonical(folder, ignored);
  const auto above = here.parent_path();
  if (!fs::exists(above / file_name, ignored) ||
      (here.filename() != "src" && !fs::exists(above / "wippy.lock", ignored)))
    return {};
  const auto as_named = (folder / ".." / file_name).lexically_normal();
  return fs::exists(as_named, ignored) ? as_named : above / file_name; // a link leads elsewhere
}

class reader {
 public:
  explicit reader(fs::path file) : file_(std::move(file)) {}

  project_settings read() {
    const auto text = read_file(file_, document_limits{}.file_bytes);
    if (!text.text || text.too_big) {
      complain(0, text.too_big ? "is too big" : "cannot be read: " + text.error);
      return std::move(out_);
    }
    auto parsed = read_yaml(*text.text);
    if (!parsed.value) {
      complain(parsed.error.line, parsed.error.message);
      return std::move(out_);
    }
    const auto& root = parsed.value->root;
    if (!root.is_map() && !root.is_null())
      complain(root.line(), "is " + root.describe(), "sections such as logger or override");
    for (const auto& section : root.members())
      read_section(section);
    if (level_)
      out_.log_level = std::string(levels[*level_]);
    if (!unheeded_.empty())
      out_.warnings.push_back({file_.string(), first_unheeded_, "",
                               "without effect here: " + unheeded_, ""});
    return std::move(out_);
  }

 private:
  void read_section(const map_member& section) {
    const auto& [name, line, value] = section;
    if (name == "version" || value.is_null())
      return;
    if (name == "override")
      return read_overrides(value);
    const auto* enabled = value.find("enabled");
    const bool is_on = enabled != nullptr && enabled->as_bool() == true;
    if (is_one_of(name, asleep) && !is_on)
      return;
    if (name == "prometheus" && value.find("address") == nullptr)
      out_.metrics = default_metrics;
    if (value.is_map() && (is_one_of(name, known) || name == "security" || name == "shutdown"))
      read_fields(name, value);
    else
      leave(name, line);
  }

  void read_fields(const std::string& path, const config_value& fields) {
    for (const auto& [name, line, value] : fields.members()) {
      const auto below = path + "." + name;
      if (value.is_map())
        read_fields(below, value);
      else if (!take(below, value) && !holds_anyway(below, value))
        leave(below, line);
    }
  }

  static bool holds_anyway(std::string_view path, const config_value& value) {
    return std::find(held_anyway.begin(), held_anyway.end(),
                     std::pair<std::string_view, std::string_view>{path, value.to_json().dump()}) !=
           held_anyway.end();
  }

  // @returns false if the setting is none that is known here
  bool take(const std::string& path, const config_value& value) {
    const auto* text = value.as_text();
    if (path == "logger.level") {
      const auto found = text == nullptr ? levels.end()
                                         : std::find(levels.begin(), levels.end(), lower(*text));
      if (found == levels.end())
        wrong(path, value, "debug, info, warn or error");
      else
        raise_level(static_cast<size_t>(found - levels.begin()));
    } else if (path == "logmanager.min_level") {
      const auto number = value.as_integer();
      if (!number || *number < -1 || *number > 5)
        wrong(path, value, "-1 (debug), 0 (info), 1 (warn) or 2 (error)");
      else
        raise_level(static_cast<size_t>(std::min<int64_t>(*number + 1, 3)));
    } else if (path == "logger.encoding") {
      if (text == nullptr || (*text != "json" && *text != "console"))
        wrong(path, value, "json or console");
      else
        out_.log_format = *text == "json" ? "json" : "text";
    } else if (path == "prometheus.enabled") {
      return true; // looked at with the section
    } else if (path == "prometheus.address") {
      std::string why;
      if (text == nullptr || !parse_address(*text, &why))
        wrong(path, value, "ADDRESS:PORT");
      else
        out_.metrics = *text;
    } else if (path == "relay.node_name") {
      if (text == nullptr || text->empty())
        wrong(path, value, "a name");
      else
        out_.node_name = *text;
    } else if (path == "shutdown.timeout") {
      if (const auto time = value.as_duration(); !time || time->count() < 0)
        wrong(path, value, "a time such as 30s");
      else
        out_.drain_timeout = hub::format_duration(*time);
    } else {
      return false;
    }
    return true;
  }

  // `ns:entry:field: value`, as -o takes it.
  void read_overrides(const config_value& all) {
    if (!all.is_map())
      return wrong("override", all, "ns:entry:field: value");
    for (const auto& [key, line, value] : all.members())
      out_.overrides.push_back({file_.string() + ':' + std::to_string(line) + ": override",
                                key + '=' + value.to_json().dump(), true});
  }

  void raise_level(size_t to) { level_ = std::max(level_.value_or(0), to); }

  static std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
  }

  void leave(const std::string& path, int line) {
    if (unheeded_.empty())
      first_unheeded_ = line;
    unheeded_ += (unheeded_.empty() ? "" : ", ") + path;
  }

  void wrong(const std::string& path, const config_value& value, std::string expected) {
    complain(value.line(), path + ": found " + value.describe(), std::move(expected));
  }

  void complain(int line, std::string message, std::string expected = {}) {
    out_.mistakes.push_back({file_.string(), line, "", std::move(message), std::move(expected)});
  }

  fs::path file_;
  project_settings out_;
  std::optional<size_t> level_; // of `levels`
  std::string unheeded_;
  int first_unheeded_ = 0;
};

} // namespace

project_settings read_project_settings(const std::filesystem::path& folder) {
  auto file = find_file(folder);
  return file.empty() ? project_settings{} : reader(std::move(file)).read();
}

} // namespace natterjack::runtime
