#include "runtime/config/checks/references.hpp"

#include <algorithm>

namespace natterjack::runtime {

namespace {

const field& imported() {
  static const field made = [] {
    field f;
    f.name = "imports";
    f.type = field_type::reference;
    f.words = {"library.lua"};
    return f;
  }();
  return made;
}

class collector {
 public:
  explicit collector(const entry& e) : entry_(e) {}

  void collect(const std::vector<field>& fields, const config_value& from,
               const std::string& prefix) {
    for (const auto& f : fields) {
      const auto* member = from.find_member(f.name);
      const config_value* value = member && !member->value.is_null() ? &member->value : nullptr;
      const std::string path = prefix + f.name;
      const int line = member ? member->line : entry_.line;
      switch (f.type) {
      case field_type::reference:
        if (value)
          add(path, f, *value, line);
        else if (!f.default_text.empty())
          found.push_back({path, f.default_text, &f, nullptr, entry_.line});
        break;
      case field_type::reference_list:
        if (value)
          for (const auto& item : value->items())
            add(path, f, item, item.line());
        break;
      case field_type::imports:
        if (value)
          for (const auto& alias : value->members())
            add(path + '.' + alias.key, imported(), alias.value, alias.line);
        break;
      case field_type::job_map:
        if (value)
          for (const auto& job : value->members())
            if (!job.value.as_text() || !is_built_in_job(*job.value.as_text()))
              add(path + '.' + job.key, f, job.value, job.line);
        break;
      case field_type::section:
        if (value)
          collect(f.fields, *value, path + '.');
        break;
      default:
        break;
      }
    }
  }

  std::vector<reference> found;

 private:
  void add(const std::string& path, const field& f, const config_value& value, int line) {
    const auto* text = value.as_text();
    if (text && is_reference(*text) && !value.is_broken())
      found.push_back({path, resolve_reference(entry_.ns, *text), &f, &value, line});
  }

  const entry& entry_;
};

} // namespace

std::vector<reference> references_of(const entry& e) {
  collector all(e);
  if (const auto* kind = find_kind(e.kind)) {
    all.collect(kind->fields, e.data, "");
    all.collect(kind->meta, e.meta, "meta.");
  }
  return std::move(all.found);
}

std::vector<reference> dependencies_of(const entry& e) {
  std::vector<reference> found;
  for (auto& r : references_of(e)) {
    const bool counts = r.path == "lifecycle.depends_on" || r.path == "lifecycle.requires";
    const bool is_new = std::none_of(found.begin(), found.end(),
                                     [&r](const reference& other) { return other.id == r.id; });
    if (counts && is_new)
      found.push_back(std::move(r));
  }
  return found;
}

} // namespace natterjack::runtime
