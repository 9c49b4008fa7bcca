// Variables the application declares itself (env.variable), as ${env:NAME} asks for them while
// entries are read.
//
//   value      of the storage it names, else of its default, else of the operating system's
//   environment memory     has nothing yet; a router is asked in its order as read    texts of
//   these entries are taken as they stand: nothing in them is replaced before
#pragma once

#include "runtime/config/application.hpp"
#include "runtime/config/source/substitution.hpp"

namespace natterjack::runtime {

/// @param system       the operating system's environment
/// @param read_file    reads a file of NAME=value lines; may be empty
/// @returns what finds a variable by its name; `app` must outlive it
environment with_declared_variables(const application& app, environment system,
                                    variables_reader read_file);

} // namespace natterjack::runtime
