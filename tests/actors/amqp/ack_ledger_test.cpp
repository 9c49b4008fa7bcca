#include "actors/amqp/ack_ledger.hpp"
#include "tests/catch.hpp"

#include <caf/make_counted.hpp>

using namespace natterjack::amqp;

namespace {

struct ledger_fixture {
  ledger_fixture() {
    for (uint64_t tag = 1; tag <= 5; ++tag)
      ledger->add(tag, 10);
  }
  std::string taken() {
    std::string result;
    for (const auto& step : ledger->take()) {
      result += step.what == verdict::ack      ? "ack"
                : step.what == verdict::reject ? "reject"
                                               : "requeue";
      result += std::to_string(step.tag) + (step.multiple ? "+ " : " ");
    }
    return result;
  }
  size_t told = 0;
  caf::intrusive_ptr<ack_ledger> ledger =
      caf::make_counted<ack_ledger>([this](size_t settled) { told = settled; });
};

} // namespace

SCENARIO_METHOD(ledger_fixture, "what is settled in order is one ack", "[amqp][ack_ledger]") {
  CHECK(taken().empty());
  for (uint64_t tag : {1, 2, 3})
    ledger->settle(tag, 10, verdict::ack);
  CHECK(told == 3);
  CHECK(ledger->outstanding() == 2);
  CHECK(ledger->outstanding_bytes() == 20);
  CHECK(taken() == "ack3+ ");
  CHECK(ledger->settled() == 0);
  ledger->settle(4, 10, verdict::ack);
  ledger->settle(5, 10, verdict::ack);
  CHECK(taken() == "ack5+ ");
  ledger->add(6, 10);
  ledger->settle(6, 10, verdict::ack);
  CHECK(taken() == "ack6+ ");
}

SCENARIO_METHOD(ledger_fixture, "behind an open delivery each is acknowledged alone",
                "[amqp][ack_ledger]") {
  ledger->settle(3, 10, verdict::ack);
  ledger->settle(5, 10, verdict::ack);
  CHECK(taken() == "ack3 ack5 ");
  CHECK(taken().empty());
  ledger->settle(1, 10, verdict::ack);
  CHECK(taken() == "ack1+ ");
  ledger->settle(2, 10, verdict::ack);
  ledger->settle(4, 10, verdict::ack);
  CHECK(taken() == "ack4+ ");
}

SCENARIO_METHOD(ledger_fixture, "a rejection goes before the ack that covers it",
                "[amqp][ack_ledger]") {
  ledger->settle(1, 10, verdict::ack);
  ledger->settle(2, 10, verdict::requeue);
  ledger->settle(3, 10, verdict::reject);
  ledger->settle(4, 10, verdict::ack);
  CHECK(taken() == "requeue2 reject3 ack4+ ");
}

SCENARIO_METHOD(ledger_fixture, "the first word about a delivery counts", "[amqp][ack_ledger]") {
  ledger->settle(1, 10, verdict::requeue);
  ledger->settle(1, 10, verdict::ack);
  ledger->settle(99, 10, verdict::ack);
  CHECK(told == 1);
  CHECK(taken() == "requeue1 ");
}

SCENARIO_METHOD(ledger_fixture, "a token that nobody settles acknowledges at its end",
                "[amqp][ack_ledger]") {
  auto token = caf::make_counted<delivery_token>(ledger, 1, 10);
  CHECK(ledger->settled() == 0);
  token = nullptr;
  CHECK(taken() == "ack1+ ");
  auto refused = caf::make_counted<delivery_token>(ledger, 2, 10);
  refused->settle(verdict::reject);
  refused = nullptr;
  CHECK(taken() == "reject2 ");
}
