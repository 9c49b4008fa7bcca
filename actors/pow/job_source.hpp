// Where jobs come from: a name leads to a source, the source makes the code of one job or says why not.
//
//   job_catalog   names and their sources; fixed once the service runs
//   function      C++ code: one function that makes the code of each job
//   script        C++ code: a coroutine for each job (script_job.hpp)
//   exec          commands of the operating system (exec_source.hpp)
#pragma once

#include "actors/pow/job.hpp"

#include <map>
#include <variant>

namespace natterjack::pow {

using made_job = std::variant<std::unique_ptr<job_code>, job_refusal>;

/// Called on io threads, several at a time: never blocks, has no state without a lock.
class job_source {
 public:
  virtual ~job_source() = default;
  virtual made_job make(const job_request& request) = 0;
};

/// A C++ function as a source. May throw `std::exception`, which is the error of a panic.
using job_function = std::function<made_job(const job_request&)>;

std::shared_ptr<job_source> make_source(job_function function);

/// The built-in job: copies its input to its output as it comes; at the end of input its value is its
/// arguments, or its error the cause if it was cancelled meanwhile.
std::shared_ptr<job_source> echo_source();

class job_catalog {
 public:
  /// @throws std::invalid_argument  for a name that is empty or taken
  void add(std::string name, std::shared_ptr<job_source> source);
  /// @returns null if there is none
  job_source* find(const std::string& name) const noexcept;
  std::vector<std::string> names() const;

 private:
  std::map<std::string, std::shared_ptr<job_source>> sources_;
};

} // namespace natterjack::pow
