// `--set ENTRY-ID.field=value` and `-o ns:entry:field=value`: fields set from the command line.
//
//   value     typed like YAML without quotes; lists and maps in flow style: [a, b], {k: v}
//   entry     may hold dots: the longest known id that fits is meant
//   mistakes  name the option; an unknown entry names the nearest one
#pragma once

#include "runtime/config/application.hpp"

#include <string>
#include <vector>

namespace natterjack::runtime {

class override_list {
 public:
  /// @param known  ids of all entries there are or may come to be
  override_list(const std::vector<override_option>& options, const std::vector<std::string>& known,
                std::vector<diagnostic>& mistakes, std::vector<diagnostic>& warnings);

  /// Sets what was asked for this entry. Call once an entry.
  void apply(entry& e, std::vector<diagnostic>& mistakes);

  /// Complains about what no entry took.
  /// @param known  ids of the entries there are
  void finish(const std::vector<std::string>& known, std::vector<diagnostic>& mistakes) const;

 private:
  struct request {
    std::string option; // as on the command line
    std::string entry_id;
    std::string path;
    config_value value;
    bool is_done = false;
  };
  std::vector<request> requests_;
};

} // namespace natterjack::runtime
