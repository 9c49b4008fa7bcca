#include "runtime/config/options/lifecycle_options.hpp"

#include "runtime/config/options/field_reader.hpp"

#include <algorithm>

namespace natterjack::runtime {

lifecycle_options read_lifecycle(const field_reader& fields) {
  lifecycle_options made;
  made.auto_start = fields.flag("lifecycle.auto_start");
  made.depends_on = fields.ids("lifecycle.depends_on");
  for (auto& id : fields.ids("lifecycle.requires"))
    if (std::find(made.depends_on.begin(), made.depends_on.end(), id) == made.depends_on.end())
      made.depends_on.push_back(std::move(id));
  made.required = fields.text("lifecycle.startup") == "required";
  made.start_timeout = fields.time("lifecycle.start_timeout");
  made.stop_timeout = fields.time("lifecycle.stop_timeout");
  made.stable_threshold = fields.time("lifecycle.stable_threshold");
  made.restart.initial_delay = fields.time("lifecycle.restart.initial_delay");
  // A first pause above the default of the longest one raises that.
  made.restart.max_delay =
      std::max(fields.time("lifecycle.restart.max_delay"), made.restart.initial_delay);
  made.restart.backoff_factor = fields.real("lifecycle.restart.backoff_factor");
  made.restart.jitter = fields.real("lifecycle.restart.jitter");
  made.restart.max_attempts = fields.count("lifecycle.restart.max_attempts");
  return made;
}

} // namespace natterjack::runtime
