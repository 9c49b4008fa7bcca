#include "actors/amqp/reply.hpp"

#include "actors/amqp/field_table.hpp"
#include "tests/catch.hpp"

using namespace natterjack::amqp;

namespace {

struct incoming {
  explicit incoming(std::string_view headers = R"({"message_code":"i","sender":"raw"})",
                    std::string_view text = "{}")
      : body(text) {
    json_error error;
    table = json_value::parse(headers, error).value();
    properties._flags = AMQP_BASIC_HEADERS_FLAG;
    properties.headers = to_table(table, pool);
  }
  incoming& correlate(std::string_view id) {
    properties._flags |= AMQP_BASIC_CORRELATION_ID_FLAG;
    properties.correlation_id = bytes_of(id);
    return *this;
  }
  incoming& stamp(uint64_t time) {
    properties._flags |= AMQP_BASIC_TIMESTAMP_FLAG;
    properties.timestamp = time;
    return *this;
  }
  reply_ptr read(reply_demand demand = {}) {
    delivery d;
    d.exchange = "sdss_exchange";
    d.routing_key = "reply.broadcast";
    d.properties = &properties;
    d.body = body;
    d.body_size = body.size();
    fault = reply_fault::none;
    return read_reply(d, options, demand, fault, why);
  }
  std::string frame() {
    auto made = read();
    return made ? std::string(made->frame.view().substr(made->frame.view().find('{')))
                : std::string(to_string(fault));
  }

  memory_pool pool;
  json_value table;
  amqp_basic_properties_t properties{};
  std::string body;
  reply_options options;
  reply_fault fault = reply_fault::none;
  std::string why;
};

std::string with_id(std::string_view id) {
  return R"({"message_code":":","command_id":)" + std::string(id) + "}";
}

} // namespace

SCENARIO("an empty message id is none", "[amqp][reply]") {
  incoming one;
  one.properties._flags |= AMQP_BASIC_MESSAGE_ID_FLAG;
  one.properties.message_id = bytes_of("");
  CHECK(one.frame().find(R"("message_id": null, )") != std::string::npos);
}

SCENARIO("a reply becomes a frame of six keys", "[amqp][reply]") {
  incoming one(
      R"({"command_id":"id-1","commander_id":"me.alpha","internal":false,"message_code":":",)"
      R"("sender":"alpha"})",
      R"({"text":"Pong."})");
  one.correlate("id-1").stamp(1685042705);
  one.properties._flags |= AMQP_BASIC_MESSAGE_ID_FLAG;
  one.properties.message_id = bytes_of("m1");
  CHECK(
      one.frame() ==
      R"({"headers": {"command_id": "id-1", "commander_id": "me.alpha", "internal": false, )"
      R"("message_code": ":", "sender": "alpha"}, "exchange": "sdss_exchange", "message_id": "m1", )"
      R"("routing_key": "reply.broadcast", "timestamp": "2023-05-25T19:25:05+00:00", )"
      R"("body": {"text": "Pong."}})");
  const auto made = one.read();
  CHECK(made->body() == R"({"text": "Pong."})");
  CHECK(made->sender == "alpha");
  CHECK(made->consumer() == "alpha");
  CHECK(made->is_final());
}

SCENARIO("what a message does not have is null", "[amqp][reply]") {
  CHECK(incoming().frame() ==
        R"({"headers": {"message_code": "i", "sender": "raw"}, "exchange": "sdss_exchange", )"
        R"("message_id": null, "routing_key": "reply.broadcast", "timestamp": null, "body": {}})");
}

SCENARIO("a message without a code is not for clients", "[amqp][reply]") {
  CHECK(incoming("{}").frame() == to_string(reply_fault::no_code));
  CHECK(incoming(R"({"message_code":""})").frame() == to_string(reply_fault::no_code));
  for (const char* code : {"null", "7", "\"zz\"", "true"})
    CHECK(incoming(R"({"message_code":)" + std::string(code) + "}").read());
}

SCENARIO("command id and correlation id are compared as text", "[amqp][reply]") {
  CHECK(incoming(with_id("\"a\"")).correlate("a").read());
  CHECK_FALSE(incoming(with_id("\"a\"")).correlate("b").read());
  CHECK_FALSE(incoming(with_id("\"a\"")).read());
  CHECK(incoming(with_id("5")).correlate("5").read());
  CHECK(incoming(with_id("true")).correlate("True").read());
  CHECK_FALSE(incoming(with_id("5")).correlate("6").read());
  for (const char* none : {"null", "\"\"", "0", "false"})
    CHECK(incoming(with_id(none)).correlate("x").read());
}

SCENARIO("poison is told apart", "[amqp][reply]") {
  auto fault_of = [](std::string_view body) {
    incoming one(R"({"message_code":"i"})", body);
    one.options.depth_max = 100;
    one.options.frame_bytes_max = 1000;
    one.read();
    return one.fault;
  };
  CHECK(fault_of("{}") == reply_fault::none);
  CHECK(fault_of("") == reply_fault::not_json);
  CHECK(fault_of("{\"a\"") == reply_fault::not_json);
  CHECK(fault_of("\x01\xff") == reply_fault::not_json);
  CHECK(fault_of(std::string(101, '[')) == reply_fault::too_deep);
  CHECK(fault_of("\"" + std::string(2000, 'x') + "\"") == reply_fault::too_big);
  CHECK(incoming().stamp(99999999999999).read());
  CHECK(incoming().stamp(1685042705123456ULL).frame() == to_string(reply_fault::bad_timestamp));
}

SCENARIO("times over 2^32-1 are milliseconds", "[amqp][reply]") {
  CHECK(format_timestamp(0) == "1970-01-01T00:00:00+00:00");
  CHECK(format_timestamp(4294967295) == "2106-02-07T06:28:15+00:00");
  CHECK(format_timestamp(4294967296) == "1970-02-19T17:02:47.296000+00:00");
  CHECK(format_timestamp(1685042705123) == "2023-05-25T19:25:05.123000+00:00");
  CHECK(format_timestamp(1684000000000) == "2023-05-13T17:46:40+00:00");
  CHECK(format_timestamp(253402300799000) == "9999-12-31T23:59:59+00:00");
  CHECK_FALSE(format_timestamp(253402300800000));
  CHECK_FALSE(format_timestamp(UINT64_MAX));
}

SCENARIO("header values keep their type, what JSON cannot say is null", "[amqp][reply]") {
  amqp_table_entry_t entries[7]{};
  const char* names[] = {"message_code", "bytes", "time", "money", "latin", "small", "void"};
  for (int i = 0; i < 7; ++i)
    entries[i].key = bytes_of(names[i]);
  entries[0].value.kind = AMQP_FIELD_KIND_UTF8;
  entries[0].value.value.bytes = bytes_of("i");
  entries[1].value.kind = AMQP_FIELD_KIND_BYTES;
  entries[1].value.value.bytes = bytes_of("x");
  entries[2].value.kind = AMQP_FIELD_KIND_TIMESTAMP;
  entries[3].value.kind = AMQP_FIELD_KIND_DECIMAL;
  entries[4].value.kind = AMQP_FIELD_KIND_UTF8;
  entries[4].value.value.bytes = bytes_of("\xe9");
  entries[5].value.kind = AMQP_FIELD_KIND_I8;
  entries[5].value.value.i8 = -3;
  entries[6].value.kind = AMQP_FIELD_KIND_VOID;
  incoming one;
  one.properties.headers = {7, entries};
  CHECK(one.frame().starts_with(
      R"({"headers": {"message_code": "i", "bytes": null, "time": null, "money": null, "latin": null, )"
      R"("small": -3, "void": null}, )"));
}

SCENARIO("keys and compressed frames are made when somebody wants them", "[amqp][reply]") {
  incoming one(R"({"message_code":"i"})",
               R"({"text":")" + std::string(500, 'x') + R"(","done":1})");
  CHECK(one.read()->keys.empty());
  CHECK(one.read()->deflated.empty());
  const auto made = one.read({true, true});
  CHECK(made->keys == std::vector<std::string>{"text", "done"});
  REQUIRE_FALSE(made->deflated.empty());
  CHECK(made->deflated.size() < made->frame.size() / 2);
  CHECK(static_cast<unsigned char>(made->deflated.data()[0]) == 0xc1);
}
