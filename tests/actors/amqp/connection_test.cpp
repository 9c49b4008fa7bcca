#include "actors/amqp/connection.hpp"
#include "tests/catch.hpp"

using namespace natterjack::amqp;

namespace {

// Never started: what is decided without a broker.
struct connection_fixture {
  connection link{broker_options{}};
  std::vector<std::string> refusals;

  uint16_t consume() {
    consumer_handlers handlers;
    handlers.on_lost = [this](const std::string& why, int code) {
      refusals.push_back(std::to_string(code) + " " + why);
    };
    return link.consume({}, std::move(handlers));
  }
};

} // namespace

TEST_CASE_METHOD(connection_fixture, "there are as many consumers as channels",
                 "[amqp][connection]") {
  std::set<uint16_t> numbers;
  for (int i = 0; i < 2047 - connection::lane_count; ++i)
    numbers.insert(consume());
  CHECK(numbers.size() == 2047 - connection::lane_count);
  CHECK(*numbers.begin() == connection::lane_count + 1);
  CHECK(*numbers.rbegin() == 2047);
  CHECK(consume() == 0);
  link.stop(); // which runs what was posted
  REQUIRE(refusals.size() == 1);
  CHECK(refusals.front().find("504 too many consumers") == 0);
}

TEST_CASE_METHOD(connection_fixture, "a number may be given again, but not at once",
                 "[amqp][connection]") {
  const auto first = consume();
  bool is_done = false;
  link.cancel(first, [&is_done] { is_done = true; });
  link.stop();
  CHECK(is_done);
  CHECK(consume() != first);
  for (int i = 0; i < 2047; ++i)
    consume();
  CHECK(consume() == 0);
}
