// Load generator for websocket hubs: plain epoll, one thread, client side of RFC 6455, no library.
//
//   mode     does                                              reports, beside counts and CPU
//   fanout   one of N receivers sends `b` texts, W in flight   deliveries/s, latency, us/delivery
//   slow     the same while S of the N never read              the same for the others, memory
//   echo     C connections keep W `e` texts in flight each     round trips/s, latency, us/echo
//   idle     N connections are opened and held                 resident bytes each, CPU at rest
//   churn    M times connect, upgrade, close; K at once        cycles/s, latency, us/cycle
//   storm    N connects at once, then an echo on each          seconds, latency, us/connect
//
// With --pow the server is one of Process Over Websocket: each connection calls the process `echo`,
// texts come back bare, and a churn cycle is a whole session: call, one echo, end of input, result,
// closing handshake. With --centrifuge it is the library of that name and its JSON protocol.
//
// What a server must do: a text message that starts with `b` goes to every connected client, sender
// included; one that starts with `e` goes back to its sender. It is delivered as
// `{"topic":"b","data":"<text>"}` (or bare). Each text holds `@<nanoseconds>;`: latency is read
// from there, and every delivery is compared with what was sent at that place, so that a lost,
// doubled or overtaken message ends the run with an error.
//
// stdout: one JSON line. stderr: the same for people. Exit code 0, 1 (run failed), 2 (bad option).

#include <arpa/inet.h>
#include "mode.hpp"

#include <cstdio>

namespace natterjack::bench {

namespace {

std::unique_ptr<mode> make_mode(const options& with) {
  if (with.mode == "fanout")
    return make_fanout(with, 0);
  if (with.mode == "slow")
    return make_fanout(with, with.slow);
  if (with.mode == "echo")
    return make_echo(with);
  if (with.mode == "idle")
    return make_idle(with);
  if (with.mode == "storm")
    return make_storm(with);
  return make_churn(with);
}

} // namespace

} // namespace natterjack::bench

int main(int argc, char** argv) {
  using namespace natterjack::bench;
  try {
    const auto with = parse_options(argc, argv);
    report to;
    to.add("mode", with.mode);
    make_mode(with)->run(to);
    to.print();
    return 0;
  } catch (const usage_error& e) {
    std::fprintf(stderr, "natterjack_loadgen: %s\n", e.what());
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "natterjack_loadgen: %s\n", e.what());
    return 1;
  }
}
