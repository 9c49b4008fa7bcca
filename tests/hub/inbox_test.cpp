#include "hub/inbox.hpp"

#include "tests/catch.hpp"

#include <caf/make_counted.hpp>

#include <thread>

using namespace natterjack::hub;

namespace {

message_ptr numbered(int number) {
  return make_message(pid{}, shared_bytes("n"), payload::text(std::to_string(number)));
}

int number_of(const message_ptr& what) {
  return std::stoi(std::string(what->payloads().front().bytes()));
}

struct counted_source final : credit_source {
  void give_back(size_t bytes) noexcept override { given += bytes; }
  size_t given = 0;
};

} // namespace

TEST_CASE("an inbox keeps the order and wakes its owner once", "[hub][inbox]") {
  inbox box({10});
  std::vector<message_ptr> taken;
  bool wake = true;
  REQUIRE(box.put(numbered(1), wake) == send_result::sent);
  CHECK_FALSE(wake); // a new process runs anyway
  box.take_all(taken);
  REQUIRE(box.rest());
  box.take_all(taken); // an owner that is woken by something else looks in: it sleeps on
  REQUIRE(box.put(numbered(2), wake) == send_result::sent);
  CHECK(wake);
  REQUIRE(box.put(numbered(3), wake) == send_result::sent);
  CHECK_FALSE(wake);
  CHECK_FALSE(box.rest());
  box.take_all(taken);
  REQUIRE(taken.size() == 3);
  for (int i = 0; i < 3; ++i)
    CHECK(number_of(taken[i]) == i + 1);
}

TEST_CASE("an inbox takes a number of messages, and more only from clients", "[hub][inbox]") {
  inbox box({1});
  bool wake = false;
  auto source = caf::make_counted<counted_source>();
  REQUIRE(box.put(numbered(1), wake) == send_result::sent);
  CHECK(box.put(numbered(2), wake) == send_result::mailbox_full);
  CHECK(box.put(make_message(pid{}, shared_bytes("c"), payload{}, credit(source, 5)), wake) ==
        send_result::sent);
  CHECK(box.waiting() == 2);
  std::vector<message_ptr> taken;
  box.take_all(taken);
  for (const auto& one : taken)
    box.received(*one);
  taken.clear();
  CHECK(source->given == 5);
  CHECK(box.put(numbered(3), wake) == send_result::sent);
  SECTION("a closed one gives credit back and takes nothing") {
    REQUIRE(box.put(make_message(pid{}, shared_bytes("c"), payload{}, credit(source, 2)), wake) ==
            send_result::sent);
    box.close();
    CHECK(source->given == 7);
    CHECK(box.put(make_message(pid{}, shared_bytes("c"), payload{}, credit(source, 2)), wake) ==
          send_result::no_process);
  }
}

TEST_CASE("an inbox takes a number of bytes, and one message however large", "[hub][inbox]") {
  inbox box({100, 1000});
  bool wake = false;
  auto sized = [](size_t size) {
    return make_message(pid{}, shared_bytes(), payload::text(std::string(size, 'x')));
  };
  REQUIRE(box.put(sized(5000), wake) == send_result::sent);
  CHECK(box.put(sized(1), wake) == send_result::mailbox_full);
  std::vector<message_ptr> taken;
  box.take_all(taken);
  box.received(*taken.front());
  REQUIRE(box.put(sized(600), wake) == send_result::sent);
  CHECK(box.put(sized(401), wake) == send_result::mailbox_full);
  CHECK(box.put(sized(400), wake) == send_result::sent);
  CHECK(box.waiting() == 2);
}

TEST_CASE("four threads lose nothing and keep the order of each", "[hub][inbox]") {
  constexpr int each = 20'000;
  inbox box({1'000'000});
  std::atomic<int> wakes{0};
  std::vector<std::thread> writers;
  for (int w = 0; w < 4; ++w)
    writers.emplace_back([&box, &wakes, w] {
      for (int i = 0; i < each; ++i) {
        bool wake = false;
        box.put(numbered(w * each + i), wake);
        wakes += wake ? 1 : 0;
      }
    });
  std::vector<message_ptr> taken;
  int rests = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (taken.size() < 4 * each && std::chrono::steady_clock::now() < deadline) {
    box.take_all(taken);
    if (box.rest()) {
      ++rests;
      while (wakes < rests && taken.size() < 4 * each &&
             std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
    }
  }
  for (auto& writer : writers)
    writer.join();
  REQUIRE(taken.size() == 4 * each);
  std::vector<int> next{0, each, 2 * each, 3 * each};
  for (const auto& one : taken)
    REQUIRE(number_of(one) == next[number_of(one) / each]++);
}

TEST_CASE("messages of clients leave the room of the others as it is", "[hub][inbox]") {
  inbox box({2});
  bool wake = false;
  auto source = caf::make_counted<counted_source>();
  for (int i = 0; i < 5; ++i)
    REQUIRE(box.put(make_message(pid{}, shared_bytes("c"), payload{}, credit(source, 1)), wake) ==
            send_result::sent);
  CHECK(box.put(numbered(1), wake) == send_result::sent);
  CHECK(box.put(numbered(2), wake) == send_result::sent);
  CHECK(box.put(numbered(3), wake) == send_result::mailbox_full);
  CHECK(box.waiting() == 7);
  std::vector<message_ptr> taken;
  box.take_all(taken);
  for (const auto& one : taken)
    box.received(*one);
  CHECK(box.waiting() == 0);
  CHECK(box.put(numbered(3), wake) == send_result::sent);
}
