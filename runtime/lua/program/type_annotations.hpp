// Takes the type annotations of newer programs out of their text, so that plain Lua can compile it.
//
//   local x: T = …   for i: T in …   function f<T>(a: T, b?: T, ...: T): R   type X<T> = …
//   v :: T   v as T   v!   and validators such as @min(0) behind a type
//   function f(v: any): asserts v   function f(v: any): asserts v is T   function f(): T, U
//   interface X: Y  function method(a: T): U  end
//
//   keeps   every line where it was: what is taken out becomes blanks
//   never   looks into texts and comments; text without annotations comes back as it was
//
// Types mean nothing at run time here: nothing is checked, and a type is no value. (`string(v)` and its
// like are functions of the sandbox.)
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace natterjack::runtime::lua {

/// @param declared  if given, gets the names of the types that the text declares
std::string strip_types(std::string_view source, std::set<std::string>* declared = nullptr);

} // namespace natterjack::runtime::lua
