// The schema of an actor's replies: its own keywords and those that every CLU actor has.
#pragma once

#include "actors/amqp/json_schema.hpp"

#include <string>
#include <vector>

namespace natterjack::amqp {

/// @param own  an object with `properties`, and perhaps `additionalProperties` and
/// `patternProperties`; or
///             the properties alone; null for none
/// @throws std::invalid_argument  for what is no schema
json_schema make_actor_schema(const json_value& own);

/// One keyword as lines for people: what the command `keyword` answers. Empty if there is no such
/// keyword.
std::vector<std::string> describe_keyword(const json_schema& schema, const std::string& keyword);

} // namespace natterjack::amqp
