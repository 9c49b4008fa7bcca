// Addresses besides PIDs and names: texts such as `amqp:lvmecp`, found by whoever added their
// scheme.
//
//   add_scheme      from now on node::resolve asks `find` for texts that begin with `<scheme>:`
//   remove_scheme   once it has returned, `find` is not running and will not be called
//
// Kept beside the node, so that a scheme costs nothing where none is in use.
#pragma once

#include "hub/directory.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace natterjack::hub {

class node;

/// Finds or makes the process of a whole address. Thread-safe, never blocks, adds no schemes.
/// @param why  may be null; else set to a sentence when nobody is found
using scheme_finder = std::function<process_ref(std::string_view address, std::string* why)>;

/// @returns false if the node has this scheme already
bool add_scheme(const node& where, std::string scheme, scheme_finder find);
void remove_scheme(const node& where, std::string_view scheme) noexcept;

/// @returns nothing if `address` is of no scheme; else what its finder found, perhaps nobody
std::optional<process_ref> find_by_scheme(const node& where, std::string_view address,
                                          std::string* why);

} // namespace natterjack::hub
