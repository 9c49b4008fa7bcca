// What the servers want to hear beside the measured texts.
#pragma once

#include "options.hpp"

#include <string_view>

namespace natterjack::bench {

struct text_around {
  std::string_view before, after;
};

/// What a client puts around a text that shall be broadcast (`b`) or come back (`e`).
inline text_around around_text(dialect speaks, char topic) {
  if (speaks != dialect::centrifuge)
    return {};
  if (topic == 'b')
    return {R"({"id":2,"publish":{"channel":"b","data":")", R"("}})"};
  return {R"({"id":3,"rpc":{"method":"e","data":")", R"("}})"};
}

/// The first words of a client, once its websocket is open; empty: none.
inline std::string_view greeting_of(dialect speaks) {
  switch (speaks) {
    case dialect::pow:
      return R"({"call":"echo","params":["a"]})";
    case dialect::centrifuge:
      return R"({"id":1,"connect":{}})";
    default:
      return {};
  }
}

/// Ends the input of a pow-1 session.
constexpr std::string_view pow_close_signal = R"({"signal":"close"})";

} // namespace natterjack::bench
