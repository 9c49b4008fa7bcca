#include "runtime/server/pow_runners.hpp"

#include "runtime/server/runner_texts.hpp"

#include <stdexcept>
#include <string_view>

namespace natterjack::runtime {

namespace {

std::string_view text_of(std::string_view name) {
  for (const auto& one : runner_texts)
    if (one.name == name)
      return one.text;
  throw std::logic_error("no runner " + std::string(name));
}

lua::program_ptr make_runner(const lua::program_ptr& code, std::string_view name,
                             std::set<std::string> modules) {
  lua::program_source source;
  source.id = code->id();
  source.file = "runner";
  source.text.append(text_of("find_method")).append(text_of(name));
  source.modules = std::move(modules);
  source.imports.emplace("code", code);
  source.limits = code->limits();
  source.method = "runner"; // the chunk returns the function itself
  lua::syntax_error error;
  auto made = lua::lua_program::make(std::move(source), &error);
  if (!made)
    throw std::logic_error("runner:" + std::to_string(error.line) + ": " + error.message);
  return made;
}

} // namespace

lua::program_ptr make_job_runner(const lua::program_ptr& job) {
  return make_runner(job, "job", {"json", "time"});
}

lua::program_ptr make_authorization_runner(const lua::program_ptr& function) {
  return make_runner(function, "authorization", {"http", "json"});
}

} // namespace natterjack::runtime
