// The file .wippy.yaml of a project: settings of the whole runtime, as defaults below the command line.
//
//   taken      logger.level, logger.encoding, logmanager.min_level, prometheus.{enabled, address},
//              relay.node_name, shutdown.timeout, override
//   idle       what is switched off, or says what holds here anyway
//   the rest   one warning that names all of it
//
//   where      the folder that is run; or the one above, if that has a wippy.lock or this one is called src
#pragma once

#include "runtime/config/application.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace natterjack::runtime {

struct project_settings {
  std::optional<std::string> log_level;     ///< as `--log-level` takes it
  std::optional<std::string> log_format;    ///< as `--log-format`
  std::optional<std::string> metrics;       ///< as `--metrics`
  std::optional<std::string> node_name;     ///< as `--node-name`, not checked
  std::optional<std::string> drain_timeout; ///< as `--drain-timeout`
  std::vector<override_option> overrides;   ///< those of the command line come behind them
  std::vector<diagnostic> mistakes;
  std::vector<diagnostic> warnings;
};

/// @param folder  as given to `run` or `check`
/// @returns nothing set if there is no such file
project_settings read_project_settings(const std::filesystem::path& folder);

} // namespace natterjack::runtime
