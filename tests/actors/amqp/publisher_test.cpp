#include "actors/amqp/publisher.hpp"
#include "tests/catch.hpp"

using namespace natterjack::amqp;
using namespace std::chrono_literals;

namespace {

// Without a broker: what is decided before anything is sent. The rest is tested against RabbitMQ.
struct publisher_fixture {
  publisher_fixture() { bounds.waiting_messages_max = 3; }
  publisher lane{bounds, 1};
  broker_options bounds;
  std::vector<std::string> ends;

  void publish(publication what, publish_options options = {}) {
    lane.enqueue(std::move(what), options, [this](const publish_outcome& outcome) {
      ends.push_back(to_string(outcome.result));
    });
  }
  static publication message(const std::string& body = "x") {
    publication p;
    p.exchange = "e";
    p.routing_key = "k";
    p.body = body;
    return p;
  }
};

} // namespace

SCENARIO_METHOD(publisher_fixture, "waiting messages are bounded in number and bytes",
                "[amqp][publisher]") {
  for (int i = 0; i < 3; ++i)
    publish(message());
  CHECK(ends.empty());
  publish(message());
  CHECK(ends == std::vector<std::string>{"queue_full"});
  CHECK(lane.waiting() == 3);

  ends.clear();
  bounds.waiting_messages_max = 1000;
  bounds.waiting_bytes_max = 12'000;
  publish(message(std::string(9'000, 'x')));
  publish(message(std::string(9'000, 'x')));
  CHECK(ends == std::vector<std::string>{"queue_full"});
}

SCENARIO_METHOD(publisher_fixture, "what waits too long expires", "[amqp][publisher]") {
  const auto now = publish_clock::now();
  publish_options soon;
  soon.deadline = now + 10ms;
  publish(message(), soon);
  publish(message());
  lane.expire(now);
  CHECK(ends.empty());
  lane.expire(now + 10ms);
  CHECK(ends == std::vector<std::string>{"expired"});
  CHECK(lane.waiting() == 1);
}

SCENARIO_METHOD(publisher_fixture, "what AMQP cannot say is refused at once", "[amqp][publisher]") {
  auto p = message();
  p.routing_key = std::string(256, 'k');
  publish(p);
  p = message();
  p.headers = json_value::make_object({{"n", json_value::make_integer("99999999999999999999")}});
  publish(p);
  p = message();
  p.headers = json_value::make_object({{"big", json_value(std::string(70'000, 'x'))}});
  publish(p);
  CHECK(ends == std::vector<std::string>{"invalid", "invalid", "invalid"});
}

SCENARIO_METHOD(publisher_fixture, "nothing is forgotten when it stops", "[amqp][publisher]") {
  publish(message());
  publish(message());
  lane.stop();
  publish(message());
  CHECK(ends == std::vector<std::string>{"stopped", "stopped", "stopped"});
}
