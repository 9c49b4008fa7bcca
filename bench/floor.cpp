// The floor: what the kernel alone asks for handing frames to N loopback sockets.
//
// One process does nothing but send; a child process does nothing but read. A round hands each
// receiver its frames; the next round starts when the child has read all of it, as a broadcast with
// one message in flight does. No server can be cheaper than this on the same machine:
//
//   single   one send() of one frame to each receiver              = fan-out, window 1
//   joined   one send() of F frames laid end to end to each        = fan-out, window F, copied once
//   gather   one sendmsg() of F pieces to each                     = fan-out, window F, not copied
//   uring    single, all sends of a round handed over at once      = where io_uring is to be had
//
// stdout: one JSON line. stderr: the same for people. Exit code 0, 1 (failed), 2 (bad option).

#include "batch_sender.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct options {
  int receivers = 1000;
  int frame_bytes = 66;    ///< 64 bytes of text behind a websocket header
  int frames = 16;         ///< frames laid end to end
  int milliseconds = 1000; ///< measured time of each variant
  int sender_cpu = -1;     ///< -1: not pinned
  int reader_cpu = -1;
};

constexpr const char* help_text = R"(usage: natterjack_floor [options]
  --receivers N    sockets, 1000
  --frame BYTES    one frame on the wire, header included, 66
  --frames F       frames handed over at once (joined, gather), 16
  --ms MS          measured time of each of the three variants, 1000
  --sender-cpu K   core of the sending process
  --reader-cpu K   core of the reading process
)";

struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

int parse_number(std::string_view name, std::string_view text, int low, int high) {
  int value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < low || value > high)
    throw usage_error(std::string(name) + ": expected a number from " + std::to_string(low) +
                      " to " + std::to_string(high) + ", got '" + std::string(text) + "'");
  return value;
}

options parse_options(int argc, char** argv) {
  options to;
  for (int i = 1; i < argc; ++i) {
    std::string_view name = argv[i];
    if (name == "--help" || name == "-h") {
      std::fputs(help_text, stdout);
      std::exit(0);
    }
    if (i + 1 == argc)
      throw usage_error(std::string(name) + ": unknown, or its value is missing; see --help");
    std::string_view value = argv[++i];
    if (name == "--receivers")
      to.receivers = parse_number(name, value, 1, 100'000);
    else if (name == "--frame")
      to.frame_bytes = parse_number(name, value, 1, 65'536);
    else if (name == "--frames")
      to.frames = parse_number(name, value, 1, 1'024);
    else if (name == "--ms")
      to.milliseconds = parse_number(name, value, 1, 60'000);
    else if (name == "--sender-cpu")
      to.sender_cpu = parse_number(name, value, 0, 1'023);
    else if (name == "--reader-cpu")
      to.reader_cpu = parse_number(name, value, 0, 1'023);
    else
      throw usage_error("unknown option '" + std::string(name) + "', see --help");
  }
  return to;
}

[[noreturn]] void fail(const char* what) {
  throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

int64_t clock_ns(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

void pin(int cpu) {
  if (cpu < 0)
    return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0)
    fail("sched_setaffinity");
}

/// N connected TCP pairs over loopback: TCP, since that is what clients use.
struct socket_pairs {
  std::vector<int> near; ///< written by the sender
  std::vector<int> far;  ///< read by the child
};

socket_pairs connect_pairs(int n) {
  int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (listening < 0 || bind(listening, generic, size) != 0 || listen(listening, 16) != 0 ||
      getsockname(listening, generic, &size) != 0)
    fail("listen");
  socket_pairs pairs;
  for (int i = 0; i < n; ++i) {
    int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (far < 0 || connect(far, generic, size) != 0)
      fail("connect");
    int near = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    if (near < 0)
      fail("accept");
    int on = 1;
    setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    pairs.near.push_back(near);
    pairs.far.push_back(far);
  }
  ::close(listening);
  return pairs;
}

/// The child: reads everything and reports each `round` bytes by one byte on `done`.
/// The parent says the size of the coming rounds on `orders`; its end ends the child.
[[noreturn]] void drain(const std::vector<int>& sockets, int orders, int done) {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  auto add = [epoll](int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
  };
  for (int fd : sockets)
    add(fd);
  add(orders);
  std::vector<epoll_event> events(512);
  std::vector<char> buffer(256 * 1024);
  int64_t round = 0, received = 0;
  while (true) {
    int n = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < n; ++i) {
      int fd = events[i].data.fd;
      if (fd == orders) {
        if (read(orders, &round, sizeof round) != sizeof round)
          _exit(0);
        continue;
      }
      auto got = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (got > 0)
        received += got;
    }
    if (round != 0 && received >= round) {
      received -= round;
      if (write(done, "", 1) != 1)
        _exit(1);
    }
  }
}

/// Runs rounds of `round()`, which hands all sockets their frames.
/// @returns sender's CPU microseconds for each frame
template <class Round>
double measure_rounds(const options& with, int orders, int done, int frames, Round round) {
  int64_t bytes = int64_t{with.receivers} * frames * with.frame_bytes;
  if (write(orders, &bytes, sizeof bytes) != sizeof bytes)
    fail("write to the reading process");
  auto rounds_for = [&round, done](int64_t ns) {
    int64_t rounds = 0;
    for (auto until = clock_ns(CLOCK_MONOTONIC) + ns; clock_ns(CLOCK_MONOTONIC) < until; ++rounds) {
      round();
      char byte;
      if (read(done, &byte, 1) != 1)
        throw std::runtime_error("the reading process has ended");
    }
    return rounds;
  };
  auto measured_ns = int64_t{with.milliseconds} * 1'000'000;
  rounds_for(measured_ns / 5);
  auto cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  auto rounds = rounds_for(measured_ns);
  cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
  return static_cast<double>(cpu) / 1e3 / static_cast<double>(rounds * with.receivers * frames);
}

/// As above, `hand_over(fd)` for every socket.
template <class HandOver>
double measure(const options& with, const std::vector<int>& sockets, int orders, int done,
               int frames, HandOver hand_over) {
  return measure_rounds(with, orders, done, frames, [&sockets, &hand_over] {
    for (int fd : sockets)
      hand_over(fd);
  });
}

void run(const options& with) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max != RLIM_INFINITY && with.receivers * 2u + 16 > limit.rlim_max)
    throw usage_error("--receivers: two descriptors each, and a process may have only " +
                      std::to_string(limit.rlim_max) + " here");
  auto pairs = connect_pairs(with.receivers);
  int orders[2], done[2];
  if (pipe(orders) != 0 || pipe(done) != 0)
    fail("pipe");
  auto parent = getpid();
  auto child = fork();
  if (child < 0)
    fail("fork");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
      _exit(1);
    ::close(orders[1]);
    pin(with.reader_cpu);
    drain(pairs.far, orders[0], done[1]);
  }
  for (int fd : pairs.far)
    ::close(fd);
  ::close(orders[0]);
  ::close(done[1]);
  pin(with.sender_cpu);

  std::vector<char> bytes(size_t(with.frame_bytes) * size_t(with.frames), 'x');
  std::vector<iovec> pieces(size_t(with.frames));
  for (size_t i = 0; i < pieces.size(); ++i)
    pieces[i] = {bytes.data() + i * size_t(with.frame_bytes), size_t(with.frame_bytes)};
  auto send_bytes = [&bytes](int fd, size_t size) {
    if (send(fd, bytes.data(), size, MSG_NOSIGNAL) != static_cast<ssize_t>(size))
      fail("send");
  };
  auto frame = size_t(with.frame_bytes);
  auto single = measure(with, pairs.near, orders[1], done[0], 1,
                        [&send_bytes, frame](int fd) { send_bytes(fd, frame); });
  auto joined = measure(with, pairs.near, orders[1], done[0], with.frames,
                        [&send_bytes, &bytes](int fd) { send_bytes(fd, bytes.size()); });
  auto gather =
      measure(with, pairs.near, orders[1], done[0], with.frames, [&pieces, &bytes](int fd) {
        msghdr message{};
        message.msg_iov = pieces.data();
        message.msg_iovlen = pieces.size();
        if (sendmsg(fd, &message, MSG_NOSIGNAL) != ssize_t(bytes.size()))
          fail("sendmsg");
      });
  std::string why;
  double uring = 0;
  if (auto sender = natterjack::bench::make_batch_sender(pairs.near, why))
    uring = measure_rounds(with, orders[1], done[0], 1, [&sender, &bytes, frame] {
      sender->send_to_all(bytes.data(), frame);
    });
  ::close(orders[1]);
  waitpid(child, nullptr, 0);

  std::printf("{\"mode\": \"floor\", \"receivers\": %d, \"frame_bytes\": %d, \"frames\": %d, "
              "\"single_us_per_frame\": %.3f, \"joined_us_per_frame\": %.3f, "
              "\"gather_us_per_frame\": %.3f",
              with.receivers, with.frame_bytes, with.frames, single, joined, gather);
  if (uring > 0)
    std::printf(", \"uring_us_per_frame\": %.3f", uring);
  std::printf("}\n");
  std::fprintf(stderr,
               "  one send() for each frame     %.3f us CPU a frame\n"
               "  one send() for %4d frames    %.3f us CPU a frame\n"
               "  one sendmsg() for %4d frames %.3f us CPU a frame\n",
               single, with.frames, joined, with.frames, gather);
  if (uring > 0)
    std::fprintf(stderr, "  one send() each, by io_uring  %.3f us CPU a frame\n", uring);
  else
    std::fprintf(stderr, "  io_uring left out: %s\n", why.c_str());
}

} // namespace

int main(int argc, char** argv) {
  try {
    run(parse_options(argc, argv));
    return 0;
  } catch (const usage_error& e) {
    std::fprintf(stderr, "natterjack_floor: %s\n", e.what());
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "natterjack_floor: %s\n", e.what());
    return 1;
  }
}
