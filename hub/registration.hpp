// The classes of hubs this program knows, by the name that entries of kind process.cpp give.
//
//   register_hub<T>, name     before main, or in main before `natterjack::run`
//   NATTERJACK_HUB(T, name)   the same in one line beside the class
//   find_hub_class, name      null for an unknown one
//
//   A class in a static library is linked only if something else of its file is used: register it in
//   main then.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace natterjack {

class hub_actor;

namespace hub {

struct hub_class {
  std::string name;
  std::function<std::unique_ptr<hub_actor>()> make;
};

/// @throws std::logic_error  the name is empty or taken
bool add_hub_class(hub_class what);
const hub_class* find_hub_class(std::string_view name) noexcept;
/// Sorted.
std::vector<std::string> hub_class_names();

} // namespace hub

/// Makes a class known. T has a constructor without arguments; what it is given is in `input()` and
/// `options()` from on_start on.
template <class T> bool register_hub(std::string name) {
  static_assert(std::is_base_of_v<hub_actor, T>, "a hub derives from natterjack::hub_actor");
  static_assert(std::is_default_constructible_v<T>,
                "a hub is made without arguments; see hub_actor::input and hub_actor::options");
  return hub::add_hub_class(
      {std::move(name), [] { return std::unique_ptr<hub_actor>(std::make_unique<T>()); }});
}

} // namespace natterjack

#define NATTERJACK_HUB_JOIN_(a, b) a##b
#define NATTERJACK_HUB_NAME_(line) NATTERJACK_HUB_JOIN_(natterjack_hub_at_line_, line)
/// At namespace scope: `NATTERJACK_HUB(chat_room, "chat.room");`
#define NATTERJACK_HUB(type, name)                                                                 \
  [[maybe_unused]] static const bool NATTERJACK_HUB_NAME_(__LINE__) =                              \
      ::natterjack::register_hub<type>(name)
