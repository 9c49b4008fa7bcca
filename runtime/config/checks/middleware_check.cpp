#include "runtime/config/checks/middleware_check.hpp"

#include "runtime/config/kinds/middleware_table.hpp"
#include "runtime/config/locate.hpp"
#include "runtime/config/options/field_reader.hpp"

#include <algorithm>
#include <set>

namespace natterjack::runtime {

namespace {

bool is_listed(const entry& e, const char* field, std::string_view name) {
  const auto* list = e.data.find(field);
  return list && std::any_of(list->items().begin(), list->items().end(), [name](const auto& item) {
           return item.as_text() && *item.as_text() == name;
         });
}

class checker {
 public:
  checker(application& app, const entry& e, const char* list, const char* options)
      : app_(app), entry_(e), list_(list), options_name_(options), options_(e.data.find(options)) {}

  void check() {
    if (options_ && options_->is_map())
      for (const auto& member : options_->members())
        check_value(member);
    for (const auto& option : middleware_options())
      if (option.is_required && is_listed(entry_, list_, option.middleware) && !said(option))
        app_.diagnostics.push_back(mistake_at(
            entry_, std::string(list_) + ": " + std::string(option.middleware) + " needs the option " +
                        std::string(option.name),
            option.kind.empty() ? std::string("a text under ") + options_name_
                                : "the id of an entry of kind " + std::string(option.kind)));
  }

 private:
  bool said(const middleware_option& option) const {
    if (!options_ || !options_->is_map())
      return false;
    return options_->find(option.name) ||
           std::any_of(option.older.begin(), option.older.end(),
                       [this](std::string_view name) { return options_->find(name); });
  }

  void check_value(const map_member& member) {
    const auto* option = find_middleware_option(member.key);
    if (!option || member.value.is_list() || member.value.is_map() || member.value.is_broken())
      return; // the field check has said so
    const auto text = plain_text(member.value);
    const auto where = std::string(options_name_) + "." + member.key;
    if (const auto expected = expected_of(*option, text))
      app_.diagnostics.push_back(mistake_at(entry_, member.value, member.line,
                                            where + ": found " + member.value.describe(), *expected));
    if (option->what == middleware_option::type::reference)
      check_reference(*option, text, member, where);
    if (!is_used(member.key))
      app_.warnings.push_back(mistake_at(entry_, member.value, member.line,
                                         where + " has no effect: " + std::string(option->middleware) +
                                             " is not in " + list_));
  }

  // The older names are shared by several.
  bool is_used(std::string_view key) const {
    for (const auto& option : middleware_options()) {
      const bool is_it = option.name == key ||
                         std::find(option.older.begin(), option.older.end(), key) != option.older.end();
      if (is_it && (is_listed(entry_, "middleware", option.middleware) ||
                    is_listed(entry_, "post_middleware", option.middleware)))
        return true;
    }
    return false;
  }

  void check_reference(const middleware_option& option, const std::string& text,
                       const map_member& member, const std::string& where) {
    const auto id = resolve_reference(entry_.ns, text);
    const auto* found = app_.find(id);
    if (!found)
      app_.diagnostics.push_back(mistake_at(entry_, member.value, member.line,
                                            where + ": there is no entry \"" + id + "\"",
                                            "the id of an entry of kind " + std::string(option.kind)));
    else if (found->kind != option.kind)
      app_.diagnostics.push_back(mistake_at(entry_, member.value, member.line,
                                            where + ": " + id + " is of kind " + found->kind,
                                            "the id of an entry of kind " + std::string(option.kind)));
  }

  application& app_;
  const entry& entry_;
  const char* list_;
  const char* options_name_;
  const config_value* options_;
};

} // namespace

void check_middleware(application& app) {
  for (const auto& e : app.entries) {
    if (e.kind == "http.router") {
      checker(app, e, "middleware", "options").check();
      checker(app, e, "post_middleware", "post_options").check();
    } else if (e.kind == "http.static") {
      checker(app, e, "middleware", "options").check();
    }
  }
}

} // namespace natterjack::runtime
