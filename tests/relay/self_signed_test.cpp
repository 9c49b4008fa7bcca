#include "relay/http/self_signed.hpp"
#include "relay/http/tls_context.hpp"
#include "tests/catch.hpp"

using namespace natterjack::relay;
using std::chrono::days;

namespace {

const std::vector<std::string> names{"localhost", "127.0.0.1", "::1", "chat.example"};

tls_options both(const std::string& pem) { return {pem, pem, {}, client_certificate::none}; }

} // namespace

SCENARIO("a certificate of one's own making is good for its names and its time", "[relay][tls]") {
  const auto pem = make_self_signed(names, days(10));
  CHECK(is_good_for(pem, names, days(9)));
  CHECK_FALSE(is_good_for(pem, names, days(11)));
  CHECK_FALSE(is_good_for(pem, {"other.example"}, days(1)));
  CHECK_FALSE(is_good_for(pem, {"127.0.0.2"}, days(1)));
  CHECK_FALSE(is_good_for("", names, days(1)));
  CHECK_FALSE(is_good_for("-----BEGIN CERTIFICATE-----\n", names, days(1)));
}

SCENARIO("each is another one, with a digest as browsers show it", "[relay][tls]") {
  const auto first = certificate_digest(make_self_signed(names, days(1)));
  CHECK(first.size() == 32 * 3 - 1);
  CHECK(first.find_first_not_of("0123456789ABCDEF:") == std::string::npos);
  CHECK(first != certificate_digest(make_self_signed(names, days(1))));
  CHECK(certificate_digest("nothing").empty());
}

SCENARIO("a gateway can use what was made", "[relay][tls]") {
  const auto pem = make_self_signed(names, days(1));
  const tls_context one(both(pem)), same(both(pem));
  CHECK(one.fingerprint() == same.fingerprint());
  CHECK(tls_context(both(make_self_signed(names, days(1)))).fingerprint() != one.fingerprint());
  CHECK(check_tls(both(pem)).empty());
}

SCENARIO("all that is wrong with certificates is found, not only the first", "[relay][tls]") {
  const auto pem = make_self_signed(names, days(1));
  const auto other = make_self_signed(names, days(1));
  auto fields = [](const tls_options& options) {
    std::string all;
    for (const auto& found : check_tls(options))
      all += found.field + (found.is_mistake ? "! " : "? ");
    return all;
  };
  CHECK(fields({pem, other, {}, client_certificate::none}) == "key! ");
  CHECK(fields({"nowhere", "nowhere", "nowhere", client_certificate::none}) == "cert! key! client_ca! ");
  CHECK(fields({pem, pem, {}, client_certificate::verify_if_given}) == "client_ca! ");
  CHECK(fields({pem, pem, pem, client_certificate::verify_if_given}).empty());
  CHECK(fields(both(make_self_signed(names, days(-1)))) == "cert? ");
}
