#include "relay/websocket/deflate_offer.hpp"

#include "tests/catch.hpp"

using namespace natterjack::relay;

namespace {

http_request with(std::initializer_list<const char*> lines) {
  http_request made;
  for (const auto* line : lines)
    made.headers.emplace_back("sec-websocket-extensions", line);
  return made;
}

// What is answered by a route that keeps the context of its clients.
std::string chosen(std::initializer_list<const char*> lines, int window_bits = 15) {
  const auto agreed = agree_on_deflate(with(lines), {window_bits, true});
  return agreed.window_bits != 0 ? agreed.answer : "none";
}

} // namespace

TEST_CASE("the first offer that can be taken is", "[relay][websocket]") {
  CHECK(chosen({}) == "none");
  CHECK(chosen({"permessage-deflate"}) == "permessage-deflate");
  CHECK(chosen({" permessage-deflate ; client_max_window_bits=\"9\" "}, 12) ==
        "permessage-deflate; server_max_window_bits=12; client_max_window_bits=9");
  CHECK(chosen({"permessage-deflate; server_max_window_bits=15"}) ==
        "permessage-deflate; server_max_window_bits=15");
  CHECK(chosen({"x; y=z, permessage-deflate"}) == "permessage-deflate");
  CHECK(chosen({"x", "permessage-deflate"}) == "permessage-deflate");
  CHECK(chosen({"permessage-deflate; server_max_window_bits=8, permessage-deflate"}) ==
        "permessage-deflate");
}

TEST_CASE("what is agreed to depends on the route", "[relay][websocket]") {
  const auto offer = with({"permessage-deflate; client_max_window_bits"});
  CHECK(agree_on_deflate(offer, {}).window_bits == 0);
  const auto forgetting = agree_on_deflate(offer, {12, false});
  CHECK(forgetting.answer == "permessage-deflate; server_no_context_takeover; "
                             "client_no_context_takeover; server_max_window_bits=12");
  CHECK(forgetting.window_bits == 12);
  CHECK(forgetting.client_window_bits == 0);
  const auto keeping = agree_on_deflate(offer, {12, true});
  CHECK(keeping.answer ==
        "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12");
  CHECK(keeping.client_window_bits == 12);
  // One that does not say that it can use a smaller window uses the largest.
  CHECK(agree_on_deflate(with({"permessage-deflate"}), {12, true}).client_window_bits == 15);
  CHECK(agree_on_deflate(with({"permessage-deflate; client_no_context_takeover"}), {12, true})
            .client_window_bits == 0);
}

TEST_CASE("an offer that asks for what nobody knows is passed over", "[relay][websocket]") {
  for (const auto* offer :
       {"permessage-deflate; x", "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=09", "permessage-deflate; client_max_window_bits=7",
        "permessage-deflate; client_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover"}) {
    CAPTURE(offer);
    CHECK(chosen({offer}) == "none");
    CHECK(has_sound_extensions(with({offer})));
  }
}

TEST_CASE("what is no list of extensions", "[relay][websocket]") {
  for (const auto* line : {"", ",", ";", "permessage-deflate;", "a b", "a; b=", "a; b=\"c", "a=b"}) {
    CAPTURE(line);
    CHECK_FALSE(has_sound_extensions(with({line})));
    CHECK(chosen({line}) == "none");
  }
  CHECK(has_sound_extensions(with({"a, ,b; c=\"d\""})));
}
