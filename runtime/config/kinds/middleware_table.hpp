// The middleware of the dialect and its options: one table for checks, defaults and documents.
//
//   an option is found under its dotted name, else under the older ones, in the order they stand here
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace natterjack::runtime {

struct middleware_option {
  enum class type : uint8_t { text, flag, count, amount, time, level, limit_key, subnets, window, reference };

  // A count is at least 1, an amount may be 0.
  std::string_view name;
  std::string_view middleware;
  type what = type::text;
  std::string_view otherwise = {}; ///< the default, as a user would write it
  std::vector<std::string_view> older = {};
  bool is_required = false;
  std::string_view kind = {}; ///< of the entry a reference means
};

const std::vector<middleware_option>& middleware_options();

/// @param name  dotted or older
const middleware_option* find_middleware_option(std::string_view name) noexcept;

/// What is wrong with the text of an option, as "expected ..."; nothing if it is right.
std::optional<std::string> expected_of(const middleware_option& option, const std::string& text);

/// The text of an option: under one of its names in `options`, else its default.
std::string option_text(const std::map<std::string, std::string>& options, std::string_view name);
/// The same, nothing if it is not said.
std::optional<std::string> option_said(const std::map<std::string, std::string>& options,
                                       std::string_view name);

} // namespace natterjack::runtime
