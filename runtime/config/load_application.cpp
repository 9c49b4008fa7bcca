#include "runtime/config/application.hpp"

#include "runtime/config/checks/expression_check.hpp"
#include "runtime/config/checks/field_check.hpp"
#include "runtime/config/checks/gateway_check.hpp"
#include "runtime/config/checks/middleware_check.hpp"
#include "runtime/config/checks/pow_check.hpp"
#include "runtime/config/checks/relation_check.hpp"
#include "runtime/config/kinds/kind_schema.hpp"
#include "runtime/config/locate.hpp"
#include "runtime/config/options/amqp_options.hpp"
#include "runtime/config/options/cpp_options.hpp"
#include "runtime/config/options/pow_options.hpp"
#include "runtime/config/options/storage_files.hpp"
#include "runtime/config/source/declared_variables.hpp"
#include "runtime/config/source/document.hpp"
#include "runtime/config/source/entry_reader.hpp"
#include "runtime/config/source/file_fields.hpp"
#include "runtime/config/source/implicit_entries.hpp"
#include "runtime/config/source/overrides.hpp"
#include "runtime/config/source/places.hpp"
#include "runtime/config/source/requirements.hpp"
#include "runtime/config/source/source_tree.hpp"
#include "runtime/config/source/substitution.hpp"
#include "runtime/config/url_pattern.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>

namespace natterjack::runtime {

namespace {

std::optional<std::string> process_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value ? std::optional<std::string>(value) : std::nullopt;
}

class loader {
 public:
  explicit loader(const load_options& options)
      : options_(options),
        environment_(with_declared_variables(
            app_, options.environment ? options.environment : process_environment,
            options.read_variables)) {
    app_.folder = options.folder.string();
  }

  application load() {
    std::error_code error;
    if (!std::filesystem::is_directory(options_.folder, error)) {
      const bool exists = std::filesystem::exists(options_.folder, error);
      app_.diagnostics.push_back({app_.folder, 0, "", exists ? "is no folder" : "does not exist",
                                  "the folder of an application"});
      return std::move(app_);
    }
    const source_tree tree(source_folder(options_.folder));
    app_.root = tree.root();
    read_files(tree);
    complete();
    check(tree);
    sort(app_.diagnostics);
    sort(app_.warnings);
    return std::move(app_);
  }

 private:
  void read_files(const source_tree& tree) {
    const document_limits limits;
    for (const auto& path : tree.find_config_files(app_.diagnostics, app_.warnings)) {
      const std::string shown = tree.shown(path);
      auto file = read_file(path, limits.file_bytes);
      if (!file.text) {
        app_.diagnostics.push_back({shown, 0, "", "cannot be read: " + file.error, ""});
        continue;
      }
      // Data files of a web page may be big or have comments; they are nobody's entries.
      const bool is_data =
          path.stem() != "_index" && file.text->find("namespace") == std::string::npos;
      if (file.too_big) {
        if (!is_data)
          app_.diagnostics.push_back({shown, 0, "", "is too big",
                                      "at most " + std::to_string(limits.file_bytes) + " bytes"});
        continue;
      }
      auto parsed = path.extension() == ".json" ? read_json(*file.text, limits)
                                                : read_yaml(*file.text, limits);
      if (!parsed.value) {
        (is_data ? app_.warnings : app_.diagnostics)
            .push_back({shown, parsed.error.line, "",
                        parsed.error.message + (is_data ? "; taken as data, since it names no namespace"
                                                        : ""),
                        ""});
        continue;
      }
      for (auto& e : read_entries(*parsed.value, shown, path, app_.diagnostics))
        add(std::move(e));
    }
    if (app_.entries.empty() && app_.diagnostics.empty())
      app_.diagnostics.push_back(
          {app_.folder, 0, "", "holds no entries", "an _index.yaml with namespace and entries"});
  }

  void add(entry e) {
    const entry* first = app_.find(e.id);
    if (!first) {
      app_.add(std::move(e));
      return;
    }
    app_.diagnostics.push_back(mistake_at(
        e, "duplicate id, first used at " + place_of(*first), "another name"));
    duplicates_.push_back(std::move(e)); // what else is wrong with it is told as well
  }

  // Overrides come before everything that looks at values; the implicit entries are made late,
  // since what others say by then decides whether they are needed.
  void complete() {
    auto& mistakes = app_.diagnostics;
    std::vector<std::string> known = ids();
    for (const char* id : {implicit_host, implicit_router, implicit_gateway})
      if (!app_.find(id))
        known.push_back(id);
    override_list overrides(options_.overrides, known, mistakes, app_.warnings);
    for (auto& e : app_.entries)
      overrides.apply(e, mistakes);
    apply_requirements(app_);
    for (auto& e : app_.entries)
      substitute(e, environment_, mistakes);
    for (auto& e : duplicates_)
      substitute(e, environment_, mistakes);
    for (auto& e : app_.entries)
      if (auto* path = e.kind == "http.endpoint" ? e.data.find("path") : nullptr;
          path && path->as_text() && path->as_text()->find_first_of(":$") != std::string::npos)
        *path = config_value::text(with_braces(*path->as_text()), path->line());
    place_endpoints(app_);
    place_pow_services(app_);
    place_amqp_bridges(app_);
    add_implicit(app_, [this, &overrides](entry& e) {
      overrides.apply(e, app_.diagnostics);
      substitute(e, environment_, app_.diagnostics);
    });
    overrides.finish(ids(), mistakes);
    if (options_.listen)
      if (auto wrong = apply_listen(app_, *options_.listen))
        mistakes.push_back(std::move(*wrong));
  }

  void check(const source_tree& tree) {
    for (auto* entries : {&app_.entries, &duplicates_})
      for (auto& e : *entries) {
        load_files(e, tree, app_.diagnostics);
        check_fields(e, app_.diagnostics, app_.warnings);
        check_syntax(e);
      }
    check_relations(app_);
    check_middleware(app_);
    check_gateways(app_);
    check_expressions(app_);
    check_storage_files(app_);
    check_pow(app_, options_.check_exec);
    if (options_.hub_classes)
      check_hub_classes(app_, *options_.hub_classes);
    check_amqp(app_, options_.check_amqp ? *options_.check_amqp : amqp_check{});
  }

  void check_syntax(const entry& e) {
    if (!options_.check_syntax || !e.source)
      return;
    const auto& source = *e.source;
    if (!source.path.empty() && !looked_at_.insert(source.path).second)
      return; // another entry of the same file
    const auto wrong = options_.check_syntax(source.text, source.chunk);
    if (wrong)
      app_.diagnostics.push_back({source.chunk, std::max(wrong->line, 1) + source.first_line - 1,
                                  e.id, wrong->message, ""});
  }

  std::vector<std::string> ids() const {
    std::vector<std::string> all;
    for (const auto& e : app_.entries)
      all.push_back(e.id);
    return all;
  }

  const load_options& options_;
  application app_;
  environment environment_; // looks into `app_`
  std::vector<entry> duplicates_;
  std::set<std::filesystem::path> looked_at_;
};

} // namespace

application load_application(const load_options& options) {
  return loader(options).load();
}

} // namespace natterjack::runtime
