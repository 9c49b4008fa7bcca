// Load generator for websocket hubs: plain epoll, one thread, client side of RFC 6455, no library.
//
//   mode     does                                              reports, beside counts and CPU
//   fanout   one of N receivers sends `b` texts, W in flight   deliveries/s, latency, us/delivery
//   slow     the same while S of the N never read              the same for the others, memory
//   echo     C connections keep W `e` texts in flight each     round trips/s, latency, us/echo
//   idle     N connections are opened and held                 resident bytes each, CPU at rest
//   churn    M times connect, upgrade, close; K at once        cycles/s, latency, us/cycle
//
// With --pow the server is one of Process Over Websocket: each connection calls the process `echo`,
// texts come back bare, and a churn cycle is a whole session: call, one echo, end of input, result,
// closing handshake.
//
// What a server must do: a text message that starts with `b` goes to every connected client, sender
// included; one that starts with `e` goes back to its sender. It is delivered as
// `{"topic":"b","data":"<text>"}` (or bare). Each text holds `@<nanoseconds>;`: latency is read
// from there, and every delivery is compared with what was sent at that place, so that a lost,
// doubled or overtaken message ends the run with an error.
//
// stdout: one JSON line. stderr: the same for people. Exit code 0, 1 (run failed), 2 (bad option).

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

// ---------------------------------------------------------------------------------- options

struct options {
  std::string mode;
  std::string host = "127.0.0.1";
  std::string path = "/api/v1/ws/connect";
  uint16_t port = 0;
  int server_pid = 0;       ///< 0: no CPU and memory figures
  uint32_t connections = 0; ///< N or C; 0: the mode's own default
  uint32_t slow = 10;       ///< receivers that never read (mode slow)
  uint32_t window = 1;      ///< messages in flight
  uint32_t payload = 0;     ///< bytes of a delivered text, wrapper included; 0: the mode's default
  uint32_t wrapper = 23;    ///< bytes the server adds: {"topic":"b","data":""}
  uint32_t cycles = 10'000; ///< churn: cycles in all
  uint32_t parallel = 64;   ///< connections being opened at the same time
  uint64_t count = 0;       ///< stop after so many broadcasts or echoes; 0: by time
  double seconds = 3;       ///< measured time
  double warm_up = 0.5;     ///< seconds of load before measuring
  double time_limit = 120;  ///< seconds for the whole run
  double stall = 15;        ///< seconds without progress that end the run
  bool first_frame = false; ///< churn: wait for one message of the server before closing
  bool pow = false;         ///< the server speaks pow-1: echo, idle and churn only
  bool words = false;       ///< filler of words instead of one letter again and again
  bool deflate = false;     ///< offer permessage-deflate; compressed messages are inflated
};

/// An option that cannot be used; ends the program with code 2.
struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

constexpr const char* help_text = R"(usage: natterjack_loadgen MODE --port PORT [options]

modes
  fanout    one of N receivers broadcasts, W broadcasts in flight
  slow      fanout while some of the receivers never read
  echo      C connections, W messages in flight on each
  idle      N connections opened and held
  churn     connect, upgrade, close handshake, over and over

where
  --host ADDR         127.0.0.1
  --port PORT         required
  --path PATH         /api/v1/ws/connect
  --url URL           ws://host:port/path, instead of the three above
  --server-pid PID    process whose CPU time and memory are reported

how much
  --connections N     fanout 1000, slow 100, echo 100, idle 10000, churn 64 (at the same time)
  --slow S            receivers that never read (slow), 10
  --window W          messages in flight, 1
  --payload BYTES     delivered text, wrapper included; 64 (slow: 8192)
  --wrapper BYTES     what the server puts around the client's text, 23
  --seconds S         measured time, 3; idle: time at rest
  --warm-up S         load before measuring, 0.5
  --count M           end after M measured broadcasts or echoes instead of after --seconds
  --cycles M          churn: cycles in all, 10000
  --first-frame       churn: wait for a message of the server before closing
  --pow               the server speaks pow-1; echo, idle and churn run sessions of its `echo`
  --words             fill texts with words by chance, not with one letter: for --deflate
  --deflate           offer permessage-deflate without context takeover
  --parallel K        connections being opened at the same time, 64
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
  constexpr std::string_view modes[] = {"fanout", "slow", "echo", "idle", "churn"};
  constexpr uint32_t connections[] = {1000, 100, 100, 10'000, 64};
  auto found = std::find(std::begin(modes), std::end(modes), to.mode);
  if (found == std::end(modes))
    throw usage_error("unknown mode '" + to.mode + "': expected fanout, slow, echo, idle or churn");
  if (to.connections == 0)
    to.connections = connections[found - std::begin(modes)];
  if (to.payload == 0)
    to.payload = to.mode == "slow" ? 8192 : 64;
  if (to.port == 0)
    throw usage_error("--port (or --url) is missing");
  if (to.pow && to.mode != "echo" && to.mode != "idle" && to.mode != "churn")
    throw usage_error("--pow: only echo, idle and churn can be run against processes");
  if (to.pow)
    to.wrapper = 0;
  if (to.mode == "slow" && to.slow >= to.connections)
    throw usage_error("--slow: at least one of --connections must read");
  if (to.payload < to.wrapper + 18)
    throw usage_error("--payload: at least " + std::to_string(to.wrapper + 18) +
                      " bytes are needed for the time stamp and the wrapper");
}

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
      to.pow = true;
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

// ------------------------------------------------------------------------- clocks and figures

int64_t clock_ns(clockid_t id) {
  timespec t{};
  if (clock_gettime(id, &t) != 0)
    throw std::runtime_error(std::string("the server has ended or its clock cannot be read: ") +
                             std::strerror(errno));
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

int64_t now_ns() {
  return clock_ns(CLOCK_MONOTONIC);
}

int64_t as_ns(double seconds) {
  return static_cast<int64_t>(seconds * 1e9);
}

/// Counts nanoseconds in buckets no wider than 1/64 of their value.
class histogram {
 public:
  void record(int64_t ns) {
    auto value = static_cast<uint64_t>(std::max<int64_t>(ns, 0));
    ++buckets_[index_of(value)];
    ++count_;
    max_ = std::max(max_, value);
  }

  void clear() { *this = histogram{}; }

  /// @returns microseconds below which the given share (0..1) of the values lies, 0 when empty
  double percentile_us(double share) const {
    auto wanted = static_cast<uint64_t>(share * static_cast<double>(count_));
    uint64_t seen = 0;
    for (size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen > wanted)
        return static_cast<double>(std::min(middle_of(i), max_)) / 1e3;
    }
    return max_us();
  }

  double max_us() const { return static_cast<double>(max_) / 1e3; }

 private:
  static size_t index_of(uint64_t value) {
    if (value < 64)
      return value;
    auto shift = static_cast<unsigned>(std::bit_width(value)) - 7;
    return (shift + 1) * 64 + ((value >> shift) - 64);
  }

  static uint64_t middle_of(size_t index) {
    if (index < 64)
      return index;
    auto shift = index / 64 - 1;
    return ((index % 64 + 64) << shift) + ((uint64_t{1} << shift) / 2);
  }

  std::array<uint64_t, 64 * 59> buckets_{};
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

/// What the kernel says about the server's process. Without a PID every figure is absent.
class server_probe {
 public:
  explicit server_probe(int pid) : pid_(pid) {
    if (pid != 0 && clock_getcpuclockid(pid, &clock_) != 0)
      throw std::runtime_error("--server-pid " + std::to_string(pid) + ": no such process");
  }

  bool known() const { return pid_ != 0; }

  /// CPU time of all its threads, ended ones included, user and kernel, nanoseconds.
  int64_t cpu_ns() const { return known() ? clock_ns(clock_) : 0; }

  /// A field of /proc/PID/status or smaps_rollup such as `VmRSS:` or `Pss:`, in bytes.
  int64_t memory(const char* file, std::string_view field) const {
    if (!known())
      return 0;
    std::ifstream in("/proc/" + std::to_string(pid_) + "/" + file);
    for (std::string line; std::getline(in, line);)
      if (line.starts_with(field))
        return std::atoll(line.c_str() + field.size()) * 1024;
    throw std::runtime_error("/proc/" + std::to_string(pid_) + "/" + file + " has no " +
                             std::string(field));
  }

  int64_t rss() const { return memory("status", "VmRSS:"); }
  int64_t pss() const { return memory("smaps_rollup", "Pss:"); }

 private:
  int pid_;
  clockid_t clock_{};
};

/// The result: one JSON object for programs, aligned lines for people.
class report {
 public:
  void add(const char* name, const std::string& text) { put(name, "\"" + text + "\"", text); }
  void add(const char* name, uint64_t value) {
    auto text = std::to_string(value);
    put(name, text, text);
  }
  void add(const char* name, double value, int digits) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    put(name, text, text);
  }
  void add_latency(const histogram& from) {
    add("p50_us", from.percentile_us(0.50), 1);
    add("p99_us", from.percentile_us(0.99), 1);
    add("max_us", from.max_us(), 1);
  }
  void print() const {
    std::fprintf(stdout, "{%s}\n", json_.c_str());
    std::fputs(people_.c_str(), stderr);
  }

 private:
  void put(const char* name, const std::string& json, const std::string& text) {
    json_ += (json_.empty() ? "\"" : ", \"") + std::string(name) + "\": " + json;
    char line[160];
    std::snprintf(line, sizeof line, "  %-28s %s\n", name, text.c_str());
    people_ += line;
  }

  std::string json_;
  std::string people_;
};

// ------------------------------------------------------------------------------ wire format

constexpr size_t stamp_digits = 15; // nanoseconds of more than eleven days

bool words_wanted = false; // of `--words`

/// Words by chance out of a few, as texts of people and programs repeat theirs.
void fill_with_words(char* to, size_t size) {
  constexpr std::string_view words[] = {"price ", "volume ", "changed ", "since ", "last ",
                                        "market ", "order ", "buyer ",  "seller ", "open ",
                                        "closed ", "of ",    "the ",    "at ",    "above ", "below "};
  static uint32_t chance = 1;
  for (size_t at = 0; at < size;) {
    chance = chance * 1664525 + 1013904223;
    const auto word = words[chance >> 28];
    const auto n = std::min(word.size(), size - at);
    std::memcpy(to + at, word.data(), n);
    at += n;
    if (at < size)
      to[at++] = static_cast<char>('0' + (chance >> 16) % 10);
  }
}

/// The client's text: topic letter, stamp, filler up to `size`.
void write_text(char* to, size_t size, char topic, int64_t stamp) {
  if (words_wanted)
    fill_with_words(to, size);
  else
    std::memset(to, 'x', size);
  to[0] = topic;
  to[1] = '@';
  for (size_t i = stamp_digits; i-- > 0; stamp /= 10)
    to[2 + i] = static_cast<char>('0' + stamp % 10);
  to[2 + stamp_digits] = ';';
}

/// Finds `@<digits>;` in a delivered text; nothing for any other message, such as a welcome.
std::optional<int64_t> stamp_of(std::string_view text) {
  auto at = text.find('@');
  if (at == text.npos)
    return std::nullopt;
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data() + at + 1, text.data() + text.size(), value);
  if (error != std::errc{} || end == text.data() + text.size() || *end != ';')
    return std::nullopt;
  return value;
}

/// Appends the header of a masked frame (RFC 6455 5.2) and room for the payload.
/// @returns where the payload begins in `out`
size_t append_frame(std::string& out, uint8_t opcode, size_t size, uint32_t mask) {
  out += static_cast<char>(0x80 | opcode);
  if (size < 126) {
    out += static_cast<char>(0x80 | size);
  } else if (size < 65536) {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(size >> 8);
    out += static_cast<char>(size & 0xff);
  } else {
    out += static_cast<char>(0x80 | 127);
    for (int shift = 56; shift >= 0; shift -= 8)
      out += static_cast<char>((size >> shift) & 0xff);
  }
  out.append(reinterpret_cast<const char*>(&mask), 4);
  auto begin = out.size();
  out.resize(begin + size);
  return begin;
}

void mask_payload(char* data, size_t size, uint32_t mask) {
  char key[4];
  std::memcpy(key, &mask, 4);
  for (size_t i = 0; i < size; ++i)
    data[i] = static_cast<char>(data[i] ^ key[i & 3]);
}

struct frame_head {
  size_t header = 0;
  size_t payload = 0;
  uint8_t opcode = 0;
  bool final = false;
  bool packed = false;
};

/// Reads the header of a frame from the server; nothing while it is incomplete.
std::optional<frame_head> read_head(const char* data, size_t size) {
  if (size < 2)
    return std::nullopt;
  auto octet = [data](size_t i) {
    return static_cast<uint8_t>(data[i]);
  };
  frame_head head;
  head.final = octet(0) & 0x80;
  head.opcode = octet(0) & 0x0f;
  head.packed = octet(0) & 0x40;
  if ((octet(0) & 0x30) != 0 || (octet(1) & 0x80) != 0)
    throw std::runtime_error("protocol: the server sent reserved bits or a masked frame");
  head.payload = octet(1) & 0x7f;
  size_t extra = head.payload == 126 ? 2 : head.payload == 127 ? 8 : 0;
  head.header = 2 + extra;
  if (size < head.header)
    return std::nullopt;
  if (extra != 0) {
    head.payload = 0;
    for (size_t i = 0; i < extra; ++i)
      head.payload = head.payload << 8 | octet(2 + i);
  }
  return head;
}

/// Messages compressed each by itself (RFC 7692).
class inflater {
 public:
  inflater() {
    if (::inflateInit2(&z_, -15) != Z_OK)
      throw std::runtime_error("inflateInit2 failed");
  }
  ~inflater() { ::inflateEnd(&z_); }
  inflater(const inflater&) = delete;
  inflater& operator=(const inflater&) = delete;

  std::string_view run(std::string_view packed) {
    in_.assign(packed).append("\0\0\xff\xff", 4);
    ::inflateReset(&z_);
    z_.next_in = reinterpret_cast<Bytef*>(in_.data());
    z_.avail_in = static_cast<uInt>(in_.size());
    z_.next_out = reinterpret_cast<Bytef*>(out_.data());
    z_.avail_out = static_cast<uInt>(out_.size());
    if (::inflate(&z_, Z_SYNC_FLUSH) != Z_OK || z_.avail_in != 0)
      throw std::runtime_error("protocol: a message cannot be inflated");
    return {out_.data(), out_.size() - z_.avail_out};
  }

 private:
  z_stream z_{};
  std::string in_;
  std::vector<char> out_ = std::vector<char>(1 << 20);
};

// ------------------------------------------------------------------------------ connections

enum class stage : uint8_t { closed, connecting, upgrading, open, closing };

struct connection {
  int fd = -1;
  uint32_t index = 0;
  uint32_t generation = 0; ///< tells events of an earlier socket in this place
  stage at = stage::closed;
  bool reading = true;  ///< false: never read again (a slow reader)
  bool writing = false; ///< waits for writability
  bool dirty = false;   ///< has output that was not yet offered to the kernel
  uint16_t close_code = 0;
  uint64_t sent = 0;     ///< stamped messages
  uint64_t received = 0; ///< stamped messages
  int64_t started = 0;   ///< when connect() was called
  std::string in;        ///< begin of what is not complete
  std::string out;       ///< not yet taken by the kernel
};

/// What a mode wants to hear of its connections.
class listener {
 public:
  virtual ~listener() = default;
  virtual void opened(connection&, int64_t) {}
  virtual void stamped(connection&, int64_t stamp, int64_t arrival, size_t size) = 0;
  virtual void other(connection&) {}
  virtual void ended(connection&) = 0;
};

/// All sockets of the run and the loop that serves them.
class pool {
 public:
  pool(const options& with, listener& to) : options_(with), listener_(to), buffer_(512 * 1024) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_ < 0)
      fail("epoll_create1");
    resolve();
    require_descriptors(with.connections);
    connections_.resize(with.connections);
    for (uint32_t i = 0; i < with.connections; ++i)
      connections_[i].index = i;
    // RFC 6455 1.3 prints this key with its answer: the accept field is checked without SHA-1.
    request_ = "GET " + with.path + " HTTP/1.1\r\nHost: " + with.host + ":" +
               std::to_string(with.port) + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
               (with.deflate ? "Sec-WebSocket-Extensions: permessage-deflate; "
                               "client_max_window_bits\r\n"
                             : "") +
               (with.pow ? "Sec-WebSocket-Protocol: pow-1\r\n\r\n" : "\r\n");
    limit_ = now_ns() + as_ns(with.time_limit);
  }

  ~pool() {
    for (auto& c : connections_)
      if (c.fd >= 0)
        ::close(c.fd);
    ::close(epoll_);
  }

  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;

  std::vector<connection>& connections() { return connections_; }

  /// Starts connecting; listener::opened follows, or the run fails.
  /// @param receive_buffer  bytes, 0 leaves the kernel's choice
  void open(connection& c, int receive_buffer = 0) {
    c.fd = socket(address_.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c.fd < 0)
      fail("socket");
    int on = 1;
    setsockopt(c.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (receive_buffer != 0)
      setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    bind_source(c.fd);
    ++c.generation;
    c.at = stage::connecting;
    c.reading = true;
    c.writing = true;
    c.close_code = 0;
    c.sent = c.received = 0;
    c.in.clear();
    c.out.clear();
    c.started = now_ns();
    if (connect(c.fd, reinterpret_cast<sockaddr*>(&address_), address_size_) != 0 &&
        errno != EINPROGRESS)
      fail("connect");
    arm(c, EPOLL_CTL_ADD);
  }

  /// Queues a stamped text; it leaves at the end of the current event.
  void send_text(connection& c, char topic, int64_t stamp) {
    auto size = size_t{options_.payload} - options_.wrapper;
    auto mask = next_mask();
    auto begin = append_frame(c.out, 1, size, mask);
    write_text(c.out.data() + begin, size, topic, stamp);
    mask_payload(c.out.data() + begin, size, mask);
    ++c.sent;
    mark_dirty(c);
  }

  /// Queues a control message of pow-1: the call, or a signal.
  void send_binary(connection& c, std::string_view json) { send_control(c, 2, json); }

  /// Sends a close frame; listener::ended follows when the server has closed its side.
  void start_close(connection& c) {
    const char code[2] = {0x03, static_cast<char>(0xe8)}; // 1000
    send_control(c, 8, {code, 2});
    c.at = stage::closing;
  }

  /// While it is off nothing is read from this connection; its end is still noticed.
  void set_reading(connection& c, bool on) {
    c.reading = on;
    arm(c, EPOLL_CTL_MOD);
  }

  /// Closes the socket at once, without a word to the listener.
  void drop(connection& c) {
    if (c.fd < 0)
      return;
    ::close(c.fd);
    c.fd = -1;
    c.at = stage::closed;
    c.out.clear();
  }

  /// Offers everything queued to the kernel.
  void flush() {
    for (auto index : dirty_) {
      auto& c = connections_[index];
      c.dirty = false;
      if (c.fd >= 0 && c.at != stage::connecting)
        write(c);
    }
    dirty_.clear();
  }

  /// Waits at most `wait_ms` for events and serves them.
  void turn(int wait_ms) {
    flush();
    std::array<epoll_event, 512> events;
    int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), wait_ms);
    if (n < 0 && errno != EINTR)
      fail("epoll_wait");
    for (int i = 0; i < n; ++i) {
      auto& c = connections_[static_cast<uint32_t>(events[i].data.u64)];
      if (c.fd >= 0 && c.generation == events[i].data.u64 >> 32) {
        serve(c, events[i].events);
        flush();
      }
    }
    if (now_ns() > limit_)
      throw std::runtime_error("the run took longer than --time-limit allows");
  }

 private:
  [[noreturn]] static void fail(const char* what) {
    throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
  }

  void resolve() {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    auto port = std::to_string(options_.port);
    if (int e = getaddrinfo(options_.host.c_str(), port.c_str(), &hints, &found); e != 0)
      throw std::runtime_error("host '" + options_.host + "': " + gai_strerror(e));
    std::memcpy(&address_, found->ai_addr, found->ai_addrlen);
    address_size_ = found->ai_addrlen;
    freeaddrinfo(found);
  }

  static void require_descriptors(uint32_t connections) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max != RLIM_INFINITY && connections + 16 > limit.rlim_max)
      throw usage_error("--connections " + std::to_string(connections) +
                        ": a process may have only " + std::to_string(limit.rlim_max) +
                        " descriptors here");
  }

  /// Spreads connections over 127.0.0.1, .2, ...: one address has about 28,000 ports.
  void bind_source(int fd) {
    auto* to = reinterpret_cast<const sockaddr_in*>(&address_);
    if (address_.ss_family != AF_INET || (ntohl(to->sin_addr.s_addr) >> 24) != 127)
      return;
    sockaddr_in from{};
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(0x7f000001u + static_cast<uint32_t>(opened_++ / 20'000 % 200));
    int on = 1; // the port is chosen by connect(), for the whole tuple
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof from) != 0)
      fail("bind to a 127.0.0.x source address");
  }

  uint32_t next_mask() {
    mask_ ^= mask_ << 13;
    mask_ ^= mask_ >> 17;
    mask_ ^= mask_ << 5;
    return mask_;
  }

  void arm(connection& c, int operation) {
    epoll_event event{};
    event.events = EPOLLRDHUP;
    if (c.reading)
      event.events |= EPOLLIN;
    if (c.writing)
      event.events |= EPOLLOUT;
    event.data.u64 = uint64_t{c.generation} << 32 | c.index;
    if (epoll_ctl(epoll_, operation, c.fd, &event) != 0)
      fail("epoll_ctl");
  }

  void mark_dirty(connection& c) {
    if (c.dirty)
      return;
    c.dirty = true;
    dirty_.push_back(c.index);
  }

  void send_control(connection& c, uint8_t opcode, std::string_view body) {
    auto mask = next_mask();
    auto begin = append_frame(c.out, opcode, body.size(), mask);
    std::memcpy(c.out.data() + begin, body.data(), body.size());
    mask_payload(c.out.data() + begin, body.size(), mask);
    mark_dirty(c);
  }

  void serve(connection& c, uint32_t events) {
    if (c.at == stage::connecting) {
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(c.fd, SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0)
        throw std::runtime_error("connect to " + options_.host + ":" +
                                 std::to_string(options_.port) + ": " + std::strerror(error));
      c.at = stage::upgrading;
      c.out = request_;
    }
    if ((events & EPOLLOUT) != 0)
      write(c);
    if (!c.reading && (events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0)
      return end(c);
    if (c.fd >= 0 && c.reading && (events & ~uint32_t{EPOLLOUT}) != 0)
      read(c);
  }

  void write(connection& c) {
    size_t done = 0;
    while (done < c.out.size()) {
      auto n = ::send(c.fd, c.out.data() + done, c.out.size() - done, MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) {
        done = c.out.size(); // the reading side tells the rest
        break;
      }
      if (n < 0 && errno != EAGAIN)
        fail("send");
      if (n < 0)
        break;
      done += static_cast<size_t>(n);
    }
    c.out.erase(0, done);
    if (c.writing != !c.out.empty()) {
      c.writing = !c.out.empty();
      arm(c, EPOLL_CTL_MOD);
    }
  }

  void read(connection& c) {
    while (true) {
      auto kept = c.in.size();
      if (kept + 65536 > buffer_.size())
        throw std::runtime_error("protocol: a frame or response head is too large");
      std::memcpy(buffer_.data(), c.in.data(), kept);
      auto n = ::recv(c.fd, buffer_.data() + kept, buffer_.size() - kept, 0);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && errno == EAGAIN)
        return;
      if (n < 0 && errno != ECONNRESET)
        fail("recv");
      if (n <= 0)
        return end(c);
      auto size = kept + static_cast<size_t>(n);
      auto used = digest(c, {buffer_.data(), size}, now_ns());
      if (c.fd < 0)
        return;
      c.in.assign(buffer_.data() + used, size - used);
      if (size < buffer_.size())
        return; // short read: nothing more is there
    }
  }

  /// Handles every complete head and frame. @returns octets used
  size_t digest(connection& c, std::string_view data, int64_t arrival) {
    size_t used = 0;
    if (c.at == stage::upgrading) {
      auto blank = data.find("\r\n\r\n");
      if (blank == data.npos)
        return 0;
      used = blank + 4;
      check_response(data.substr(0, used));
      c.at = stage::open;
      listener_.opened(c, arrival);
    }
    while (c.fd >= 0) {
      auto head = read_head(data.data() + used, data.size() - used);
      if (!head || data.size() - used < head->header + head->payload)
        break;
      frame(c, *head, data.substr(used + head->header, head->payload), arrival);
      used += head->header + head->payload;
    }
    return used;
  }

  void check_response(std::string_view head) {
    auto line = std::string(head.substr(0, head.find("\r\n")));
    if (!line.starts_with("HTTP/1.1 101"))
      throw std::runtime_error("upgrade of " + options_.path + " refused: " + line);
    if (head.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=") == head.npos)
      throw std::runtime_error("upgrade: Sec-WebSocket-Accept is wrong or absent");
    if (options_.deflate && head.find("permessage-deflate") == head.npos)
      throw std::runtime_error("upgrade: the server does not agree to permessage-deflate");
  }

  void frame(connection& c, const frame_head& head, std::string_view body, int64_t arrival) {
    if (!head.final || head.opcode == 0)
      throw std::runtime_error("protocol: fragmented messages are not measured");
    if (head.opcode == 9)
      return send_control(c, 10, body);
    if (head.opcode == 8) {
      if (body.size() >= 2)
        c.close_code = static_cast<uint16_t>(static_cast<uint8_t>(body[0]) << 8 |
                                             static_cast<uint8_t>(body[1]));
      if (c.at == stage::open)
        start_close(c);
      return;
    }
    if (head.opcode > 2)
      return;
    const auto wire_size = body.size();
    if (head.packed)
      body = inflater_.run(body);
    if (auto stamp = stamp_of(body))
      listener_.stamped(c, *stamp, arrival, wire_size);
    else
      listener_.other(c);
  }

  void end(connection& c) {
    if (c.at == stage::upgrading)
      throw std::runtime_error("the server closed a connection before it answered the upgrade");
    drop(c);
    listener_.ended(c);
  }

  const options& options_;
  listener& listener_;
  int epoll_ = -1;
  sockaddr_storage address_{};
  socklen_t address_size_ = 0;
  std::vector<connection> connections_;
  std::vector<uint32_t> dirty_;
  std::vector<char> buffer_;
  std::string request_;
  inflater inflater_;
  uint64_t opened_ = 0;
  uint32_t mask_ = 0x9e3779b9;
  int64_t limit_ = 0;
};

// ------------------------------------------------------------------------------------ modes

/// CPU and wall time from its making on.
class stopwatch {
 public:
  explicit stopwatch(const server_probe& server)
      : server_(&server), wall_(now_ns()), cpu_(server.cpu_ns()),
        own_(clock_ns(CLOCK_PROCESS_CPUTIME_ID)) {}

  void stop() {
    wall_ = now_ns() - wall_;
    cpu_ = server_->cpu_ns() - cpu_;
    own_ = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own_;
  }

  /// CPU the server used since the making; before stop() only.
  void extend_cpu(int64_t server_cpu_ns) { cpu_ = server_cpu_ns; }
  double seconds() const { return static_cast<double>(wall_) / 1e9; }
  double server_us() const { return static_cast<double>(cpu_) / 1e3; }

  void add_shares(report& to) const {
    if (server_->known())
      to.add("server_cpu_percent", static_cast<double>(cpu_) * 100 / static_cast<double>(wall_), 1);
    to.add("loadgen_cpu_percent", static_cast<double>(own_) * 100 / static_cast<double>(wall_), 1);
  }

  void add_cost(report& to, const char* name, uint64_t events) const {
    if (server_->known() && events != 0)
      to.add(name, server_us() / static_cast<double>(events), 3);
  }

 private:
  const server_probe* server_;
  int64_t wall_;
  int64_t cpu_;
  int64_t own_;
};

/// Ends the run when a counter does not move for too long.
class stall_guard {
 public:
  explicit stall_guard(double seconds) : limit_(as_ns(seconds)), since_(now_ns()) {}

  template <class Describe> void check(uint64_t counter, Describe describe) {
    auto now = now_ns();
    if (counter != last_) {
      last_ = counter;
      since_ = now;
    } else if (now - since_ > limit_) {
      throw std::runtime_error("stalled: " + describe());
    }
  }

 private:
  int64_t limit_;
  int64_t since_;
  uint64_t last_ = ~uint64_t{0};
};

/// What all modes share: opening, the proof that every connection is known to the hub, the end.
class mode : public listener {
 public:
  static constexpr std::string_view echo_call = R"({"call":"echo","params":["a"]})";
  static constexpr std::string_view close_signal = R"({"signal":"close"})";

  explicit mode(const options& with)
      : options_(with), server_(with.server_pid), pool_(with, *this) {}

  virtual void run(report& to) = 0;

 protected:
  void opened(connection& c, int64_t) override {
    ++open_;
    if (options_.pow)
      pool_.send_binary(c, echo_call);
  }

  void ended(connection& c) override {
    throw std::runtime_error("the server closed connection " + std::to_string(c.index) +
                             " (close code " + std::to_string(c.close_code) + ", 0 = none) after " +
                             std::to_string(c.received) + " messages");
  }

  /// Opens connections [0, n) and waits for the upgrade of each.
  void open_all(uint32_t n, uint32_t small_from) {
    stall_guard guard(options_.stall);
    open_ = 0;
    for (uint32_t started = 0; open_ < n; pool_.turn(100)) {
      for (; started < n && started - open_ < options_.parallel; ++started)
        pool_.open(pool_.connections()[started], started >= small_from ? 4096 : 0);
      guard.check(open_, [this, n] {
        return std::to_string(open_) + " of " + std::to_string(n) + " connections are open";
      });
    }
  }

  /// One echo on each connection: its answer proves that the hub has handled the join before it.
  void greet_all() {
    stall_guard guard(options_.stall);
    greeting_ = true;
    greeted_ = 0;
    auto& all = pool_.connections();
    for (size_t sent = 0; greeted_ < all.size(); pool_.turn(100)) {
      for (; sent < all.size() && sent - greeted_ < options_.parallel; ++sent)
        pool_.send_text(all[sent], 'e', next_stamp());
      guard.check(greeted_, [this, &all] {
        return std::to_string(greeted_) + " of " + std::to_string(all.size()) +
               " connections had their first echo";
      });
    }
    greeting_ = false;
    for (auto& c : all)
      c.sent = c.received = 0;
  }

  void stamped(connection& c, int64_t stamp, int64_t arrival, size_t size) final {
    if (greeting_) {
      ++greeted_;
      return;
    }
    arrived(c, stamp, arrival, size);
  }

  virtual void arrived(connection& c, int64_t stamp, int64_t arrival, size_t size) = 0;

  /// Now, but never the same value twice: a stamp also names its message.
  int64_t next_stamp() { return last_stamp_ = std::max(now_ns() - epoch_, last_stamp_ + 1); }

  [[noreturn]] void wrong_order(const connection& c) const {
    throw std::runtime_error("order: message " + std::to_string(c.received) + " of connection " +
                             std::to_string(c.index) +
                             " is not the one sent at that place (lost, doubled or overtaken)");
  }

  const options& options_;
  server_probe server_;
  pool pool_;
  const int64_t epoch_ = now_ns();
  uint32_t open_ = 0;

 private:
  bool greeting_ = false;
  size_t greeted_ = 0;
  int64_t last_stamp_ = 0;
};

/// fanout and slow: connection 0 broadcasts, the last `slow` ones never read.
class fanout_mode final : public mode {
 public:
  fanout_mode(const options& with, uint32_t slow)
      : mode(with), readers_(with.connections - slow), stamps_(with.window), missing_(with.window) {
  }

  void run(report& to) override {
    open_all(options_.connections, readers_);
    greet_all();
    for (uint32_t i = readers_; i < options_.connections; ++i)
      pool_.set_reading(pool_.connections()[i], false);
    auto memory_before = server_.rss();
    auto peak = memory_before;
    stall_guard guard(options_.stall);
    measure_from_ = now_ns() + as_ns(options_.warm_up);
    for (uint32_t i = 0; i < options_.window; ++i)
      broadcast();
    for (auto next_look = now_ns(); !done_; pool_.turn(100)) {
      guard.check(arrivals_, [this] { return describe(); });
      if (readers_ != options_.connections && now_ns() > next_look) {
        peak = std::max(peak, server_.rss());
        next_look = now_ns() + 100'000'000;
      }
    }
    summarise(to);
    if (readers_ == options_.connections)
      return;
    read_backlog();
    to.add("slow_receivers", uint64_t{options_.connections - readers_});
    to.add("slow_closed_by_server", slow_ended_);
    to.add("slow_close_code", uint64_t{slow_close_code_});
    if (server_.known())
      to.add("server_growth_mib", static_cast<double>(peak - memory_before) / 1048576, 1);
  }

 private:
  void broadcast() {
    auto slot = sent_++ % options_.window;
    stamps_[slot] = next_stamp();
    missing_[slot] = readers_;
    pool_.send_text(pool_.connections()[0], 'b', stamps_[slot]);
  }

  void arrived(connection& c, int64_t stamp, int64_t arrival, size_t size) override {
    if (c.index >= readers_)
      ++backlog_;
    if (c.index >= readers_ || done_)
      return;
    auto slot = c.received % options_.window;
    if (c.received >= sent_ || stamps_[slot] != stamp)
      wrong_order(c);
    ++c.received;
    ++arrivals_;
    bytes_ += size;
    latency_.record(arrival - epoch_ - stamp);
    if (--missing_[slot] == 0)
      completed(arrival);
  }

  /// Begin and end of measuring lie where a broadcast has reached everybody.
  void completed(int64_t now) {
    ++broadcasts_;
    if (!watch_ && now >= measure_from_) {
      watch_.emplace(server_);
      latency_.clear();
      measured_arrivals_ = arrivals_;
      measured_bytes_ = bytes_;
      broadcasts_ = 0;
      measure_until_ = now + as_ns(options_.seconds);
    } else if (watch_ &&
               (options_.count != 0 ? broadcasts_ >= options_.count : now >= measure_until_)) {
      watch_->stop();
      done_ = true;
      return;
    }
    broadcast();
  }

  void ended(connection& c) override {
    if (c.index < readers_)
      mode::ended(c);
    ++slow_ended_;
    slow_close_code_ = std::max(slow_close_code_, c.close_code);
  }

  /// The slow ones read at last: a close of the server stands behind what it had sent before.
  void read_backlog() {
    for (uint32_t i = readers_; i < options_.connections; ++i)
      if (auto& c = pool_.connections()[i]; c.fd >= 0)
        pool_.set_reading(c, true);
    auto until = now_ns() + as_ns(5);
    auto calm_until = now_ns() + as_ns(0.5);
    for (uint64_t seen = 0; now_ns() < std::min(until, calm_until); pool_.turn(50)) {
      if (seen != backlog_ + slow_ended_)
        calm_until = now_ns() + as_ns(0.5);
      seen = backlog_ + slow_ended_;
    }
  }

  std::string describe() const {
    return std::to_string(arrivals_) + " deliveries of " + std::to_string(sent_) +
           " broadcasts to " + std::to_string(readers_) + " readers";
  }

  void summarise(report& to) {
    auto deliveries = arrivals_ - measured_arrivals_;
    to.add("receivers", uint64_t{options_.connections});
    to.add("window", uint64_t{options_.window});
    to.add("payload_bytes",
           static_cast<double>(bytes_ - measured_bytes_) / static_cast<double>(deliveries), 1);
    to.add("seconds", watch_->seconds(), 3);
    to.add("broadcasts", broadcasts_);
    to.add("deliveries", deliveries);
    to.add("deliveries_per_s", static_cast<double>(deliveries) / watch_->seconds(), 0);
    to.add_latency(latency_);
    watch_->add_cost(to, "server_cpu_us_per_delivery", deliveries);
    watch_->add_shares(to);
  }

  const uint32_t readers_;
  std::vector<int64_t> stamps_;   ///< by place in the window
  std::vector<uint32_t> missing_; ///< deliveries to come, by place in the window
  uint64_t sent_ = 0;
  uint64_t arrivals_ = 0, measured_arrivals_ = 0;
  uint64_t bytes_ = 0, measured_bytes_ = 0;
  uint64_t broadcasts_ = 0;
  uint64_t slow_ended_ = 0;
  uint64_t backlog_ = 0; ///< messages the slow ones read in the end
  uint16_t slow_close_code_ = 0;
  int64_t measure_from_ = 0, measure_until_ = 0;
  bool done_ = false;
  histogram latency_;
  std::optional<stopwatch> watch_;
};

class echo_mode final : public mode {
 public:
  explicit echo_mode(const options& with)
      : mode(with), stamps_(size_t{with.connections} * with.window) {}

  void run(report& to) override {
    open_all(options_.connections, options_.connections);
    greet_all();
    stall_guard guard(options_.stall);
    for (auto& c : pool_.connections())
      for (uint32_t i = 0; i < options_.window; ++i)
        send(c);
    auto from = now_ns() + as_ns(options_.warm_up);
    while (now_ns() < from)
      serve(guard);
    latency_.clear();
    echoes_ = 0;
    stopwatch watch(server_);
    auto until = now_ns() + as_ns(options_.seconds);
    while (options_.count != 0 ? echoes_ < options_.count : now_ns() < until)
      serve(guard);
    watch.stop();
    auto echoes = echoes_;
    await_rest(guard);
    to.add("connections", uint64_t{options_.connections});
    to.add("window", uint64_t{options_.window});
    to.add("payload_bytes", uint64_t{options_.payload});
    to.add("seconds", watch.seconds(), 3);
    to.add("echoes", echoes);
    to.add("echoes_per_s", static_cast<double>(echoes) / watch.seconds(), 0);
    to.add_latency(latency_);
    watch.add_cost(to, "server_cpu_us_per_echo", echoes);
    watch.add_shares(to);
  }

 private:
  void serve(stall_guard& guard) {
    pool_.turn(50);
    guard.check(total_, [this] { return std::to_string(total_) + " echoes so far"; });
  }

  /// Sends nothing more and waits for what is under way: an echo that was lost ends the run.
  void await_rest(stall_guard& guard) {
    done_ = true;
    for (auto& c : pool_.connections())
      while (c.received != c.sent)
        serve(guard);
  }

  int64_t& stamp_at(const connection& c, uint64_t message) {
    return stamps_[size_t{c.index} * options_.window + message % options_.window];
  }

  void send(connection& c) {
    auto stamp = next_stamp();
    stamp_at(c, c.sent) = stamp;
    pool_.send_text(c, 'e', stamp);
  }

  void arrived(connection& c, int64_t stamp, int64_t arrival, size_t) override {
    if (c.received >= c.sent || stamp_at(c, c.received) != stamp)
      wrong_order(c);
    ++c.received;
    ++echoes_;
    ++total_;
    if (done_)
      return;
    latency_.record(arrival - epoch_ - stamp);
    send(c);
  }

  std::vector<int64_t> stamps_;
  histogram latency_;
  uint64_t echoes_ = 0;
  uint64_t total_ = 0;
  bool done_ = false;
};

class idle_mode final : public mode {
 public:
  using mode::mode;

  void run(report& to) override {
    warm_up();
    auto rss_before = settled_rss(), pss_before = server_.pss();
    auto begin = now_ns();
    open_all(options_.connections, options_.connections);
    if (options_.pow)
      greet_all(); // the process of each runs, and waits
    auto open_seconds = static_cast<double>(now_ns() - begin) / 1e9;
    auto rss_after = settled_rss(), pss_after = server_.pss();
    stopwatch watch(server_);
    hold(options_.seconds);
    watch.stop();
    close_all(options_.connections);
    auto n = static_cast<double>(options_.connections);
    to.add("connections", uint64_t{options_.connections});
    to.add("open_per_s", n / open_seconds, 0);
    to.add("seconds", watch.seconds(), 3);
    if (server_.known()) {
      to.add("rss_bytes_per_connection", static_cast<double>(rss_after - rss_before) / n, 0);
      to.add("pss_bytes_per_connection", static_cast<double>(pss_after - pss_before) / n, 0);
      to.add("rss_mib_before", static_cast<double>(rss_before) / 1048576, 1);
      to.add("rss_mib_held", static_cast<double>(rss_after) / 1048576, 1);
      to.add("rss_mib_closed", static_cast<double>(settled_rss()) / 1048576, 1);
    }
    watch.add_shares(to);
  }

 private:
  void arrived(connection&, int64_t, int64_t, size_t) override {}

  void ended(connection& c) override {
    if (!closing_)
      mode::ended(c);
    ++closed_;
  }

  /// A few connections come and go first, so that what is made once is not counted.
  void warm_up() {
    auto n = std::min<uint32_t>(10, options_.connections);
    open_all(n, n);
    close_all(n);
  }

  void close_all(uint32_t n) {
    closing_ = true;
    closed_ = 0;
    stall_guard guard(options_.stall);
    for (uint32_t i = 0; i < n; ++i)
      pool_.start_close(pool_.connections()[i]);
    for (; closed_ < n; pool_.turn(100))
      guard.check(closed_, [this, n] {
        return std::to_string(closed_) + " of " + std::to_string(n) + " closed by the server";
      });
    closing_ = false;
  }

  void hold(double seconds) {
    for (auto until = now_ns() + as_ns(seconds); now_ns() < until;)
      pool_.turn(100);
  }

  /// Resident memory once it has not grown by more than 0.1 % for half a second (5 s at most).
  int64_t settled_rss() {
    auto last = server_.rss();
    auto until = now_ns() + as_ns(5);
    for (int calm = 0; calm < 5 && now_ns() < until;) {
      hold(0.1);
      auto now = server_.rss();
      calm = std::abs(now - last) * 1000 <= last ? calm + 1 : 0;
      last = now;
    }
    return last;
  }

  bool closing_ = false;
  uint32_t closed_ = 0;
};

class churn_mode final : public mode {
 public:
  using mode::mode;

  void run(report& to) override {
    stall_guard guard(options_.stall);
    stopwatch watch(server_);
    auto cpu_before = server_.cpu_ns();
    for (auto& c : pool_.connections())
      start(c);
    for (; finished_ < options_.cycles; pool_.turn(100))
      guard.check(finished_, [this] { return std::to_string(finished_) + " cycles finished"; });
    watch.stop();
    watch.extend_cpu(settled_cpu() - cpu_before);
    to.add("connections", uint64_t{options_.connections});
    to.add("cycles", uint64_t{options_.cycles});
    to.add("seconds", watch.seconds(), 3);
    to.add("cycles_per_s", static_cast<double>(options_.cycles) / watch.seconds(), 0);
    to.add("upgrade_p50_us", upgrade_.percentile_us(0.50), 1);
    to.add("upgrade_p99_us", upgrade_.percentile_us(0.99), 1);
    to.add_latency(cycle_);
    to.add("closed_without_close_frame", unclean_);
    watch.add_cost(to, "server_cpu_us_per_cycle", options_.cycles);
    watch.add_shares(to);
  }

 private:
  void start(connection& c) {
    if (started_ == options_.cycles)
      return;
    ++started_;
    pool_.open(c);
  }

  void opened(connection& c, int64_t now) override {
    upgrade_.record(now - c.started);
    if (options_.pow) {
      pool_.send_binary(c, echo_call);
      pool_.send_text(c, 'e', next_stamp());
    } else if (!options_.first_frame) {
      pool_.start_close(c);
    }
  }

  void other(connection& c) override {
    if (options_.pow)
      ++c.received; // the result; the server closes
    else if (options_.first_frame && c.at == stage::open)
      pool_.start_close(c);
  }

  void arrived(connection& c, int64_t, int64_t, size_t) override {
    ++c.received;
    pool_.send_binary(c, close_signal);
  }

  void ended(connection& c) override {
    if (options_.pow && (c.received != 2 || c.close_code != 1000))
      mode::ended(c); // one echo, one result, a clean close: else the run fails
    cycle_.record(now_ns() - c.started);
    unclean_ += c.close_code == 0;
    ++finished_;
    start(c);
  }

  /// The server's CPU time once it has come to rest: what follows a close belongs to the cycle.
  int64_t settled_cpu() {
    auto last = server_.cpu_ns();
    for (auto until = now_ns() + as_ns(5); now_ns() < until;) {
      auto look = now_ns() + as_ns(0.2);
      while (now_ns() < look)
        pool_.turn(50);
      auto now = server_.cpu_ns();
      if (now - last < 2'000'000)
        return now;
      last = now;
    }
    return last;
  }

  histogram upgrade_, cycle_;
  uint64_t started_ = 0, finished_ = 0, unclean_ = 0;
};

void run_mode(const options& with, report& to) {
  to.add("mode", with.mode);
  if (with.mode == "fanout")
    fanout_mode(with, 0).run(to);
  else if (with.mode == "slow")
    fanout_mode(with, with.slow).run(to);
  else if (with.mode == "echo")
    echo_mode(with).run(to);
  else if (with.mode == "idle")
    idle_mode(with).run(to);
  else
    churn_mode(with).run(to);
}

} // namespace

int main(int argc, char** argv) {
  try {
    auto with = parse_options(argc, argv);
    words_wanted = with.words;
    report to;
    run_mode(with, to);
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
