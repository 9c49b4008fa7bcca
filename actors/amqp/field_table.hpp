// AMQP header tables to JSON and back.
//
//   to JSON   text, numbers, booleans, null, tables and arrays keep their type; byte strings,
//             timestamps, decimals and text that is not UTF-8 have no word in JSON and become null
//   to AMQP   text S, boolean t, null V, integers the smallest of b s u I i l, other numbers d,
//             arrays A, objects F with sorted keys: the types and the order CLU's library uses
#pragma once

#include "actors/amqp/json_value.hpp"
#include "actors/amqp/rabbit.hpp"

namespace natterjack::amqp {

/// Appends the table as a JSON object, in the order of the wire.
void append_json(std::string& out, const amqp_table_t& table, number_style style);
void append_json(std::string& out, const amqp_field_value_t& value, number_style style);

json_value to_json(const amqp_field_value_t& value);
json_value to_json(const amqp_table_t& table);

/// The last entry of that name, or null.
const amqp_field_value_t* find(const amqp_table_t& table, std::string_view key) noexcept;

/// @returns a table that lives as long as `pool` and `object`
/// @throws std::invalid_argument  for an integer beyond 64 bits, a number that is not finite, a key
/// over 128 bytes or a lone surrogate
amqp_table_t to_table(const json_value& object, memory_pool& pool);

} // namespace natterjack::amqp
