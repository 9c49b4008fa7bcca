// Who hears the output and the end of a job: processes that asked for it by `pow.attach`.
//
//   output         "pow.output", whole characters: one cut in two waits for its rest
//   error_output   "pow.error_output"
//   end            "pow.output" with what still waited, then "pow.end"
#pragma once

#include "actors/pow/utf8.hpp"
#include "hub/directory.hpp"
#include "hub/payload.hpp"

#include <string_view>
#include <vector>

namespace natterjack::pow {

class job_observers {
 public:
  bool empty() const noexcept { return all_.empty(); }
  /// @returns false if it is among them already
  bool add(hub::process_ref who);
  void remove(const caf::actor_addr& who);
  void clear() noexcept { all_.clear(); }

  /// @param job  the sender
  void output(const hub::pid& job, std::string_view bytes);
  void error_output(const hub::pid& job, std::string_view bytes);
  /// @param document  the result as JSON
  void end(const hub::pid& job, std::string_view document);

 private:
  void tell(const hub::pid& job, const char* topic, hub::payload value) const;

  std::vector<hub::process_ref> all_;
  utf8_joiner output_;
};

} // namespace natterjack::pow
