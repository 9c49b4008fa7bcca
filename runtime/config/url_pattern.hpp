// Paths of endpoints: /users/{id}, /files/{rest...}. What is one, and which two of them collide.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace natterjack::runtime {

/// A path that starts with `/`, without empty parts, `.`/`..`, `?`, `#`, spaces or control
/// characters.
/// @param variables  `{name}` may stand for a part, `{name...}` for the rest at the end
/// @param why        set to what is wrong, to be read behind "which"
bool check_pattern(std::string_view path, bool variables, std::string& why);

/// `/users/:id` as `/users/{id}` and `/{$}` as `/`: other routers write them so.
std::string with_braces(std::string_view path);

/// Prefix without its trailing slash, then the path.
std::string join_path(std::string_view prefix, std::string_view path);

/// Two patterns that some path fits and neither of which is the more specific one: `/a/{x}` and
/// `/a/{y}`, `/a/{x}/c` and `/a/b/{y}`. `/a/b` and `/a/{x}` do not collide: the first wins.
/// @pre both are right by `check_pattern`
bool collide(std::string_view a, std::string_view b);

/// Only patterns with variables can collide with others than their equals.
bool has_variables(std::string_view path);

} // namespace natterjack::runtime
