#include "actors/amqp/client_wishes.hpp"
#include "tests/catch.hpp"

#include <caf/make_counted.hpp>

using namespace natterjack::amqp;

namespace {

json_value parse(std::string_view text) {
  json_error error;
  return json_value::parse(text, error).value();
}

reply_ptr some_reply(const std::string& sender, const std::string& code,
                     std::vector<std::string> keys = {}) {
  auto made = caf::make_counted<reply>();
  made->sender = sender;
  made->code = code;
  made->keys = std::move(keys);
  return made;
}

} // namespace

SCENARIO("a client asks by query parameters", "[amqp][client_wishes]") {
  client_wishes wishes;
  CHECK(read_wishes("acks=1&status&own=true&sender=a,b%2Cc&code=:,f&keys=text&history=50&other=x",
                    wishes)
            .empty());
  CHECK(wishes.acks);
  CHECK(wishes.status);
  CHECK(wishes.own);
  CHECK(wishes.senders == std::vector<std::string>{"a", "b,c"});
  CHECK(wishes.codes == std::vector<std::string>{":", "f"});
  CHECK(wishes.keys == std::vector<std::string>{"text"});
  CHECK(wishes.history == 50);
}

SCENARIO("nothing is asked for by default", "[amqp][client_wishes]") {
  client_wishes wishes;
  CHECK(read_wishes("token=abc&x", wishes).empty());
  CHECK_FALSE(wishes.acks);
  CHECK_FALSE(wishes.filters());
  CHECK(wishes.match(*some_reply("a", ":")));
}

SCENARIO("what cannot be read is told", "[amqp][client_wishes]") {
  client_wishes wishes;
  CHECK(read_wishes("history=abc", wishes).size() == 1);
  CHECK(read_wishes("history=-1", wishes).size() == 1);
  CHECK(read_wishes("history=10000", wishes).empty());
  CHECK(read_wishes("history=10001", wishes).size() == 1);
  CHECK(read_wishes("acks=perhaps", wishes).size() == 1);
  CHECK(read_wishes(parse(R"({"acks":1,"sender":"a","colour":true})"), wishes).size() == 3);
  CHECK(read_wishes(parse("[]"), wishes).size() == 1);
}

SCENARIO("a client asks by its first message", "[amqp][client_wishes]") {
  client_wishes wishes;
  CHECK(read_wishes(parse(R"({"acks":true,"sender":["a"],"code":[":"],"keys":["k"],"history":3})"),
                    wishes)
            .empty());
  CHECK(wishes.acks);
  CHECK(wishes.match(*some_reply("a", ":", {"j", "k"})));
  CHECK_FALSE(wishes.match(*some_reply("b", ":", {"k"})));
  CHECK_FALSE(wishes.match(*some_reply("a", "i", {"k"})));
  CHECK_FALSE(wishes.match(*some_reply("a", ":", {"j"})));
}

SCENARIO("a client's own ids are remembered, the last thousand", "[amqp][client_wishes]") {
  recent_ids ids;
  for (int i = 0; i < 1025; ++i)
    ids.add(std::to_string(i));
  CHECK_FALSE(ids.contains("0"));
  CHECK(ids.contains("1"));
  CHECK(ids.contains("1024"));
  ids.add("1"); // said twice: remembered as long as the later one
  for (int i = 0; i < 1000; ++i)
    ids.add("x");
  CHECK(ids.contains("1"));
}
