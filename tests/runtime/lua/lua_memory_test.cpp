#include "runtime/lua/engine/lua_memory.hpp"

#include "tests/catch.hpp"

#include <cstring>
#include <thread>
#include <vector>

using namespace natterjack::runtime::lua;

namespace {

void* change(lua_memory& memory, void* block, size_t old_size, size_t new_size) {
  return lua_memory::allocate(&memory, block, old_size, new_size);
}

} // namespace

SCENARIO("a block keeps what it holds when it becomes larger and smaller", "[lua][memory]") {
  lua_memory memory(1 << 20);
  const size_t sizes[] = {1, 16, 17, 40, 48, 500, 512, 513, 5000, 600, 512, 100, 96, 3};
  auto* block = static_cast<char*>(change(memory, nullptr, 4, sizes[0])); // 4: a type tag
  *block = 'x';
  size_t size = sizes[0], filled = 1;
  for (const auto next : sizes) {
    block = static_cast<char*>(change(memory, block, size, next));
    REQUIRE(block != nullptr);
    REQUIRE(memory.used() == next);
    filled = std::min(filled, next);
    REQUIRE(std::string_view(block, filled) == std::string(filled, 'x'));
    std::memset(block, 'x', next);
    size = filled = next;
  }
  REQUIRE(change(memory, block, size, 0) == nullptr);
  REQUIRE(memory.used() == 0);
}

SCENARIO("the limit counts what is held, not what is kept for later", "[lua][memory]") {
  lua_memory memory(1000);
  REQUIRE(change(memory, nullptr, 0, 1001) == nullptr);
  CHECK_FALSE(memory.system_refused());
  std::vector<void*> all;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 10; ++i)
      REQUIRE(all.emplace_back(change(memory, nullptr, 0, 100)) != nullptr);
    REQUIRE(change(memory, nullptr, 0, 1) == nullptr);
    REQUIRE(change(memory, all.front(), 100, 101) == nullptr);
    for (auto* one : all)
      change(memory, one, 100, 0);
    all.clear();
    REQUIRE(memory.used() == 0);
  }
}

SCENARIO("blocks are given back on other threads, more than are kept", "[lua][memory]") {
  lua_memory memory(10 << 20);
  std::vector<void*> all;
  for (int i = 0; i < 20'000; ++i)
    all.push_back(change(memory, nullptr, 0, 64));
  std::thread([&] {
    for (auto* one : all)
      change(memory, one, 64, 0);
    auto* again = change(memory, nullptr, 0, 50);
    REQUIRE(again != nullptr);
    change(memory, again, 50, 0);
  }).join(); // what that thread kept ends with it
  REQUIRE(memory.used() == 0);
}
