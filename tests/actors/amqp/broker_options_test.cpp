#include "actors/amqp/broker_options.hpp"
#include "tests/catch.hpp"

#include <stdexcept>

using namespace natterjack::amqp;

namespace {

broker_options read(std::string_view url) {
  broker_options options;
  read_amqp_url(url, options);
  return options;
}

std::string problem(std::string_view url) {
  try {
    read(url);
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "none";
}

} // namespace

SCENARIO("an AMQP URL sets what it names", "[amqp][broker_options]") {
  const auto all = read("amqp://me:s%40cret@broker.example:5673/my%2Fhost?heartbeat=7");
  CHECK(all.user == "me");
  CHECK(all.password == "s@cret");
  CHECK(all.host == "broker.example");
  CHECK(all.port == 5673);
  CHECK(all.vhost == "my/host");
  CHECK(all.heartbeat.count() == 7);
  CHECK_FALSE(all.tls.enabled);

  const auto none = read("amqp://");
  CHECK(none.host == "localhost");
  CHECK(none.vhost == "/");
  CHECK(read("amqp://h/").vhost == "/");
  CHECK(read("amqp://:5673").host == "localhost");
  CHECK(read("amqp://[::1]:5673").host == "::1");
  CHECK(read("amqps://h").port == 5671);
  CHECK_FALSE(read("amqps://h?verify=verify_none").tls.verify_peer);
}

SCENARIO("a bad URL is told without its password", "[amqp][broker_options]") {
  CHECK(problem("http://x").find("neither amqp:// nor amqps://") != std::string::npos);
  CHECK(problem("amqp://u:hush@h:x").find("\"x\"") != std::string::npos);
  CHECK(problem("amqp://u:hush@h:70000").find("1 to 65535") != std::string::npos);
  CHECK(problem("amqp://u:hush@h/a/b").find("%2F") != std::string::npos);
  CHECK(problem("amqp://u:hush%@h").find("broken % escape in the password") != std::string::npos);
  CHECK(problem("amqp://u:hush@h?colour=red").find("unknown parameter \"colour\"") !=
        std::string::npos);
  for (const char* url : {"amqp://u:hush@h:x", "amqp://u:hush%@h"})
    CHECK(problem(url).find("hush") == std::string::npos);
}

SCENARIO("a broker is shown without its password", "[amqp][broker_options]") {
  CHECK(to_string(read("amqp://h")) == "h:5672");
  CHECK(to_string(read("amqps://me:secret@[::1]/v")) == "me@[::1]:5671 vhost \"v\" (TLS)");
}
