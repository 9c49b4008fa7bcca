#include "actors/pow/job_source.hpp"

#include <stdexcept>

namespace natterjack::pow {

namespace {

class function_source final : public job_source {
 public:
  explicit function_source(job_function function) : function_(std::move(function)) {}
  made_job make(const job_request& request) override { return function_(request); }

 private:
  job_function function_;
};

} // namespace

std::shared_ptr<job_source> make_source(job_function function) {
  return std::make_shared<function_source>(std::move(function));
}

void job_catalog::add(std::string name, std::shared_ptr<job_source> source) {
  if (name.empty())
    throw std::invalid_argument("a job needs a name");
  if (!sources_.emplace(name, std::move(source)).second)
    throw std::invalid_argument("there are two jobs named \"" + name + "\"");
}

job_source* job_catalog::find(const std::string& name) const noexcept {
  const auto i = sources_.find(name);
  return i == sources_.end() ? nullptr : i->second.get();
}

std::vector<std::string> job_catalog::names() const {
  std::vector<std::string> result;
  for (const auto& [name, source] : sources_)
    result.push_back(name);
  return result;
}

} // namespace natterjack::pow
