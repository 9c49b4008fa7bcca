// A folder of YAML as checked entries, or everything that is wrong with it.
//
//   load_application, options    all entries and all mistakes; never stops at the first
//   apply_listen, ADDR:PORT      changes the address of the one gateway that can be meant
//   start_order, application     ids of the services that start, dependencies first
//
//   files     every .yaml .yml .json below the folder with `namespace` and `entries` (or `name` and
//             `kind`); node_modules, hidden folders and links out of the folder are left out
//   order     overrides, requirements, ${…}, implicit entries, --listen, file://, checks, Lua
//   syntax never     opens a port, runs Lua, changes a file
#pragma once

#include "runtime/config/diagnostic.hpp"
#include "runtime/config/entry.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace natterjack::runtime {

struct pow_exec_entry;

struct application {
  std::string folder;         ///< as given
  std::filesystem::path root; ///< absolute, links resolved
  std::vector<entry> entries; ///< in the order of the files, implicit ones last; see `add`
  std::vector<diagnostic>
      diagnostics;                  ///< mistakes, sorted; not empty: do not start this application
  std::vector<diagnostic> warnings; ///< worth a line in the log, sorted

  bool ok() const noexcept { return diagnostics.empty(); }
  const entry* find(std::string_view id) const noexcept;
  entry* find(std::string_view id) noexcept;
  /// Adds an entry; its id must be new.
  entry& add(entry e);

 private:
  std::map<std::string, size_t, std::less<>> places_; // id -> index in entries
};

struct syntax_error {
  int line = 0; ///< of the chunk, from 1
  std::string message;
};

/// Looks at Lua text without running it.
using syntax_check =
    std::function<std::optional<syntax_error>(std::string_view source, std::string_view chunk)>;

/// Why a command of the operating system cannot be offered, and by which field.
struct exec_error {
  std::string field; ///< dotted
  std::string message;
};

/// Looks at a command without running it: program, user, folder, patterns.
using exec_check = std::function<std::optional<exec_error>(const pow_exec_entry&)>;

/// Reads a file of NAME=value lines; empty if it cannot be read.
using variables_reader =
    std::function<std::map<std::string, std::string>(const std::filesystem::path& file)>;

/// One `--set ENTRY-ID.field=value` or `-o ns:entry:field=value`; both spellings are understood
/// under both names.
struct override_option {
  std::string option; ///< `--set` or `-o`, for messages
  std::string text;   ///< what followed it
  bool may_miss = false; ///< an entry that is not there is worth a warning only
};

/// Looks at what only the AMQP library can judge; see amqp_options.hpp.
struct amqp_check;

struct load_options {
  std::filesystem::path folder;
  std::vector<override_option> overrides; ///< applied in this order
  std::optional<std::string> listen;      ///< as given to `--listen`
  syntax_check check_syntax;              ///< may be empty: Lua is not looked at
  exec_check check_exec;                  ///< may be empty: commands are not looked at
  /// Hubs in C++ that this program has; no value: classes are not looked at.
  std::optional<std::vector<std::string>> hub_classes;
  std::shared_ptr<const amqp_check> check_amqp; ///< may be null
  /// Reads a variable of the environment; empty: the environment of this process.
  std::function<std::optional<std::string>(const std::string& name)> environment;
  variables_reader read_variables; ///< may be empty: files of variables have none for `${env:…}`
};

/// Reads, completes and checks an application. Mistakes are in `application::diagnostics`.
application load_application(const load_options& options);

/// Sets the address of the implicit gateway if there is one, else of the only `http.service`.
/// Without any it adds a warning: one command line serves applications with and without a gateway.
/// @returns what is wrong: a bad address, or several gateways to choose from
std::optional<diagnostic> apply_listen(application& app, std::string_view address);

/// Ids of the hosts and services to start: those with `auto_start` and what they depend on.
/// Dependencies come first, hosts before services before gateways where nothing else is said.
/// @pre `app.ok()`
std::vector<std::string> start_order(const application& app);

} // namespace natterjack::runtime
