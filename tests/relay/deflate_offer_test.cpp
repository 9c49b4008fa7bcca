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

std::string chosen(std::initializer_list<const char*> lines) {
  const auto offer = choose_deflate(with(lines));
  return offer ? offer->text : "none";
}

} // namespace

TEST_CASE("the first offer that can be taken is", "[relay][websocket]") {
  CHECK(chosen({}) == "none");
  CHECK(chosen({"permessage-deflate"}) == "permessage-deflate");
  CHECK(chosen({" permessage-deflate ; client_max_window_bits=\"9\" "}) ==
        "permessage-deflate; client_max_window_bits=9");
  CHECK(chosen({"x; y=z, permessage-deflate"}) == "permessage-deflate");
  CHECK(chosen({"x", "permessage-deflate"}) == "permessage-deflate");
  CHECK(chosen({"permessage-deflate; server_max_window_bits=8, permessage-deflate"}) ==
        "permessage-deflate");
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

TEST_CASE("a client is asked for a smaller window only if it can", "[relay][websocket]") {
  CHECK(choose_deflate(with({"permessage-deflate; client_max_window_bits"}))->client_can_shrink);
  CHECK_FALSE(choose_deflate(with({"permessage-deflate"}))->client_can_shrink);
}

TEST_CASE("what is no list of extensions", "[relay][websocket]") {
  for (const auto* line : {"", ",", ";", "permessage-deflate;", "a b", "a; b=", "a; b=\"c", "a=b"}) {
    CAPTURE(line);
    CHECK_FALSE(has_sound_extensions(with({line})));
    CHECK(chosen({line}) == "none");
  }
  CHECK(has_sound_extensions(with({"a, ,b; c=\"d\""})));
}
