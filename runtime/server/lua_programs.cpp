#include "runtime/server/lua_programs.hpp"

#include "runtime/server/lua_bounds.hpp"

#include <stdexcept>

namespace natterjack::runtime {

namespace {

class maker {
 public:
  explicit maker(const application_options& options) {
    for (const auto& library : options.libraries)
      libraries_.emplace(library.id, &library);
  }

  lua::program_ptr make(const std::string& id, const lua_code& code, const std::string& method,
                        const lua_limits* limits, std::optional<relay_payload> dialect = {}) {
    lua::program_source source;
    source.id = id;
    source.file = code.source.path.filename().string();
    source.text = code.source.text;
    source.method = method;
    source.modules.insert(code.modules.begin(), code.modules.end());
    for (const auto& [alias, library] : code.imports)
      source.imports.emplace(alias, library_of(library));
    if (limits != nullptr)
      source.limits = to_lua(*limits);
    if (dialect)
      source.dialect = *dialect == relay_payload::text ? hub::relay_dialect::text
                                                       : hub::relay_dialect::table;
    lua::syntax_error error;
    auto program = lua::lua_program::make(std::move(source), &error);
    if (!program)
      throw std::runtime_error(id + ":" + std::to_string(error.line) + ": " + error.message);
    return program;
  }

 private:
  // Imports form no cycle: the check has refused that.
  lua::program_ptr library_of(const std::string& id) {
    auto& made = made_[id];
    if (!made) {
      const auto& library = *libraries_.at(id);
      made = make(library.id, library.code, "", nullptr);
    }
    return made;
  }

  std::map<std::string, const library_entry*> libraries_;
  std::map<std::string, lua::program_ptr> made_;
};

} // namespace

lua_programs make_programs(const application_options& options) {
  maker make_from(options);
  lua_programs result;
  for (const auto& process : options.processes)
    result.processes.emplace(process.id, make_from.make(process.id, process.code, process.method,
                                                        &process.limits, process.relay_payload));
  for (const auto& function : options.functions)
    result.functions.emplace(function.id, make_from.make(function.id, function.code,
                                                         function.method, &function.limits));
  for (const auto& job : options.pow_programs)
    result.jobs.emplace(job.id, make_from.make(job.id, job.code, job.method, &job.limits));
  return result;
}

namespace {

lua::program_ptr find_import(const lua::lua_program& program, const std::string& id) {
  for (const auto& [alias, library] : program.source().imports) {
    if (library->id() == id)
      return library;
    if (auto deeper = find_import(*library, id))
      return deeper;
  }
  return nullptr;
}

} // namespace

lua::program_ptr find_library(const lua_programs& programs, const std::string& id) {
  for (const auto* all : {&programs.processes, &programs.functions, &programs.jobs})
    for (const auto& [name, program] : *all)
      if (auto found = find_import(*program, id))
        return found;
  return nullptr;
}

} // namespace natterjack::runtime
