// What a body seems to be, for answers whose author did not say.
#pragma once

#include <string_view>

namespace natterjack::relay {

/// @param beginning  of the body, as much as is there
/// @returns a value for Content-Type: HTML, XML, a PDF, a picture, plain text, or octets
std::string_view sniff_media_type(std::string_view beginning) noexcept;

} // namespace natterjack::relay
