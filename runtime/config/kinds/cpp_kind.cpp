// The kind of hubs in C++.
#include "runtime/config/kinds/kind_fields.hpp"

namespace natterjack::runtime {

kind_definition cpp_kind() {
  using namespace fields;
  using type = field_type;
  constexpr double most = 1e7;
  return {.name = "process.cpp",
          .doc = "A process written in C++ and built into this program",
          .fields = {make("class", type::text, "Name the class was registered under").required(),
                     make("options", type::map, "What the class may be told; it reads them itself"),
                     make("limits", type::section, "Bounds of the process")
                         .with({
                             count("mailbox", "100000", 1, most,
                                   "Messages of other processes not yet handled"),
                             bytes("mailbox_bytes", "64MiB", 0x1p10, 0x1p36,
                                   "The same in bytes; one message alone may be larger"),
                             count("timers", "100000", 1, most, "Timers at a time"),
                             count("names", "1000", 1, most, "Registered names"),
                         })}};
}

} // namespace natterjack::runtime
