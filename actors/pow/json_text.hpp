// Values and texts as POW clients are used to seeing them.
//
//   strings   < > & U+2028 U+2029 as \u escapes, so that a result can stand in a page; other text raw;
//             bytes that are not UTF-8 as \ufffd
//   numbers   shortest form that reads back the same; 1.5e+30 from 1e21 up and below 1e-6
//   objects   keys sorted, no white space
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace natterjack::pow {

/// Appends `text` as a JSON string with its quotes.
void append_json_text(std::string& out, std::string_view text);

/// A list of strings.
std::string json_list(std::span<const std::string> items);

/// Binary values become base64.
/// @returns nothing if the value holds what JSON cannot say: infinity, not a number
std::optional<std::string> json_value(const nlohmann::json& value);

/// Writes a document anew by the rules above. @returns nothing if `document` is not JSON
std::optional<std::string> json_document(std::string_view document);

} // namespace natterjack::pow
