#include "actors/amqp/command.hpp"
#include "tests/catch.hpp"

using namespace natterjack::amqp;
using namespace std::string_literals;

namespace {

const speaker us{"amqp-client-0123456789ab", "sdss_exchange"};

request read(const std::string& message, bool is_text = true) {
  return read_request(message, is_text, us);
}

std::string written(const json_value& value) {
  std::string out;
  value.write(out);
  return out;
}

} // namespace

SCENARIO("a client's message becomes a command", "[amqp][command]") {
  const auto asked =
      read(R"({"consumer": "alpha", "command_string": "ping", "command_id": "id-1"})");
  REQUIRE(asked.wanted);
  CHECK(asked.problem.empty());
  const auto p = to_publication(*asked.wanted, us);
  CHECK(p.exchange == "sdss_exchange");
  CHECK(p.routing_key == "command.alpha");
  CHECK(p.content_type == "text/json");
  CHECK(p.correlation_id == "id-1");
  CHECK(p.reply_to == "amqp-client-0123456789ab_replies");
  CHECK(p.delivery_mode == 1);
  CHECK(p.priority == 0);
  CHECK(p.mandatory);
  CHECK_FALSE(p.timestamp);
  CHECK(p.body == R"({"command_string": "ping"})");
  CHECK(
      written(p.headers) ==
      R"({"command_id": "id-1", "commander_id": "amqp-client-0123456789ab.alpha", "internal": false, )"
      R"("write_to_log": true})");
}

SCENARIO("what is no command is passed over with a reason", "[amqp][command]") {
  for (const auto& message : {"nope"s, "[1]"s, "5"s, "{}"s, R"({"consumer":"a"})"s,
                              R"({"Consumer":"a","command_string":""})"s, "\xef\xbb\xbf{}"s}) {
    CAPTURE(message);
    CHECK_FALSE(read(message).wanted);
    CHECK_FALSE(read(message).problem.empty());
  }
  CHECK(read(R"({"consumer":null,"command_string":null})").wanted);
  CHECK(read(R"({"options":{}})").object);
}

SCENARIO("binary messages may be in any Unicode encoding", "[amqp][command]") {
  std::string wide;
  for (const char c : R"({"consumer":"a","command_string":"x"})"s)
    wide += c, wide += '\0';
  CHECK(read(wide, false).wanted);
  CHECK_FALSE(read(wide, true).wanted);
  CHECK(read("\xef\xbb\xbf{\"consumer\":\"a\",\"command_string\":\"x\"}", false).wanted);
}

SCENARIO("a falsy command id is replaced by a UUID", "[amqp][command]") {
  for (const char* id : {"null", "\"\"", "0", "0.0", "false", "[]", "{}"}) {
    const auto asked = read(R"({"consumer":"a","command_string":"x","command_id":)"s + id + "}");
    REQUIRE(asked.wanted);
    CHECK(asked.problem.empty());
    CHECK(asked.wanted->id_text.size() == 36);
    CHECK(asked.wanted->id_text[14] == '4');
  }
}

SCENARIO("numbers and true are ids in their own type", "[amqp][command]") {
  auto id = [](const char* text) {
    return read(R"({"consumer":"a","command_string":"x","command_id":)"s + text + "}").wanted;
  };
  CHECK(id("5")->id_text == "5");
  CHECK(id("true")->id_text == "True");
  CHECK(id("1.50")->id_text == "1.5");
  CHECK(id("5")->id.is(json_value::kind::integer));
}

SCENARIO("an id or consumer AMQP cannot carry is told, not sent", "[amqp][command]") {
  auto problem = [](const std::string& consumer, const std::string& id) {
    return read("{\"consumer\":" + consumer + ",\"command_string\":\"x\",\"command_id\":" + id +
                "}")
        .problem;
  };
  auto text = [](size_t n) {
    return "\"" + std::string(n, 'x') + "\"";
  };
  CHECK(problem("\"a\"", text(255)).empty());
  CHECK_FALSE(problem("\"a\"", text(256)).empty());
  CHECK(problem(text(247), "\"i\"").empty());
  CHECK_FALSE(problem(text(248), "\"i\"").empty());
  for (const char* id : {"[1]", "{\"a\":1}", "\"\\ud800\"", "12345678901234567890123", "1e999"})
    CHECK_FALSE(problem("\"a\"", id).empty());
  CHECK_FALSE(problem("\"\\ud83d\"", "\"i\"").empty());
}

SCENARIO("a consumer that is no text is said as Python says it", "[amqp][command]") {
  auto said = [](const char* consumer) {
    const auto asked =
        read(R"({"command_string":"x","command_id":"i","consumer":)"s + consumer + "}").wanted;
    return to_publication(*asked, us).routing_key + " | " + routing_error(*asked);
  };
  CHECK(said("null") == "command.None | Failed routing message to consumer None.");
  CHECK(said("true") == "command.True | Failed routing message to consumer True.");
  CHECK(said("[1]") == "command.[1] | Failed routing message to consumer [1].");
  CHECK(said(R"({"a":1})") == "command.{'a': 1} | Failed routing message to consumer {'a': 1}.");
  CHECK(said("\"it's\"") == "command.it's | Failed routing message to consumer \"it's\".");
}

SCENARIO("a failure has the shape of CLU's own", "[amqp][command]") {
  const auto wanted = make_command(us, "nobody", json_value("ping"), "nb");
  const auto p = failure_publication(*wanted, us, routing_error(*wanted));
  CHECK(p.routing_key == "reply.amqp-client-0123456789ab");
  CHECK(p.correlation_id == "nb");
  CHECK(p.reply_to.empty());
  CHECK(p.body == R"({"error": "Failed routing message to consumer 'nobody'."})");
  CHECK(
      written(p.headers) ==
      R"({"command_id": "nb", "commander_id": "amqp-client-0123456789ab.nobody", "internal": false, )"
      R"("message_code": "f", "sender": "nobody", "write_to_log": true})");
  const auto local = failure_reply(*wanted, us, "gone");
  CHECK(local->is_final());
  CHECK(local->sender == "nobody");
  CHECK(local->consumer() == "nobody");
  CHECK(local->body() == R"({"error": "gone"})");
}

SCENARIO("names and ids are random and well formed", "[amqp][command]") {
  const auto name = make_client_name();
  CHECK(name.size() == 24);
  CHECK(name.starts_with("amqp-client-"));
  CHECK(name.find_first_not_of("0123456789abcdef", 12) == std::string::npos);
  CHECK(make_client_name() != name);
  CHECK(make_message_id().size() == 32);
}
