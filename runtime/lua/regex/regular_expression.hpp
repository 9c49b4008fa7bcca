// Regular expressions that scripts hand to modules: a schema's `pattern`, a filter of the registry.
//
//   understood   what finite automata can: . [] [^] | () (?:) (?i) (?s) (?m) * + ? {n,m}, also lazy,
//                ^ $ \A \z \b \B \d \w \s, [:alpha:], \t \n \xHH \uHHHH; texts are read as UTF-8
//   refused      back-references and looking ahead or behind; what grows beyond `regex_steps_max` steps
//   bound        steps of the expression times bytes of the text: a search takes some milliseconds at most
//   never        goes back in the text, recurses with its length, raises
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace natterjack::runtime::lua {

constexpr size_t regex_bytes_max = 1024;
constexpr size_t regex_steps_max = 2000;
constexpr size_t search_work_max = size_t{8} << 20;

/// Whether the pattern is found anywhere in the text.
/// @param why  a sentence if there is no answer: it is no regular expression, or is too much
std::optional<bool> search_bounded(std::string_view pattern, std::string_view text, std::string& why);

} // namespace natterjack::runtime::lua
