#include "options.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string_view>

namespace natterjack::bench {

namespace {

constexpr const char* help_text = R"(usage: natterjack_loadgen MODE --port PORT [options]

modes
  fanout    one of N receivers broadcasts, W broadcasts in flight
  slow      fanout while some of the receivers never read
  echo      C connections, W messages in flight on each
  idle      N connections opened and held
  churn     connect, upgrade, close handshake, over and over
  storm     N connections at the same time, then an echo on each

where
  --host ADDR         127.0.0.1
  --port PORT         required
  --path PATH         /api/v1/ws/connect
  --url URL           ws://host:port/path, instead of the three above
  --server-pid PID    process whose CPU time and memory are reported

how much
  --connections N     fanout 1000, slow 100, echo 100, idle and storm 10000, churn 64 (at once)
  --slow S            receivers that never read (slow), 10
  --watched K         fanout: K of the receivers read at once, the others every 32 windows, which costs
                      the generator less; p50 and p99 are of the K
  --window W          messages in flight, 1
  --payload BYTES     delivered text, wrapper included; 64 (slow: 8192)
  --wrapper BYTES     what the server puts around the client's text, 23
  --seconds S         measured time, 3; idle: time at rest
  --warm-up S         load before measuring, 0.5
  --count M           end after M measured broadcasts or echoes instead of after --seconds
  --cycles M          churn: cycles in all, 10000
  --first-frame       churn: wait for a message of the server before closing
  --pow               the server speaks pow-1; echo, idle and churn run sessions of its `echo`
  --centrifuge        the server speaks the JSON protocol of the library centrifuge
  --words             fill texts with words by chance, not with one letter: for --deflate
  --deflate           offer permessage-deflate without context takeover
  --parallel K        connections being opened at the same time, 64 (storm: all)
  --time-limit S      bound of the whole run, 120
  --stall S           end the run when nothing arrived for so long, 15
)";

template <class Number>
Number parse_number(std::string_view name, std::string_view text, Number low, Number high) {
  Number value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high)
    throw usage_error(std::string(name) + ": expected a number from " + std::to_string(low) +
                      " to " + std::to_string(high) + ", got '" + std::string(text) + "'");
  return value;
}

void parse_url(std::string_view url, options& to) {
  if (!url.starts_with("ws://"))
    throw usage_error("--url: expected ws://host:port/path, got '" + std::string(url) + "'");
  url.remove_prefix(5);
  auto slash = url.find('/');
  auto authority = url.substr(0, slash);
  to.path = slash == url.npos ? "/" : std::string(url.substr(slash));
  auto colon = authority.rfind(':');
  to.host = std::string(authority.substr(0, colon));
  to.port = 80;
  if (colon != authority.npos)
    to.port = parse_number<uint16_t>("--url", authority.substr(colon + 1), 1, 65535);
}

void apply_mode_defaults(options& to) {
  constexpr std::string_view modes[] = {"fanout", "slow", "echo", "idle", "churn", "storm"};
  constexpr uint32_t connections[] = {1000, 100, 100, 10'000, 64, 10'000};
  const auto found = std::find(std::begin(modes), std::end(modes), to.mode);
  if (found == std::end(modes))
    throw usage_error("unknown mode '" + to.mode + "': expected fanout, slow, echo, idle, churn "
                      "or storm");
  if (to.connections == 0)
    to.connections = connections[found - std::begin(modes)];
  if (to.payload == 0)
    to.payload = to.mode == "slow" ? 8192 : 64;
  if (to.port == 0)
    throw usage_error("--port (or --url) is missing");
  const bool is_pow = to.speaks == dialect::pow;
  if (is_pow && to.mode != "echo" && to.mode != "idle" && to.mode != "churn")
    throw usage_error("--pow: only echo, idle and churn can be run against processes");
  if (is_pow)
    to.wrapper = 0;
  if (to.speaks == dialect::centrifuge)
    to.wrapper = 42; // {"push":{"channel":"b","pub":{"data":""}}}
  if (to.mode == "storm" && to.parallel == 0)
    to.parallel = to.connections;
  if (to.parallel == 0)
    to.parallel = 64;
  if (to.mode == "slow" && to.slow >= to.connections)
    throw usage_error("--slow: at least one of --connections must read");
  if (to.watched > to.connections || (to.watched != 0 && to.mode != "fanout"))
    throw usage_error("--watched: some of --connections, in mode fanout");
  if (to.payload < to.wrapper + 18)
    throw usage_error("--payload: at least " + std::to_string(to.wrapper + 18) +
                      " bytes are needed for the time stamp and the wrapper");
}

} // namespace

options parse_options(int argc, char** argv) {
  options to;
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    if (name == "--help" || name == "-h") {
      std::fputs(help_text, stdout);
      std::exit(0);
    }
    if (!name.starts_with("--")) {
      if (!to.mode.empty())
        throw usage_error("one mode at a time: '" + to.mode + "' and '" + std::string(name) + "'");
      to.mode = name;
      continue;
    }
    if (name == "--first-frame") {
      to.first_frame = true;
      continue;
    }
    if (name == "--words") {
      to.words = true;
      continue;
    }
    if (name == "--deflate") {
      to.deflate = true;
      continue;
    }
    if (name == "--pow") {
      to.speaks = dialect::pow;
      continue;
    }
    if (name == "--centrifuge") {
      to.speaks = dialect::centrifuge;
      continue;
    }
    if (i + 1 == argc)
      throw usage_error(std::string(name) + ": a value is missing");
    std::string_view value = argv[++i];
    auto whole = [name, value](uint32_t low, uint32_t high) {
      return parse_number<uint32_t>(name, value, low, high);
    };
    auto duration = [name, value] {
      return parse_number<double>(name, value, 0.0, 86'400.0);
    };
    if (name == "--host")
      to.host = value;
    else if (name == "--path")
      to.path = value;
    else if (name == "--url")
      parse_url(value, to);
    else if (name == "--port")
      to.port = static_cast<uint16_t>(whole(1, 65535));
    else if (name == "--server-pid")
      to.server_pid = static_cast<int>(whole(1, 1u << 30));
    else if (name == "--connections")
      to.connections = whole(1, 1'000'000);
    else if (name == "--slow")
      to.slow = whole(0, 1'000'000);
    else if (name == "--watched")
      to.watched = whole(1, 1'000'000);
    else if (name == "--window")
      to.window = whole(1, 65536);
    else if (name == "--payload")
      to.payload = whole(1, 65536);
    else if (name == "--wrapper")
      to.wrapper = whole(0, 1024);
    else if (name == "--cycles")
      to.cycles = whole(1, 100'000'000);
    else if (name == "--parallel")
      to.parallel = whole(1, 65536);
    else if (name == "--count")
      to.count = whole(1, 4'000'000'000);
    else if (name == "--seconds")
      to.seconds = duration();
    else if (name == "--warm-up")
      to.warm_up = duration();
    else if (name == "--time-limit")
      to.time_limit = duration();
    else if (name == "--stall")
      to.stall = duration();
    else
      throw usage_error("unknown option '" + std::string(name) + "', see --help");
  }
  if (to.mode.empty())
    throw usage_error("a mode is missing: fanout, slow, echo, idle or churn");
  apply_mode_defaults(to);
  return to;
}

} // namespace natterjack::bench
