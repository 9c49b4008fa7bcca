// What can be known of a gateway before it starts: are its certificates there, is its address its own?
#pragma once

#include "runtime/config/application.hpp"

#include <string>

namespace natterjack::runtime {

void check_gateways(application& app);

/// The PEM text in a field, or the absolute path of the file it names (relative to the YAML file's
/// folder); empty if the field says nothing.
std::string pem_or_path(const entry& e, const std::string& path);

} // namespace natterjack::runtime
