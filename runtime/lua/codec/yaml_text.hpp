// Values as YAML text, in the block style people write.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace natterjack::runtime::lua {

/// One document with a newline at its end; keys in the order of their bytes. Texts that could be read as
/// something else stand in double quotes.
std::string to_yaml(const nlohmann::json& value);

} // namespace natterjack::runtime::lua
