// JSON as Python's default writer puts it: what CLU's programs send and what their clients compare.
//
//   separators   ", " and ": "
//   text         ASCII only; everything above 0x7e as \uXXXX, lower case; / bare
//   integers     digit for digit, of any size; -0 is 0
//   other numbers the shortest text that reads back the same, "1.0", "1e+16", "1e-05"
//   not finite   NaN, Infinity and -Infinity if exact, else null
//   keys         in order; of duplicates the last value, at the place of the first
#pragma once

#include "actors/amqp/json_scanner.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace natterjack::amqp {

/// How numbers that JSON has no word for are written.
enum class number_style : uint8_t {
  strict, ///< null: any reader can parse the result
  exact,  ///< NaN, Infinity, -Infinity: byte for byte what Python writes
};

struct transcode_options {
  number_style numbers = number_style::strict;
  size_t depth_max = 4096;
  size_t bytes_max = static_cast<size_t>(-1);   ///< of the result
  std::vector<std::string>* top_keys = nullptr; ///< set: gets the keys of an outermost object
};

/// Appends `text`, one JSON document in UTF-8, as Python would write it anew.
/// @returns an error for text that is not JSON; `out` is then as it was
json_error transcode_json(std::string_view text, std::string& out,
                          const transcode_options& options);

/// Appends a JSON string. @param text  UTF-8, may hold lone surrogates; broken bytes become U+FFFD
void append_python_text(std::string& out, std::string_view text);

/// Appends the inside of a scanned JSON string as one with quotes. @param is_plain as the scanner
/// said
void append_python_string(std::string& out, std::string_view inside, bool is_plain);

/// The text that the inside of a scanned JSON string stands for; lone surrogates as three bytes.
std::string unescape_json(std::string_view inside);

/// Appends a number that the scanner found.
void append_python_number(std::string& out, std::string_view number, bool is_integer,
                          number_style style);

/// Appends a double as Python's repr writes it.
void append_python_float(std::string& out, double value, number_style style);

/// Reads a number the scanner found; too big ones are infinite.
double read_double(std::string_view number) noexcept;

} // namespace natterjack::amqp
