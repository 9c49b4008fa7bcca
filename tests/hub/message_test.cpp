#include "hub/message.hpp"
#include "tests/catch.hpp"

#include <caf/make_counted.hpp>

using namespace natterjack::hub;

namespace {

struct ledger final : credit_source {
  size_t returned = 0;
  size_t times = 0;
  void give_back(size_t bytes) noexcept override {
    returned += bytes;
    ++times;
  }
};

struct note final : message_attachment {};

} // namespace

SCENARIO("a message gives its credit back once", "[hub][message]") {
  auto source = caf::make_counted<ledger>();
  GIVEN("a message that carries credit for five bytes") {
    auto m = make_message(pid{}, shared_bytes("t"), payload::text("12345"), credit(source, 5));
    CHECK(m->carries_credit());
    WHEN("it is settled and then destroyed") {
      m->settle();
      CHECK_FALSE(m->carries_credit());
      m = nullptr;
      THEN("five bytes came back, once") {
        CHECK(source->returned == 5);
        CHECK(source->times == 1);
      }
    }
    WHEN("it is destroyed unread") {
      m = nullptr;
      THEN("the credit came back all the same") { CHECK(source->returned == 5); }
    }
  }
}

SCENARIO("a message holds none, one or several values", "[hub][message]") {
  CHECK(make_message(pid{}, shared_bytes("t"), std::vector<payload>{})->payloads().empty());
  const auto one = make_message(pid{}, shared_bytes("t"), std::vector{payload::text("a")});
  REQUIRE(one->payloads().size() == 1);
  CHECK(one->payloads().front().bytes() == "a");
  const auto two =
      make_message(pid{}, shared_bytes("topic"), std::vector{payload::text("a"), payload::text("bc")});
  REQUIRE(two->payloads().size() == 2);
  CHECK(two->size() == 8);
}

SCENARIO("what is attached first stays", "[hub][message]") {
  const auto m = make_message(pid{}, shared_bytes("t"), payload::text("x"));
  auto first = caf::make_counted<note>();
  auto second = caf::make_counted<note>();
  CHECK(m->attach(first) == first.get());
  CHECK(m->attach(second) == first.get());
  CHECK(m->attachment() == first.get());
}
