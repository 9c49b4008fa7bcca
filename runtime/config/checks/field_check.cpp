#include "runtime/config/checks/field_check.hpp"

#include "runtime/config/kinds/catalogue.hpp"
#include "runtime/config/kinds/kind_schema.hpp"
#include "runtime/config/locate.hpp"
#include "runtime/config/nearest.hpp"
#include "runtime/config/network_address.hpp"
#include "runtime/config/options/static_folder.hpp"
#include "runtime/config/url_pattern.hpp"

#include <algorithm>
#include <chrono>

namespace natterjack::runtime {

namespace {

bool is_off(const field& f, const config_value& value) {
  if (!f.can_be_off)
    return false;
  return (value.as_text() && *value.as_text() == "off") || value.as_integer() == 0 ||
         value.as_duration() == std::chrono::nanoseconds{0};
}

const field plain_map = [] {
  field made;
  made.type = field_type::text_map;
  return made;
}();

class checker {
 public:
  checker(const entry& e, std::vector<diagnostic>& mistakes, std::vector<diagnostic>& warnings)
      : entry_(e), mistakes_(mistakes), warnings_(warnings) {}

  void check_kind() {
    const auto* kind = find_kind(entry_.kind);
    std::vector<std::string> built;
    for (const auto& each : kinds())
      if (each.is_built)
        built.push_back(each.name);
    if (!kind) {
      mistakes_.push_back(mistake_at(
          entry_, "unknown kind \"" + entry_.kind + '"' + did_you_mean(entry_.kind, built),
          one_of(built)));
      return;
    }
    if (!kind->is_built && !kind->is_vital) {
      warnings_.push_back(mistake_at(
          entry_, "kind " + entry_.kind + " is not built: nothing can be done with this entry", ""));
      return;
    }
    if (!kind->is_built) {
      mistakes_.push_back(
          mistake_at(entry_, "kind " + entry_.kind + " is not built yet", one_of(built)));
      return;
    }
    if (kind->is_free)
      return;
    if (!entry_.data.is_map()) {
      mistakes_.push_back(mistake_at(entry_, entry_.data, 0,
                                     "data: found " + entry_.data.describe(), "a map of fields"));
      return;
    }
    check_map(kind->fields, entry_.data, "", entry_.line, {"name", "kind", "meta"});
    for (const auto& f : kind->meta)
      check_member(f, entry_.meta.find_member(f.name), "meta." + f.name, entry_.line);
  }

 private:
  void complain(const config_value& value, int line, std::string message, std::string expected) {
    mistakes_.push_back(mistake_at(entry_, value, line, std::move(message), std::move(expected)));
  }

  void wrong(const field& f, const std::string& path, const config_value& value, int line,
             const std::string& hint = {}) {
    complain(value, line, path + ": found " + value.describe() + hint, expectation(f));
  }

  void check_map(const std::vector<field>& fields, const config_value& map,
                 const std::string& prefix, int line, std::vector<std::string> names) {
    for (const auto& f : fields)
      names.push_back(f.name);
    for (const auto& member : map.members())
      if (std::find(names.begin(), names.end(), member.key) == names.end())
        complain(member.value, member.line,
                 "unknown key \"" + prefix + member.key + '"' + did_you_mean(member.key, names),
                 one_of(names));
    for (const auto& f : fields)
      check_member(f, map.find_member(f.name), prefix + f.name, line);
  }

  void check_member(const field& f, const map_member* member, const std::string& path,
                    int parent_line) {
    if (!member || (member->value.is_null() && !member->value.is_broken())) {
      if (f.is_required)
        complain(member ? member->value : config_value(), member ? member->line : parent_line,
                 path + " is missing", expectation(f));
      return;
    }
    if (f.support == field_support::not_built) {
      complain(member->value, member->line, path + " is not built yet", "");
      return;
    }
    if (f.support == field_support::ignored) {
      warnings_.push_back(
          mistake_at(entry_, member->value, member->line, path + " has no effect here: " + f.doc));
      return;
    }
    check_value(f, path, member->value, member->line);
  }

  void check_value(const field& f, const std::string& path, const config_value& value, int line) {
    if (value.is_broken() || is_off(f, value))
      return;
    switch (f.type) {
    case field_type::any:
      return;
    case field_type::text:
    case field_type::source:
      return require(value.as_text() != nullptr && (!f.is_required || !value.as_text()->empty()), f,
                     path, value, line);
    case field_type::reference:
      return check_id(f, path, value, line);
    case field_type::reference_list:
      return each_item(f, path, value, line,
                       [&](const config_value& item, int at) { check_id(f, path, item, at); });
    case field_type::text_list:
      return each_item(f, path, value, line, [&](const config_value& item, int at) {
        require(item.as_text() != nullptr, f, path, item, at);
      });
    case field_type::modules:
      return check_names(f, path, value, line, known_modules(), "module");
    case field_type::middleware:
      return check_names(f, path, value, line, known_middleware(), "middleware");
    case field_type::imports:
      return check_imports(f, path, value, line);
    case field_type::time:
    case field_type::bytes:
    case field_type::integer:
    case field_type::real:
      return check_quantity(f, path, value, line);
    case field_type::boolean:
      return require(value.as_bool().has_value(), f, path, value, line);
    case field_type::choice:
      return check_word(f, path, value, line);
    case field_type::section:
      if (!value.is_map())
        return wrong(f, path, value, line);
      return check_map(f.fields, value, path + '.', line, {});
    case field_type::section_list:
      return each_item(f, path, value, line, [&](const config_value& item, int at) {
        if (!item.is_map())
          return wrong(f, path, item, at);
        check_map(f.fields, item, path + '.', at, {});
      });
    case field_type::map:
      return require(value.is_map(), f, path, value, line);
    case field_type::text_map:
    case field_type::option_map:
      return check_text_map(f, path, value, line);
    case field_type::list:
      return require(value.is_list(), f, path, value, line);
    case field_type::address:
      return check_address(f, path, value, line);
    case field_type::url_path:
    case field_type::pattern_path:
    case field_type::url_prefix:
      return check_path(f, path, value, line);
    case field_type::job_map:
      return check_jobs(f, path, value, line);
    case field_type::file_mode:
      return check_mode(f, path, value, line);
    }
  }

  void require(bool right, const field& f, const std::string& path, const config_value& value,
               int line) {
    if (!right)
      wrong(f, path, value, line);
  }

  template <class F>
  void each_item(const field& f, const std::string& path, const config_value& value, int line,
                 F check) {
    if (!value.is_list())
      return wrong(f, path, value, line);
    for (const auto& item : value.items())
      check(item, item.line() != 0 ? item.line() : line);
  }

  void check_id(const field& f, const std::string& path, const config_value& value, int line) {
    require(value.as_text() && is_reference(*value.as_text()), f, path, value, line);
  }

  void check_names(const field& f, const std::string& path, const config_value& value, int line,
                   const std::vector<catalogue_item>& known, const std::string& what) {
    each_item(f, path, value, line, [&](const config_value& item, int at) {
      const auto* name = item.as_text();
      if (!name)
        return wrong(f, path, item, at);
      const auto* found = find_item(known, *name);
      if (!found)
        complain(item, at,
                 path + ": unknown " + what + " \"" + *name + '"' +
                     did_you_mean(*name, all_names(known)),
                 one_of(available_names(known)));
      else if (!found->is_available && what == "module") // it may be listed and never required
        warnings_.push_back(mistake_at(entry_, item, at,
                                       path + ": module \"" + *name +
                                           "\" is not built yet: require(\"" + *name + "\") raises",
                                       one_of(available_names(known))));
      else if (!found->is_available)
        complain(item, at, path + ": " + what + " \"" + *name + "\" is not built yet",
                 one_of(available_names(known)));
    });
  }

  void check_imports(const field& f, const std::string& path, const config_value& value, int line) {
    if (!value.is_map())
      return wrong(f, path, value, line);
    const auto* modules = entry_.data.find("modules");
    for (const auto& alias : value.members()) {
      check_id(f, path + '.' + alias.key, alias.value, alias.line);
      if (!modules)
        continue;
      for (const auto& module : modules->items())
        if (module.as_text() && *module.as_text() == alias.key)
          complain(alias.value, alias.line,
                   path + '.' + alias.key + ": the same name stands in modules",
                   "another alias, since require(\"" + alias.key + "\") could mean both");
    }
  }

  void check_jobs(const field& f, const std::string& path, const config_value& value, int line) {
    if (!value.is_map() || value.members().empty())
      return wrong(f, path, value, line, value.is_map() ? ", which names no job" : "");
    for (const auto& job : value.members())
      if (!job.value.as_text() || !is_reference(*job.value.as_text()))
        complain(job.value, job.line, path + '.' + job.key + ": found " + job.value.describe(),
                 "echo or the id of an entry of kind " + one_of(f.words));
  }

  void check_quantity(const field& f, const std::string& path, const config_value& value,
                      int line) {
    std::optional<double> amount;
    if (f.type == field_type::time) {
      if (auto time = value.as_duration())
        amount = std::chrono::duration<double>(*time).count();
    } else if (f.type == field_type::bytes) {
      if (auto bytes = value.as_bytes())
        amount = static_cast<double>(*bytes);
    } else if (f.type == field_type::integer) {
      if (auto whole = value.as_integer())
        amount = static_cast<double>(*whole);
    } else {
      amount = value.as_real();
    }
    // Written so that "not a number" is out of every range.
    require(amount && *amount >= f.min && *amount <= f.max, f, path, value, line);
  }

  void check_word(const field& f, const std::string& path, const config_value& value, int line) {
    const auto* word = value.as_text();
    if (!word)
      wrong(f, path, value, line);
    else if (word->empty() && !f.is_required)
      return; // as if it were not there
    else if (std::find(f.words.begin(), f.words.end(), *word) == f.words.end())
      wrong(f, path, value, line, did_you_mean(*word, f.words));
  }

  void check_text_map(const field& f, const std::string& path, const config_value& value,
                      int line) {
    if (!value.is_map())
      return wrong(f, path, value, line);
    for (const auto& member : value.members()) {
      const bool older = entry_.kind == "http.static" && f.type == field_type::option_map &&
                         is_static_option(member.key);
      if (older && member.key == "mime_types") {
        check_text_map(plain_map, path + '.' + member.key, member.value, member.line);
        continue;
      }
      const bool is_plain = !member.value.is_list() && !member.value.is_map();
      if (!is_plain)
        complain(member.value, member.line,
                 path + '.' + member.key + ": found " + member.value.describe(), "text");
      if (f.type == field_type::option_map && !older &&
          !find_item(known_middleware_options(), member.key))
        complain(member.value, member.line,
                 path + ": unknown option \"" + member.key + '"' +
                     did_you_mean(member.key, all_names(known_middleware_options())),
                 one_of(available_names(known_middleware_options())));
    }
  }

  void check_address(const field& f, const std::string& path, const config_value& value, int line) {
    std::string why;
    const auto* text = value.as_text();
    if (!text)
      return wrong(f, path, value, line);
    if (!parse_address(*text, &why))
      wrong(f, path, value, line, ", which " + why);
  }

  void check_path(const field& f, const std::string& path, const config_value& value, int line) {
    const auto* text = value.as_text();
    if (!text)
      return wrong(f, path, value, line);
    if (text->empty() && f.type == field_type::url_prefix)
      return;
    std::string why;
    if (check_pattern(*text, f.type == field_type::pattern_path, why))
      return;
    const bool is_begun = text->starts_with('/'); // then what is expected of a path is there
    complain(value, line, path + ": found " + value.describe() + ", which " + why,
             is_begun ? "" : expectation(f));
  }

  // A plain 0755 is a number to YAML; as it was written is what counts.
  void check_mode(const field& f, const std::string& path, const config_value& value, int line) {
    const std::string text = value.as_text() ? *value.as_text() : value.written();
    const bool right = text.size() >= 3 && text.size() <= 4 &&
                       text.find_first_not_of("01234567") == std::string::npos;
    require(right, f, path, value, line);
  }

  const entry& entry_;
  std::vector<diagnostic>& mistakes_;
  std::vector<diagnostic>& warnings_;
};

} // namespace

void check_fields(const entry& e, std::vector<diagnostic>& mistakes,
                  std::vector<diagnostic>& warnings) {
  checker(e, mistakes, warnings).check_kind();
}

} // namespace natterjack::runtime
