// Words the schema of a kind is written with, and fields several kinds have.
#pragma once

#include "runtime/config/kinds/kind_schema.hpp"

namespace natterjack::runtime {

namespace fields {

inline constexpr double million = 1e6;
inline constexpr double kibibyte = 0x1p10;
inline constexpr double gibibyte = 0x1p30;
inline constexpr double pool_states_max = 10'000; // Lua states of one function
inline constexpr double year_s = 365.0 * 24 * 3600;

field make(std::string name, field_type t, std::string doc);
/// @param otherwise  the default; empty: none
/// @param least_s    seconds
field time(std::string name, std::string otherwise, double least_s, std::string doc);
field count(std::string name, std::string otherwise, double least, double most, std::string doc);
field bytes(std::string name, std::string otherwise, double least, double most, std::string doc);
field flag(std::string name, std::string otherwise, std::string doc);

// -- of every Lua entry
field source();
field modules();
field imports();
field lua_limits();

} // namespace fields

/// process.cpp.
kind_definition cpp_kind();
/// amqp.bridge, amqp.actor and amqp.feed.
std::vector<kind_definition> amqp_kinds();

/// pow.exec, pow.lua and pow.service.
std::vector<kind_definition> pow_kinds();

} // namespace natterjack::runtime
