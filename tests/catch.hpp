// Catch2 under one name: version 2 on Debian 12, version 3 on Debian 13.
#pragma once

#include <string>

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;
/// For CHECK_THAT: a text that has `what` in it.
inline auto contains_text(const std::string& what) {
  return Catch::Matchers::ContainsSubstring(what);
}
#else
#include <catch2/catch.hpp>
inline auto contains_text(const std::string& what) { return Catch::Matchers::Contains(what); }
#endif
